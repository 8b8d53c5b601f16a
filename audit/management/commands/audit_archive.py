"""`audit_archive`: take an old month out of the log's table into one file that proves itself; or list the months."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.archiving import ledger, services
from audit.archiving.months import Month, in_table
from audit.archiving.places import NoPlace
from audit.proof import keys


def month_of(text: str) -> Month:
    """The month that was typed. Raises CommandError."""
    try:
        return Month.from_text(text)
    except ValueError as error:
        raise CommandError(str(error)) from error


class Command(BaseCommand):
    help = (
        "Archive a month of the log that is old enough; without a month, say how each stands. For the owner."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--month", help="2015-03")
        parser.add_argument(
            "--copy-to",
            help="a folder: write the file of that archived month there in the clear, and the script that checks it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["month"]:
            self._list()
            return
        month = month_of(options["month"])
        try:
            if options["copy_to"]:
                for path in services.copy_out(month, Path(options["copy_to"])):
                    self.stdout.write(f"Written: {path}")
                return
            row = services.archive(month, said=self.stdout.write)
        except (services.NotArchived, NoPlace, FileExistsError) as refused:
            raise CommandError(str(refused)) from refused
        except keys.NoKey:
            raise CommandError(
                "There is no seal key (CHARTROOM_SEAL_KEYS), so nothing can be signed."
            ) from None
        self.stdout.write(f"{row.events} events of {month} are archived in {row.name}, in {row.place}.")

    def _list(self) -> None:
        stands = {row.month: row for row in ledger.newest()}
        for month in sorted({*stands, *in_table()}):
            row = stands.get(month)
            if row and row.state == ledger.ARCHIVED:
                self.stdout.write(f"{month}  archived  {row.events} events in {row.name}, in {row.place}")
            else:
                self.stdout.write(f"{month}  in the table, may be archived from {month.free_from:%Y-%m-%d}")
