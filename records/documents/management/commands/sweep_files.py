"""Show, and with --remove remove, stored files that nothing refers to."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from records.documents.sealed import VaultError
from records.documents.services.sweeping import sweep_files


class Command(BaseCommand):
    help = (
        "Lists stored files that no document, page, release or evidence refers to: work that failed left them."
        " The worker removes those older than a day by itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--remove", action="store_true", help="remove them")
        parser.add_argument("--hours", type=int, default=24, help="only those older than this (24)")
        parser.add_argument(
            "--even-many",
            action="store_true",
            help="remove them even where they are suspiciously many, as after restoring an older database",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"] and options["hours"] < 1:
            raise CommandError(
                "Files younger than an hour may still get their row: --hours must be 1 or more."
            )
        try:
            sweep = sweep_files(
                remove=options["remove"],
                older_than=timedelta(hours=options["hours"]),
                even_many=options["even_many"],
            )
        except VaultError as error:
            raise CommandError(str(error)) from error
        for file in sweep.unclaimed:
            self.stdout.write(f"{file.sha256}  {file.size_bytes:>12}  {file.since:%Y-%m-%d %H:%M}")
        self.stdout.write(
            f"{sweep.files} files, {len(sweep.unclaimed)} of them belong to nothing; {sweep.removed} removed,"
            f" {sweep.removed_bytes} bytes."
        )
        if sweep.refusal:
            raise CommandError(sweep.refusal)
