"""From an explanation to the row that it rests on, for whoever may see that row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.urls import reverse

from accounts.models import User
from audit.explaining import Explanation, Verdict, kind_words
from audit.review.models import GlassReview
from common.ids import as_uuid
from patients import access as patient_access
from patients.models import ChartRestriction, Consult, Encounter, OwnEntry, PatientGrant
from records.documents import access as document_access
from records.release import access as release_access

Link = Callable[[User, str], str]


@dataclass(frozen=True)
class Reason:
    """An explanation as the event's page shows it."""

    kind: str
    words: str
    is_against: bool
    url: str


def _encounter(user: User, key: str) -> str:
    row = Encounter.objects.filter(pk=key, patient__in=patient_access.visible_to(user)).first()
    return reverse("patients:encounters", args=[row.patient_id]) if row else ""


def _document(user: User, key: str) -> str:
    row = document_access.visible_to(user).filter(pk=key).first()
    return row.get_absolute_url() if row else ""


def _request(user: User, key: str) -> str:
    if not patient_access.allows(release_access.get_for, user, key):
        return ""
    return reverse("release:detail", args=[key])


def _release(user: User, key: str) -> str:
    if not patient_access.allows(release_access.get_release_for, user, key):
        return ""
    return reverse("release:detail", args=[release_access.get_release_for(user, key)[0].request_id])


def _glass(user: User, key: str) -> str:
    row = (
        GlassReview.objects.filter(glass_id=as_uuid(key)).first()
        if user.has_perm("review.review_glass")
        else None
    )
    return row.get_absolute_url() if row else ""


def _glass_review(user: User, key: str) -> str:
    return reverse("review:glass", args=[key]) if user.has_perm("review.review_glass") else ""


def _opening(model: type, patient: str) -> Link:
    """The page of who may open the chart, where these rows are told."""

    def link(user: User, key: str) -> str:
        if not (user.has_perm("patients.restrict_chart") or user.has_perm("patients.grant_chart")):
            return ""
        visible = patient_access.visible_to(user)
        row = model._default_manager.filter(pk=key, **{f"{patient}__in": visible}).first()  # type: ignore[attr-defined]
        return reverse("patients:opening", args=[getattr(row, f"{patient}_id")]) if row else ""

    return link


def _event(user: User, key: str) -> str:
    return reverse("review:event", args=[key]) if user.has_perm("review.view_log") and key.isdigit() else ""


LINKS: dict[str, Link] = {
    "patients.encounter": _encounter,
    "patients.consult": _opening(Consult, "patient"),
    "patients.patientgrant": _opening(PatientGrant, "content_object"),
    "patients.ownentry": _opening(OwnEntry, "patient"),
    "patients.chartrestriction": _opening(ChartRestriction, "patient"),
    "patients.glassbreak": _glass,
    "documents.document": _document,
    "release.recordrequest": _request,
    "release.release": _release,
    "review.glassreview": _glass_review,
    "audit.event": _event,
}


def link_to(user: User, evidence: str) -> str:
    """The address of a row given as `table label:id`; nothing where there is none, or none for this person."""
    label, _, key = evidence.partition(":")
    link = LINKS.get(label)
    if link is None or not (label == "audit.event" or as_uuid(key)):
        return ""
    return link(user, key)


def reasons(user: User, explanations: Sequence[Explanation]) -> list[Reason]:
    """What explains one event, what speaks against it first, with the way to each row that `user` may see."""
    rows = sorted(explanations, key=lambda one: one.verdict)
    return [
        Reason(
            kind_words(one.kind), one.words, one.verdict is Verdict.CONTRADICTED, link_to(user, one.evidence)
        )
        for one in rows
    ]
