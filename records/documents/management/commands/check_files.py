"""Verify stored files against their addresses, and move what is sealed to the current master key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.services import reseal
from audit.services import record
from records.documents.models import Blob
from records.documents.sealed import VaultError
from records.documents.storage import vault


class Command(BaseCommand):
    help = (
        "Reads every stored file and compares it with its hash. --rewrap also moves it to the current master key,"
        " and second factors' secrets, drafts and links that wait to be mailed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--rewrap",
            action="store_true",
            help="wrap each file's key, and seal each secret, with the current master key",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        store, bad, moved, checked = vault(), 0, 0, 0
        for blob in Blob.objects.order_by("sha256").iterator(chunk_size=500):
            checked += 1
            try:
                if store.verify(blob.sha256) != blob.size_bytes:
                    raise VaultError("The stored file has another size than its row says.")
                if options["rewrap"] and store.rewrap(blob.sha256):
                    _note_key(blob, store.keyring.current)
                    moved += 1
            except VaultError as error:
                bad += 1
                self.stderr.write(f"{blob.sha256}: {error}")
        self.stdout.write(
            f"{checked} files checked, {bad} bad, {moved} moved to the key {store.keyring.current}."
        )
        unsealed = self._reseal() if options["rewrap"] else 0
        if bad:
            raise CommandError(f"{bad} files are damaged or missing. Restore them from the backup.")
        if unsealed:
            raise CommandError(
                f"No key opens {unsealed} secrets. Give back the key they lie under before another is removed."
            )

    def _reseal(self) -> int:
        """Move the sealed secrets too; returns how many no key opens."""
        done = reseal()
        for line in done.bad:
            self.stderr.write(line)
        self.stdout.write(f"{done.checked} sealed secrets, {len(done.bad)} bad, {done.moved} moved.")
        return len(done.bad)


@transaction.atomic
def _note_key(blob: Blob, key_id: str) -> None:
    Blob.objects.filter(pk=blob.pk).update(key_id=key_id)
    record("file.rewrapped", by=None, actor="system:command", about=blob, detail={"key": key_id})
