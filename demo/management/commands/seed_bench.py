"""`seed_bench`: many invented charts, fast, for the benchmarks."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from demo import bulk, staff


class Command(BaseCommand):
    help = "Add invented patients and documents in bulk, for measurements. Never where real patients are."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--patients", type=int, default=10_000)
        parser.add_argument("--documents", type=int, default=10_000)
        parser.add_argument("--seed", type=int, default=7)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            staff.check_is_wanted()
        except staff.NotHere as refused:
            raise CommandError(str(refused)) from refused
        bulk.load(
            patients=options["patients"],
            documents=options["documents"],
            seed=options["seed"],
            today=timezone.localdate(),
            say=lambda text: self.stdout.write(f"Bench data: {text}"),
        )
