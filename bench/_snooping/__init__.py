"""A hospital's year as its log would tell it, with snooping planted in it, and how much of it the watch finds.

The hospital is drawn from a seed: people, families, homes, units, shifts, stays, consults, requests, filing, and honest
noise: namesakes, colleagues as patients, overtime, nights taken over, work in other units, wrong clicks, telephone
questions, backlogs. It knows no rule of the watch and none of its numbers; it plants what people are said to do.

- `people`: who lives in the town, who works in the hospital, their families
- `hospital`: units and beds, who comes and goes
- `seat`: what somebody at her desk leaves in the log
- `work`: honest work
- `planted`: snooping
- `year`: the weeks, honest work and snooping together
- `filling`: all of it into the database
- `measure`: the watch is asked, and what it found is counted
"""
