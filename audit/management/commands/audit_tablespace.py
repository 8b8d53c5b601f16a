"""`audit_tablespace`: move months of the log, with their indexes, to the tablespace that the settings name."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from audit.archiving import tablespaces
from audit.management.commands.audit_archive import month_of


class Command(BaseCommand):
    help = "Move past months of the log to CHARTROOM_LOG_TABLESPACE. For the owner."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--month", help="2015-03")
        which.add_argument("--all", action="store_true", help="every month that is over")

    def handle(self, *args: Any, **options: Any) -> None:
        months = [month_of(options["month"])] if options["month"] else tablespaces.past_months()
        for month in months:
            try:
                moved = tablespaces.move(month, settings.LOG_TABLESPACE)
            except tablespaces.NotMovable as refused:
                raise CommandError(str(refused)) from refused
            except DatabaseError as error:
                raise CommandError(f"{month} stays where it is: {error}".strip()) from error
            where = settings.LOG_TABLESPACE or "the database's own tablespace"
            self.stdout.write(f"{month}: {'moved to' if moved else 'is already in'} {where}.")
