"""The evidence bundle: chosen events, the proof of each, the signed epochs, and a script that checks it anywhere."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection
from django.utils import timezone

from audit.proof import epochs, eras, keys, merkle, offline_verifier, stamps
from audit.proof.epochs import CANONICAL, Epoch
from audit.proof.eras import Era
from audit.proof.stamps import Stamp

MOST_EVENTS = 20_000
MOST_LINKS = 2_000  # seals that a bundle brings along only to lead to a time-stamp


def _canonical(ids: Iterable[int]) -> list[tuple[int, int, str]]:
    """(id, transaction, sealed text) of these events."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select id, txid::text, {CANONICAL} from audit_event where id = any(%s::bigint[]) order by at, id",  # noqa: S608
            [sorted(ids)],
        )
        return [(int(pk), int(txid), str(text)) for pk, txid, text in cursor.fetchall()]


def _sealing(events: Iterable[tuple[int, int]]) -> dict[int, Epoch]:
    """The epoch that sealed each of these events (id, transaction), by event id; those not sealed yet have none.

    The chain itself is not read: it has millions of epochs after some years.
    """
    chain, newest = eras.every(), epochs.last()
    by_era: dict[Era, dict[int, int]] = {}
    for pk, txid in events:
        by_era.setdefault(chain.of_event(pk), {})[pk] = txid
    places: dict[int, int] = {}
    for era, txids in by_era.items():
        last_n = chain.last_epoch_of(era) or (newest.n if newest else 0)
        found = epochs.last_begun(txids.values(), era.first_epoch, last_n)
        places |= {pk: found[txid] for pk, txid in txids.items() if txid in found}
    sealed_by = epochs.of(set(places.values()))
    txid_of = {pk: txid for txids in by_era.values() for pk, txid in txids.items()}
    # An epoch that only tells of a move seals nothing and begins where the next one does.
    return {pk: sealed_by[n] for pk, n in places.items() if txid_of[pk] < sealed_by[n].to_xid}


def _by_epoch(sealed_by: Mapping[int, Epoch]) -> dict[int, list[int]]:
    """The events of each epoch, so that one epoch's hashes are held at a time."""
    found: dict[int, list[int]] = {}
    for pk, epoch in sealed_by.items():
        found.setdefault(epoch.n, []).append(pk)
    return found


@dataclass(frozen=True)
class Proven:
    """One event as it was sealed, and all that proves it: enough to pack it again when the log's month is elsewhere."""

    event_id: int
    canonical: str
    proof: list[list[str]]  # from leaf to root: the side a sibling stands on, its hash
    epoch: dict[str, Any]  # n, message, signature, public_key

    @property
    def holds(self) -> bool:
        """Whether the text leads to the root that was signed, and the signature is the key's."""
        message: str = self.epoch["message"]
        leaf = hashlib.sha256(b"\x00" + self.canonical.encode()).digest()
        if offline_verifier.climb(leaf, self.proof).hex() not in message.split("\n")[6:7]:
            return False
        try:
            public = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.epoch["public_key"]))
            public.verify(bytes.fromhex(self.epoch["signature"]), message.encode())
        except (ValueError, InvalidSignature):
            return False
        return True


def gather(ids: Iterable[int]) -> tuple[list[Proven], list[int]]:
    """These events with their proofs, in the order of time; and the ids of those that are not sealed yet."""
    rows = _canonical(ids)
    sealed_by = _sealing((pk, txid) for pk, txid, _ in rows)
    steps: dict[int, list[list[str]]] = {}
    for n, wanted in _by_epoch(sealed_by).items():
        kept = epochs.kept_leaves(n)
        places = {event: position for position, (event, _) in enumerate(kept)}
        here = {pk: places[pk] for pk in wanted if pk in places}
        paths = merkle.paths([leaf for _, leaf in kept], here.values())
        for pk, place in here.items():
            steps[pk] = [[side, sibling.hex()] for side, sibling in paths[place]]
    told = {epoch.n: _epoch(epoch) for epoch in sealed_by.values()}
    found = [
        Proven(pk, text, steps.get(pk, []), told[sealed_by[pk].n]) for pk, _, text in rows if pk in sealed_by
    ]
    return found, [pk for pk, _, _ in rows if pk not in sealed_by]


def pack(events: Sequence[Proven], *, archived: Sequence[Mapping[str, Any]] = ()) -> bytes:
    """The bundle (ZIP) of these events, with the script that checks it.

    `archived` are the months that were not looked into (month, events, file): it says so.
    """
    used = {event.epoch["n"]: event.epoch for event in events}
    lines = [
        json.dumps(
            {
                "id": event.event_id,
                "epoch": event.epoch["n"],
                "fields": offline_verifier.split(event.canonical),
                "canonical": event.canonical,
                "proof": event.proof,
            },
            ensure_ascii=False,
        )
        for event in events
    ]
    stamped, links = _stamps_over(used)
    chain = {**links, **used}
    about = {
        "made_at": timezone.now().isoformat(),
        "count": len(lines),
        "epochs": [chain[n] for n in sorted(chain)],
        "archived": list(archived),
        "stamps": [{"epoch": stamp.n, "authority": stamp.authority} for stamp, _ in stamped],
    }
    files: dict[str, bytes] = {
        "bundle.json": json.dumps(about, indent=1).encode(),
        "events.jsonl": "".join(f"{line}\n" for line in lines).encode(),
        "verify.py": Path(offline_verifier.__file__).read_bytes(),
        "README.txt": (README + _readme_archived(archived) + (README_STAMPS if stamped else "")).encode(),
    }
    for stamp, data in stamped:
        files[f"stamps/epoch-{stamp.n}.txt"] = data
        files[f"stamps/epoch-{stamp.n}.tsr"] = stamp.response
    if stamped and (certificates := stamps.certificates()):
        files["stamps/authority.pem"] = certificates
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    files[offline_verifier.SUMS] = sums.encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def _stamps_over(
    used: Mapping[int, dict[str, Any]],
) -> tuple[list[tuple[Stamp, bytes]], dict[int, dict[str, Any]]]:
    """The time-stamps that cover these epochs, each with the text it is about, and the epochs that lead there.

    Only where the chain still holds these very epochs: a case keeps its own, whatever became of the log.
    """
    starts: dict[int, int] = {}  # by stamped epoch: the first epoch of ours under its stamp
    for n, stamped in stamps.covering(used).items():
        starts[stamped] = min(n, starts.get(stamped, n))
    kept = stamps.of(starts)
    found: list[tuple[Stamp, bytes]] = []
    links: dict[int, dict[str, Any]] = {}
    for end, start in sorted(starts.items()):
        if len(links) + end - start > MOST_LINKS:
            continue
        way = list(epochs.between(start, end))
        is_ours = all(used[epoch.n]["signature"] == epoch.signature.hex() for epoch in way if epoch.n in used)
        if is_ours and way and way[-1].n == end:
            links.update({epoch.n: _epoch(epoch) for epoch in way if epoch.n not in used})
            found.append((kept[end], stamps.data(way[-1])))
    return found, links


def build(ids: Iterable[int], *, archived: Sequence[Mapping[str, Any]] = ()) -> tuple[bytes, int]:
    """The bundle (ZIP) of these events, and how many are left out because they are not sealed yet.

    Held in memory: give it no more than MOST_EVENTS.
    """
    found, unsealed = gather(ids)
    return pack(found, archived=archived), len(unsealed)


@dataclass(frozen=True)
class Sealed:
    """One event with its leaf hash as it stands now, the epoch that sealed it, and whether it sealed the same."""

    event_id: int
    leaf: str
    epoch: int | None
    is_same: bool


def sealed(ids: Iterable[int]) -> dict[int, Sealed]:
    """How each of these events is sealed, by id; an event without an epoch is not sealed yet."""
    rows = _canonical(ids)
    sealed_by = _sealing((pk, txid) for pk, txid, _ in rows)
    then: dict[int, bytes] = {}
    for n, wanted in _by_epoch(sealed_by).items():
        kept = dict(epochs.kept_leaves(n))
        then |= {pk: kept[pk] for pk in wanted if pk in kept}
    found = {}
    for pk, _, text in rows:
        leaf = hashlib.sha256(b"\x00" + text.encode()).digest()
        epoch = sealed_by.get(pk)
        found[pk] = Sealed(pk, leaf.hex(), epoch.n if epoch else None, then.get(pk) == leaf)
    return found


def _epoch(epoch: Epoch) -> dict[str, Any]:
    return {
        "n": epoch.n,
        "message": epoch.message.decode(),
        "signature": epoch.signature.hex(),
        "public_key": keys.public_text(epoch.key_id),
    }


def _readme_archived(archived: Sequence[Mapping[str, Any]]) -> str:
    if not archived:
        return ""
    lines = [f"    {row['month']}: {row['events']} events in {row['file']}\n" for row in archived]
    return f"\n{README_ARCHIVED}{''.join(lines)}"


README_ARCHIVED = """Not in this bundle
------------------

The question reaches into months that were in the archive when it was asked; nobody looked into them:

"""

README = """Evidence from the access log of Chartroom
========================================

events.jsonl  one event a line: readable fields, the exact text that was sealed, and its Merkle proof
bundle.json   the signed epochs that these events belong to
SHA256SUMS    the hash of every other file, as they were packed: nothing was damaged on the way
verify.py     checks all of it: python3 verify.py     (Python 3.8 or newer, nothing else, no network)

Times ("at") are microseconds since 1970-01-01 00:00 UTC.

What it proves: each event stood in the log, exactly so, when its epoch was sealed, and the epoch was signed with
the key that verify.py prints. Compare that key with a printed or otherwise kept checkpoint of the hospital.
What it cannot prove: that no other event was left out of this bundle; ask for the check of the whole log for that.
"""

README_STAMPS = """
Time-stamps (RFC 3161)
----------------------

stamps/epoch-N.txt   what was stamped: the text of epoch N as it was signed, and the signature
stamps/epoch-N.tsr   what the time-stamp authority answered
stamps/authority.pem the authority's certificates, as the hospital has them

verify.py says which events a stamp covers (each epoch holds the hash of the signature before it; some thousand epochs
between an event's and a stamped one lie in bundle.json for that), and that epoch-N.txt is epoch N. It cannot check the
stamp itself: that is CMS and X.509. OpenSSL can:

    openssl ts -verify -in stamps/epoch-N.tsr -data stamps/epoch-N.txt -CAfile stamps/authority.pem
    openssl ts -reply -in stamps/epoch-N.tsr -text        shows the time

Get the authority's root certificate from the authority, not from this bundle. When the certificate has run out
meanwhile, add  -attime SECONDS  with the time of the stamp, in seconds since 1970.

What it proves, if you trust the authority: the epoch, and with it the events it covers, existed at that time.
"""
