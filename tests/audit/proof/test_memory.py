"""The sealer signs only what follows its own last seal: nobody has it seal a new history with the true key."""

import json
from pathlib import Path

import pytest
from django.conf import LazySettings

from audit.proof import epochs, sealing, verifying
from audit.tasks import seal
from tests.audit.proof.test_tampering import attacked
from tests.audit.proof.waiting import seal_everything, write_events

pytestmark = pytest.mark.committed
LATER = "'patient.viewed', 'view', 'later', 'success'"
CUT = (
    "delete from audit_epoch_leaves where n >= {0}",
    "delete from audit_epoch where n >= {0}",
)


@pytest.fixture
def kept(committed: None, settings: LazySettings, tmp_path: Path) -> Path:
    settings.SEAL_KEYS = {"new": b"2" * 32}
    settings.SEAL_MEMORY = tmp_path / "sealed.jsonl"
    write_events(3)
    seal_everything()
    return tmp_path / "sealed.jsonl"


def test_it_keeps_its_newest_seal_for_itself_only(kept: Path) -> None:
    last = epochs.last()
    assert last is not None
    assert json.loads(kept.read_text())["signature"] == last.signature.hex()
    assert kept.stat().st_mode & 0o077 == 0
    write_events(1)
    newer = seal_everything()
    assert json.loads(kept.read_text())["n"] == newer.n
    assert verifying.verify().ok


@pytest.mark.parametrize("first", ["the last", "all"])
def test_an_altered_event_is_not_sealed_anew(first: str, kept: Path) -> None:
    [event] = write_events(1)
    last = seal_everything()
    cut = [statement.format(last.n if first == "the last" else 1) for statement in CUT]
    with attacked(f"update audit_event set actor = 'x' where id = {event}", *cut) as result:
        assert result.first_bad is not None
        assert (result.first_bad.kind, result.first_bad.epoch) == ("tail_cut", last.n)
        with pytest.raises(sealing.CutBack, match=f"seal {last.n}"):
            sealing.seal()
        assert seal() == 0  # the worker goes on with its other work
        aside = kept.rename(kept.with_name("evidence.jsonl"))
        seal_everything()
        assert verifying.verify().ok
        told = verifying.verify(checkpoints=verifying.read_checkpoints(aside.read_text())).first_bad
        assert told is not None
        assert told.kind == ("chain_replaced" if first == "the last" else "tail_cut")  # anew in fewer seals
        assert told.epoch == last.n


def test_a_restored_backup_is_told_also_when_it_was_written_on(kept: Path) -> None:
    """The numbers of the events that were lost are given a second time."""
    ids = write_events(2)
    last = seal_everything()
    lost = [statement.format(last.n) for statement in CUT]
    again = [
        f"delete from audit_event where id in ({ids[0]}, {ids[1]})",
        (
            "insert into audit_event (id, event, action, actor, outcome) overriding system value"
            f" values ({last.total}, {LATER})"
        ),
    ]
    with attacked(*lost, *again) as result:
        assert result.first_bad is not None
        assert (result.first_bad.kind, result.first_bad.epoch) == ("restored", last.n)


@pytest.mark.parametrize("text", ["", "{", '{"n": 1}', '{"n": "x", "signature": ""}'])
def test_a_memory_nobody_can_read_holds_up_no_seal(text: str, kept: Path) -> None:
    kept.write_text(text)
    write_events(1)
    last = seal_everything()
    assert json.loads(kept.read_text())["n"] == last.n


def test_a_place_nobody_can_write_holds_up_no_seal(kept: Path, settings: LazySettings) -> None:
    settings.SEAL_MEMORY = kept / "no folder" / "sealed.jsonl"
    write_events(1)
    assert seal_everything()
    assert verifying.verify().ok


def test_a_part_of_the_log_is_checked_without_it(kept: Path) -> None:
    last = seal_everything()
    with attacked(*(statement.format(last.n) for statement in CUT)):
        assert verifying.verify(last=last.n - 1).ok
