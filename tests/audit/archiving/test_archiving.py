"""Old months leave the table as one file that proves itself, and come back as they were. ASTM E2147-18, 4.1."""

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from audit.archiving import exporting, ledger, loading, places, services
from audit.archiving.months import Month
from audit.models import Event
from audit.proof import epochs, verifying
from config import env
from records.documents.storage import vault_at
from tests.audit.archiving.conftest import APRIL, FEBRUARY, HOSTILE, MARCH, as_owner
from tests.audit.proof.test_tampering import as_owner as untriggered
from tests.audit.proof.waiting import seal_everything, write_events
from tests.support import events

pytestmark = pytest.mark.committed
Counts = dict[Month, int]


def _rows() -> list[tuple[Any, ...]]:
    """Every column of every event, in order."""
    with connection.cursor() as cursor:
        cursor.execute("select * from audit_event where at < '2016-01-01' order by id")
        return cursor.fetchall()


def _printed(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def test_a_month_leaves_the_table_and_the_check_knows_where_it_is(old_log: Counts) -> None:
    before = verifying.verify()
    assert before.ok, before.first_bad
    row = services.archive(MARCH)
    assert row.events == old_log[MARCH]
    assert not MARCH.is_in_table
    assert not Event.objects.filter(at__gte=MARCH.start, at__lt=MARCH.end).exists()
    after = verifying.verify()
    assert after.ok, after.first_bad
    assert after.archived == {row.name: old_log[MARCH]}
    assert after.checked + row.events == before.checked
    assert f"{old_log[MARCH]} events archived in access-log-2015-03.jsonl.gz" in _printed("audit_verify")
    [told] = events("log.archived")
    assert told.detail is not None
    assert (told.detail["month"], told.detail["events"]) == ("2015-03", old_log[MARCH])


def test_it_comes_back_to_the_last_byte(old_log: Counts) -> None:
    before = _rows()
    services.archive(MARCH)
    assert len(_rows()) == len(before) - old_log[MARCH]
    services.attach(MARCH)
    assert _rows() == before
    result = verifying.verify()
    assert result.ok, result.first_bad
    assert result.archived == {}
    assert events("log.attached")
    texts = Event.objects.filter(at__gte=MARCH.start, at__lt=MARCH.end).values_list("reason", flat=True)
    assert set(HOSTILE) <= set(texts)


def test_what_comes_back_is_as_well_guarded_as_before(old_log: Counts) -> None:
    services.archive(MARCH)
    services.attach(MARCH)
    for statement in (
        f"update {MARCH.table} set actor = 'x'",
        f"delete from {MARCH.table}",
        f"truncate {MARCH.table}",
        "truncate audit_event",
    ):
        with pytest.raises(Exception, match="append-only"):
            as_owner(statement)
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "select has_table_privilege('chartroom_app', %s, 'select, insert, update, delete, truncate')",
            [MARCH.table],
        )
        assert cursor.fetchone()[0] is False
        cursor.execute(
            "select count(*), count(*) filter (where inhparent is null) from pg_index left join pg_inherits on inhrelid"
            " = indexrelid where indrelid = %s::regclass",
            [MARCH.table],
        )
        assert cursor.fetchone() == (7, 0)  # the log's own indexes, each part of the whole table's


def test_neighbours_in_one_epoch_leave_one_by_one(old_log: Counts) -> None:
    """An epoch that reaches over the end of a month belongs to both files."""
    for month in (MARCH, FEBRUARY, APRIL):
        services.archive(month)
        result = verifying.verify()
        assert result.ok, result.first_bad
    assert sum(result.archived.values()) == sum(old_log.values())
    services.attach(FEBRUARY)
    assert verifying.verify().ok
    printed = _printed("audit_archive")
    assert "2015-02  in the table, may be archived from 2025-03-01" in printed
    assert "2015-03  archived  11 events" in printed


def test_the_same_month_is_the_same_file(old_log: Counts) -> None:
    one = services.archive(MARCH)
    services.attach(MARCH)
    two = services.archive(MARCH)
    assert one.file == two.file
    assert len(list(vault_at(one.place).listing())) == 1


@pytest.mark.parametrize(
    ("month", "years", "words"),
    [
        (Month(2999, 1), 10, "is not over"),
        (Month(2019, 3), 10, "ASTM-E2147-4.1.*01 April 2029"),
        (MARCH, 12, "ASTM-E2147-4.1.*here 12.*01 April 2027"),
        (MARCH, 1, ""),  # below ten years the rule stands, whatever a setting says
        (Month(2014, 3), 10, "has no part for 2014-03"),
    ],
)
def test_no_month_leaves_before_its_time(
    month: Month, years: int, words: str, old_log: Counts, settings: LazySettings
) -> None:
    settings.LOG_YEARS = years
    if not words:
        assert month.free_from.year == 2025
        return
    with pytest.raises(CommandError, match=words):
        call_command("audit_archive", month=str(month))
    assert [event.outcome for event in events("log.archived")] == ["denied"]
    assert ledger.newest() == []


def test_a_setting_below_ten_years_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTROOM_LOG_YEARS", "9")
    with pytest.raises(ImproperlyConfigured, match="10 or more"):
        env.number("CHARTROOM_LOG_YEARS", 10, least=10)


def test_what_is_not_sealed_does_not_leave(old_log: Counts) -> None:
    as_owner(
        "insert into audit_event (at, event, action, actor, outcome)"
        " values ('2015-03-20', 'x', 'view', 'late', 'success')"
    )
    with pytest.raises(services.NotArchived, match="1 of the 12 events of 2015-03 are not sealed"):
        services.archive(MARCH)
    assert MARCH.is_in_table


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        ("update audit_event set actor = 'x' where id = {id}", "Event {id} is not as it was sealed"),
        ("delete from audit_event where id = {id}", "Event {id} of epoch 3 is missing"),
        (
            "insert into audit_event (at, txid, event, action, actor, outcome)"  # noqa: ISC004
            " select at, txid, 'x', 'view', 'x', 'success' from audit_event where id = {id}",
            "was put in after epoch 3",
        ),
        ("update audit_epoch_leaves set leaves = leaves || leaves where n = 3", "kept hashes of epoch 3"),
        ("update audit_epoch set sealed_at = now() where n = 3", "Epoch 3 is not as it was signed"),
    ],
)
def test_a_month_that_was_tampered_with_stays_for_the_check_to_name(
    attack: str, words: str, old_log: Counts
) -> None:
    target = epochs.kept_leaves(3)[2][0]
    with untriggered() as run:
        run(attack.format(id=target))
    with pytest.raises(services.NotArchived, match=words.format(id=target)):
        services.archive(MARCH)
    assert MARCH.is_in_table
    assert not list(vault_at(str(places.settings.LOG_ARCHIVE)).listing())


def test_a_dropped_month_is_still_told_as_dropped(old_log: Counts) -> None:
    services.archive(FEBRUARY)
    as_owner(f"drop table {MARCH.table}")
    told = verifying.verify().first_bad
    assert told is not None
    assert told.kind == "partition_dropped"
    assert "2015-03" in told.text


def test_nobody_writes_a_month_off_without_the_key(old_log: Counts) -> None:
    """Dropped, with a forged row that says it was archived: as owner, but without the seal key."""
    row = services.archive(FEBRUARY)
    as_owner(
        f"drop table {MARCH.table}",
        "insert into audit_archive (month, state, events, first_epoch, last_epoch, content_sha256, edges, key_id,"
        f" signature, file, size_bytes, place) select '2015-03', state, {old_log[MARCH]}, 2, 4, content_sha256,"
        f" edges, key_id, signature, file, size_bytes, place from audit_archive where file = '{row.file}'",
    )
    told = verifying.verify().first_bad
    assert told is not None
    assert told.kind == "archive_altered"


def test_an_event_of_a_neighbour_in_an_archived_epoch_is_missed(old_log: Counts) -> None:
    """The epoch is half archived; one event of its other half is deleted."""
    services.archive(MARCH)
    target = next(pk for pk, _ in epochs.kept_leaves(4) if Event.objects.filter(pk=pk).exists())
    with untriggered() as run:
        run(f"delete from audit_event where id = {target}")
    told = verifying.verify().first_bad
    assert told is not None
    assert (told.kind, told.event) == ("deleted", target)


def test_the_ledger_is_append_only_and_the_application_only_reads_it(old_log: Counts) -> None:
    services.archive(MARCH)
    for statement in (
        "update audit_archive set events = 0",
        "delete from audit_archive",
        "truncate audit_archive",
    ):
        with pytest.raises(Exception, match="append-only"):
            as_owner(statement)
    with (
        pytest.raises(Exception, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("insert into audit_archive (month) values ('2015-03')")


def test_whoever_asks_the_log_does_not_wait_for_a_month_to_be_read(old_log: Counts) -> None:
    """While a part is attached nobody reads the log: what takes long was done before."""
    services.archive(MARCH)
    owner = connections["owner"]
    owner.ensure_connection()
    told: dict[str, list[str]] = {}

    def listen(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        owner.connection.notices.clear()
        result = run(sql, params, many, context)
        told[sql] = list(owner.connection.notices)
        return result

    as_owner("set client_min_messages = debug1")
    try:
        with owner.execute_wrapper(listen):
            services.attach(MARCH)
    finally:
        as_owner("reset client_min_messages")
    [notices] = [notices for sql, notices in told.items() if "attach partition" in sql]
    assert any(f'for table "{MARCH.table}" is implied by existing constraints' in text for text in notices)
    assert not any("building index" in text for text in notices)
    made = [
        text for notices in told.values() for text in notices if f'on table "{MARCH.table}_coming"' in text
    ]
    assert len(made) == 7  # and nothing of it twice
    with connection.cursor() as cursor:
        cursor.execute("select 1 from pg_constraint where conname = 'of_the_month'")
        assert cursor.fetchall() == []


def test_sealing_goes_on_while_a_month_is_read(old_log: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sealed before a transaction ends that could still add an event; a full month takes minutes to read."""
    services.archive(MARCH)
    compare, sealed = loading._compare, []

    def meanwhile(*arguments: Any) -> None:
        ids = write_events(1)
        sealed.extend(pk for pk, _ in epochs.kept_leaves(seal_everything(60).n) if pk in ids)
        compare(*arguments)

    monkeypatch.setattr(loading, "_compare", meanwhile)
    services.attach(MARCH)
    assert len(sealed) == 1
    assert verifying.verify().ok


def test_events_of_another_month_are_not_put_into_this_one(old_log: Counts) -> None:
    march, february = services.archive(MARCH), services.archive(FEBRUARY)
    texts = [text for _, _, text in services.checked(february, places.archive())]
    with pytest.raises(loading.NotAsSealed, match="outside the month"):
        loading.load(march, texts)
    loading.forget(MARCH)
    assert not MARCH.is_in_table


def test_a_log_that_is_busy_for_a_moment_does_not_cost_the_reading(
    old_log: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.archive(MARCH)
    load, read = loading.load, []
    is_asked = Event.objects.filter(at__lt=MARCH.end)

    def noted(*arguments: Any) -> None:
        read.append(1)
        load(*arguments)

    monkeypatch.setattr(loading, "load", noted)
    monkeypatch.setattr(services, "TRIES", 1)
    with transaction.atomic():
        assert is_asked.exists()
        with pytest.raises(services.NotArchived, match="too busy"):
            services.attach(MARCH)
    assert not MARCH.is_in_table

    told = services._tell

    def busy_once(event: str, row: Any) -> None:
        monkeypatch.setattr(services, "_tell", told)
        with connections["owner"].cursor() as cursor:
            cursor.execute("do $$ begin raise lock_not_available; end $$")

    monkeypatch.setattr(services, "TRIES", 2)
    monkeypatch.setattr(services, "_tell", busy_once)
    assert services.attach(MARCH).events == old_log[MARCH]
    assert len(read) == 2  # once each
    assert verifying.verify().ok


@pytest.mark.parametrize("attack", ["one byte", "another file", "gone"])
def test_a_file_that_is_not_whole_is_not_attached(attack: str, old_log: Counts) -> None:
    row = services.archive(MARCH)
    other = services.archive(FEBRUARY)
    lying = {path.name: path for path in Path(row.place).rglob("*") if path.is_file()}
    path = lying[row.file]
    path.chmod(0o600)
    if attack == "one byte":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif attack == "another file":
        path.write_bytes(lying[other.file].read_bytes())
    else:
        path.unlink()
    with pytest.raises(CommandError):
        call_command("audit_attach", month="2015-03")
    with pytest.raises(CommandError):
        call_command("audit_verify", archives=True)
    assert not MARCH.is_in_table
    result = verifying.verify()
    assert result.ok, result.first_bad


# -- On another machine ------------------------------------------------------------------------------------------


@pytest.fixture
def copied(old_log: Counts, tmp_path: Path) -> Path:
    """A folder with the file of March and the script."""
    services.archive(MARCH)
    folder = tmp_path / "elsewhere"
    _printed("audit_archive", month="2015-03", copy_to=str(folder))
    return folder


def _bare(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", "access-log-2015-03.jsonl.gz", *more],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_copy_proves_itself_on_bare_python_and_by_the_command(copied: Path, old_log: Counts) -> None:
    done = _bare(copied)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{old_log[MARCH]} events of 2015-03: all as they were sealed." in done.stdout
    assert _bare(copied, "--key", "bm90IHRoZSBrZXkgeW91IHdvdWxkIHRydXN0IGF0IGE=").returncode == 1
    file = str(copied / "access-log-2015-03.jsonl.gz")
    assert "all as they were sealed" in _printed("audit_verify", file=file)
    assert events("log.archive_copied")
    with pytest.raises(CommandError, match="exists"):
        call_command("audit_archive", month="2015-03", copy_to=str(copied))


def _changed(lines: list[bytes], how: str) -> tuple[list[bytes], str]:
    """The lines after an attack, and what has to be said."""
    third = [place for place, line in enumerate(lines) if b'"canonical"' in line][4]
    event = json.loads(lines[third])
    if how == "altered":
        lines[third] = lines[third].replace(b"patient.viewed", b"patient.denied")
        return lines, f"Event {event['id']} is not as it was sealed"
    if how == "altered with its leaf":
        event["canonical"] = event["canonical"].replace("patient.viewed", "patient.denied")
        event["leaf"] = exporting.leaf(event["canonical"]).hex()
        lines[third] = json.dumps(event, ensure_ascii=False).encode() + b"\n"
        return lines, "One of the events"
    if how == "deleted":
        del lines[third]
        return lines, "One of the events|is missing"
    if how == "doubled":
        lines.insert(third, lines[third])
        return lines, "was put into epoch|One of the events"
    if how == "swapped":
        lines[third], lines[third + 1] = lines[third + 1], lines[third]
        return lines, "One of the events"
    if how == "epoch taken away":
        start = [place for place, line in enumerate(lines) if line.startswith(b'{"epoch"')][1]
        end = [place for place, line in enumerate(lines) if line.startswith(b'{"epoch"')][2]
        return lines[:start] + lines[end:], "a line of it was changed or taken away"
    if how == "cut":
        return lines[:-1], "cut off"
    if how == "epoch's message":
        place = next(place for place, line in enumerate(lines) if line.startswith(b'{"epoch"'))
        lines[place] = lines[place].replace(b"chartroom-epoch-1", b"chartroom-epoch-2")
        return lines, "is not as it was signed"
    return [*lines, lines[third]], "behind the file's last line"


@pytest.mark.parametrize(
    "how",
    [
        "altered",
        "altered with its leaf",
        "deleted",
        "doubled",
        "swapped",
        "epoch taken away",
        "cut",
        "epoch's message",
        "a line behind the end",
    ],
)
def test_every_change_of_the_copy_is_told(how: str, copied: Path) -> None:
    path = copied / "access-log-2015-03.jsonl.gz"
    lines, words = _changed(gzip.decompress(path.read_bytes()).splitlines(keepends=True), how)
    path.write_bytes(gzip.compress(b"".join(lines)))
    with pytest.raises(CommandError, match=words) as refused:
        call_command("audit_verify", file=str(path))
    assert refused.value.returncode == 1
    done = _bare(copied)
    assert done.returncode == 1
    assert str(refused.value) in done.stdout


@pytest.mark.parametrize("place", [0, 10, 40, 0.3, 0.6, 0.9, -3])
def test_one_byte_anywhere_and_it_is_told(place: float, copied: Path) -> None:
    path = copied / "access-log-2015-03.jsonl.gz"
    data = bytearray(path.read_bytes())
    at = int(place * len(data)) if isinstance(place, float) else place
    data[at] ^= 1
    path.write_bytes(data)
    done = _bare(copied)
    # Bytes 3 to 9 of the head (a time, an operating system) say nothing about the content.
    assert done.returncode == 1, (place, done.stdout)


def test_another_key_is_not_ours(copied: Path, settings: LazySettings) -> None:
    settings.SEAL_KEYS = {"new": b"7" * 32}
    with pytest.raises(CommandError, match="nobody here knows"):
        call_command("audit_verify", file=str(copied / "access-log-2015-03.jsonl.gz"))
    settings.SEAL_KEYS = {}  # a machine without keys says whose it is, for somebody to compare
    assert "Signed with the public key" in _printed(
        "audit_verify", file=str(copied / "access-log-2015-03.jsonl.gz")
    )


def test_what_lies_in_the_archive_cannot_be_read_there(old_log: Counts) -> None:
    row = services.archive(MARCH)
    for path in Path(row.place).rglob("*"):
        if path.is_file():
            assert b"patient.viewed" not in path.read_bytes()
            assert not path.read_bytes().startswith(b"\x1f\x8b")


def test_the_archive_is_never_the_vault_that_is_swept(old_log: Counts, settings: LazySettings) -> None:
    settings.LOG_ARCHIVE = settings.STORAGE
    with pytest.raises(CommandError, match="must not be CHARTROOM_STORAGE"):
        call_command("audit_archive", month="2015-03")
    assert MARCH.is_in_table


# -- Killed ------------------------------------------------------------------------------------------------------


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _then_die(work: Callable[..., Any]) -> Callable[..., Any]:
    def both(*args: Any, **kwargs: Any) -> None:
        work(*args, **kwargs)
        _die()

    return both


def _in_a_process_that_dies(work: Callable[[], Any], place: Any, name: str, how: Callable[..., Any]) -> None:
    """Run `work` in a child in which `place.name` is `how`; the child must have been killed."""
    for each in connections.all():
        each.close()
    child = os.fork()
    if child == 0:  # pragma: no cover
        try:
            setattr(place, name, how)
            work()
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), os.WEXITSTATUS(status)


def _second(work: Callable[..., Any]) -> Callable[..., Any]:
    calls: list[int] = []

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return work(*args, **kwargs) if len(calls) < 2 else _die()

    return counted


ARCHIVING = {
    "while the file is written": (exporting, "_write_epoch", _second(exporting._write_epoch), False),
    "when it is written": (services, "checked", _die, False),
    "when it is checked": (services, "_let_go", _die, False),
    "when the month is out of the table": (ledger, "add", _die, False),
    "when the ledger has it": (services, "_tell", _die, False),
    "just before the commit": (services, "_tell", _then_die(services._tell), False),
    "just after it": (services, "_patiently", _then_die(services._patiently), True),
}


@pytest.mark.parametrize("when", ARCHIVING)
def test_a_killed_archiver_leaves_the_month_in_one_place_and_can_go_on(when: str, old_log: Counts) -> None:
    place, name, how, is_out = ARCHIVING[when]
    _in_a_process_that_dies(lambda: services.archive(MARCH), place, name, how)
    assert MARCH.is_in_table is not is_out
    assert bool(ledger.archived()) is is_out
    result = verifying.verify()
    assert result.ok, (when, result.first_bad)
    if is_out:
        with pytest.raises(services.NotArchived, match="archived already"):
            services.archive(MARCH)
    else:
        assert services.archive(MARCH).events == old_log[MARCH]
    assert len(list(vault_at(ledger.archived()[0].place).listing())) == 1
    assert len(events("log.archived", outcome="success")) == 1
    assert verifying.verify().ok


ATTACHING = {
    "while the rows are read in": (loading, "_make_indexes", _die, False),
    "when they are read in": (loading, "_compare", _die, False),
    "when it is attached": (ledger, "add", _die, False),
    "just before the commit": (services, "_tell", _then_die(services._tell), False),
    "just after it": (services, "attach", _then_die(services.attach), True),
}


@pytest.mark.parametrize("when", ATTACHING)
def test_a_killed_attacher_leaves_the_month_in_one_place_and_can_go_on(when: str, old_log: Counts) -> None:
    before = _rows()
    services.archive(MARCH)
    place, name, how, is_in = ATTACHING[when]
    _in_a_process_that_dies(lambda: services.attach(MARCH), place, name, how)
    assert MARCH.is_in_table is is_in
    assert verifying.verify().ok
    if not is_in:
        services.attach(MARCH)
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s)", [f"public.{MARCH.table}_coming"])
        assert cursor.fetchone() == (None,)
    assert _rows() == before
    assert verifying.verify().ok


def test_two_archivers_do_not_meet(old_log: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[str] = []

    def meanwhile(*_: Any) -> Any:
        import threading

        def other() -> None:
            try:
                services.archive(FEBRUARY)
            except services.NotArchived as error:
                refused.append(str(error))
            finally:
                connections["owner"].close()
                connections["default"].close()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(30)
        return iter(())

    monkeypatch.setattr(services, "checked", meanwhile)
    services.archive(MARCH)
    assert refused == ["Another command takes months out or brings them back just now."]


def test_a_busy_log_is_not_held_up(old_log: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long look at the log holds the table: the command gives up and nothing was changed."""
    monkeypatch.setattr(services, "TRIES", 1)
    with transaction.atomic():
        Event.objects.count()
        with pytest.raises(services.NotArchived, match="too busy"):
            services.archive(MARCH)
    assert MARCH.is_in_table
    assert services.archive(MARCH).events == old_log[MARCH]
