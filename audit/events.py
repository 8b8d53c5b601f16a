"""The events that belong to no room above."""

EVENTS = {
    "access.denied": ("view", "was refused"),
    "request.repeated": ("view", "was given an earlier answer again"),
    "job.failed": ("update", "a background job gave up"),
    "log.moved": ("config-change", "moved the log to another database cluster"),
    "clock.stepped": ("config-change", "the clock was set to another time"),
    "system.configured": ("config-change", "changed the system's configuration"),
}
