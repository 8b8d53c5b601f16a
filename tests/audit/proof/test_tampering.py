"""Invariant 3: as the owner of the table, with triggers off, every attack is found and told apart."""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from audit.models import Event
from audit.proof import bundle, checkpoints, epochs, keys, sealing, verifying
from audit.proof.verifying import Result
from audit.services import record
from common.ids import uuid7
from tests.audit.proof.waiting import seal_everything, write_events
from tests.launcher.waiting import until

pytestmark = pytest.mark.committed

OLD = base64.b64encode(b"1" * 32).decode()


@pytest.fixture(autouse=True)
def seal_keys(settings: LazySettings) -> None:
    settings.SEAL_KEYS = {"new": b"2" * 32, "old": b"1" * 32}


@contextmanager
def as_owner() -> Iterator[Callable[[str], None]]:
    """Run statements as the tables' owner with their triggers off, and put everything back afterwards."""
    owner = connections["owner"]
    with owner.cursor() as cursor:
        cursor.execute(
            "select inhrelid::regclass::text from pg_inherits where inhparent = 'audit_event'::regclass"
            " union all select unnest(array['audit_event', 'audit_epoch', 'audit_epoch_leaves'])"
        )
        tables = [row[0] for row in cursor.fetchall()]
        for table in tables:
            cursor.execute(f"alter table {table} disable trigger user")
    try:
        with owner.cursor() as cursor:
            yield cursor.execute
    finally:
        with owner.cursor() as cursor:
            for table in tables:
                cursor.execute(f"alter table {table} enable trigger user")
        owner.close()


@contextmanager
def attacked(*statements: str) -> Iterator[Result]:
    """The check's answer after an attack; the tables are as before afterwards."""
    tables = ("audit_event", "audit_epoch", "audit_epoch_leaves")
    with as_owner() as run:
        for table in tables:
            run(f"create table kept_{table} as select * from {table}")
        try:
            for statement in statements:
                run(statement)
            yield verifying.verify()
        finally:
            for table in reversed(tables):
                run(f"delete from {table}")
            for table in tables:
                overriding = "overriding system value" if table == "audit_event" else ""
                run(f"insert into {table} {overriding} select * from kept_{table}")
                run(f"drop table kept_{table}")


@pytest.fixture
def sealed(committed: None) -> list[int]:
    """Two epochs of five events each at least; the ids of the last five."""
    write_events(5)
    seal_everything()
    ids = write_events(5)
    seal_everything()
    result = verifying.verify()
    assert result.ok, result.first_bad
    return ids


def test_a_whole_log_is_whole(sealed: list[int]) -> None:
    result = verifying.verify()
    assert result.ok
    assert result.checked == sum(epoch.row_count for epoch in epochs.every())
    assert result.first_bad is None
    call_command("audit_verify")


COLUMNS = {
    "event": "'patient.updated'",
    "action": "'update'",
    "actor": "'somebody else'",
    "actor_id": f"'{uuid7()}'",
    "roles": "array['clinician']",
    "session": "'x'",
    "patient_id": "null",
    "patient_ids": "null",
    "object_type": "'x'",
    "object_id": "'x'",
    "purpose": "'TREAT'",
    "reason": "reason || ' '",
    "outcome": "'denied'",
    "channel": "'web'",
    "ip": "coalesce(set_masklen(ip, 24), '10.0.0.1')",
    "request_id": "'x'",
    "detail": "null",
    "at": "at + interval '1 microsecond'",
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column_is_named(column: str, sealed: list[int]) -> None:
    with attacked(f"update audit_event set {column} = {COLUMNS[column]} where id = {sealed[2]}") as result:
        assert not result.ok
        assert result.first_bad is not None
        assert (result.first_bad.kind, result.first_bad.event) == ("altered", sealed[2])


def test_a_deleted_event_is_named(sealed: list[int]) -> None:
    with attacked(f"delete from audit_event where id = {sealed[1]}") as result:
        assert result.first_bad is not None
        assert (result.first_bad.kind, result.first_bad.event) == ("deleted", sealed[1])


def test_the_last_event_deleted_is_named(sealed: list[int]) -> None:
    with attacked(f"delete from audit_event where id = {sealed[-1]}") as result:
        assert result.first_bad is not None
        assert (result.first_bad.kind, result.first_bad.event) == ("deleted", sealed[-1])


REST = (
    "event, action, actor_id, actor, roles, session, patient_id, patient_ids, object_type, object_id, purpose, reason,"
    " outcome, channel, ip, request_id, detail"
)
SWAPS = {
    "times": "update audit_event e set at = o.at from audit_event o"
    " where (e.id, o.id) in (({0}, {1}), ({1}, {0}))",
    "transactions": "update audit_event e set txid = o.txid from audit_event o"
    " where (e.id, o.id) in (({0}, {1}), ({1}, {0}))",
    "all but the number": "update audit_event e set at = o.at, txid = o.txid, patient_id = o.patient_id,"
    " patient_ids = o.patient_ids from audit_event o where (e.id, o.id) in (({0}, {1}), ({1}, {0}))",
    "what was done": "update audit_event e set patient_id = o.patient_id, patient_ids = o.patient_ids"
    " from audit_event o where (e.id, o.id) in (({0}, {1}), ({1}, {0}))",
    "numbers": "with taken as (delete from audit_event where id in ({0}, {1}) returning *) insert into audit_event"
    f" (id, at, txid, {REST}) overriding system value"
    f" select case id when {{0}} then {{1}} else {{0}} end, at, txid, {REST} from taken",
}


@pytest.mark.parametrize("what", SWAPS)
def test_two_swapped_events_are_named_and_told_apart(what: str, sealed: list[int]) -> None:
    one, other = sealed[0], sealed[1]
    with attacked(SWAPS[what].format(one, other)) as result:
        assert result.first_bad is not None
        assert (result.first_bad.kind, result.first_bad.event) == ("reordered", one)
        assert str(other) in result.first_bad.text


def test_an_event_moved_to_another_epoch_is_told_apart(sealed: list[int]) -> None:
    with attacked(f"update audit_event set txid = '1'::xid8 where id = {sealed[2]}") as result:
        assert result.first_bad is not None
        # The first epoch has one too many; checked without it, the event is missing where it was.
        assert (result.first_bad.kind, result.first_bad.event) == ("inserted", sealed[2])
        last = epochs.last()
        assert last is not None
        told = verifying.verify(first=last.n).first_bad
        assert told is not None
        assert (told.kind, told.event) == ("reordered", sealed[2])


def test_the_same_number_twice_is_named(sealed: list[int]) -> None:
    with attacked(
        f"insert into audit_event (id, at, txid, {REST}) overriding system value"
        f" select id, at + interval '1 microsecond', txid, {REST} from audit_event where id = {sealed[2]}"
    ) as result:
        assert result.first_bad is not None
        assert (result.first_bad.kind, result.first_bad.event) == ("inserted", sealed[2])


@pytest.mark.parametrize("number", [0, -5, -(2**63)])
@pytest.mark.parametrize("txid", ["'800'::xid8", "pg_current_xact_id()"])
def test_a_number_that_the_log_never_gives_is_named(number: int, txid: str, sealed: list[int]) -> None:
    """No epoch looks for it, and every page would show it."""
    with attacked(
        "insert into audit_event (id, at, txid, event, action, actor, outcome) overriding system value"
        f" values ('{number}', '2026-01-05', {txid}, 'patient.viewed', 'view', 'nobody', 'success')"
    ) as result:
        assert result.first_bad is not None
        assert (result.first_bad.kind, result.first_bad.event) == ("inserted", number)


@pytest.mark.parametrize(
    ("at", "kind"), [("'2001-11-01'", "back_dated"), ("now() + interval '1 day'", "future")]
)
def test_a_false_time_is_named_before_it_is_sealed(at: str, kind: str, sealed: list[int]) -> None:
    with attacked(
        "insert into audit_event (at, event, action, actor, outcome)"
        f" values ({at}, 'patient.viewed', 'view', 'nobody', 'success')"
    ) as result:
        assert result.first_bad is not None
        assert result.first_bad.kind == kind
        seal_everything()
        told = verifying.verify().first_bad
        assert told is not None
        assert (told.kind, told.event) == (kind, result.first_bad.event)


def test_times_go_wrong_where_the_clock_was_set_back_and_no_further(sealed: list[int]) -> None:
    """After a step back of an hour honest events bear times before the last seal; the step is an event among them."""
    honest = (
        "insert into audit_event (at, event, action, actor, outcome, detail) values"
        " (now() - interval '50 minutes', 'clock.stepped', 'config-change', 'system:clock', 'success',"
        """ '{"seconds": -3600.0}')"""
    )
    with attacked(honest) as result:
        assert result.ok, result.first_bad
        seal_everything()
        assert verifying.verify().ok
    false = (
        "insert into audit_event (at, event, action, actor, outcome)"
        " values (now() - interval '2 hours', 'x', 'view', 'x', 'success')"
    )
    with attacked(honest, false) as result:
        assert result.first_bad is not None
        assert result.first_bad.kind == "back_dated"


def test_a_backlog_sealed_in_parts_is_whole(sealed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """After a week without a key the first part's seal is days younger than the second part's events."""
    monkeypatch.setattr(sealing, "MOST_ROWS", 4)
    with attacked("delete from audit_epoch_leaves", "delete from audit_epoch"):
        monkeypatch.setattr(verifying, "LONGEST_TRANSACTION", timedelta(milliseconds=1))
        seal_everything()
        assert verifying.verify().ok, verifying.verify().first_bad


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_epoch_leaves set leaves = set_byte(leaves, 20, get_byte(leaves, 20) # 1) where n = {0}",
        "delete from audit_epoch_leaves where n = {0}",
    ],
)
def test_changed_kept_hashes_are_named(statement: str, sealed: list[int]) -> None:
    """Nothing reads them while all is well; what is lost with them is to name the event when it is not."""
    last = epochs.last()
    assert last is not None
    with attacked(statement.format(last.n)) as result:
        assert result.first_bad is not None
        assert (result.first_bad.kind, result.first_bad.epoch) == ("epoch_altered", last.n)


def test_a_function_of_the_owners_changes_no_answer(committed: None) -> None:
    """What is hashed is made by the statement itself: a function of ours in between could say what was sealed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select proname from pg_proc where pronamespace = 'public'::regnamespace"
            " and strpos(%s, proname || '(') > 0",
            [epochs.LEAVES],
        )
        assert cursor.fetchall() == []


def test_an_emptied_month_is_told_apart(sealed: list[int]) -> None:
    last = epochs.last()
    assert last is not None
    assert last.first_at is not None
    with attacked(f"truncate audit_event_{last.first_at.astimezone(UTC):%Y%m}") as result:
        assert result.first_bad is not None
        assert result.first_bad.kind == "partition_emptied"


def test_a_range_behind_a_gap_or_behind_the_end_is_not_whole(sealed: list[int]) -> None:
    last = epochs.last()
    assert last is not None
    with attacked(
        f"delete from audit_epoch_leaves where n = {last.n - 1}",
        f"delete from audit_epoch where n = {last.n - 1}",
    ):
        told = verifying.verify(first=last.n).first_bad
        assert told is not None
        assert (told.kind, told.epoch) == ("epoch_removed", last.n - 1)
    told = verifying.verify(first=last.n + 5).first_bad
    assert told is not None
    assert (told.kind, told.epoch) == ("epoch_removed", last.n + 4)


def test_an_event_slipped_in_later_is_named(sealed: list[int]) -> None:
    with attacked(
        "insert into audit_event (at, txid, event, action, actor, outcome)"
        f" select at, txid, 'patient.viewed', 'view', 'nobody', 'success' from audit_event where id = {sealed[3]}"
    ) as result:
        assert result.first_bad is not None
        assert result.first_bad.kind == "inserted"


def test_an_event_from_the_future_is_named(sealed: list[int]) -> None:
    with attacked(
        "insert into audit_event (at, txid, event, action, actor, outcome) values"
        " (now(), (pg_current_xact_id()::text::bigint + 1000000)::text::xid8, 'x', 'view', 'x', 'success')"
    ) as result:
        assert result.first_bad is not None
        assert result.first_bad.kind == "inserted"


def test_a_removed_epoch_is_told_apart(sealed: list[int]) -> None:
    last = epochs.last()
    assert last is not None
    number = last.n - 1
    with attacked(
        f"delete from audit_epoch_leaves where n = {number}", f"delete from audit_epoch where n = {number}"
    ) as result:
        assert result.first_bad is not None
        assert (result.first_bad.kind, result.first_bad.epoch) == ("epoch_removed", number)


def test_an_edited_epoch_is_told_apart(sealed: list[int]) -> None:
    last = epochs.last()
    assert last is not None
    with attacked(
        f"update audit_epoch set row_count = row_count + 1, total = total + 1 where n = {last.n}"
    ) as result:
        assert result.first_bad is not None
        assert (result.first_bad.kind, result.first_bad.epoch) == ("epoch_altered", last.n)


def test_a_cut_tail_is_found_only_with_a_checkpoint(sealed: list[int]) -> None:
    last = epochs.last()
    assert last is not None
    kept = checkpoints.newest()
    with attacked(
        f"delete from audit_epoch_leaves where n = {last.n}",
        f"delete from audit_epoch where n = {last.n}",
        f"delete from audit_event where txid >= '{last.from_xid}'::xid8",
    ) as result:
        assert result.ok
        told = verifying.verify(checkpoints=kept).first_bad
        assert told is not None
        assert (told.kind, told.epoch) == ("tail_cut", last.n)


def test_a_restored_backup_is_told_as_what_it_is(sealed: list[int]) -> None:
    """An older backup brings its sequence along: fewer ids were given than a checkpoint counted events."""
    last = epochs.last()
    assert last is not None
    kept = [{"n": last.n + 40, "signature": "00" * 64, "total": last.total + 1_000_000_000}]
    told = verifying.verify(checkpoints=kept).first_bad
    assert told is not None
    assert (told.kind, told.epoch) == ("restored", last.n + 40)


def test_a_dropped_month_is_told_apart(sealed: list[int]) -> None:
    last = epochs.last()
    assert last is not None
    assert last.first_at is not None
    month = f"audit_event_{last.first_at.astimezone(UTC):%Y%m}"
    with as_owner() as run:
        run(f"alter table audit_event detach partition {month}")
        run(f"alter table {month} rename to kept_month")
        try:
            told = verifying.verify().first_bad
        finally:
            run(f"alter table kept_month rename to {month}")
            first = last.first_at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            after = (first + timedelta(days=32)).replace(day=1)
            run(
                f"alter table audit_event attach partition {month}"
                f" for values from ('{first.isoformat()}') to ('{after.isoformat()}')"
            )
    assert told is not None
    assert told.kind == "partition_dropped"
    assert verifying.verify().ok


def test_a_range_can_be_checked_alone(sealed: list[int]) -> None:
    last = epochs.last()
    assert last is not None
    with attacked(f"update audit_event set actor = 'x' where id = {sealed[0]}"):
        assert verifying.verify(first=last.n).first_bad is not None
        assert verifying.verify(first=1, last=last.n - 1).ok


def test_a_chain_of_another_cluster_is_told_apart(sealed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "cluster_now", lambda: "7")
    told = verifying.verify().first_bad
    assert told is not None
    assert told.kind == "other_cluster"
    write_events(1)
    with pytest.raises(sealing.OtherCluster):
        sealing.seal()


def test_a_chain_made_anew_without_the_key_is_found(sealed: list[int], settings: LazySettings) -> None:
    kept = checkpoints.newest()
    honest = settings.SEAL_KEYS
    with attacked("delete from audit_epoch_leaves", "delete from audit_epoch"):
        settings.SEAL_KEYS = {"new": b"9" * 32}
        seal_everything()
        settings.SEAL_KEYS = honest
        told = verifying.verify().first_bad
        assert told is not None
        assert told.kind == "epoch_altered"
    with attacked("delete from audit_epoch_leaves", "delete from audit_epoch"):
        seal_everything()  # with the stolen key: only the checkpoint knows better
        assert verifying.verify().ok
        told = verifying.verify(checkpoints=kept).first_bad
        assert told is not None
        assert told.kind in {"tail_cut", "chain_replaced"}


def test_a_stolen_older_key_signs_nothing_new(sealed: list[int], settings: LazySettings) -> None:
    honest = settings.SEAL_KEYS
    with attacked():
        write_events(1)
        settings.SEAL_KEYS = {"old": b"1" * 32}
        seal_everything()
        settings.SEAL_KEYS = honest
        told = verifying.verify().first_bad
        assert told is not None
        assert told.kind == "key"


def test_a_rotated_key_goes_on(sealed: list[int], settings: LazySettings) -> None:
    settings.SEAL_KEYS = {"newer": b"3" * 32, **settings.SEAL_KEYS}
    with attacked():
        write_events(1)
        assert seal_everything().key_id == "newer"
        assert verifying.verify().ok


def test_the_public_keys_are_enough_to_check(sealed: list[int], settings: LazySettings) -> None:
    """The web of a hospital's installation: the seeds are the worker's alone."""
    before = {key_id: keys.public_text(key_id) for key_id in settings.SEAL_KEYS}
    public = {key_id: base64.b64decode(text) for key_id, text in before.items()}
    settings.SEAL_KEYS, settings.SEAL_PUBLIC_KEYS = {}, public
    assert verifying.verify().ok
    assert keys.order() == ["old", "new"]
    assert {one["public_key"] for one in checkpoints.newest()} == {before["new"]}
    assert all(proven.holds for proven in bundle.gather(sealed)[0])
    with pytest.raises(keys.NoKey):
        sealing.seal()
    settings.SEAL_PUBLIC_KEYS = {"new": public["old"], "old": public["new"]}
    told = verifying.verify().first_bad
    assert told is not None
    assert told.kind == "epoch_altered"


def test_without_a_key_events_are_still_written(committed: None, settings: LazySettings) -> None:
    settings.SEAL_KEYS = {}
    assert len(write_events(1)) == 1
    with pytest.raises(keys.NoKey):
        sealing.seal()


def test_what_is_not_settled_is_not_sealed(committed: None) -> None:
    """An open transaction holds the seal back; what commits later than a larger id is sealed, not lost."""
    started, finish = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            record("patient.viewed", by=None, actor="slow", patient=uuid7())
            started.set()
            finish.wait(10)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert started.wait(10)
    ids = write_events(3)
    sealing.seal()
    last = epochs.last()
    assert last is None or not set(ids) & {pk for pk, _ in epochs.kept_leaves(last.n)}
    finish.set()
    thread.join()
    before = last.n if last else 0
    seal_everything()
    sealed_ids = {pk for epoch in epochs.every(before + 1) for pk, _ in epochs.kept_leaves(epoch.n)}
    assert set(ids) <= sealed_ids
    assert Event.objects.get(actor="slow", id__in=sealed_ids).id < ids[0]
    assert verifying.verify().ok


def test_two_sealers_at_once_seal_each_event_once(committed: None) -> None:
    ids = write_events(20)
    last = epochs.last()

    def run() -> None:
        seal_everything()
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [pk for epoch in epochs.every(last.n + 1 if last else 1) for pk, _ in epochs.kept_leaves(epoch.n)]
    assert set(ids) <= set(made)
    assert len(made) == len(set(made))
    assert verifying.verify().ok


@pytest.mark.parametrize(("patience", "sealed_after"), [(0, False), (1, False), (60, True)])
def test_who_must_seal_waits_for_the_sealer_as_long_as_told(
    patience: int, sealed_after: bool, committed: None
) -> None:
    held, given_up = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            until(sealing.is_only_sealer, seconds=60, what="the worker's sealer pauses")
            held.set()
            if sealed_after:
                until(_somebody_waits_for_the_sealer, seconds=60, what="the other one waits")
            else:
                given_up.wait(60)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)
    with transaction.atomic():
        assert sealing.is_only_sealer(patience=patience) is sealed_after
        with connection.cursor() as cursor:  # the transaction goes on either way
            cursor.execute("select 1")
    given_up.set()
    thread.join()


def _somebody_waits_for_the_sealer() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_locks where locktype = 'advisory' and objid = %s and not granted",
            [sealing.ADVISORY_LOCK],
        )
        return bool(cursor.fetchone()[0])


def test_the_command_names_the_bad_event(sealed: list[int]) -> None:
    with (
        attacked(f"update audit_event set actor = 'x' where id = {sealed[0]}"),
        pytest.raises(CommandError, match=f"altered: Event {sealed[0]}"),
    ):
        call_command("audit_verify")
