"""`import_patients FILE.csv`: register the people of a former system (API.md)."""

from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services import service_account
from patients.imports import BadList, encoding_of, rows_of
from patients.services.importing import Report, import_people

BATCH = 500


class Command(BaseCommand):
    help = "Register the people listed in a CSV file. Reading the same file again adds nobody twice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            encoding = encoding_of(path)
        except OSError as fault:
            raise CommandError(f"{path} cannot be read: {fault.strerror}.") from fault
        if encoding == "cp1252":
            self.stdout.write("The file is not UTF-8; it was read as Windows-1252. Look at accented names.")
        by = service_account("import")
        report = Report()
        rows = rows_of(path, encoding)
        try:
            while batch := list(islice(rows, BATCH)):
                import_people(by=by, rows=batch, report=report)
        except BadList as fault:
            raise CommandError(str(fault)) from fault
        told = [(line, f"refused: {why}") for line, why in report.refused]
        told += [(line, f"skipped: {why}") for line, why in report.skipped]
        told += [(line, f"note: {why}") for line, why in report.notes]
        for line, words in sorted(told):
            self.stdout.write(f"line {line}: {words}")
        self.stdout.write(
            f"Imported {report.imported:,}; refused {len(report.refused):,}; "
            f"skipped {len(report.skipped):,} that are in the index already."
        )
