"""The sample of a signed review drawn again: from the seed, the log, and what the log kept when it was drawn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from accounts.services import service_account
from audit.archiving import ledger
from audit.explaining import Access, Standing
from audit.models import Event
from audit.review import counting
from audit.review.models import DrawnAccess, SignOff
from audit.review.services import signing
from audit.services import record
from common.errors import WrongMove

LETTERS = {standing.value[0]: standing for standing in Standing}


@dataclass
class Redrawn:
    """What came of it: `differences` is empty when it is the same sample. They name events, and no patient."""

    sign_off: SignOff
    pool: int = 0
    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        """Whether the same accesses were drawn, each as it was kept, from as many."""
        return not self.differences


@transaction.atomic
def redraw(sign_off: SignOff) -> Redrawn:
    """Draw the sample of a signed review once more and compare; that it was done is an event, with what came of it.

    Raises WrongMove for a review that is not signed, and for a period of which a month is archived.
    """
    if not sign_off.is_signed:
        raise WrongMove(f"The review of {sign_off.period} is not signed yet.")
    start, end = counting.bounds(sign_off.starts_on)[0], counting.bounds(sign_off.ends_on)[1]
    if archived := ledger.between(start, end):
        months = ", ".join(f"audit_attach --month {row.month}" for row in archived)
        raise WrongMove(f"Events of {sign_off.period} are archived. Bring them back first: {months}.")
    redrawn = Redrawn(sign_off)
    drawn = _kept(sign_off, "signoff.drawn", redrawn)
    signed = _kept(sign_off, "signoff.signed", redrawn)
    redrawn.differences += _what_was_signed(sign_off, signed)
    redrawn.differences += _what_was_drawn_from(sign_off, drawn)
    pool = signing.pool_of(sign_off)
    redrawn.pool = len(pool)
    if drawn.get("pool", len(pool)) != len(pool):
        redrawn.differences.append(f"By chance {drawn['pool']} were drawn; now it is {len(pool)}.")
    sample = list(sign_off.sample.order_by("position"))
    if drawn.get("drawn", len(sample)) != len(sample):
        redrawn.differences.append(f"{drawn['drawn']} were drawn to be looked at; {len(sample)} are kept.")
    standings = _standings(pool, sample, drawn, redrawn)
    chosen = signing.chosen_of(pool, standings, int(drawn.get("drawn", len(sample))))
    redrawn.differences += _compared(sample, chosen, standings)
    record(
        "signoff.redrawn",
        by=service_account("reviews"),
        about=sign_off,
        reason=signing.WHY,
        outcome="success" if redrawn.is_same else "failed",
        detail={"period": sign_off.period, "differences": redrawn.differences},
    )
    return redrawn


def _kept(sign_off: SignOff, event: str, redrawn: Redrawn) -> dict[str, Any]:
    """What the log says of the one event of this name; the log is sealed, the review's own row is not."""
    found = list(Event.objects.filter(event=event, object_type="review.signoff", object_id=str(sign_off.pk)))
    if len(found) != 1:
        redrawn.differences.append(f"The log has {len(found)} events {event} of this review, not one.")
    return dict(found[0].detail or {}) if found else {}


def _what_was_signed(sign_off: SignOff, signed: Mapping[str, Any]) -> Iterator[str]:
    digest = signing.digest_of(sign_off)
    if sign_off.digest != digest:
        yield f"What is kept is not what was signed: its hash is {digest}, not {sign_off.digest}."
    if signed and signed.get("sha256") != digest:
        yield f"The log says that something else was signed: {signed.get('sha256')}."


def _what_was_drawn_from(sign_off: SignOff, drawn: Mapping[str, Any]) -> Iterator[str]:
    could, own = signing.population_of(sign_off)
    now = {"seed": sign_off.seed, "population": could, "left_out": own}
    words = {
        "seed": "The seed",
        "population": "How many accesses could be drawn",
        "left_out": "How many were left out because they were the drawer's own",
    }
    then = {
        **{name: getattr(sign_off, name) for name in now},
        **{name: drawn[name] for name in now if name in drawn},
    }
    for name, value in now.items():
        if then[name] != value:
            yield f"{words[name]}: {then[name]} when it was drawn, {value} now."


def _standings(
    pool: Sequence[Access], sample: Sequence[DrawnAccess], drawn: Mapping[str, Any], redrawn: Redrawn
) -> dict[int, Standing]:
    """What each access of the pool came to when it was drawn: explanations may come to something else today."""
    kept = str(drawn.get("standings", "")).replace(" ", "")
    if len(kept) == len(pool) and set(kept) <= set(LETTERS):
        return {access.event_id: LETTERS[letter] for access, letter in zip(pool, kept, strict=True)}
    if kept:
        redrawn.differences.append("What the log kept of explanations does not fit what chance draws.")
    redrawn.notes.append(
        "What the accesses that were passed over came to was not kept when it was drawn: they are taken as explained."
    )
    known = {row.event_id: Standing(row.standing) for row in sample}
    return {access.event_id: known.get(access.event_id, Standing.EXPLAINED) for access in pool}


def _compared(
    sample: Sequence[DrawnAccess], chosen: Sequence[Access], standings: Mapping[int, Standing]
) -> Iterator[str]:
    """Each place at which the kept sample is not what is drawn now."""
    for position, (row, access) in enumerate(zip(sample, chosen, strict=False), 1):
        if (row.position, row.event_id) != (position, access.event_id):
            yield f"Place {position}: event {row.event_id} is kept at {row.position}, event {access.event_id} is drawn."
            continue
        kept = (row.at, row.actor_id, row.patient_id, row.event)
        if kept != (access.at, access.actor_id, access.patient_id, access.event):
            yield f"Place {position}: event {row.event_id} is not in the log as it was kept."
        standing = standings[access.event_id]
        if row.standing != standing:
            yield f"Place {position}: event {row.event_id} is kept as {row.standing}, and was {standing}."
    if len(sample) != len(chosen):
        yield f"{len(sample)} accesses are kept, {len(chosen)} are drawn."
