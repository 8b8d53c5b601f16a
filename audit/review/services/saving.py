"""Verbs on questions that are kept to be asked again."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from audit.review import access
from audit.review.models import SavedQuestion
from audit.services import record
from common.errors import RuleBroken
from patients import access as patient_access
from patients.names import key as name_key

LONGEST = 60
MOST = 50  # of one person


def _named(name: str, *, patient_id: UUID | None, by: User) -> str:
    """The name as it is kept. Raises RuleBroken for none, or one that names the patient it asks about."""
    text = " ".join(name.replace("\0", " ").split())
    if not text or len(text) > LONGEST:
        raise RuleBroken("name", f"Give it a name of at most {LONGEST} letters.", field="name")
    if patient_id is not None:
        patient, _ = patient_access.get_for(by, patient_id)
        words = set(name_key(text).split())
        if words & set(f"{patient.family_key} {patient.given_key}".split()) or patient.mrn in text.replace(
            "-", ""
        ):
            raise RuleBroken(
                "name", "Do not name the patient: the question keeps the chart by itself.", field="name"
            )
    return text


@transaction.atomic
def save_question(
    *,
    by: User,
    name: str,
    patient_id: UUID | None = None,
    person_id: UUID | None = None,
    conditions: Mapping[str, str],
    is_shared: bool = False,
) -> SavedQuestion:
    """Keep a question under a name, for oneself or the whole office. Raises Denied, NotFound, RuleBroken."""
    access.check_may_view_log(by)
    name = _named(name, patient_id=patient_id, by=by)
    own = SavedQuestion.objects.kept().filter(owner=by)
    if own.filter(name__iexact=name).exists():
        raise RuleBroken("name", "You have a question of this name already.", field="name")
    if own.count() >= MOST:
        raise RuleBroken("name", f"You keep {MOST} questions. Take one off the list first.", field="name")
    saved = SavedQuestion.objects.create(
        owner=by,
        name=name,
        patient_id=patient_id,
        person_id=person_id,
        conditions=dict(conditions),
        is_shared=is_shared,
    )
    record("log.question_saved", by=by, patient=patient_id, about=saved, detail={"is_shared": is_shared})
    return saved


@transaction.atomic
def end_question(*, by: User, question_id: Any) -> SavedQuestion:
    """Take one's own question off the list. Raises Denied, NotFound."""
    saved = access.get_saved_for(by, question_id, lock=True)
    access.check_may_end_saved(by, saved)
    if saved.ended_at is None:
        saved.ended_at = Now()
        saved.save()
        saved.refresh_from_db()
        record("log.question_ended", by=by, patient=saved.patient_id, about=saved)
    return saved
