"""`audit_verify`: is the log whole? Exit 0 when it is, 1 with the first bad event named."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.archiving import services as archiving
from audit.archiving.places import NoPlace
from audit.proof import keys, offline_verifier, verifying
from audit.proof.checkpoints import known


class Command(BaseCommand):
    help = "Check every event and every seal of the log; with checkpoints kept elsewhere also its end."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from-epoch", type=int, default=1)
        parser.add_argument("--to-epoch", type=int)
        parser.add_argument("--checkpoints", help="a file of checkpoints that was kept off this machine")
        parser.add_argument("--known", help='a printed checkpoint: "NUMBER FINGERPRINT"')
        parser.add_argument("--archives", action="store_true", help="read the files of archived months too")
        parser.add_argument(
            "--file", help="check this file of an archived month instead; no database is asked"
        )
        parser.add_argument(
            "--keys", action="store_true", help="only print the public keys, as the settings take them"
        )
        parser.add_argument("--key", default="", help="with --file: the public key (base64) you trust")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["keys"]:
            for key_id in reversed(keys.order()):
                self.stdout.write(f"{key_id}:{keys.public_text(key_id)}")
            return
        if options["file"]:
            self._file(options["file"], options["key"])
            return
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
        if result.stamps:
            self.stdout.write(f"{result.stamps} time-stamps of an outside authority checked.")
        if result.stamps_unchecked:
            self.stdout.write(
                f"{result.stamps_unchecked} time-stamps not checked: CHARTROOM_TSA_CA_FILE says nobody to trust."
            )
        for name, events in result.archived.items():
            self.stdout.write(f"{events} events archived in {name}.")
        if result.first_bad:
            raise CommandError(f"{result.first_bad.kind}: {result.first_bad.text}", returncode=1)
        if options["archives"]:
            self._archives()
        self.stdout.write("The log is whole.")

    def _archives(self) -> None:
        try:
            for row in archiving.check_files():
                self.stdout.write(f"{row.name}: {row.events} events, all as they were sealed.")
        except (archiving.NotArchived, NoPlace) as bad:
            raise CommandError(f"archive: {bad}", returncode=1) from bad

    def _file(self, path: str, trusted: str) -> None:
        try:
            archive, problem = offline_verifier.check_archive(path, trusted, archiving.is_signed)
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error}") from error
        for key in sorted(archive.keys):
            is_ours = archiving.public_key_is_ours(key)
            self.stdout.write(f"Signed with the public key {key}{', a key of ours' if is_ours else ''}.")
            if not trusted and not is_ours and archiving.has_keys():
                problem = problem or "The file is signed with a key that nobody here knows."
        if problem:
            raise CommandError(problem, returncode=1)
        self.stdout.write(f"{archive.count} events of {archive.month}: all as they were sealed.")
