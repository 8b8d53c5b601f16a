"""The evidence bundle: chosen events, the proof of each, the signed epochs, and a script that checks it anywhere."""

import io
import json
import zipfile
from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils import timezone

from audit.proof import epochs, eras, keys, merkle, offline_verifier
from audit.proof.epochs import CANONICAL, Epoch
from audit.proof.eras import Era

MOST_EVENTS = 20_000


def _canonical(ids: Iterable[int]) -> list[tuple[int, int, str]]:
    """(id, transaction, sealed text) of these events."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select id, txid::text, {CANONICAL} from audit_event where id = any(%s) order by at, id",  # noqa: S608
            [sorted(ids)],
        )
        return [(int(pk), int(txid), str(text)) for pk, txid, text in cursor.fetchall()]


class _Chain:
    """The chain by era, to find the epoch that sealed an event."""

    def __init__(self) -> None:
        self.eras = eras.every()
        self.epochs: dict[Era, list[Epoch]] = {}
        for epoch in epochs.every():
            self.epochs.setdefault(self.eras.of_epoch(epoch.n), []).append(epoch)

    def epoch_of(self, event_id: int, txid: int) -> Epoch | None:
        """The epoch of this event; None when it is not sealed yet."""
        chain = self.epochs.get(self.eras.of_event(event_id), [])
        position = bisect_right(chain, txid, key=lambda epoch: epoch.from_xid) - 1
        # An epoch that only tells of a move seals nothing and begins where the next one does.
        if position < 0 or txid >= chain[position].to_xid:
            return None
        return chain[position]


def build(ids: Iterable[int]) -> tuple[bytes, int]:
    """The bundle (ZIP) of these events, and how many are left out because they are not sealed yet.

    Held in memory: give it no more than MOST_EVENTS.
    """
    rows = _canonical(ids)
    chain = _Chain()
    used: dict[int, Epoch] = {}
    lines: list[str] = []
    unsealed = 0
    trees: dict[int, dict[int, int]] = {}
    leaves: dict[int, list[bytes]] = {}
    for pk, txid, text in rows:
        epoch = chain.epoch_of(pk, txid)
        if epoch is None:
            unsealed += 1
            continue
        if epoch.n not in trees:
            kept = epochs.kept_leaves(epoch.n)
            trees[epoch.n] = {event: position for position, (event, _) in enumerate(kept)}
            leaves[epoch.n] = [leaf for _, leaf in kept]
        used[epoch.n] = epoch
        place = trees[epoch.n].get(pk)
        steps = merkle.path(leaves[epoch.n], place) if place is not None else []
        line: dict[str, Any] = {
            "id": pk,
            "epoch": epoch.n,
            "fields": offline_verifier.split(text),
            "canonical": text,
            "proof": [[side, sibling.hex()] for side, sibling in steps],
        }
        lines.append(json.dumps(line, ensure_ascii=False))
    about = {
        "made_at": timezone.now().isoformat(),
        "count": len(lines),
        "epochs": [_epoch(epoch) for _, epoch in sorted(used.items())],
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bundle.json", json.dumps(about, indent=1))
        archive.writestr("events.jsonl", "".join(f"{line}\n" for line in lines))
        archive.writestr("verify.py", Path(offline_verifier.__file__).read_text(encoding="utf-8"))
        archive.writestr("README.txt", README)
    return target.getvalue(), unsealed


def _epoch(epoch: Epoch) -> dict[str, Any]:
    return {
        "n": epoch.n,
        "message": epoch.message.decode(),
        "signature": epoch.signature.hex(),
        "public_key": keys.public_text(epoch.key_id),
    }


README = """Evidence from the access log of Chartroom
========================================

events.jsonl  one event a line: readable fields, the exact text that was sealed, and its Merkle proof
bundle.json   the signed epochs that these events belong to
verify.py     checks all of it: python3 verify.py     (Python 3.8 or newer, nothing else, no network)

Times ("at") are microseconds since 1970-01-01 00:00 UTC.

What it proves: each event stood in the log, exactly so, when its epoch was sealed, and the epoch was signed with
the key that verify.py prints. Compare that key with a printed or otherwise kept checkpoint of the hospital.
What it cannot prove: that no other event was left out of this bundle; ask for the check of the whole log for that.
"""
