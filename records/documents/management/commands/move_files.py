"""Copy every stored file to another place, encrypted as it is; the settings then say that place."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from audit.services import record
from records.documents.models import Blob
from records.documents.sealed import VaultError
from records.documents.storage import vault, vault_at


class Command(BaseCommand):
    help = (
        "Copies every stored file from CHARTROOM_STORAGE to another folder or bucket and checks each copy. Nothing is"
        " removed. Run it, stop Chartroom, run it again for what came meanwhile, set CHARTROOM_STORAGE, start."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", required=True, metavar="PLACE", help="a folder, or s3://bucket/prefix")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            source, target = vault(), vault_at(options["to"])
            target.check()
        except (VaultError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error
        if source is target:
            raise CommandError(f"The files lie in {source} already.")
        checked = copied = bad = 0
        for blob in Blob.objects.order_by("sha256").iterator(chunk_size=500):
            checked += 1
            try:
                copied += target.adopt(source, blob.sha256)
            except VaultError as error:
                bad += 1
                self.stderr.write(f"{blob.sha256}: {error}")
        with transaction.atomic():
            record(
                "file.copied",
                by=None,
                actor="system:command",
                outcome="failed" if bad else "success",
                detail={
                    "from": str(source),
                    "to": str(target),
                    "files": checked,
                    "copied": copied,
                    "bad": bad,
                },
            )
        self.stdout.write(
            f"{checked} files: {copied} copied to {target}, {checked - copied - bad} there already, {bad} bad."
        )
        if bad:
            raise CommandError(f"{bad} files could not be copied. Keep CHARTROOM_STORAGE as it is.")
