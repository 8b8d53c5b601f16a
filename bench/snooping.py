"""A year of a hospital with snooping planted in it: how much of it stands in the top 100 of its week's list.

Limits: ≥ 90 % of the planted in the top 100 of their week; precision at 50 ≥ 0.5; ≥ 95 % of the honest accesses
explained. One person in a hundred snoops each week, which is fewer than 50 in a house of 2,000: in a week with n < 50
planted, precision is taken at n.

    SNOOPING_STAFF=2000 SNOOPING_WEEKS=52 SNOOPING_SEED=11 ./chartroom bench snooping

SNOOPING_NOISE=2 has twice as much honest work leave nothing that explains it, SNOOPING_TELL=1 prints what stood too
low. The first four weeks teach what is usual and are left out. Seeds below 10 were used while the weights were set:
figures that mean something come from others.
"""

import os
import time

from _measure import Verdict, setup_django

setup_django()

from _snooping.hospital import Hospital  # noqa: E402
from _snooping.measure import last_monday, watched  # noqa: E402
from django.conf import settings  # noqa: E402

STAFF = int(os.environ.get("SNOOPING_STAFF", "400"))
WEEKS = int(os.environ.get("SNOOPING_WEEKS", "12"))
SEED = int(os.environ.get("SNOOPING_SEED", "11"))
NOISE = float(os.environ.get("SNOOPING_NOISE", "1"))
LEARNING = 4
MOST_SECONDS = 600  # for a week of 500,000 accesses


def say(text: str) -> None:
    """At once, also into a file."""
    print(text, flush=True)


def main() -> int:
    if not settings.DEMO:
        raise SystemExit("Only for an instance of its own: it fills the log with invented people.")
    started = time.perf_counter()
    hospital = Hospital(SEED, staff=STAFF, weeks=WEEKS, first=last_monday(WEEKS), noise=NOISE)
    score = watched(hospital, learning=LEARNING, tell=say, verbose=bool(os.environ.get("SNOOPING_TELL")))
    took = time.perf_counter() - started
    print(f"seed {SEED}, {STAFF} staff, {WEEKS} weeks, noise {NOISE:g}: {took:.0f} s, {score.watched} looks")
    for kind, (found, planted) in sorted(score.kinds.items()):
        print(f"   {kind:<16} {found:5} of {planted:5} in the top 100")
    verdict = Verdict()
    verdict.amount("planted, not in the top 100", 100 * (1 - score.recall), "%", most=10)
    print(f"of the first 50 rows of each week {100 * score.share_of_50:.0f} % planted")
    verdict.amount("not planted, of the first 50 or fewer", 100 * (1 - score.precision), "%", most=50)
    verdict.amount("honest accesses that nothing explains", 100 * (1 - score.explained), "%", most=5)
    verdict.amount("watching 500,000 looks", score.seconds * 500_000 / score.watched, "s", most=MOST_SECONDS)
    return verdict.exit()


if __name__ == "__main__":
    raise SystemExit(main())
