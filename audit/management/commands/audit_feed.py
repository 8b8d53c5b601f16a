"""`audit_feed`: how far other systems have been told of the log; or have one told again from a day on."""

from datetime import datetime, time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date

from audit.feeds import delivering


class Command(BaseCommand):
    help = "Say how far each place of CHARTROOM_FEEDS is; with --from, tell it again what was sealed since that day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("destination", nargs="?", help="one of CHARTROOM_FEEDS")
        parser.add_argument("--from", dest="since", help="a day, 2026-05-03")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["since"]:
            self._again(options["destination"], options["since"])
        for row in delivering.waiting():
            trouble = (
                f"; failing since {row.failing_since:%Y-%m-%d %H:%M}: {row.error}"
                if row.failing_since
                else ""
            )
            self.stdout.write(
                f"{row.destination}: told up to seal {row.last_n}, {row.delivered} events{trouble}"
            )

    def _again(self, destination: str | None, text: str) -> None:
        if destination not in settings.FEEDS:
            raise CommandError("Name one of CHARTROOM_FEEDS.")
        try:
            day = parse_date(text)
        except ValueError:
            day = None
        if day is None:
            raise CommandError(f"{text!r} is no day: write it as 2026-05-03.")
        delivering.begin_at(destination, timezone.make_aware(datetime.combine(day, time.min)))
