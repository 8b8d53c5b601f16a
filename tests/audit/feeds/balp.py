"""What IHE's Basic Audit Log Patterns and FHIR R4 ask of an AuditEvent, checked by hand."""

import base64
import re
from datetime import datetime
from typing import Any

DCM = "http://dicom.nema.org/resources/ontology/DCM"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
REST = "http://hl7.org/fhir/restful-interaction"
ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
PROFILE = re.compile(
    r"https://profiles\.ihe\.net/ITI/BALP/StructureDefinition/IHE\.BasicAudit\.([A-Za-z.]+)\Z"
)
AUTHORS = {"AUT", "INF", "CST"}
# profile: (subtypes one of which must be there, action, client, server, user)
RESTFUL = {
    "Create": ({"create"}, "C", "110153", "110152", AUTHORS),
    "Read": ({"read", "vread"}, "R", "110152", "110153", {"IRCP"}),
    "Update": ({"update", "patch"}, "U", "110153", "110152", AUTHORS),
    "Delete": ({"delete"}, "D", "110150", "custodian", AUTHORS),
    "Query": ({"search", "search-type", "search-system"}, "E", "110153", "110152", {"IRCP"}),
}
FIELDS = {
    "resourceType", "id", "meta", "type", "subtype", "action", "recorded", "outcome", "outcomeDesc",
    "purposeOfEvent", "agent", "source", "entity",
}  # fmt: skip


def _codes(agent: dict[str, Any]) -> set[str]:
    return {coding["code"] for coding in agent["type"]["coding"]}


def _one(agents: list[dict[str, Any]], codes: set[str]) -> dict[str, Any]:
    found = [agent for agent in agents if _codes(agent) & codes]
    assert len(found) == 1, (codes, agents)
    return found[0]


def _no_empty(value: Any) -> None:
    """FHIR allows no empty string, list or object."""
    assert value not in ("", [], {}, None), "something is empty"
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _no_empty(item)


def check(resource: dict[str, Any]) -> str:
    """Refuses what is no AuditEvent, or not what its profile says; gives the profile's name."""
    assert resource["resourceType"] == "AuditEvent"
    assert set(resource) <= FIELDS
    _no_empty(resource)
    assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", resource["id"])
    assert datetime.fromisoformat(resource["recorded"]).tzinfo is not None
    assert resource["outcome"] in {"0", "4", "8", "12"}
    assert resource["action"] in set("CRUDE")
    assert {"system", "code"} <= set(resource["type"])
    assert "observer" in resource["source"]
    agents, entities = resource["agent"], resource["entity"]
    assert len(agents) >= 2
    assert sum(agent["requestor"] for agent in agents) == 1
    for agent in agents:
        assert {"type", "who", "requestor"} <= set(agent)
        assert "media" not in agent
        if agent["requestor"]:
            assert "network" not in agent
            assert agent["name"]
        else:
            assert {"address", "type"} == set(agent["network"])
            assert not {"role", "altId", "name", "policy", "purposeOfUse"} & set(agent)
    for entity in entities:
        _entity(entity)
    if resource["outcome"] != "0":
        assert "meta" not in resource
        assert resource["outcomeDesc"]
        return ""
    named = PROFILE.match(resource["meta"]["profile"][0]) if "meta" in resource else None
    if named is None:
        return ""
    _profile(named[1], resource)
    return named[1]


def _entity(entity: dict[str, Any]) -> None:
    if entity["type"]["code"] == "XrequestId":
        assert entity["what"]["identifier"]["value"]
    elif entity["type"]["code"] == "1":
        assert entity["role"]["code"] == "1"
        assert entity["what"]["reference"].startswith("Patient/")
        assert "name" not in entity
    elif entity["role"]["code"] == "24":
        assert not {"what", "lifecycle", "detail"} & set(entity)
        base64.b64decode(entity["query"], validate=True)
    else:
        assert entity["type"] == {"system": ENTITY, "code": "2", "display": "System Object"}
        assert entity["what"]


def _profile(name: str, resource: dict[str, Any]) -> None:
    agents, entities = resource["agent"], resource["entity"]
    patients = [one for one in entities if one["type"]["code"] == "1"]
    data = [one for one in entities if one["type"]["code"] == "2" and one["role"]["code"] != "24"]
    queries = [one for one in entities if one.get("role", {}).get("code") == "24"]
    subtypes = {one["code"] for one in resource["subtype"]}
    if name == "PrivacyDisclosure.Source":
        assert (resource["type"]["system"], resource["type"]["code"]) == (DCM, "110106")
        assert "disclose" in subtypes
        assert resource["action"] == "R"
        source, recipient = _one(agents, {"110153"}), _one(agents, {"110152"})
        assert source["who"] == resource["source"]["observer"]
        assert recipient["who"]
        assert len(patients) == 1
        assert data
        return
    wanted, action, client, server, user = RESTFUL[name.removeprefix("Patient")]
    assert resource["type"]["code"] == "rest"
    assert resource["action"] == action
    assert {one["code"] for one in resource["subtype"] if one["system"] == REST} & wanted
    _one(agents, {client})
    _one(agents, {server})
    assert _one(agents, user)["requestor"]
    if name.startswith("Patient"):
        assert len(patients) == 1
    if action == "E":
        assert len(queries) == 1
    else:
        assert len(data) == 1
        assert not queries
