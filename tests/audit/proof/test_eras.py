"""What one cluster counted, and which epoch and event belong to which counting."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.proof.eras import LARGEST_ID, Eras, Move, move_in


@given(
    cluster=st.from_regex(r"[1-9][0-9]{1,18}", fullmatch=True), after=st.none() | st.integers(0, LARGEST_ID)
)
@settings(deadline=None)
def test_a_note_says_the_move_and_is_read_back(cluster: str, after: int | None) -> None:
    assert move_in(Move(cluster, after).note) == Move(cluster, after)


@pytest.mark.parametrize(
    "note", ["", "moved", "moved to=x continues", "moved to=1 after_id=-1", " moved to=1 continues"]
)
def test_any_other_note_tells_no_move(note: str) -> None:
    assert move_in(note) is None


def test_epochs_and_events_find_their_era() -> None:
    eras = Eras([(3, 100), (7, 250)])
    assert [(era.after_id, era.up_to_id, era.first_epoch) for era in eras.eras] == [
        (0, 100, 1),
        (100, 250, 4),
        (250, LARGEST_ID, 8),
    ]
    assert [eras.of_epoch(n).after_id for n in (1, 3, 4, 7, 8, 99)] == [0, 0, 100, 100, 250, 250]
    assert [eras.of_event(pk).after_id for pk in (1, 100, 101, 250, 251)] == [0, 0, 100, 100, 250]
    assert Eras([]).ended_by(5, 9).of_epoch(6).after_id == 9
