"""`seed_demo`: the demonstration hospital."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date

from demo import loading, staff


class Command(BaseCommand):
    help = "Load the demonstration hospital. Safe to run again: it makes what is not there yet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--patients", type=int, default=200)
        parser.add_argument("--documents", type=int, default=1000)
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--today", help="the day the hospital lives in, 2026-01-31; today unless given")
        parser.add_argument("--if-empty", action="store_true", help="do nothing where other patients are")
        parser.add_argument("--accounts-only", action="store_true", help="make the accounts and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            staff.check_is_wanted()
        except staff.NotHere as refused:
            raise CommandError(str(refused)) from refused
        if options["accounts_only"]:
            made = staff.make_accounts()
            self.stdout.write(f"{made} demonstration accounts made.")
            return
        if options["patients"] < 1 or options["documents"] < 0:
            raise CommandError("At least one patient, and no fewer than no documents.")
        if options["if_empty"] and loading.is_somebody_elses():
            self.stdout.write("There are patients here already: nothing was loaded.")
            return
        today = parse_date(options["today"]) if options["today"] else timezone.localdate()
        if today is None:
            raise CommandError("--today must be a day like 2026-01-31.")
        loading.load(
            patients=options["patients"],
            documents=options["documents"],
            seed=options["seed"],
            today=today,
            say=self._say,
        )
        self._say("The demonstration hospital is ready.")

    def _say(self, text: str) -> None:
        self.stdout.write(f"Demonstration: {text}")
        self.stdout.flush()
