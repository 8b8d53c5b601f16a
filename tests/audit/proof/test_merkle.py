"""Merkle trees: any change of any leaf changes the root, and each leaf proves its place."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from audit.proof import merkle

leaves = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)


@given(leaves, st.data())
def test_every_leaf_climbs_to_the_root(given_leaves: list[bytes], data: st.DataObject) -> None:
    indexes = data.draw(st.sets(st.integers(0, len(given_leaves) - 1)))
    paths = merkle.paths(given_leaves, indexes)
    assert set(paths) == indexes
    for index, steps in paths.items():
        assert merkle.climb(given_leaves[index], steps) == merkle.root(given_leaves)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=2, max_size=40, unique=True), st.data())
def test_order_matters(given_leaves: list[bytes], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(given_leaves))
    assert (merkle.root(shuffled) == merkle.root(given_leaves)) == (shuffled == given_leaves)


@given(leaves)
def test_a_tree_of_nodes_is_no_tree_of_leaves(given_leaves: list[bytes]) -> None:
    """RFC 6962: leaves and nodes are hashed apart, so an inner node cannot pass for a leaf."""
    extended = [*given_leaves, hashlib.sha256(b"x").digest()]
    assert merkle.root(extended) != merkle.root(given_leaves)
