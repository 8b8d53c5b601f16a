"""`audit_verify`: is the log whole? Exit 0 when it is, 1 with the first bad event named."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.proof import verifying
from audit.proof.checkpoints import known


class Command(BaseCommand):
    help = "Check every event and every seal of the log; with checkpoints kept elsewhere also its end."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from-epoch", type=int, default=1)
        parser.add_argument("--to-epoch", type=int)
        parser.add_argument("--checkpoints", help="a file of checkpoints that was kept off this machine")
        parser.add_argument("--known", help='a printed checkpoint: "NUMBER FINGERPRINT"')

    def handle(self, *args: Any, **options: Any) -> None:
        checkpoints: list[dict[str, Any]] = []
        if options["checkpoints"]:
            try:
                text = Path(options["checkpoints"]).read_text()
                checkpoints = verifying.read_checkpoints(text)
            except (OSError, ValueError) as error:
                raise CommandError(f"The checkpoints cannot be read: {error}") from error
        if options["known"]:
            try:
                checkpoints.append(known(options["known"]))
            except ValueError as error:
                raise CommandError(str(error)) from error
        first, last = max(1, options["from_epoch"]), options["to_epoch"]
        result = verifying.verify(checkpoints=checkpoints, first=first, last=last)
        self.stdout.write(
            f"{result.checked} events in {result.epochs} epochs checked, {result.unsealed} not sealed yet;"
            f" sealed through {result.sealed_through or 'nothing'}."
        )
        if result.first_bad:
            raise CommandError(f"{result.first_bad.kind}: {result.first_bad.text}", returncode=1)
        self.stdout.write("The log is whole.")
