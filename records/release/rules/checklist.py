"""“May we?”: each rule that the request falls under, and whether it is met today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.dateparse import parse_date

from records.release.kinds import Kind, rule_of
from records.release.models import Evidence, EvidenceKind, RecordRequest
from records.release.rules import Broken, authorization, identity

GOOD, BAD = "good", "bad"
DATES = {"expires_on", "signed_on", "seen_on"}


@dataclass(frozen=True)
class Check:
    """One line of the checklist."""

    rule: str
    text: str
    state: str

    @property
    def is_met(self) -> bool:
        return self.state == GOOD


def with_dates(fields: dict[str, Any]) -> dict[str, Any]:
    """Evidence fields as they were given: days are days again, not text."""
    return {
        name: parse_date(str(value)) if name in DATES and value else value for name, value in fields.items()
    }


def _latest(evidence: Sequence[Evidence], kind: EvidenceKind) -> Evidence | None:
    found = [row for row in evidence if row.kind == kind]
    return max(found, key=lambda row: row.created_at) if found else None


def check_ground(record_request: RecordRequest, evidence: Sequence[Evidence], *, on: date) -> list[Check]:
    """The checks of this request's kind on the day `on`; every one must be met before anything goes.

    ROI-001 (one row of the table, its evidence on file), VER-01, AUTH-1 to AUTH-9, AUTH-D1, AUTH-D2, AUTH-D4.
    """
    rule = rule_of(record_request.kind)
    if not rule.is_ready:
        text = (
            f"“{rule.words}” rests on {rule.citation}. Chartroom does not yet check what that asks for, so it "
            "does not release on this ground."
        )
        return [Check("ROI-001", text, BAD)]
    ground = Check("ROI-001", f"{rule.words}: {rule.citation}.", GOOD)
    if record_request.kind == Kind.AUTHORIZATION:
        return [ground, *_authorization(record_request, evidence, on)]
    return [ground, *_identity(evidence, on)]


def _as_checks(broken: list[Broken]) -> list[Check]:
    return [Check(item.rule, item.text, BAD) for item in broken]


def _identity(evidence: Sequence[Evidence], on: date) -> list[Check]:
    seen = _latest(evidence, EvidenceKind.IDENTITY)
    if seen is None:
        return [Check("VER-01", "Check who asks, and put on file how it was done, 45 CFR 164.514(h).", BAD)]
    fields = with_dates(seen.fields)
    broken = identity.defects(fields, on=on)
    if broken:
        return _as_checks(broken)
    how = identity.METHODS.get(str(fields["method"]), str(fields["method"]))
    return [Check("VER-01", f"Identity checked on {fields['seen_on']:%d %b %Y}: {how}.", GOOD)]


def _authorization(record_request: RecordRequest, evidence: Sequence[Evidence], on: date) -> list[Check]:
    paper = _latest(evidence, EvidenceKind.AUTHORIZATION)
    if paper is None:
        return [Check("AUTH", "Put the patient's signed authorization on file, 45 CFR 164.508.", BAD)]
    form = with_dates(paper.fields)
    broken = authorization.defects(form, received_on=record_request.received_on, on=on)
    asks = [record_request.requester_name, record_request.requester_organization]
    if form.get("recipient") and authorization.is_for_somebody_else(form, asks):
        text = f"The form allows disclosure to “{form['recipient']}”, but the request is from another."
        broken.append(Broken("AUTH-3", text))
    if broken:
        return _as_checks(broken)
    ends = f"{form['expires_on']:%d %b %Y}" if form.get("expires_on") else str(form["expires_event"])
    valid = f"Authorization signed {form['signed_on']:%d %b %Y} has every element and statement."
    return [
        Check("AUTH-D2", valid, GOOD),
        Check("AUTH-D1", f"It is in force until {ends}.", GOOD),
        Check("AUTH-3", f"It names the recipient: {form['recipient']}.", GOOD),
    ]


def last_day_of_ground(evidence: Sequence[Evidence]) -> date | None:
    """The last day on which the authorization on file is in force, where it names one."""
    paper = _latest(evidence, EvidenceKind.AUTHORIZATION)
    day = with_dates(paper.fields).get("expires_on") if paper else None
    return day if isinstance(day, date) and day < date.max - timedelta(days=1) else None
