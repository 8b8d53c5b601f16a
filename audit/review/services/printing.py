"""Verbs that put the log on paper: for the patient in plain words, for a lawyer with the hashes. Each is an event."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import words_for
from audit import context
from audit.archiving import ledger
from audit.archiving.ledger import Archived
from audit.explaining import ACCESS_ACTIONS
from audit.models import Event
from audit.proof import bundle, checkpoints, epochs
from audit.proof.bundle import Sealed
from audit.review import absent, access
from audit.review.questions import Question
from audit.review.services.log import charts_closed_to, named, patients_of, rows_of
from audit.services import record
from common.errors import RuleBroken
from common.ids import reference
from common.words import counted
from patients import access as patient_access
from patients import queries as patient_queries
from patients.models import Facility, Patient

MOST_LINES = 3_000
MOST_PRINTED = 1_000
TOLD = sorted(ACCESS_ACTIONS | {"break-glass"})

_BY_DAY = """
select (at at time zone %s)::date as day, actor_id, min(at) as first, max(roles)::text[] as roles,
    array_agg(action || ' ' || event) as deeds,
    count(distinct object_id) filter (where action = 'view' and object_type = 'documents.document') as documents,
    count(distinct object_id) filter (where event = 'document.filed') as filed
from audit_event
where patient_id = any(%s) and at >= %s and at < %s and outcome = 'success' and action = any(%s)
    and actor_id is not null and actor not like 'system:%%' and event not like 'log.%%'
group by 1, 2 order by 1 desc, 3, 2 limit %s
"""


@dataclass(frozen=True)
class PlainLine:
    """What one person did with the chart on one day."""

    number: int
    on: date
    who: str
    role: str
    words: str


@dataclass
class PatientReport:
    """Who looked at a chart, for the person whose chart it is."""

    patient: Patient
    since: date
    until: date
    reference: str
    made_at: datetime
    facility: str
    lines: list[PlainLine] = field(default_factory=list)
    is_cut: bool = False
    absent: str = ""  # a sentence about archived months


def _deeds(deeds: Iterable[str], documents: int, filed: int) -> str:
    """`opened your chart, read 2 documents and printed from it`."""
    seen = Counter(deeds)
    actions = {deed.partition(" ")[0] for deed in seen}
    did = []
    if "break-glass" in actions:
        did.append("opened your chart outside their usual care, for a reason that they gave")
    is_chart_seen = any(deed.startswith("view ") and not deed.startswith("view document.") for deed in seen)
    if (is_chart_seen or not documents) and actions & {"view", "sign", "link", "merge", "unmerge"}:
        did.append("opened your chart")
    if documents:
        did.append(f"read {counted(documents, 'document')}")
    if filed:
        did.append(f"filed {counted(filed, 'document')}")
    if any(deed.startswith("create ") and deed != "create document.filed" for deed in seen):
        did.append("added entries to it")
    for action, words in (
        ("update", "changed entries in it"),
        ("retract", "took something back in it"),
        ("print", "printed from it"),
        ("copy", "copied from it"),
        ("export", "saved a file from it"),
        ("disclose", "sent copies from it to somebody outside"),
    ):
        if action in actions:
            did.append(words)
    return f"{', '.join(did[:-1])} and {did[-1]}" if len(did) > 1 else "".join(did)


def facility_name() -> str:
    """Whose log it is."""
    facility = Facility.objects.order_by("created_at", "pk").first()
    return facility.name if facility else "Health Information Management"


@transaction.atomic
def print_for_patient(*, by: User, patient_id: Any, since: date, until: date, how: str) -> PatientReport:
    """Who looked at this chart in these days, the last one included, one line a person a day. Raises NotFound, Denied.

    What the hospital's own programs did is left out, and so are lists in which the patient was one of many.
    """
    access.check_may_export_log(by)
    patient, decision = patient_access.get_for(by, patient_id)
    report = PatientReport(patient, since, until, reference(), timezone.now(), facility_name())
    start = timezone.make_aware(datetime.combine(since, datetime.min.time()))
    end = timezone.make_aware(datetime.combine(until, datetime.max.time()))
    ids = patient_queries.identities_of(patient.pk)
    with connection.cursor() as cursor:
        cursor.execute(_BY_DAY, [settings.TIME_ZONE, ids, start, end, TOLD, MOST_LINES + 1])
        rows = cursor.fetchall()
    names = dict(User.objects.filter(pk__in={row[1] for row in rows}).values_list("pk", "name"))
    for number, (day, actor_id, _, roles, deeds, documents, filed) in enumerate(rows[:MOST_LINES], 1):
        role = ", ".join(words_for(name) for name in roles) or "Member of staff"
        words = _deeds(deeds, documents, filed)
        report.lines.append(PlainLine(number, day, names.get(actor_id) or "a member of staff", role, words))
    report.is_cut = len(rows) > MOST_LINES
    report.absent = absent.on_paper(ledger.between(start, end))
    record(
        "log.printed_for_patient",
        by=by,
        patient=patient.pk,
        about=patient,
        reason=str(decision),
        detail={
            "reference": report.reference,
            "from": since,
            "to": until,
            "lines": len(report.lines),
            "how": how,
            "request": context.current().request_id,
        },
    )
    return report


@dataclass
class LawyerPrint:
    """Events with their hashes, and the newest checkpoint."""

    rows: list[Event]
    sealed: dict[int, Sealed]
    patients: dict[UUID, Patient]
    asked: dict[str, Any]
    reference: str
    made_at: datetime
    facility: str
    checkpoint: str
    absent: list[Archived]


@transaction.atomic
def print_with_hashes(*, by: User, question: Question) -> LawyerPrint:
    """The events that answer the question, each with its leaf hash and its seal. Raises Denied, RuleBroken."""
    access.check_may_export_log(by)
    rows, is_cut = rows_of(question, most=MOST_PRINTED)
    if is_cut:
        raise RuleBroken(
            "too_many_events",
            f"More than {MOST_PRINTED:,} events answer this: too many for paper. Ask for a shorter time, or take the "
            "evidence as a file.",
        )
    shown: set[UUID] = set().union(*(patients_of(row) for row in rows))
    if charts_closed_to(by, shown):
        text = "Some of these events speak of a chart that is closed to you. Another compliance officer must do this."
        raise RuleBroken("closed_chart", text)
    newest = epochs.last()
    made = LawyerPrint(
        rows,
        bundle.sealed(row.pk for row in rows),
        named(by, {row.patient_id for row in rows}),
        question.as_detail(),
        reference(),
        timezone.now(),
        facility_name(),
        checkpoints.printed(newest) if newest else "",
        ledger.between(question.since, question.until),
    )
    record(
        "log.printed",
        by=by,
        patient=question.patient,
        patients=shown,
        reason="compliance review",
        detail={"asked": made.asked, "events": len(rows), "reference": made.reference},
    )
    return made
