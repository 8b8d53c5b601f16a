"""Evidence of a case: events of the log, frozen with their proof, and handed out as a bundle that proves itself."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.models import Event
from audit.proof import bundle
from audit.review import access, case_access
from audit.review.models import Case, CaseEvidence
from audit.review.services import log
from audit.review.services.cases import SHOWN as MOST_EVIDENCE
from audit.review.services.cases import unfinished, write_event
from common.errors import NotFound, RuleBroken, WrongMove


@transaction.atomic
def freeze_evidence(*, by: User, case_id: Any, event_ids: Iterable[int]) -> list[CaseEvidence]:
    """Copy events of the log into the case with the proof of each: sealed text, Merkle path, signed epoch (MON-3).

    All or none. What is frozen proves itself when the log's month lies elsewhere. Raises NotFound, Denied, WrongMove,
    RuleBroken: `not_sealed` (wait a minute), `not_proven` (the log is not as it was sealed), `closed_chart`.
    """
    case = unfinished(by, case_id)
    if case.is_decided:
        raise WrongMove("This case is decided: what it was decided on stands.")
    have = set(case.evidence.values_list("event_id", flat=True))
    wanted = sorted(set(event_ids) - have)
    if not wanted:
        raise RuleBroken("nothing_chosen", "Choose events that are not in the case yet.", field="events")
    if len(have) + len(wanted) > MOST_EVIDENCE:
        raise RuleBroken("too_many_events", f"A case holds at most {MOST_EVIDENCE} events.", field="events")
    rows = {row.pk: row for row in Event.objects.filter(pk__in=wanted)}
    if len(rows) != len(wanted):
        raise NotFound
    shown: set[UUID] = set().union(*(log.patients_of(row) for row in rows.values()))
    if log.charts_closed_to(by, shown):
        text = (
            "Some of these events speak of a chart that is closed to you. Another officer must freeze them."
        )
        raise RuleBroken("closed_chart", text, field="events")
    found, unsealed = bundle.gather(wanted)
    if unsealed:
        text = (
            f"{len(unsealed)} of these events are newer than the last seal of the log. Try again in a minute."
        )
        raise RuleBroken("not_sealed", text, field="events")
    false = [one.event_id for one in found if not one.holds]
    if false:
        text = f"Event {false[0]} is not as it was sealed. Check the log (Access log, Proof) before anything else."
        raise RuleBroken("not_proven", text, field="events")
    frozen = CaseEvidence.objects.bulk_create(
        [
            CaseEvidence(
                case=case,
                event_id=one.event_id,
                at=rows[one.event_id].at,
                actor_id=rows[one.event_id].actor_id,
                patient_id=rows[one.event_id].patient_id,
                canonical=one.canonical,
                proof=one.proof,
                epoch_n=one.epoch["n"],
                epoch_message=one.epoch["message"],
                epoch_signature=one.epoch["signature"],
                public_key=one.epoch["public_key"],
                frozen_by=by,
            )
            for one in found
        ]
    )
    write_event("case.evidence_frozen", by=by, case=case, more=shown, events=wanted)
    return frozen


@transaction.atomic
def take_case_evidence(*, by: User, case_id: Any) -> tuple[Case, bytes]:
    """The evidence bundle of a case (ZIP), made of what was frozen: the log itself is not asked.

    Raises NotFound, Denied, RuleBroken (nothing frozen; a chart that is closed to the reader).
    """
    case = case_access.get_for(by, case_id)
    access.check_may_export_log(by)
    rows = list(case.evidence.order_by("at", "event_id"))
    if not rows:
        raise RuleBroken("nothing_frozen", "No event was frozen in this case yet.")
    shown = {row.patient_id for row in rows if row.patient_id}
    if log.charts_closed_to(by, shown):
        raise RuleBroken("closed_chart", "Some of this is about a chart that is closed to you.")
    write_event("case.evidence_taken", by=by, case=case, more=shown, events=len(rows))
    return case, bundle.pack([row.proven for row in rows])
