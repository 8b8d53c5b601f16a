"""The monthly and quarterly review of activity: made due, sampled, judged, signed.

Source: 45 CFR 164.308(a)(1)(ii)(D). The sample is drawn by the system with a seed that is kept, so that it can be drawn
again: accesses in the order of the SHA-256 of seed and event id; of the first of them those that nothing explains come
first. Nobody reviews her own accesses: those of whoever draws are left out and counted, and she signs.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import service_account
from audit.explaining import ACCESS_ACTIONS, Access, Standing, explain, missing_words, standing_of
from audit.review import counting, reports, working_days
from audit.review.models import DrawnAccess, LookedAt, PeriodKind, SignOff, SignOffVerdict, end_of, quarter_of
from audit.review.services.log import named
from audit.services import record
from common.errors import Denied, NotFound, RuleBroken, WrongMove
from common.ids import as_uuid
from common.notices.models import Tone
from common.notices.services import notify
from common.web import clean
from patients.models import Patient

RIGHT = "review.sign_reviews"
WHY = "review of activity"
SAMPLE_SIZES = (10, 25, 50, 100)
POOL_TIMES = 20  # so many are drawn by chance for each that is looked at
MOST_POOL = 2_000

_POOL = """
select id, at, event, actor_id, patient_id, object_type, object_id, reason, roles::text[], session from audit_event
where at >= %(start)s and at < %(end)s and outcome = 'success' and action = any(%(accesses)s)
    and patient_id is not null and actor_id is not null and actor_id <> %(drawer)s and actor not like 'system:%%'
order by sha256(convert_to(%(seed)s || ':' || id, 'UTF8')), id limit %(pool)s
"""
_POPULATION = """
select count(*) filter (where actor_id <> %(drawer)s), count(*) filter (where actor_id = %(drawer)s) from audit_event
where at >= %(start)s and at < %(end)s and outcome = 'success' and action = any(%(accesses)s)
    and patient_id is not null and actor_id is not null and actor not like 'system:%%'
"""


@dataclass
class SignOffFile:
    """A review as its page shows it."""

    sign_off: SignOff
    sample: list[DrawnAccess] = field(default_factory=list)
    people: dict[UUID, User] = field(default_factory=dict)
    patients: dict[UUID, Patient] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)


def check_may_sign(user: User) -> None:
    """Compliance officers only."""
    if not user.has_perm(RIGHT):
        raise Denied("Only the compliance office does the review of activity.", rule="role")


def get_for(user: User, sign_off_id: Any, *, lock: bool = False) -> SignOff:
    """One review. Raises Denied, NotFound."""
    check_may_sign(user)
    key = as_uuid(sign_off_id)
    rows = SignOff.objects.select_related("drawn_by", "signed_by")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    found = rows.filter(pk=key).first() if key else None
    if found is None:
        raise NotFound
    return found


def _due(kind: str, starts_on: date) -> date:
    return working_days.after(end_of(kind, starts_on), settings.SIGN_OFF_DAYS)


def _missing() -> list[tuple[str, date]]:
    """Periods that are over, held events, and have no review yet; only the newest of each kind at the start."""
    first, today = counting.first_day(), timezone.localdate()
    if first is None:
        return []
    found: list[tuple[str, date]] = []
    for kind in (PeriodKind.MONTH, PeriodKind.QUARTER):
        this = today.replace(day=1) if kind == PeriodKind.MONTH else quarter_of(today)
        newest = SignOff.objects.filter(kind=kind).order_by("-starts_on").first()
        before = this - timedelta(days=1)
        last = before.replace(day=1) if kind == PeriodKind.MONTH else quarter_of(before)
        start = end_of(kind, newest.starts_on) + timedelta(days=1) if newest else last
        while start <= last:
            if end_of(kind, start) >= first:
                found.append((kind, start))
            start = end_of(kind, start) + timedelta(days=1)
    return found


@transaction.atomic
def make_sign_offs() -> int:
    """Make the task of each month and quarter that is over, and say that it is there; returns how many were made."""
    with connection.cursor() as cursor:
        cursor.execute("lock table review_signoff in share row exclusive mode")
    by = service_account("reviews")
    made = 0
    for kind, starts_on in _missing():
        sign_off = SignOff.objects.create(
            kind=kind, starts_on=starts_on, ends_on=end_of(kind, starts_on), due_on=_due(kind, starts_on)
        )
        record("signoff.due", by=by, about=sign_off, reason=WHY, detail={"period": sign_off.period})
        _tell(sign_off, f"The review of activity of {sign_off.period} is due by {sign_off.due_on:%d %b %Y}.")
        made += 1
    return made


@transaction.atomic
def tell_overdue_sign_offs() -> int:
    """Remind of each review that is past its day, once; returns how many."""
    rows = SignOff.objects.overdue(timezone.localdate()).filter(overdue_told_at=None)
    late = list(rows.select_for_update(skip_locked=True).order_by("due_on", "pk"))
    for sign_off in late:
        sign_off.overdue_told_at = timezone.now()
        sign_off.save(update_fields=["overdue_told_at", "updated_at"])
        record("signoff.overdue", by=service_account("reviews"), about=sign_off, reason=WHY)
        _tell(
            sign_off,
            f"The review of activity of {sign_off.period} is overdue since {sign_off.due_on:%d %b %Y}.",
        )
    return len(late)


def _tell(sign_off: SignOff, text: str) -> None:
    people = User.objects.holding(RIGHT).values_list("pk", flat=True)
    notify(people, kind="signoff.due", tone=Tone.DUE, text=text, url=sign_off.get_absolute_url())


@transaction.atomic
def list_sign_offs(*, by: User, rows: Sequence[SignOff]) -> None:
    """That somebody looked at the list; it names nobody. Raises Denied."""
    check_may_sign(by)
    record("signoff.listed", by=by, reason=WHY, detail={"shown": len(rows)})


@transaction.atomic
def view_sign_off(*, by: User, sign_off_id: Any) -> SignOffFile:
    """The review, its sample, and the numbers of its period, as signed or as they are now. Raises Denied, NotFound."""
    sign_off = get_for(by, sign_off_id)
    seen = SignOffFile(sign_off, list(sign_off.sample.order_by("position")))
    ids = {row.patient_id for row in seen.sample}
    if ids:
        seen.patients = named(by, ids)
        seen.people = User.objects.in_bulk({row.actor_id for row in seen.sample})
    seen.numbers = sign_off.numbers if sign_off.is_signed else numbers_of(sign_off)
    record("signoff.viewed", by=by, patients=ids or None, about=sign_off, reason=WHY)
    return seen


def numbers_of(sign_off: SignOff) -> dict[str, Any]:
    """The numbers of the period as they are now, with the cases that were closed in it (MON-7)."""
    return reports.numbers(sign_off.starts_on, sign_off.ends_on)


def pool_of(sign_off: SignOff) -> list[Access]:
    """The accesses that the kept seed draws: the same at any time, while the log holds the period."""
    with connection.cursor() as cursor:
        cursor.execute(_POOL, {**_asked(sign_off), "pool": sign_off.pool_size})
        return [counting.access_of_row(row) for row in cursor.fetchall()]


def population_of(sign_off: SignOff) -> tuple[int, int]:
    """How many accesses of the period could be drawn, and how many of the drawer's own could not, as the log has it."""
    with connection.cursor() as cursor:
        cursor.execute(_POPULATION, _asked(sign_off))
        could, own = cursor.fetchone()
    return could, own


def chosen_of(pool: Sequence[Access], standings: Mapping[int, Standing], size: int) -> list[Access]:
    """The sample: of what chance has drawn those that nothing explains first, each in the order of chance."""
    return sorted(pool, key=lambda access: standings[access.event_id] is Standing.EXPLAINED)[:size]


def in_letters(standings: Sequence[Standing]) -> str:
    """One letter each (e, u, c), in tens: what the log keeps of the pool, so that the choice can be made again."""
    letters = "".join(standing.value[0] for standing in standings)
    return " ".join(letters[start : start + 10] for start in range(0, len(letters), 10))


def _asked(sign_off: SignOff) -> dict[str, Any]:
    return {
        "start": counting.bounds(sign_off.starts_on)[0],
        "end": counting.bounds(sign_off.ends_on)[1],
        "accesses": sorted(ACCESS_ACTIONS),
        "drawer": sign_off.drawn_by_id,
        "seed": sign_off.seed,
    }


@transaction.atomic
def draw_sample(*, by: User, sign_off_id: Any, size: int) -> SignOff:
    """Have the system draw accesses of the period, those that nothing explains first. Once; the seed is kept.

    Raises NotFound, Denied, WrongMove (drawn already), RuleBroken (the days are not all counted yet, or
    an explanation could not be had).
    """
    sign_off = get_for(by, sign_off_id, lock=True)
    if sign_off.drawn_at is not None:
        raise WrongMove("The sample was drawn already.")
    if size not in SAMPLE_SIZES:
        raise RuleBroken("size", "Choose how many.", field="size")
    check_counted(sign_off)
    sign_off.seed, sign_off.drawn_by, sign_off.drawn_at = secrets.token_hex(16), by, timezone.now()
    sign_off.pool_size = min(size * POOL_TIMES, MOST_POOL)
    sign_off.population, sign_off.left_out = population_of(sign_off)
    pool = pool_of(sign_off)
    answers = explain(pool)
    if answers.missing:  # what is signed has to be right; the error is in the technical log
        raise RuleBroken("explanations_missing", f"{missing_words(answers.missing)} Draw the sample later.")
    standings = {access.event_id: standing_of(answers.get(access.event_id, [])) for access in pool}
    chosen = chosen_of(pool, standings, size)
    sign_off.version += 1
    sign_off.save()
    DrawnAccess.objects.bulk_create(
        [
            DrawnAccess(
                sign_off=sign_off,
                position=position,
                event_id=access.event_id,
                at=access.at,
                actor_id=access.actor_id,
                patient_id=access.patient_id,
                event=access.event,
                standing=standings[access.event_id].value,
                explanation="; ".join(answer.words for answer in answers.get(access.event_id, [])),
            )
            for position, access in enumerate(chosen, 1)
        ]
    )
    record(
        "signoff.drawn",
        by=by,
        patients={access.patient_id for access in chosen} or None,
        about=sign_off,
        reason=WHY,
        detail={
            "seed": sign_off.seed,
            "population": sign_off.population,
            "left_out": sign_off.left_out,
            "pool": len(pool),
            "drawn": len(chosen),
            "standings": in_letters([standings[access.event_id] for access in pool]),
        },
    )
    return sign_off


def check_counted(sign_off: SignOff) -> None:
    """Raise RuleBroken while a day of the period is not counted: numbers that are short are not signed."""
    until = counting.complete_until()
    if until is None or until < sign_off.ends_on:
        so_far = f"{until:%d %b %Y}" if until else "no day yet"
        raise RuleBroken(
            "not_counted", f"The days are counted until {so_far}. Try again when all of them are."
        )


@transaction.atomic
def judge_sample(*, by: User, sign_off_id: Any, verdicts: Mapping[int, tuple[str, str]]) -> SignOff:
    """Say of drawn accesses, by position, whether they are in order. Raises NotFound, Denied, WrongMove, RuleBroken."""
    sign_off = get_for(by, sign_off_id, lock=True)
    if sign_off.is_signed:
        raise WrongMove("This review is signed: it stays as it is.")
    rows = {row.position: row for row in sign_off.sample.select_for_update().order_by("position")}
    changed = []
    for position, (verdict, note) in verdicts.items():
        row, note = rows.get(position), clean(note).strip()[:1000]
        if row is None or verdict not in {"", *SignOffVerdict.values}:
            raise NotFound
        if row.actor_id == by.pk and verdict:
            raise RuleBroken("one_s_own", f"Access {position} is your own: somebody else must judge it.")
        if verdict == SignOffVerdict.QUESTION and not note:
            raise RuleBroken("note_required", f"Say what is to be questioned about access {position}.")
        if (row.verdict, row.note) != (verdict, note):
            row.verdict, row.note = verdict, note
            changed.append(row)
    if changed:
        DrawnAccess.objects.bulk_update(changed, ["verdict", "note"])
        record(
            "signoff.judged",
            by=by,
            patients={row.patient_id for row in changed},
            about=sign_off,
            reason=WHY,
            detail={"positions": [row.position for row in changed]},
        )
    return sign_off


def content_of(sign_off: SignOff) -> str:
    """Everything that is signed, as one text: what `digest` is the SHA-256 of."""
    sample = [
        [row.position, row.event_id, row.standing, row.explanation, row.verdict, row.note]
        for row in sign_off.sample.order_by("position")
    ]
    content = {
        "kind": sign_off.kind,
        "starts_on": sign_off.starts_on.isoformat(),
        "ends_on": sign_off.ends_on.isoformat(),
        "seed": sign_off.seed,
        "population": sign_off.population,
        "left_out": sign_off.left_out,
        "pool_size": sign_off.pool_size,
        "drawn_by": str(sign_off.drawn_by_id),
        "looked_at": sign_off.looked_at,
        "numbers": sign_off.numbers,
        "found": sign_off.found,
        "decided": sign_off.decided,
        "signed_by": str(sign_off.signed_by_id),
        "signed_at": sign_off.signed_at.isoformat() if sign_off.signed_at else None,
        "sample": sample,
    }
    return json.dumps(content, sort_keys=True, ensure_ascii=False)


def digest_of(sign_off: SignOff) -> str:
    """The hash of what is signed."""
    return hashlib.sha256(content_of(sign_off).encode()).hexdigest()


@transaction.atomic
def sign(*, by: User, sign_off_id: Any, looked_at: Sequence[str], found: str, decided: str) -> SignOff:
    """Sign the review: it never changes again, and its hash goes into the log, which is sealed.

    Whoever calls this has made sure that she sits there (`accounts.confirming`). Raises NotFound, Denied, WrongMove
    (signed already), RuleBroken: not drawn, not judged whole, one's own accesses, days not counted, no words.
    """
    sign_off = get_for(by, sign_off_id, lock=True)
    if sign_off.is_signed:
        raise WrongMove("This review is signed already.")
    if sign_off.drawn_at is None:
        raise RuleBroken("not_drawn", "Have the sample drawn first.")
    if sign_off.sample.filter(actor_id=by.pk).exists():
        raise RuleBroken("one_s_own", "Accesses of yours are in the sample: somebody else must sign.")
    left = sign_off.sample.filter(verdict="").count()
    if left:
        raise RuleBroken("not_judged", f"{left} of the drawn accesses are not judged yet.")
    check_counted(sign_off)
    if not looked_at or not set(looked_at) <= set(LookedAt.values):
        raise RuleBroken("looked_at", "Say which lists were looked at.", field="looked_at")
    found, decided = clean(found).strip(), clean(decided).strip()
    if not found:
        raise RuleBroken("words_required", "Say what was found, also when it is nothing.", field="found")
    if not decided:
        raise RuleBroken(
            "words_required", "Say what was decided, also when nothing has to change.", field="decided"
        )
    sign_off.looked_at = [one for one in LookedAt.values if one in set(looked_at)]
    sign_off.found, sign_off.decided = found, decided
    sign_off.numbers = numbers_of(sign_off)
    sign_off.signed_by, sign_off.signed_at = by, timezone.now()
    sign_off.digest = digest_of(sign_off)
    sign_off.version += 1
    sign_off.save()
    record(
        "signoff.signed",
        by=by,
        patients=set(sign_off.sample.values_list("patient_id", flat=True)) or None,
        about=sign_off,
        reason=WHY,
        detail={"period": sign_off.period, "sha256": sign_off.digest},
    )
    return sign_off
