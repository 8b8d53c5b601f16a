"""`audit_moved`: say that the database was lawfully moved to another cluster, so that the proof of the log goes on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.proof import keys, moving


class Command(BaseCommand):
    help = "After pg_dump and restore, or pg_upgrade: check what was brought here and carry the chain of seals over."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="why it was moved; kept in the log")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            epoch = moving.carry_over(why=options["reason"])
        except keys.NoKey:
            raise CommandError(
                "There is no seal key (CHARTROOM_SEAL_KEYS), so nothing can be signed."
            ) from None
        except moving.NotMoved as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"The log goes on in this cluster; epoch {epoch.n} says so.")
