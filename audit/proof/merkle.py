"""Merkle trees as RFC 6962 builds them: leaves and nodes are hashed with different first bytes."""

import hashlib
from collections.abc import Iterable, Sequence

EMPTY = hashlib.sha256(b"").digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two 32-byte children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over 32-byte leaf hashes in order; the hash of nothing for none."""
    if not leaves:
        return EMPTY
    level = list(leaves)
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def _parents(level: list[bytes]) -> list[bytes]:
    paired = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return [*paired, level[-1]] if len(level) % 2 else paired


def paths(leaves: Sequence[bytes], indexes: Iterable[int]) -> dict[int, list[tuple[str, bytes]]]:
    """For each of these leaves the siblings from it up to the root, each with the side it stands on ("L" or "R").

    The tree is made once, however many are asked for.
    """
    places = {index: index for index in indexes}
    steps: dict[int, list[tuple[str, bytes]]] = {index: [] for index in places}
    level = list(leaves)
    while len(level) > 1:
        for index, place in places.items():
            sibling = place ^ 1
            if sibling < len(level):
                steps[index].append(("L" if sibling < place else "R", level[sibling]))
            places[index] = place // 2
        level = _parents(level)
    return steps


def climb(leaf: bytes, steps: Sequence[tuple[str, bytes]]) -> bytes:
    """The root that `leaf` and its siblings lead to."""
    for side, sibling in steps:
        leaf = node(sibling, leaf) if side == "L" else node(leaf, sibling)
    return leaf
