"""An evidence bundle is checked by bare Python in another folder, and fails after one changed byte."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import LazySettings
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.models import Event
from audit.proof import bundle, keys, offline_verifier
from audit.services import record
from common.ids import uuid7
from tests.audit.proof.waiting import seal_everything

NASTY = 'quo"te; 5:abc [x] é\n\N{RIGHT-TO-LEFT OVERRIDE}'


@pytest.fixture
def folder(committed: None, tmp_path: Path, settings: LazySettings) -> Path:
    """An unpacked bundle of three sealed events."""
    settings.SEAL_KEYS = {"new": b"2" * 32}
    patient = uuid7()
    for _ in range(3):
        with transaction.atomic():
            record(
                "patient.viewed", by=None, actor="bundle", patient=patient, reason=NASTY, detail={"q": NASTY}
            )
    seal_everything()
    ids = Event.objects.filter(patient_id=patient).values_list("id", flat=True)
    data, unsealed = bundle.build(ids)
    assert unsealed == 0
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path)
    return tmp_path


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The shipped script under a Python that sees no package of ours."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.committed
def test_a_bundle_proves_itself(folder: Path) -> None:
    done = run(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 events: all as they were sealed." in done.stdout
    assert keys.public_text("new") in done.stdout
    assert run(folder, "--key", keys.public_text("new")).returncode == 0


@pytest.mark.committed
@pytest.mark.parametrize("name", ["README.txt", "bundle.json", "events.jsonl", "verify.py", "SHA256SUMS"])
def test_one_changed_byte_of_any_file_is_found(name: str, folder: Path) -> None:
    """Of a file that no signature covers too: a comment, a space, the time of making."""
    path = folder / name
    whole = path.read_bytes()
    if name == "events.jsonl":
        places = [whole.index(b'["R"') + 2] if b'["R"' in whole else [whole.index(b'["L"') + 2]
    else:
        places = [0, len(whole) // 2, len(whole) - 1]
    if name == "bundle.json":
        places.append(whole.index(b"made_at") + 12)
    if name == "verify.py":
        places = [whole.index(b"# ") if b"# " in whole else 0, whole.index(b"Check evidence") + 3]
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        done = run(folder)
        assert done.returncode != 0, (name, place, done.stdout)
    path.write_bytes(whole)
    assert run(folder).returncode == 0


@pytest.mark.committed
def test_another_key_is_not_trusted(folder: Path) -> None:
    assert run(folder, "--key", "A" * 43 + "=").returncode == 1


@pytest.mark.committed
@pytest.mark.parametrize("field", ["actor", "reason", "at", "patient_id"])
def test_a_changed_readable_field_is_found(field: str, folder: Path) -> None:
    path = folder / "events.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[1]["fields"][field] = "x"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run(folder)
    assert done.returncode == 1
    assert f"Event {lines[1]['id']} reads otherwise" in done.stdout


@pytest.mark.committed
def test_one_changed_byte_of_the_sealed_text_is_found(folder: Path) -> None:
    path = folder / "events.jsonl"
    text = path.read_text()
    path.write_text(text.replace("bundle", "bundlE", 2))
    assert run(folder).returncode == 1


@pytest.mark.committed
def test_a_removed_event_and_a_changed_epoch_are_found(folder: Path) -> None:
    path = folder / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[1:]))
    assert "says 3 events and holds 2" in run(folder).stdout
    path.write_text("".join(lines))
    about = json.loads((folder / "bundle.json").read_text())
    about["epochs"][0]["message"] = about["epochs"][0]["message"].replace("\n", "\n9", 1)
    (folder / "bundle.json").write_text(json.dumps(about))
    assert "signature of epoch" in run(folder).stdout


@settings(max_examples=12, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 63))
def test_our_written_out_ed25519_agrees_with_the_library(seed: bytes, message: bytes, place: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert offline_verifier.is_signed(public, message, signature)
    broken = bytearray(signature)
    broken[place] ^= 1
    assert not offline_verifier.is_signed(public, message, bytes(broken))
    assert not offline_verifier.is_signed(public, message + b"x", signature)
