"""Commands that look after files."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from common.keyring import Keyring
from records.documents.management.commands import check_files
from records.documents.models import Blob, Document
from records.documents.storage import vault
from records.documents.vault import Vault
from tests.records.documents import samples
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
