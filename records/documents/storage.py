"""The hospital's vault, as the settings describe it."""

from functools import cache
from pathlib import Path

from django.conf import settings

from common.keyring import Keyring
from records.documents.vault import Vault


@cache
def _vault_at(folder: str, key_ids: tuple[tuple[str, bytes], ...]) -> Vault:
    return Vault(Path(folder), Keyring(dict(key_ids)))


def vault() -> Vault:
    """The vault in STORAGE_DIR under MASTER_KEYS."""
    return _vault_at(str(settings.STORAGE_DIR), tuple(settings.MASTER_KEYS.items()))
