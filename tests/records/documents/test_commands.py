"""Commands that look after files."""

import os
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from accounts.models import User
from common.keyring import Keyring
from patients.models import Patient
from records.documents import files
from records.documents.bucket import PART_BYTES
from records.documents.management.commands import check_files
from records.documents.models import Blob, Document
from records.documents.storage import vault, vault_at
from records.documents.vault import Vault
from tests.records.documents import s3, samples
from tests.records.documents.conftest import file, work
from tests.records.documents.lying import raw, write_raw
from tests.support import events


def test_a_corpus_is_read_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "good.pdf").write_bytes(samples.text_pdf())
    (tmp_path / "locked.pdf").write_bytes(samples.encrypted_pdf("secret"))
    (tmp_path / "page.html").write_bytes(b"<html>")
    (tmp_path / "bomb.png").write_bytes(samples.bomb_png())
    out = StringIO()
    call_command("check_corpus", str(tmp_path), stdout=out)
    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["partly", "read", "unread", "refused"]
    assert lines[4] == "1 partly, 1 read, 1 refused, 1 unread"
    with pytest.raises(CommandError, match="no folder"):
        call_command("check_corpus", str(tmp_path / "nowhere"))


def test_stored_files_are_verified_and_the_damaged_one_is_named(filed: Document) -> None:
    out, err = StringIO(), StringIO()
    call_command("check_files", stdout=out)
    assert f"{Blob.objects.count()} files checked, 0 bad" in out.getvalue()
    address = filed.current.blob_id  # type: ignore[union-attr]
    whole = raw(vault(), address)
    write_raw(vault(), address, whole[:-1])
    with pytest.raises(CommandError, match="1 files are damaged"):
        call_command("check_files", stdout=out, stderr=err)
    assert address in err.getvalue()
    write_raw(vault(), address, whole)


def test_files_move_to_a_new_master_key(filed: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    old = vault()
    rotated = Vault(old.shelf, Keyring({"next": bytes([7]) * 32, **old.keyring.keys}))
    monkeypatch.setattr(check_files, "vault", lambda: rotated)
    call_command("check_files", "--rewrap", stdout=StringIO())
    address = filed.current.blob_id  # type: ignore[union-attr]
    assert Blob.objects.get(pk=address).key_id == "next"
    only_new = Vault(old.shelf, Keyring({"next": bytes([7]) * 32}))
    assert only_new.verify(address) > 0
    assert events("file.rewrapped")
    back = Vault(old.shelf, Keyring({**old.keyring.keys, "next": bytes([7]) * 32}))
    for blob in Blob.objects.all():
        back.rewrap(blob.pk)


@pytest.fixture
def moving(
    in_bucket: s3.Bucket, settings: LazySettings, tmp_path: Path, clerk: User, patient: Patient
) -> str:
    """Files in a folder, a large one among them; where they are to go."""
    there = str(settings.STORAGE)
    settings.STORAGE = str(tmp_path / "here")
    file(clerk, patient, samples.text_pdf())
    work()
    files.keep(files.stage([os.urandom(PART_BYTES + 1)], "large.pdf").staged, "application/pdf")
    return there


def test_files_move_into_a_bucket_and_back(moving: str, settings: LazySettings, tmp_path: Path) -> None:
    """The same bytes arrive, nothing is removed, and a second run finds that all is done."""
    here, out = vault(), StringIO()
    before = {address: raw(here, address) for address in here.addresses()}
    assert len(before) == 4
    call_command("move_files", "--to", moving, stdout=out)
    assert "4 files: 4 copied to the bucket" in out.getvalue()
    call_command("move_files", "--to", moving, stdout=out)
    assert "4 files: 0 copied" in out.getvalue()
    assert set(here.addresses()) == set(before)

    settings.STORAGE = moving
    assert {address: raw(vault(), address) for address in vault().addresses()} == before
    call_command("check_files", stdout=out)
    assert "4 files checked, 0 bad" in out.getvalue()
    call_command("move_files", "--to", str(tmp_path / "back"), stdout=out)
    back = vault_at(str(tmp_path / "back"))
    assert {address: raw(back, address) for address in back.addresses()} == before
    assert [event.outcome for event in events("file.copied")] == ["success"] * 3
    assert list((tmp_path / "staging").iterdir()) == []


def test_a_file_that_is_damaged_does_not_move(moving: str, settings: LazySettings) -> None:
    address = next(iter(vault().addresses()))
    whole = raw(vault(), address)
    write_raw(vault(), address, whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    err = StringIO()
    with pytest.raises(CommandError, match="1 files could not be copied"):
        call_command("move_files", "--to", moving, stdout=StringIO(), stderr=err)
    assert address in err.getvalue()
    settings.STORAGE = moving
    assert address not in set(vault().addresses())
    (event,) = events("file.copied")
    assert (event.outcome, event.detail["copied"], event.detail["bad"]) == ("failed", 3, 1)


def test_files_do_not_move_to_where_they_are_or_to_nowhere(moving: str, settings: LazySettings) -> None:
    with pytest.raises(CommandError, match="already"):
        call_command("move_files", "--to", settings.STORAGE)
    with pytest.raises(CommandError, match="no such bucket"):
        call_command("move_files", "--to", "s3://no-such-bucket/x")
    assert not events("file.copied")


def test_files_in_a_bucket_move_to_a_new_master_key(moving: str, settings: LazySettings) -> None:
    call_command("move_files", "--to", moving, stdout=StringIO())
    settings.STORAGE, out = moving, StringIO()
    settings.MASTER_KEYS = {"next": bytes([7]) * 32, **settings.MASTER_KEYS}
    call_command("check_files", "--rewrap", stdout=out)
    assert "4 files checked, 0 bad, 4 moved to the key next." in out.getvalue()
    settings.MASTER_KEYS = {"next": bytes([7]) * 32}
    call_command("check_files", stdout=out)
    assert "4 files checked, 0 bad, 0 moved" in out.getvalue()
    assert set(Blob.objects.values_list("key_id", flat=True)) == {"next"}
