"""An event as FHIR R4 AuditEvent: every action of the log, by the profile that is meant for it."""

import base64
import json
import string

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from audit import catalogue
from audit.catalogue import ACTIONS
from audit.feeds import fhir
from audit.models import Event
from common.ids import uuid7
from tests.audit.feeds.balp import check
from tests.audit.feeds.conftest import Make


@pytest.mark.parametrize(
    ("name", "action", "profile"),
    [
        ("patient.viewed", "view", "PatientRead"),
        ("patient.searched", "search", "PatientQuery"),
        ("patient.registered", "create", "PatientCreate"),
        ("patient.updated", "update", "PatientUpdate"),
        ("document.retracted", "retract", "PatientDelete"),
        ("document.signed", "sign", "PatientUpdate"),
        ("patient.merged", "merge", "PatientUpdate"),
        ("patient.unmerged", "unmerge", "PatientUpdate"),
        ("patient.linked", "link", "PatientUpdate"),
        ("release.mailed", "disclose", "PrivacyDisclosure.Source"),
        ("document.printed", "print", ""),
        ("document.downloaded", "export", ""),
        ("log.archive_copied", "copy", ""),
        ("user.signed_in", "sign-in", ""),
        ("user.signed_out", "sign-out", ""),
        ("glass.broken", "break-glass", ""),
        ("role.changed", "privilege-change", ""),
        ("system.configured", "config-change", ""),
        ("log.verified", "verify", ""),
        ("log.viewed", "review", ""),
    ],
)
def test_each_action_has_its_profile(name: str, action: str, profile: str, make: Make) -> None:
    assert check(fhir.audit_event(make(name, action))) == profile


def test_every_action_of_the_log_has_a_pattern() -> None:
    assert set(fhir.PATTERNS) == set(ACTIONS)


@pytest.mark.parametrize(
    "kind", sorted(catalogue._kinds.values(), key=lambda kind: kind.name), ids=lambda kind: kind.name
)
@pytest.mark.parametrize("how", ["one patient", "many", "nobody", "refused", "bare"])
def test_every_event_of_the_house_is_well_formed(kind: catalogue.Kind, how: str, make: Make) -> None:
    more: dict[str, object] = {
        "one patient": {},
        "many": {"patient_id": None, "patient_ids": [uuid7(), uuid7()], "detail": {"q": "x", "shown": 2}},
        "nobody": {"patient_id": None, "object_type": "", "object_id": ""},
        "refused": {"outcome": "denied", "reason": "role"},
        "bare": dict.fromkeys(
            ("session", "purpose", "channel", "request_id", "reason", "object_id", "object_type"), ""
        )
        | {"roles": [], "actor_id": None, "ip": None, "actor": "", "patient_id": None},
    }[how]
    resource = fhir.audit_event(make(kind.name, kind.action, **more))
    check(resource)
    json.dumps(resource)


@pytest.mark.parametrize(
    ("name", "action", "type_code", "subtype"),
    [
        ("user.signed_in", "sign-in", "110114", "110122"),
        ("user.sign_in_failed", "sign-in-failed", "110114", "110122"),
        ("user.timed_out", "sign-out", "110114", "110123"),
        ("glass.broken", "break-glass", "110113", "110127"),
        ("glass.expired", "break-glass", "110113", "110138"),
        ("role.rights_changed", "privilege-change", "110113", "110136"),
        ("user.deactivated", "privilege-change", "110113", "110137"),
        ("release.package_downloaded", "disclose", "110106", "disclose"),
    ],
)
def test_dicom_codes_for_what_is_no_look(
    name: str, action: str, type_code: str, subtype: str, make: Make
) -> None:
    resource = fhir.audit_event(make(name, action))
    assert resource["type"] == {**resource["type"], "system": fhir.DCM, "code": type_code}
    assert subtype in {one["code"] for one in resource["subtype"]}
    assert name in {one["code"] for one in resource["subtype"]}  # nothing of ours is lost


@pytest.mark.parametrize(("outcome", "code"), [("success", "0"), ("failed", "4"), ("denied", "8")])
def test_outcomes(outcome: str, code: str, make: Make) -> None:
    resource = fhir.audit_event(make(outcome=outcome))
    assert resource["outcome"] == code
    assert ("meta" in resource) is (code == "0")


def test_who_why_and_from_where(make: Make) -> None:
    event = make()
    client, server, user = fhir.audit_event(event)["agent"]
    assert client["network"] == {"address": "192.0.2.7", "type": "2"}
    assert server["who"]["identifier"]["value"] == "chartroom"
    assert user["who"]["identifier"] == {"system": "urn:chartroom:user", "value": "clerk"}
    assert user["altId"] == str(event.actor_id)
    assert user["role"][0]["coding"][0]["code"] == "records_clerk"
    assert user["purposeOfUse"][0]["coding"][0] == {"system": fhir.REASONS, "code": "TREAT"}


def test_a_search_carries_the_raw_question_and_everybody_it_showed(make: Make) -> None:
    ids = [uuid7(), uuid7()]
    detail = {"q": "mül; drop=1&x <b>", "birth_date": None, "shown": 2, "code": "x"}
    resource = fhir.audit_event(
        make("patient.searched", "search", patient_id=None, patient_ids=ids, detail=detail)
    )
    assert check(resource) == "Query"  # of many patients: the plain pattern, each of them an entity
    assert [one["what"]["reference"] for one in resource["entity"][:2]] == [f"Patient/{one}" for one in ids]
    raw = base64.b64decode(resource["entity"][2]["query"]).decode()
    assert raw == "patient.searched?q=m%C3%BCl%3B+drop%3D1%26x+%3Cb%3E"


def test_a_question_is_withheld_by_setting_and_from_whom_the_chart_is_closed_to(
    make: Make, settings: LazySettings
) -> None:
    event = make("patient.searched", "search", detail={"q": "Qwxyzzy"})
    assert b"Qwxyzzy" not in base64.b64decode(fhir.audit_event(event, is_closed=True)["entity"][1]["query"])
    settings.FEED_QUERIES = False
    assert base64.b64decode(fhir.audit_event(event)["entity"][1]["query"]) == b"withheld"
    check(fhir.audit_event(event))


def test_a_list_is_a_query_and_the_database_agrees(make: Make) -> None:
    event = make("request.listed", "view", patient_id=None, patient_ids=[uuid7()])
    assert fhir.audit_event(event)["action"] == "E"


def test_what_somebody_typed_as_a_reason_stays_here(make: Make) -> None:
    """A typed reason can hold a name; the rule of a refusal is the program's own word."""
    for name, action in (
        ("glass.broken", "break-glass"),
        ("document.retracted", "retract"),
        ("patient.viewed", "view"),
    ):
        for outcome in ("success", "failed"):
            event = make(
                name, action, reason="because Qwxyzzy asked", outcome=outcome, detail={"why": "Qwxyzzy"}
            )
            assert "Qwxyzzy" not in json.dumps(fhir.audit_event(event))
    refused = make("access.denied", "view", reason="reason_required", outcome="denied")
    assert fhir.audit_event(refused)["outcomeDesc"] == "reason_required"


def test_ids_are_stable_and_tell_hospitals_apart(make: Make, settings: LazySettings) -> None:
    one = fhir.audit_event(make())
    assert one == fhir.audit_event(make(patient_id=None, id=4711)) | {
        key: one[key] for key in ("entity", "meta", "agent")
    }
    assert fhir.event_id(one["id"]) == 4711
    settings.FEED_SOURCE = "records.other.example"
    assert fhir.resource_id(4711) != one["id"]
    assert fhir.event_id(one["id"]) is None


@pytest.mark.parametrize(
    "text", ["", "4711", "chartroom-", "chartroom-00000000-1", "x" * 500, "chartroom-é-1"]
)
def test_ids_of_others_are_none_of_ours(text: str) -> None:
    assert fhir.event_id(text) is None


@given(
    text=st.text(alphabet=st.characters(exclude_categories=["Cs"])), action=st.sampled_from(sorted(ACTIONS))
)
def test_any_text_in_any_field_stays_in_its_field(text: str, action: str) -> None:
    event = Event(
        id=1,
        at=__import__("datetime").datetime(2026, 1, 1, tzinfo=__import__("datetime").UTC),
        event="patient.viewed",
        action=action,
        actor=text,
        roles=[text] if text else [],
        session=text,
        patient_id=uuid7(),
        object_type=text,
        object_id=text,
        purpose=text,
        reason=text,
        outcome="success",
        channel=text,
        request_id=text,
        detail={"q": text, text: text},
    )
    resource = fhir.audit_event(event)
    assert json.loads(json.dumps(resource)) == resource
    assert len(resource["agent"]) == 3
    if text.strip(string.whitespace):
        assert resource["agent"][2]["who"]["identifier"]["value"] == text
