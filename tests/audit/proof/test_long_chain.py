"""An event's epoch is found without reading the chain: after ten years it has five million of them."""

import tracemalloc
from bisect import bisect_right
from collections.abc import Collection

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.proof import bundle, epochs
from audit.proof.eras import LARGEST_ID, Era, Eras
from tests.support import at_most_queries

MANY = 20_000


@given(
    # How far apart epochs begin (0: one that only tells of a move), the numbers that were removed, the questions.
    st.lists(st.integers(0, 9), min_size=1, max_size=60),
    st.sets(st.integers(1, 60)),
    st.integers(1, 70),
    st.integers(0, 70),
    st.lists(st.integers(0, 400), max_size=20),
)
@settings(deadline=None)
def test_the_search_finds_what_reading_all_of_it_finds(
    apart: list[int], removed: set[int], first: int, last_n: int, asked: list[int]
) -> None:
    begins, at = {}, 0
    for n, distance in enumerate(apart, 1):
        at += distance
        begins[n] = at
    there = {n: xid for n, xid in begins.items() if n not in removed}
    looks = 0

    def beginnings(numbers: Collection[int]) -> dict[int, tuple[int, int]]:
        nonlocal looks
        looks += 1
        nexts = {wanted: min((n for n in there if n >= wanted), default=None) for wanted in numbers}
        return {wanted: (n, there[n]) for wanted, n in nexts.items() if n is not None}

    found = epochs.search(asked, first, last_n, beginnings)
    chain = [n for n in sorted(there) if first <= n <= last_n]
    expected = {}
    for xid in asked:
        place = bisect_right(chain, xid, key=there.__getitem__) - 1
        if place >= 0:
            expected[xid] = chain[place]
    assert found == expected
    assert looks <= 7


@pytest.fixture
def long_chain(db: None) -> int:
    """Many epochs behind those there are, three transactions each; the first transaction of theirs."""
    newest = epochs.last()
    begin, total = (newest.to_xid, newest.total) if newest else (10**9, 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into audit_epoch (n, from_xid, to_xid, row_count, total, root, previous, cluster, sealed_at,"
            " key_id, note, signature) select %(n)s + step, (%(begin)s + 3 * (step - 1))::text::xid8,"
            " (%(begin)s + 3 * step)::text::xid8, 3, %(total)s + 3 * step, decode(repeat('ab', 32), 'hex'),"
            " decode(repeat('cd', 32), 'hex'), '1', now(), 'new', '', decode(repeat('ef', 64), 'hex')"
            " from generate_series(1, %(many)s) step",
            {"n": newest.n if newest else 0, "begin": begin, "total": total, "many": MANY},
        )
        cursor.execute("analyze audit_epoch")
    return begin


def test_a_long_chain_is_not_held(long_chain: int) -> None:
    events = [(LARGEST_ID - place, long_chain + 3 * place * 97 + place % 3) for place in range(200)]
    newest = epochs.last()
    assert newest
    tracemalloc.start()
    with at_most_queries(40):
        found = bundle._sealing(events)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {pk: epoch.n for pk, epoch in found.items()} == {
        pk: newest.n - MANY + 1 + place * 97 for place, (pk, _) in enumerate(events)
    }
    assert peak < 2_000_000  # all of them would be fifteen times as much
    assert bundle._sealing([(LARGEST_ID, newest.to_xid)]) == {}  # not sealed yet


def test_each_era_is_searched_by_itself() -> None:
    eras = Eras([(3, 100), (7, 250)])
    assert [eras.last_epoch_of(era) for era in eras.eras] == [3, 7, None]
    assert Eras([]).last_epoch_of(Era(0, LARGEST_ID, 1)) is None
