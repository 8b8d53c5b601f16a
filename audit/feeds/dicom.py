"""An event as a DICOM audit message (PS3.15, A.5), as an ATNA repository takes it over syslog. Ids only."""

import base64
import re
from typing import Any
from xml.sax.saxutils import quoteattr

from audit.feeds import fhir
from audit.models import Event

KIND = "DICOM+RFC3881"  # the syslog message's MSGID
# What XML 1.0 cannot hold, not even escaped.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
PATIENT_RECORD, QUERY, ACTIVITY = (
    ("110110", "Patient Record"),
    ("110112", "Query"),
    ("110100", "Application Activity"),
)


def _text(value: object) -> str:
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(value))


def _element(name: str, *inside: str, **attributes: object) -> str:
    given = "".join(
        f" {key.replace('_', '-')}={quoteattr(_text(value))}"
        for key, value in attributes.items()
        if value != ""
    )
    return f"<{name}{given}>{''.join(inside)}</{name}>" if inside else f"<{name}{given}/>"


def _code(name: str, code: str, system: str, text: str) -> str:
    return _element(name, csd_code=code or "-", codeSystemName=system, originalText=text or code or "-")


def _coded(name: str, coding: dict[str, Any]) -> str:
    system = "DCM" if coding["system"] == fhir.DCM else coding["system"]
    return _code(name, coding["code"], system, coding.get("display", ""))


def _kind(resource: dict[str, Any], pattern: fhir.Pattern) -> tuple[str, str]:
    """What the event is in DICOM's words; FHIR's RESTful operations are looks at, and changes of, patients' records."""
    if resource["type"]["system"] == fhir.DCM:
        return resource["type"]["code"], resource["type"]["display"]
    if pattern is fhir.QUERY:
        return QUERY
    is_about_somebody = any("what" in one and _is_patient(one) for one in resource["entity"])
    return PATIENT_RECORD if is_about_somebody else ACTIVITY


def _is_patient(entity: dict[str, Any]) -> bool:
    return bool(entity["type"] == {"system": fhir.ENTITY_TYPES, "code": "1", "display": "Person"})


def _who(agent: dict[str, Any]) -> str:
    return str(agent["who"].get("identifier", {}).get("value") or agent["who"].get("reference"))


def _participant(agent: dict[str, Any]) -> str:
    network = agent.get("network", {})
    roles = [_coded("RoleIDCode", agent["type"]["coding"][0])]
    roles += [_coded("RoleIDCode", role["coding"][0]) for role in agent.get("role", [])]
    return _element(
        "ActiveParticipant",
        *roles,
        UserID=_who(agent),
        AlternativeUserID=agent.get("altId", ""),
        UserName=agent.get("name", ""),
        UserIsRequestor="true" if agent["requestor"] else "false",
        NetworkAccessPointID=network.get("address", ""),
        NetworkAccessPointTypeCode=network.get("type", ""),
    )


def _object(entity: dict[str, Any]) -> str:
    identifier = entity.get("what", {}).get("identifier", {})
    reference = entity.get("what", {}).get("reference", "")
    if _is_patient(entity):
        return _element(
            "ParticipantObjectIdentification",
            _code("ParticipantObjectIDTypeCode", "2", "RFC-3881", "Patient Number"),
            ParticipantObjectID=reference.removeprefix("Patient/"),
            ParticipantObjectTypeCode="1",
            ParticipantObjectTypeCodeRole="1",
        )
    if "query" in entity:
        return _element(
            "ParticipantObjectIdentification",
            _code("ParticipantObjectIDTypeCode", "10", "RFC-3881", "Search Criteria"),
            _element("ParticipantObjectQuery", entity["query"]),  # base64: nothing to escape
            ParticipantObjectID="search",
            ParticipantObjectTypeCode="2",
            ParticipantObjectTypeCodeRole="24",
        )
    if entity["type"]["system"] == fhir.BALP_ENTITIES:
        kind = _code("ParticipantObjectIDTypeCode", "XrequestId", fhir.BALP_ENTITIES, "X-Request-Id")
        key, role = identifier["value"], "13"  # a security resource
    else:
        kind = _code("ParticipantObjectIDTypeCode", "12", "RFC-3881", "URI")
        key, role = reference or f"{identifier['system']}:{identifier['value']}", "4"
    return _element(
        "ParticipantObjectIdentification",
        kind,
        ParticipantObjectID=key,
        ParticipantObjectTypeCode="2",
        ParticipantObjectTypeCodeRole=role,
    )


def message(event: Event) -> str:
    """The audit message, XML on one line. Its first participant object of kind `event` holds the stable id."""
    resource = fhir.audit_event(event)
    code, words = _kind(resource, fhir.pattern_of(event))
    purposes = [_coded("PurposeOfUse", one["coding"][0]) for one in resource.get("purposeOfEvent", [])]
    said = resource.get("outcomeDesc")
    outcome = [_element("EventOutcomeDescription", _escaped(said))] if said else []
    stable = base64.b64encode(resource["id"].encode()).decode()
    return _element(
        "AuditMessage",
        _element(
            "EventIdentification",
            _code("EventID", code, "DCM", words),
            *(_coded("EventTypeCode", one) for one in resource["subtype"]),
            *outcome,
            *purposes,
            EventActionCode=resource["action"],
            EventDateTime=resource["recorded"],
            EventOutcomeIndicator=resource["outcome"],
        ),
        *(_participant(agent) for agent in resource["agent"]),
        _element(
            "AuditSourceIdentification",
            _code("AuditSourceTypeCode", "4", "DCM", "Application Server"),
            AuditSourceID=resource["source"]["site"],
        ),
        *(_object(entity) for entity in resource["entity"]),
        _element(
            "ParticipantObjectIdentification",
            _code("ParticipantObjectIDTypeCode", "12", "RFC-3881", "URI"),
            _element("ParticipantObjectDetail", type="AuditEvent.id", value=stable),
            ParticipantObjectID=f"urn:chartroom:event:{resource['id']}",
            ParticipantObjectTypeCode="2",
            ParticipantObjectTypeCodeRole="13",
        ),
    )


def _escaped(text: str) -> str:
    return _text(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
