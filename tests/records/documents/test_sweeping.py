"""Files that belong to nothing go; files that somebody has, or is just getting, stay."""

import os
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from unittest.mock import patch

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from accounts.models import User
from audit.services import record
from common.errors import Unavailable
from patients.models import Patient
from records.documents import drawers, files, tasks
from records.documents.models import Blob, Document
from records.documents.sealed import VaultError
from records.documents.services import sweeping
from records.documents.services.importing import KeptFile, ReadDocument, ReadPage, import_read_documents
from records.documents.services.sweeping import sweep_files
from records.documents.storage import vault
from tests.records.documents import samples
from tests.records.documents.conftest import file, work
from tests.support import events

SOON = timedelta(minutes=-1)  # whatever was stored until now counts as old
WAIT = 20.0


@pytest.fixture(params=["folder", "bucket"], autouse=True)
def own_vault(request: pytest.FixtureRequest, settings: LazySettings, tmp_path: Path) -> None:
    """A vault of the test's own, in each kind of place."""
    if request.param == "bucket":
        request.getfixturevalue("in_bucket")
    else:
        settings.STORAGE = str(tmp_path / "files")


class Undo(Exception):
    pass


def orphan(data: bytes) -> str:
    """Store a file in a transaction that is rolled back; its address."""
    address = ""

    def fails() -> None:
        nonlocal address
        with transaction.atomic():
            address = files.keep(files.stage([data], "a.pdf").staged, "application/pdf").pk
            raise Undo

    with pytest.raises(Undo):
        fails()
    assert vault().holds(address)
    assert not Blob.objects.filter(pk=address).exists()
    return address


@transaction.atomic
def keep(data: bytes) -> str:
    """Store a file for good, with an event as the database wants it; its address."""
    blob = files.keep(files.stage([data], "a.pdf").staged, "application/pdf")
    record("file.rewrapped", by=None, actor="test", about=blob)
    return blob.pk


def in_thread(act: Callable[[], object]) -> tuple[Thread, list[object]]:
    """Run `act` with a database connection of its own; what it returned or raised comes into the list."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(act())
        except Exception as error:
            outcome.append(error)
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    return thread, outcome


@pytest.mark.django_db
def test_what_a_rolled_back_transaction_stored_goes_with_an_event(clerk: User, patient: Patient) -> None:
    address = orphan(os.urandom(1000))
    document = file(clerk, patient, samples.text_pdf())
    work()
    document.refresh_from_db()
    kept = set(vault().addresses()) - {address}
    assert len(kept) == 3  # the original, its page, the page's thumbnail
    swept = sweep_files(remove=True, older_than=SOON)
    assert (swept.files, swept.removed, [file.sha256 for file in swept.unclaimed]) == (4, 1, [address])
    assert set(vault().addresses()) == kept
    (event,) = events("file.swept")
    assert event.detail["sha256"] == [address]
    assert event.detail["bytes"] == swept.removed_bytes > 1000
    assert sweep_files(remove=True, older_than=SOON).removed == 0


@pytest.mark.django_db
def test_young_files_are_left_alone() -> None:
    address = orphan(b"young")
    assert sweep_files(remove=True).unclaimed == []
    assert vault().holds(address)
    assert not events("file.swept")


@pytest.mark.django_db
def test_a_dry_run_removes_nothing() -> None:
    address = orphan(b"orphan")
    swept = sweep_files(remove=False, older_than=SOON)
    assert ([file.sha256 for file in swept.unclaimed], swept.removed) == ([address], 0)
    assert vault().holds(address)
    assert not events("file.swept")


@pytest.mark.django_db
def test_a_database_that_knows_too_little_removes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an older backup was restored, the newest files have no row. They must not go."""
    monkeypatch.setattr(sweeping, "MANY_FILES", 2)
    addresses = {orphan(bytes([number])) for number in range(3)}
    swept = sweep_files(remove=True, older_than=SOON)
    assert (swept.removed, len(swept.unclaimed)) == (0, 3)
    assert "is this the right database" in swept.refusal
    assert set(vault().addresses()) == addresses
    (event,) = events("file.sweep_refused")
    assert (event.outcome, event.detail["unclaimed"]) == ("failed", 3)
    assert sweep_files(remove=True, older_than=SOON, even_many=True).removed == 3


@pytest.mark.django_db
def test_many_among_very_many_are_no_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "MANY_FILES", 2)
    monkeypatch.setattr(sweeping, "MANY_SHARE", 0.6)
    for number in range(3):
        orphan(bytes([number]))
        files.keep(files.stage([bytes([100 + number])], "b.pdf").staged, "application/pdf")
    assert sweep_files(remove=True, older_than=SOON).removed == 3


@pytest.mark.django_db
def test_a_storage_that_fails_in_the_middle_is_said_and_the_rest_waits() -> None:
    """The event names what went, and nothing else."""
    found = sorted([orphan(data) for data in _of_one_drawer(2)])
    remove = vault().remove

    def fails_second(sha256: str) -> None:
        if sha256 != first:
            raise VaultError("The storage does not answer.")
        remove(sha256)

    first = sweep_files(remove=False, older_than=SOON).unclaimed[0].sha256
    with patch.object(vault(), "remove", side_effect=fails_second):
        assert sweep_files(remove=True, older_than=SOON).removed == 1
    assert list(vault().addresses()) == [address for address in found if address != first]
    (event,) = events("file.swept")
    assert event.detail["sha256"] == [first]


def _of_one_drawer(count: int) -> list[bytes]:
    """Contents whose addresses share a drawer."""
    import hashlib

    contents = (str(number).encode() for number in range(100_000))
    same = (data for data in contents if hashlib.sha256(data).hexdigest().startswith("00"))
    return [next(same) for _ in range(count)]


@pytest.mark.django_db
def test_the_clock_sweeps_and_a_storage_that_is_away_stops_nobody(settings: LazySettings) -> None:
    orphan(b"young")
    tasks.sweep()
    with patch.object(type(vault()), "listing", side_effect=VaultError("away")):
        tasks.sweep()
    with patch.object(type(vault()), "sweep", side_effect=VaultError("away")):
        tasks.tidy()


@pytest.mark.django_db
def test_the_command_shows_first_and_removes_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    address = orphan(b"orphan")
    out = StringIO()
    call_command("sweep_files", stdout=out)
    assert "1 files, 0 of them belong to nothing; 0 removed" in out.getvalue()
    with pytest.raises(CommandError, match="younger than an hour"):
        call_command("sweep_files", "--remove", "--hours", "0", stdout=out)
    call_command("sweep_files", "--hours", "-1", stdout=out)
    assert address in out.getvalue()
    assert vault().holds(address)
    monkeypatch.setattr(sweeping, "MANY_FILES", 0)
    with patch("django.utils.timezone.now", return_value=sweeping.timezone.now() + timedelta(hours=25)):
        with pytest.raises(CommandError, match="right database"):
            call_command("sweep_files", "--remove", stdout=out)
        assert vault().holds(address)
        call_command("sweep_files", "--remove", "--even-many", stdout=out)
    assert not vault().holds(address)


@pytest.mark.django_db
def test_an_import_finds_out_when_its_files_were_swept(clerk: User, patient: Patient) -> None:
    store = vault()
    address = store.put(b"drawn elsewhere")
    kept = KeptFile(address, 15, "application/pdf", store.keyring.current)
    page = ReadPage(kept, kept, 60, 80, "text")
    given = ReadDocument(kept, "a.pdf", "18842-5", "Letter", date(2026, 3, 1), [page])
    sweep_files(remove=True, older_than=SOON)
    with pytest.raises(Unavailable, match="missing"):
        import_read_documents(by=clerk, patient_id=patient.pk, documents=[given])
    assert not Document.objects.filter(patient=patient).exists()
    store.put(b"drawn elsewhere")
    import_read_documents(by=clerk, patient_id=patient.pk, documents=[given])
    assert sweep_files(remove=True, older_than=SOON).removed == 0


# -- Races, with real transactions -------------------------------------------------------------------------------


@pytest.mark.committed
@pytest.mark.usefixtures("committed")
def test_what_somebody_is_storing_again_is_not_swept() -> None:
    """The file lies there from failed work; its new row is not visible yet when the sweeper comes."""
    data = os.urandom(500)
    address = orphan(data)
    with transaction.atomic():
        keep(data)
        thread, outcome = in_thread(lambda: sweep_files(remove=True, older_than=SOON).removed)
        thread.join(WAIT)
        assert outcome == [0]
        assert vault().holds(address)
    thread, outcome = in_thread(lambda: sweep_files(remove=True, older_than=SOON).removed)
    thread.join(WAIT)
    assert outcome == [0]
    assert vault().verify(address) == len(data)


@pytest.mark.committed
@pytest.mark.usefixtures("committed")
def test_who_comes_while_it_is_swept_stores_it_anew() -> None:
    """The sweeper has made sure that nobody wants the file; just then somebody stores the same content."""
    data = os.urandom(500)
    address = orphan(data)
    sweeper_is_at_it, storer_has_come = Signal(), Signal()
    remove = vault().remove

    def slow(sha256: str) -> None:
        sweeper_is_at_it.set()
        assert storer_has_come.wait(WAIT)
        remove(sha256)

    with patch.object(vault(), "remove", side_effect=slow):
        sweeper, swept = in_thread(lambda: sweep_files(remove=True, older_than=SOON).removed)
        assert sweeper_is_at_it.wait(WAIT)
        storer, stored = in_thread(lambda: keep(data))
        storer.join(0.5)
        assert storer.is_alive()  # it waits for the drawer
        storer_has_come.set()
        sweeper.join(WAIT)
        storer.join(WAIT)
    assert (swept, stored) == ([1], [address])
    assert vault().verify(address) == len(data)


@pytest.mark.committed
@pytest.mark.usefixtures("committed")
def test_a_row_that_came_after_the_list_was_made_saves_its_file() -> None:
    """Between looking through the vault and emptying the drawer somebody has stored it and is done."""
    data = os.urandom(500)
    address = orphan(data)
    take = drawers.take

    def late(drawer: int) -> bool:
        thread, outcome = in_thread(lambda: keep(data))
        thread.join(WAIT)
        assert outcome == [address]
        return take(drawer)

    with patch.object(drawers, "take", side_effect=late):
        assert sweep_files(remove=True, older_than=SOON).removed == 0
    assert vault().verify(address) == len(data)
