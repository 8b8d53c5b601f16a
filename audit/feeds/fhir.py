"""An event as a FHIR R4 AuditEvent, after IHE's Basic Audit Log Patterns. Ids only: no patient's name is in it.

A pure mapping: the same event gives the same resource, with the same id, however often and wherever it is made. Reasons
are left out where somebody may have typed them, because a typed reason can hold a name.
"""

import base64
import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from audit.models import Event

Resource = dict[str, Any]

DCM = "http://dicom.nema.org/resources/ontology/DCM"
TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
REST = "http://hl7.org/fhir/restful-interaction"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
CUSTODIAN = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
REASONS = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ENTITY_TYPES = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ENTITY_ROLES = "http://terminology.hl7.org/CodeSystem/object-role"
SOURCE_TYPES = "http://terminology.hl7.org/CodeSystem/security-source-type"
BALP_ENTITIES = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
PROFILES = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE."
# Our own: the dotted name of the event, a user's name, a role, the way in, a thing of Chartroom's.
OURS = "urn:chartroom"

SUCCESS, MINOR, SERIOUS = "0", "4", "8"
OUTCOMES = {"success": SUCCESS, "failed": MINOR, "denied": SERIOUS}
# Reasons that only the program writes. All others may have been typed by somebody.
CODED_REASONS = frozenset({"access.denied", "user.sign_in_failed"})
RESOURCES = {
    "patients.patient": "Patient",
    "patients.encounter": "Encounter",
    "documents.document": "DocumentReference",
    "accounts.user": "Practitioner",
}
NOT_ASKED = frozenset({"shown", "ids", "found", "path", "code", "changes", "cursor", "cut"})


def coding(system: str, code: str, display: str = "") -> Resource:
    """A Coding."""
    found = {"system": system, "code": code}
    return {**found, "display": display} if display else found


SOURCE = coding(DCM, "110153", "Source Role ID")
DESTINATION = coding(DCM, "110152", "Destination Role ID")
APPLICATION = coding(DCM, "110150", "Application")
AUTHOR = coding(PARTICIPATION, "AUT", "author (originator)")
RECIPIENT = coding(PARTICIPATION, "IRCP", "information recipient")
RESTFUL = coding(TYPES, "rest", "Restful Operation")


class Pattern(NamedTuple):
    """How one kind of event is told: the profile's codes."""

    type: Resource
    subtypes: tuple[Resource, ...]
    action: str
    client: Resource = SOURCE
    server: Resource = DESTINATION
    user: Resource = AUTHOR
    profile: str = ""  # BasicAudit.X; with one patient known BasicAudit.PatientX


READ = Pattern(RESTFUL, (coding(REST, "read", "read"),), "R", DESTINATION, SOURCE, RECIPIENT, "Read")
QUERY = Pattern(
    RESTFUL, (coding(REST, "search-type", "search-type"),), "E", SOURCE, DESTINATION, RECIPIENT, "Query"
)
CREATE = Pattern(RESTFUL, (coding(REST, "create", "create"),), "C", profile="Create")
_UPDATE = coding(REST, "update", "update")
UPDATE = Pattern(RESTFUL, (_UPDATE,), "U", profile="Update")
DELETE = Pattern(
    RESTFUL,
    (coding(REST, "delete", "delete"),),
    "D",
    APPLICATION,
    coding(CUSTODIAN, "custodian", "Custodian"),
    profile="Delete",
)
EXPORT_TYPE = coding(DCM, "110106", "Export")
LOG_USED = coding(DCM, "110101", "Audit Log Used")
SIGNED = coding(DCM, "110114", "User Authentication")
ALERT = coding(DCM, "110113", "Security Alert")


def _lifecycle(code: str, display: str) -> Pattern:
    return Pattern(RESTFUL, (_UPDATE, coding(LIFECYCLE, code, display)), "U", profile="Update")


def _other(kind: Resource, *subtypes: tuple[str, str], action: str = "E") -> Pattern:
    made = tuple(coding(DCM, code, display) for code, display in subtypes)
    return Pattern(kind, made, action, APPLICATION, DESTINATION)


PATTERNS: dict[str, Pattern] = {
    "view": READ,
    "search": QUERY,
    "create": CREATE,
    "update": UPDATE,
    "retract": DELETE,
    "link": _lifecycle("link", "Link Record Lifecycle Event"),
    "merge": _lifecycle("merge", "Merge Record Lifecycle Event"),
    "unmerge": _lifecycle("unmerge", "Unmerge Record Lifecycle Event"),
    "sign": _lifecycle("attest", "Attest Record Lifecycle Event"),
    "print": Pattern(EXPORT_TYPE, (), "R", user=RECIPIENT),
    "copy": Pattern(EXPORT_TYPE, (), "R", user=RECIPIENT),
    "export": Pattern(
        EXPORT_TYPE, (coding(LIFECYCLE, "extract", "Extract Record Lifecycle Event"),), "R", user=RECIPIENT
    ),
    "disclose": Pattern(
        EXPORT_TYPE,
        (coding(LIFECYCLE, "disclose", "Disclose Record Lifecycle Event"),),
        "R",
        user=AUTHOR,
        profile="PrivacyDisclosure.Source",
    ),
    "sign-in": _other(SIGNED, ("110122", "Login")),
    "sign-in-failed": _other(SIGNED, ("110122", "Login")),
    "sign-out": _other(SIGNED, ("110123", "Logout")),
    "break-glass": _other(ALERT, ("110127", "Emergency Override Started")),
    "privilege-change": _other(ALERT, ("110137", "User security Attributes Changed")),
    "config-change": _other(ALERT, ("110129", "Security Configuration")),
    "verify": _other(LOG_USED),
    "review": _other(LOG_USED, action="R"),
}
OVERRIDE_STOPPED = _other(ALERT, ("110138", "Emergency Override Stopped"))
ROLES_CHANGED = _other(ALERT, ("110136", "Security Roles Changed"))
STOPS = frozenset({"ended", "expired", "lapsed", "withdrawn"})


def is_list(event: Event) -> bool:
    """Whether the event tells of a list that was shown: a query, whatever it is called."""
    return event.action == "view" and event.patient_ids is not None


def pattern_of(event: Event) -> Pattern:
    """How this event is told."""
    room, _, happened = event.event.partition(".")
    if is_list(event):
        return QUERY
    if event.action == "break-glass" and happened in STOPS:
        return OVERRIDE_STOPPED
    if event.action == "privilege-change" and room in {"role", "role_change"}:
        return ROLES_CHANGED
    return PATTERNS[event.action]


def told_as(action: str) -> Q:
    """The events that are told with this action (C, R, U, D or E): as `pattern_of` decides, for the database."""
    names = [name for name, pattern in PATTERNS.items() if pattern.action == action]
    shown = Q(action="view", patient_ids__isnull=False)
    return Q(action__in=names) | shown if action == "E" else Q(action__in=names) & ~shown


def resource_id(event_id: int) -> str:
    """The id of an event's resource, here and wherever it is sent."""
    return f"{_prefix()}{event_id}"


def event_id(resource: str) -> int | None:
    """The event that this resource id stands for; None for an id that is none of ours."""
    number = resource.removeprefix(_prefix())
    is_ours = resource.startswith(_prefix()) and number.isascii() and number.isdigit() and len(number) <= 18
    return int(number) if is_ours else None


def _prefix() -> str:
    return f"chartroom-{hashlib.sha256(settings.FEED_SOURCE.encode()).hexdigest()[:8]}-"


def audit_event(event: Event, *, is_closed: bool = False) -> Resource:
    """The resource. `is_closed`: it is for somebody to whom a chart in it is closed, who learns that it happened, and
    not what was asked.
    """
    pattern = pattern_of(event)
    people = patients_of(event)
    made: Resource = {
        "resourceType": "AuditEvent",
        "id": resource_id(event.pk),
        "type": pattern.type,
        "subtype": [*pattern.subtypes, coding(f"{OURS}:event", event.event, event.words)],
        "action": pattern.action,
        "recorded": event.at.isoformat(),
        "outcome": OUTCOMES[event.outcome],
        "agent": _agents(event, pattern),
        "source": {
            "site": settings.FEED_SOURCE,
            "observer": _system(),
            "type": [coding(SOURCE_TYPES, "4", "Application Server")],
        },
        "entity": [*(_patient(one) for one in people), *_entities(event, pattern, is_closed=is_closed)],
    }
    profile = _profile(event, pattern, people)
    if profile:
        made["meta"] = {"profile": [profile]}
    if event.outcome != "success":
        made["outcomeDesc"] = event.reason if event.event in CODED_REASONS else event.outcome
    if event.purpose:
        made["purposeOfEvent"] = [_purpose(event)]
    return {key: value for key, value in made.items() if value}


def patients_of(event: Event) -> list[UUID]:
    """Everybody the event is about, the one patient first."""
    ids = [event.patient_id, *(event.patient_ids or [])]
    return list(dict.fromkeys(one for one in ids if one is not None))


def _profile(event: Event, pattern: Pattern, people: list[UUID]) -> str:
    """The profile that the resource meets; none for failures, which BALP tells without one."""
    if not pattern.profile or event.outcome != "success":
        return ""
    if pattern.profile.startswith("Privacy"):
        return f"{PROFILES}BasicAudit.{pattern.profile}" if len(people) == 1 else ""
    return f"{PROFILES}BasicAudit.{'Patient' if len(people) == 1 else ''}{pattern.profile}"


def _system() -> Resource:
    return {"identifier": {"system": f"{OURS}:system", "value": settings.FEED_SOURCE}, "display": "Chartroom"}


def _here() -> Resource:
    return {"address": settings.FEED_SOURCE, "type": "1"}


def _purpose(event: Event) -> Resource:
    return {"coding": [coding(REASONS, event.purpose)]}


def _agents(event: Event, pattern: Pattern) -> list[Resource]:
    client = {
        "type": {"coding": [pattern.client]},
        "who": {"identifier": {"system": f"{OURS}:channel", "value": event.channel or "unknown"}},
        "requestor": False,
        "network": {"address": str(event.ip), "type": "2"} if event.ip else _here(),
    }
    server = {
        "type": {"coding": [pattern.server]},
        "who": _system(),
        "requestor": False,
        "network": _here(),
    }
    if pattern.profile.startswith("Privacy"):  # what left, left from here; the release says to whom
        release = _thing(event)
        client = {**server, "type": {"coding": [SOURCE]}}
        server = {
            "type": {"coding": [DESTINATION]},
            "who": release,
            "requestor": False,
            "network": {"address": ":".join(release["identifier"].values()), "type": "5"},
        }
    user: Resource = {
        "type": {"coding": [pattern.user]},
        "role": [{"coding": [coding(f"{OURS}:role", role)]} for role in event.roles],
        "who": {"identifier": {"system": f"{OURS}:user", "value": event.actor or "nobody"}},
        "altId": str(event.actor_id) if event.actor_id else "",
        "name": event.actor or "nobody",
        "requestor": True,
        "policy": [f"{OURS}:session:{event.session}"] if event.session else [],
        "purposeOfUse": [_purpose(event)] if event.purpose else [],
    }
    return [client, server, {key: value for key, value in user.items() if value}]


def _reference(kind: str, key: str) -> Resource:
    """A reference to a thing of ours: FHIR's own where it has such a resource."""
    identifier = {"system": f"{OURS}:{kind}", "value": key}
    if kind in RESOURCES:
        return {"reference": f"{RESOURCES[kind]}/{key}", "type": RESOURCES[kind], "identifier": identifier}
    return {"identifier": identifier}


def _thing(event: Event) -> Resource:
    """What it was done to; where the event names nothing, the part of Chartroom it happened in."""
    if event.object_id:
        return _reference(event.object_type, event.object_id)
    return {"identifier": {"system": f"{OURS}:part", "value": event.event.partition(".")[0]}}


def _patient(one: UUID) -> Resource:
    return {
        "what": {"reference": f"Patient/{one}", "type": "Patient"},
        "type": coding(ENTITY_TYPES, "1", "Person"),
        "role": coding(ENTITY_ROLES, "1", "Patient"),
    }


def _entities(event: Event, pattern: Pattern, *, is_closed: bool) -> Iterable[Resource]:
    system_object = coding(ENTITY_TYPES, "2", "System Object")
    if pattern is QUERY:
        asked = "closed" if is_closed else query_of(event)
        text = base64.b64encode(asked.encode()).decode()
        yield {"type": system_object, "role": coding(ENTITY_ROLES, "24", "Query"), "query": text}
    else:
        yield {
            "what": _thing(event),
            "type": system_object,
            "role": coding(ENTITY_ROLES, "4", "Domain Resource"),
        }
    if event.request_id:
        yield {
            "what": {"identifier": {"system": f"{OURS}:request", "value": event.request_id}},
            "type": coding(BALP_ENTITIES, "XrequestId", "X-Request-Id"),
        }


def query_of(event: Event) -> str:
    """What was asked, as the log holds it: `q=…&birth_date=…`. It can hold a name that somebody typed."""
    if not settings.FEED_QUERIES:
        return "withheld"
    asked = {
        key: value
        for key, value in (event.detail or {}).items()
        if key not in NOT_ASKED and value not in (None, "", [], {}) and not isinstance(value, dict)
    }
    return f"{event.event}?{urlencode(asked, doseq=True)}"
