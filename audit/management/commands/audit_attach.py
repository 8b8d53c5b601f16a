"""`audit_attach`: bring an archived month back into the log's table, to be asked like any other."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.archiving import services
from audit.archiving.places import NoPlace
from audit.management.commands.audit_archive import month_of


class Command(BaseCommand):
    help = (
        "Read an archived month back, compare each event with the kept hashes, and attach it. For the owner."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--month", required=True, help="2015-03")

    def handle(self, *args: Any, **options: Any) -> None:
        month = month_of(options["month"])
        try:
            row = services.attach(month, said=self.stdout.write)
        except (services.NotArchived, NoPlace) as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(
            f"{row.events} events of {month} can be asked for again. `audit_archive` takes them out anew."
        )
