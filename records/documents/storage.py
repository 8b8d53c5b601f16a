"""The hospital's vault, as the settings describe it."""

from functools import cache
from pathlib import Path

from django.conf import settings

from common.keyring import Keyring
from records.documents.bucket import BucketShelf, Server
from records.documents.folder import FolderShelf
from records.documents.shelf import Shelf
from records.documents.vault import Vault

S3 = "s3://"


def vault() -> Vault:
    """The vault at STORAGE under MASTER_KEYS."""
    return vault_at(settings.STORAGE)


def vault_at(place: str) -> Vault:
    """A vault under MASTER_KEYS in a folder, or in a bucket (s3://bucket/prefix) of the S3 server in the settings."""
    return _vault_at(place, tuple(settings.MASTER_KEYS.items()))


@cache
def _vault_at(place: str, keys: tuple[tuple[str, bytes], ...]) -> Vault:
    return Vault(_shelf_at(place), Keyring(dict(keys)))


def _shelf_at(place: str) -> Shelf:
    if not place.startswith(S3):
        return FolderShelf(Path(place))
    bucket, _, prefix = place.removeprefix(S3).partition("/")
    server = Server(
        bucket=bucket,
        prefix=prefix.strip("/"),
        endpoint=settings.S3_ENDPOINT,
        region=settings.S3_REGION,
        access_key=settings.S3_ACCESS_KEY,
        secret_key=settings.S3_SECRET_KEY,
    )
    return BucketShelf(server, Path(settings.STAGING_DIR))
