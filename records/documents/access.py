"""Who may see and file documents: whoever may open the chart, as far as the document's labels are open to her."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.models import User
from common.errors import Denied, Hidden, NotFound
from common.ids import as_uuid
from common.kept import Kept
from patients.access import Decision, check_may_open, open_to
from patients.models import Patient
from records.documents import clearance
from records.documents.models import Document, DocumentStatus, Label

SAY_WHY = "This document is sensitive. Say why you need it, and it opens to you for a limited time."


def sees_withdrawn(user: User) -> bool:
    """Documents entered in error are for whoever files documents."""
    return user.has_perm("documents.file_document")


def visible_to(user: User) -> QuerySet[Document]:
    """Documents that `check_may_view` allows: of the charts that `user` may open, with labels open to her."""
    return _as_far_as_labels_go(user, Document.objects.filter(open_to(user, "patient_id")))


def of_open_chart(user: User, patient: Patient) -> QuerySet[Document]:
    """The same of one chart, which `user` has opened: the caller got `patient` from `patients.access`."""
    return _as_far_as_labels_go(user, Document.objects.filter(patient=patient))


def _as_far_as_labels_go(user: User, rows: QuerySet[Document]) -> QuerySet[Document]:
    if not user.has_perm("documents.view_document"):
        return rows.none()
    return _shown(rows, user.pk, with_withdrawn=sees_withdrawn(user))


def _shown(rows: QuerySet[Document], user_id: UUID, *, with_withdrawn: bool) -> QuerySet[Document]:
    rows = rows.filter(clearance.shown_to(user_id))
    return rows if with_withdrawn else rows.exclude(status=DocumentStatus.ENTERED_IN_ERROR)


def shown_in(user_id: UUID, patient_id: UUID, *, with_withdrawn: bool) -> QuerySet[Document]:
    """What `of_open_chart` gives somebody who looks at documents, by keys: for questions that are written once."""
    return _shown(Document.objects.filter(patient=patient_id), user_id, with_withdrawn=with_withdrawn)


def told_in(user_id: UUID, patient_id: UUID, *, with_withdrawn: bool) -> QuerySet[Any]:
    """What `told_of` gives her."""
    rows = Document.objects.filter(patient=patient_id).annotate(is_shown=clearance.shown_to(user_id))
    rows = rows.filter(Q(is_shown=True) | Q(clearance.may_be_asked_for(user_id)))
    return rows if with_withdrawn else rows.exclude(status=DocumentStatus.ENTERED_IN_ERROR)


def told_of(user: User, patient: Patient) -> QuerySet[Any]:
    """Documents of an open chart that `user` may know of, with `is_shown`: those she sees, and those that she may
    have by saying why.

    Nobody is told of a document that her role may not ask for: that it exists says already what it is about
    (42 CFR 2.13(c)).
    """
    if not user.has_perm("documents.view_document"):
        return Document.objects.none()
    return told_in(user.pk, patient.pk, with_withdrawn=sees_withdrawn(user))


def to_ask_for(user: User, patient: Patient) -> QuerySet[Any]:
    """Those of them that are not shown yet."""
    return told_of(user, patient).filter(is_shown=False)


def check_may_view(user: User, document: Document, *, chart: Decision | None = None) -> Decision:
    """Why `user` may look at this document; allows exactly what `visible_to` lists.

    `chart` is what the policy has just said of the document's chart. Raises Denied, with `reason_required` where
    a stated need would open it, or NotFound.
    """
    check_may_view_any(user)
    decision = chart or check_may_open(user, document.patient)
    is_withdrawn = document.status == DocumentStatus.ENTERED_IN_ERROR
    if is_withdrawn and not sees_withdrawn(user):
        raise NotFound
    return _check_labels(user, document, decision) if document.labels else decision


def _check_labels(user: User, document: Document, decision: Decision) -> Decision:
    """The decision with what opened the labels. One statement, for the few documents that carry one."""
    asked = Document.objects.filter(pk=document.pk).values_list(
        clearance.shown_to(user.pk),
        clearance.open_by_role(user.pk),
        clearance.open_with_needs(user.pk),
        clearance.may_be_asked_for(user.pk),
    )
    is_shown, by_role, with_needs, may_ask = asked.first() or (False, False, False, False)
    labels = ", ".join(document.labels)
    if is_shown:
        by = "" if by_role else ", need stated" if with_needs else ", medical emergency (42 CFR 2.51)"
        how = f"labels {labels}{by}"
        return replace(decision, evidence="; ".join(word for word in (decision.evidence, how) if word))
    facts: dict[str, Any] = {
        "patient_id": document.patient_id,
        "about": document,
        "rule": f"labels: {labels}",
        "detail": {"verdict": "reason_required" if may_ask else "denied", "labels": document.labels},
    }
    if may_ask:
        remedy = reverse("documents:state-need", args=[document.pk])
        raise Denied(SAY_WHY, code="reason_required", remedy=remedy, **facts)
    raise Hidden(**facts)


def viewable(user: User, documents: Iterable[Document]) -> set[UUID]:
    """The ids of those among `documents` that `user` may look at now. One statement however many."""
    return set(visible_to(user).filter(pk__in=[row.pk for row in documents]).values_list("pk", flat=True))


# Grounds on which psychotherapy notes may leave the house, 45 CFR 164.508(a)(2)(ii).
PSYCHOTHERAPY_MAY_GO = frozenset({"required_by_law", "oversight", "coroner", "threat", "hhs"})
# Requests by somebody who speaks for the patient, or is near her.
NOT_THE_PATIENT = frozenset({"representative", "family"})


def why_withheld(document: Document, *, ground: str) -> tuple[str, str] | None:
    """The rule of law, and its words, by which a label keeps the document back from a release on this ground.

    PSY-01: psychotherapy notes go on few grounds only. P2-02: a general authorization does not release Part 2
    records. REP-02: what a minor could consent to alone is not her parents' to see, 45 CFR 164.502(g)(3)(i).
    """
    if Label.PSYCHOTHERAPY in document.labels and ground not in PSYCHOTHERAPY_MAY_GO:
        return "PSY-01", "Psychotherapy notes do not go, 45 CFR 164.508(a)(2), 164.524(a)(1)(i)."
    if Label.PART2 in document.labels and ground != "patient":
        return "P2-02", "A record of a substance use program needs its own consent, 42 CFR 2.31."
    if Label.MINOR_CONFIDENTIAL in document.labels and ground in NOT_THE_PATIENT:
        return (
            "REP-02",
            "The minor consented to this care alone, 45 CFR 164.502(g)(3)(i): only she may have it.",
        )
    return None


@cache
def _documents(*along: str) -> Kept[Document]:
    return Kept(lambda key: Document.objects.select_related(*along).filter(pk=key))


def get_for(
    user: User,
    document_id: Any,
    *,
    lock: bool = False,
    chart: Patient | None = None,
    decided: Decision | None = None,
    along: Sequence[str] = ("current",),
) -> tuple[Document, Decision]:
    """The document with what the caller shows `along` with it, and why it may be seen.

    In `chart`, if one is open already (`decided` says why): a document of another chart is not found then. Raises
    Denied (`role`) before anything is looked up, NotFound, or Denied (`chart_denied`).
    """
    check_may_view_any(user)
    key = as_uuid(document_id)
    if key is None:
        raise NotFound
    along = [*along, *([] if chart else ["patient"])]
    if lock:
        document = (
            Document.objects.select_related(*along).select_for_update(of=("self",)).filter(pk=key).first()
        )
    else:
        document = _documents(*along).one(key)
    if document is None or (chart and document.patient_id != chart.pk):
        raise NotFound
    if chart:
        document.patient = chart
    return document, check_may_view(user, document, chart=decided)


def get_to_ask(user: User, document_id: Any) -> tuple[Document, bool]:
    """A document that is open to `user`, or would be if she said why; and whether it asks for that.

    Raises as `get_for` does, but not `reason_required` for the document's labels.
    """
    try:
        return get_for(user, document_id, along=("type",))[0], False
    except Denied as refused:
        if refused.code != "reason_required" or not isinstance(refused.about, Document):
            raise
        return refused.about, True


def check_may_change_label_rules(user: User) -> None:
    """Compliance officers: who sees what is theirs to decide, and to answer for."""
    if not user.has_perm("documents.change_label_rules"):
        raise Denied("Your role does not decide who sees which label.", rule="role")


def check_may_view_any(user: User) -> None:
    """For lists and searches, before any row is read."""
    if not user.has_perm("documents.view_document"):
        raise Denied("Your role does not look at documents.", rule="role")


def check_may_file(user: User, patient: Patient) -> Decision:
    """Records staff file into charts they may open."""
    if not user.has_perm("documents.file_document"):
        raise Denied("Your role does not file documents.", patient_id=patient.pk, about=patient, rule="role")
    return check_may_open(user, patient)


def check_may_file_at_all(user: User) -> None:
    """For pages and uploads before a chart is chosen."""
    if not user.has_perm("documents.file_document"):
        raise Denied("Your role does not file documents.", rule="role")


def check_may_download(user: User, document: Document) -> None:
    """Copies leave the house: a right of its own."""
    if not user.has_perm("documents.download_document"):
        raise Denied(
            "Your role does not download originals.",
            patient_id=document.patient_id,
            about=document,
            rule="role",
        )


def check_may_print(user: User, document: Document) -> None:
    """Paper leaves the house too."""
    if not user.has_perm("documents.print_document"):
        raise Denied(
            "Your role does not print documents.", patient_id=document.patient_id, about=document, rule="role"
        )


def check_may_correct(user: User, document: Document) -> None:
    """Records clerks and their supervisors keep the chart right."""
    if not user.has_perm("documents.correct_document"):
        raise Denied(
            "Your role does not correct or retract documents.",
            patient_id=document.patient_id,
            about=document,
            rule="role",
        )


def check_may_undo(user: User, document: Document) -> None:
    """One's own filing, and nobody else's."""
    if document.filed_by_id != user.pk or not user.has_perm("documents.file_document"):
        raise Denied(
            "Only whoever filed it can undo that.",
            patient_id=document.patient_id,
            about=document,
            rule="own filing",
        )


def check_may_retry(user: User, document: Document) -> None:
    """Whoever files documents has them read again."""
    if not user.has_perm("documents.file_document"):
        raise Denied(
            "Your role does not have documents read again.",
            patient_id=document.patient_id,
            about=document,
            rule="role",
        )
