"""`audit_redraw [PERIOD …]`: is a signed review's sample the one that its seed draws? Exit 0 when it is, else 1."""

import re
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.review import signoff_queries
from audit.review.models import PeriodKind, SignOff
from audit.review.services import redrawing
from common.errors import WrongMove

MONTH, QUARTER = re.compile(r"(\d{4})-(0[1-9]|1[0-2])"), re.compile(r"(\d{4})-[Qq]([1-4])")
CANNOT_TELL = 2


def review_of(period: str) -> SignOff:
    """The review of `2026-11` or `2026-Q4`. Raises CommandError."""
    if found := MONTH.fullmatch(period):
        kind, start = PeriodKind.MONTH, date(int(found[1]), int(found[2]), 1)
    elif found := QUARTER.fullmatch(period):
        kind, start = PeriodKind.QUARTER, date(int(found[1]), 3 * int(found[2]) - 2, 1)
    else:
        raise CommandError(
            f"{period} is no period. A month is 2026-11, a quarter 2026-Q4.", returncode=CANNOT_TELL
        )
    sign_off = SignOff.objects.filter(kind=kind, starts_on=start).first()
    if sign_off is None:
        raise CommandError(f"There is no review of {period}.", returncode=CANNOT_TELL)
    return sign_off


class Command(BaseCommand):
    help = "Draw the samples of signed reviews again, all or those named, and say whether they are the same."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "periods", nargs="*", metavar="PERIOD", help="a month (2026-11) or a quarter (2026-Q4)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [review_of(period) for period in options["periods"]]
        if not options["periods"]:
            rows = list(signoff_queries.signed().order_by("starts_on", "kind"))
        if not rows:
            self.stdout.write("No review is signed yet.")
        others, untold = 0, 0
        for sign_off in rows:
            try:
                redrawn = redrawing.redraw(sign_off)
            except WrongMove as refused:
                self.stderr.write(refused.message)
                untold += 1
                continue
            self._say(redrawn)
            others += not redrawn.is_same
        if others:
            raise CommandError(f"{others} of {len(rows)} samples are not the same.", returncode=1)
        if untold:
            raise CommandError(
                f"{untold} of {len(rows)} samples could not be drawn again.", returncode=CANNOT_TELL
            )

    def _say(self, redrawn: redrawing.Redrawn) -> None:
        sign_off = redrawn.sign_off
        verdict = "the same sample" if redrawn.is_same else "NOT the same sample"
        self.stdout.write(
            f"{sign_off.period}: {verdict}. {sign_off.sample.count()} of {redrawn.pool} drawn by chance among"
            f" {sign_off.population} accesses, seed {sign_off.seed}."
        )
        for line in (*redrawn.differences, *redrawn.notes):
            self.stdout.write(f"  {line}")
