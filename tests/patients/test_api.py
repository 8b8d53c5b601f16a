"""The API of patients and encounters, as API.md promises it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from audit.services import record
from common.ids import uuid7
from patients import services
from patients.models import Encounter, Patient
from tests.factories import EncounterFactory, LocationFactory, PatientFactory
from tests.support import events

Api = Callable[[User], APIClient]
URL = "/api/v1/patients/"
ADA: dict[str, Any] = {"family": "Lovelace", "given": "Ada", "birth_date": "1980-02-29", "sex": "female"}


def test_registering_and_reading_back(clerk: User, api: Api) -> None:
    client = api(clerk)
    answer = client.post(
        URL,
        {
            **ADA,
            "middle": "Rose",
            "identifiers": [{"system": "county", "value": "77"}],
            "telecoms": [{"system": "phone", "value": "555-0100"}],
            "addresses": [{"line": "1 Main St", "city": "Springfield"}],
            "aliases": [{"family": "Byron", "given": "Ada"}],
        },
        format="json",
    )
    assert answer.status_code == 201
    body = answer.json()
    assert set(ADA.items()) <= {(key, body[key]) for key in ADA}
    assert body["mrn"] == Patient.objects.get(pk=body["id"]).mrn
    assert answer["Location"].endswith(f"{URL}{body['id']}/")
    read = client.get(f"{URL}{body['id']}/").json()
    assert read == body
    assert read["telecoms"] == [{"system": "phone", "value": "555-0100"}]
    assert {"system": "county", "value": "77", "is_current": True} in read["identifiers"]
    assert [name["family"] for name in read["names"]] == ["Byron", "Lovelace"]
    assert read["merged_into"] is None
    assert read["merged_from"] == []


def test_a_twin_is_409_with_who_it_may_be_and_an_event(clerk: User, api: Api) -> None:
    client = api(clerk)
    first = client.post(URL, ADA, format="json").json()
    answer = client.post(URL, ADA, format="json")
    assert answer.status_code == 409
    assert answer["Content-Type"].startswith("application/problem+json")
    body = answer.json()
    assert body["code"] == "possible_duplicates"
    assert body["status"] == 409
    assert body["possible_duplicates"] == [
        {
            "id": first["id"],
            "mrn": first["mrn"],
            "score": 1.0,
            "grade": "certain",
            "reasons": ["same name", "same birth date", "same sex"],
        }
    ]
    shown = events("patient.duplicates_shown", actor_id=clerk.pk)
    assert [str(pk) for pk in shown[0].patient_ids or []] == [first["id"]]
    again = client.post(URL, {**ADA, "override_duplicates": "cousin"}, format="json")
    assert again.status_code == 201
    assert again.json()["mrn"] != first["mrn"]


def test_the_same_key_registers_once(clerk: User, api: Api) -> None:
    client, headers = api(clerk), {"Idempotency-Key": str(uuid7())}
    first = client.post(URL, ADA, format="json", headers=headers)
    second = client.post(URL, ADA, format="json", headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert Patient.objects.filter(family="Lovelace").count() == 1
    other = client.post(URL, {**ADA, "given": "Bea"}, format="json", headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_a_refused_twin_frees_its_key(clerk: User, api: Api) -> None:
    client, headers = api(clerk), {"Idempotency-Key": str(uuid7())}
    client.post(URL, ADA, format="json")
    assert client.post(URL, ADA, format="json", headers=headers).status_code == 409
    assert len(events("patient.duplicates_shown", actor_id=clerk.pk)) == 1
    why = {**ADA, "override_duplicates": "cousin"}
    assert client.post(URL, why, format="json", headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"birth_date": "1980-02-30"}, 400, "birth_date"),
        ({"birth_date": None}, 400, "birth_date"),
        ({"sex": "f"}, 400, "sex"),
        ({"family": ""}, 400, "family"),
        ({"family": "x" * 81}, 400, "family"),
        ({"family": "\u0000"}, 400, "family"),
        ({"telecoms": [{"system": "pigeon", "value": "1"}]}, 400, "telecoms.0.system"),
        ({"identifiers": "77"}, 400, "identifiers.non_field_errors"),
        ({"birth_date": "2999-01-01"}, 422, "birth_date"),
        ({"identifiers": [{"system": "chartroom:mrn", "value": "1"}]}, 422, "identifiers"),
    ],
)
def test_faults_are_problems_at_their_field(
    fields: dict[str, Any], status: int, field: str, clerk: User, api: Api
) -> None:
    answer = api(clerk).post(URL, {**ADA, **fields}, format="json")
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("application/problem+json")
    assert field in answer.json()["errors"]
    assert not Patient.objects.filter(given="Ada", family="Lovelace").exists()


def test_search_is_a_list_best_first(clerk: User, api: Api) -> None:
    client = api(clerk)
    body = client.post(
        URL, {**ADA, "identifiers": [{"system": "county", "value": "77-X"}]}, format="json"
    ).json()
    for question in (
        {"q": "lovelace ada"},
        {"q": body["mrn"]},
        {"q": "lovelace", "birth_date": "1980-02-29"},
        {"birth_date": "1980-02-29", "identifier": "77x"},
        {"identifier": body["mrn"]},
    ):
        answer = client.get(URL, question)
        found = answer.json()
        assert answer.status_code == 200
        assert (found["next"], found["previous"]) == (None, None)
        hit = next(row for row in found["results"] if row["id"] == body["id"])
        assert set(hit) == {
            "id", "mrn", "name", "birth_date", "sex", "status", "merged_into", "score", "matched_on"
        }  # fmt: skip
        assert hit["name"] == "LOVELACE, Ada"
        assert 0 < hit["score"] <= 1
        assert hit["matched_on"]
    assert client.get(URL).json()["results"] == []
    assert len(client.get(URL, {"q": "lovelace", "page_size": 1}).json()["results"]) == 1


@pytest.mark.parametrize(
    "question", [{"name": "x"}, {"q": "x", "cursor": "1"}, {"birth_date": "29.2.1980"}, {"page_size": "201"}]
)
def test_strict_parameters(question: dict[str, str], clerk: User, api: Api) -> None:
    answer = api(clerk).get(URL, question)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) <= set(question)
    assert not events("patient.searched", actor_id=clerk.pk)


def test_purpose_and_reference_reach_the_event(clerk: User, api: Api) -> None:
    headers = {"X-Purpose-Of-Use": "PATRQT", "X-Request-ID": "from-the-portal-1"}
    answer = api(clerk).get(URL, {"q": "nobody"}, headers=headers)
    assert answer["X-Request-ID"] == "from-the-portal-1"
    event = events("patient.searched", actor_id=clerk.pk)[0]
    assert (event.purpose, event.request_id, event.channel) == ("PATRQT", "from-the-portal-1", "api")
    assert event.reason == "charts open to this role"


def test_a_short_reference_is_kept_too(clerk: User, api: Api) -> None:
    answer = api(clerk).get(URL, {"q": "nobody"}, headers={"X-Request-ID": "7"})
    assert answer["X-Request-ID"] == events("patient.searched", actor_id=clerk.pk)[-1].request_id == "7"


def test_patch_corrects_and_guards(clerk: User, api: Api) -> None:
    client = api(clerk)
    body = client.post(URL, ADA, format="json").json()
    address = f"{URL}{body['id']}/"
    changed = client.patch(address, {"given": "Adah", "version": body["version"]}, format="json")
    assert changed.status_code == 200
    assert (changed.json()["given"], changed.json()["version"]) == ("Adah", 2)
    assert changed.json()["family"] == "Lovelace"
    stale = client.patch(address, {"given": "Eve", "version": 1}, format="json")
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    merged = client.patch(address, {"status": "merged"}, format="json")
    assert (merged.status_code, merged.json()["code"]) == (422, "status")
    for bad in ({"telecoms": [{"value": "1"}]}, {"birth_date": None}, {"names": [{}]}):
        assert client.patch(address, bad, format="json").status_code == 400
    assert client.get(address).json()["given"] == "Adah"
    replaced = client.patch(address, {"telecoms": [], "names": [{"family": "Byron"}]}, format="json").json()
    assert replaced["telecoms"] == []
    assert {name["family"] for name in replaced["names"]} == {"Lovelace", "Byron"}


def test_history_tells_each_change_in_pages(clerk: User, api: Api) -> None:
    client = api(clerk)
    body = client.post(URL, ADA, format="json").json()
    address = f"{URL}{body['id']}/"
    for given in ("Bea", "Cle", "Dot"):
        client.patch(address, {"given": given}, format="json")
    page = client.get(f"{address}history/", {"page_size": 2}).json()
    seen = page["results"]
    while page["next"]:
        page = client.get(page["next"]).json()
        seen += page["results"]
    assert [row["event"] for row in seen] == ["patient.updated"] * 3 + ["patient.registered"]
    assert all(isinstance(row["id"], str) for row in seen)
    assert seen[0]["actor"] == clerk.username
    changes = [change for change in seen[0]["changes"] if change["object"] == "patient"]
    assert changes == [
        {"object": "patient", "operation": "changed", "field": "given", "before": "Cle", "after": "Dot"}
    ]


def test_a_merged_id_answers_with_the_survivor(clerk: User, api: Api) -> None:
    oldest, gone, survivor = (PatientFactory.create() for _ in range(3))
    for row, into in ((gone, survivor), (oldest, gone)):
        with transaction.atomic():
            row.status, row.merged_into = "merged", into
            row.save()
            record("patient.updated", by=clerk, patient=row.pk)
    for row in (oldest, gone, survivor):
        body = api(clerk).get(f"{URL}{row.pk}/").json()
        assert body["id"] == str(survivor.pk)
        assert set(body["merged_from"]) == {str(gone.pk), str(oldest.pk)}
    assert api(clerk).patch(f"{URL}{gone.pk}/", {"given": "X"}, format="json").status_code == 409


ROUTES = [
    ("get", "{patients}{id}/", None),
    ("patch", "{patients}{id}/", {"given": "X"}),
    ("get", "{patients}{id}/history/", None),
    ("get", "/api/v1/encounters/?patient={id}", None),
    ("get", "/api/v1/encounters/{encounter}/", None),
    ("patch", "/api/v1/encounters/{encounter}/", {"kind": "emergency"}),
]


@pytest.mark.parametrize(("method", "route", "body"), ROUTES)
def test_a_guessing_clinician_learns_nothing(
    method: str, route: str, body: dict[str, str] | None, clinician: User, api: Api
) -> None:
    encounter = EncounterFactory.create(patient=PatientFactory.create(family="Secretson"))
    patient = encounter.patient
    address = route.format(patients=URL, id=patient.pk, encounter=encounter.pk)
    answer = getattr(api(clinician), method)(address, body, format="json")
    assert answer.status_code == 403
    assert answer.json()["code"] in {"chart_denied", "role"}
    for fact in ("secretson", patient.mrn, "1980", encounter.number.lower()):
        assert fact not in answer.content.decode().lower()
    denied = events("access.denied", actor_id=clinician.pk)
    assert [row.patient_id for row in denied] == [patient.pk]
    patient.refresh_from_db()
    assert patient.version == 1


@pytest.mark.parametrize(("method", "route", "body"), ROUTES)
def test_absent_ids_and_strangers(
    method: str, route: str, body: dict[str, str] | None, clerk: User, administrator: User, api: Api
) -> None:
    address = route.format(patients=URL, id=uuid7(), encounter=uuid7())
    assert getattr(api(clerk), method)(address, body, format="json").status_code == 404
    refused = getattr(api(administrator), method)(address, body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "role")
    assert getattr(APIClient(), method)(address, body, format="json").status_code == 401


def test_ids_that_are_none(clerk: User, api: Api) -> None:
    for address in (f"{URL}no-id/", f"{URL}no-id/history/", "/api/v1/encounters/no-id/"):
        assert api(clerk).get(address).status_code == 404
    assert api(clerk).get("/api/v1/encounters/").status_code == 400
    assert api(clerk).get("/api/v1/encounters/", {"patient": "no-id"}).status_code == 400


def test_encounters_open_list_and_change(clerk: User, clinician: User, api: Api) -> None:
    client, patient = api(clerk), PatientFactory.create()
    LocationFactory.create()
    LocationFactory.create(name="ICU")
    body = {
        "patient": str(patient.pk),
        "kind": "inpatient",
        "location": "4 West",
        "attending": clinician.username,
        "start": "2026-01-05T08:00:00Z",
        "number": "V-1001",
    }
    made = client.post("/api/v1/encounters/", body, format="json")
    assert made.status_code == 201
    encounter = made.json()
    assert set(body.items()) <= set(encounter.items()) | {("start", body["start"])}
    assert encounter["end"] is None
    again = client.post("/api/v1/encounters/", body, format="json")
    assert (again.status_code, again.json()["code"]) == (422, "number")
    address = f"/api/v1/encounters/{encounter['id']}/"
    ended = client.patch(address, {"end": "2026-01-07T09:00:00Z", "location": "ICU"}, format="json").json()
    assert ended["location"] == "ICU"
    assert ended["end"].startswith("2026-01-07T09:00:00")
    assert client.patch(address, {"end": "2026-01-01T09:00:00Z"}, format="json").status_code == 422
    yesterday = timezone.now() - timedelta(days=1)
    assert client.patch(address, {"end": yesterday.isoformat()}, format="json").status_code == 200
    seen = api(clinician).get("/api/v1/encounters/", {"patient": str(patient.pk)}).json()["results"]
    assert [row["number"] for row in seen] == ["V-1001"]
    assert api(clinician).get(address).status_code == 200
    assert events("encounter.viewed", actor_id=clinician.pk)


def test_encounters_come_in_pages_each_once(clerk: User, api: Api) -> None:
    patient = PatientFactory.create()
    numbers = {EncounterFactory.create(patient=patient).number for _ in range(7)}
    client = api(clerk)
    page = client.get("/api/v1/encounters/", {"patient": str(patient.pk), "page_size": 3}).json()
    seen = [row["number"] for row in page["results"]]
    while page["next"]:
        page = client.get(page["next"]).json()
        seen += [row["number"] for row in page["results"]]
    assert len(seen) == 7
    assert set(seen) == numbers


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"attending": "nobody"}, 422, "attending"),
        ({"kind": "visit"}, 400, "kind"),
        ({"start": "yesterday"}, 400, "start"),
        ({"patient": "x"}, 400, "patient"),
        ({"end": "2025-01-01T00:00:00Z"}, 422, "end"),
        ({"start": "2206-01-05T08:00:00Z"}, 422, "start"),
        ({"location": "4 Wset"}, 422, "location"),
        ({"atending": "nobody"}, 400, "atending"),
    ],
)
def test_encounter_faults(
    fields: dict[str, str], status: int, field: str, clerk: User, clinician: User, api: Api
) -> None:
    patient = PatientFactory.create()
    LocationFactory.create()
    body = {
        "patient": str(patient.pk),
        "kind": "inpatient",
        "location": "4 West",
        "attending": clinician.username,
        "start": "2026-01-05T08:00:00Z",
    }
    answer = api(clerk).post("/api/v1/encounters/", {**body, **fields}, format="json")
    assert answer.status_code == status
    assert field in answer.json()["errors"]
    assert not Encounter.objects.filter(patient=patient).exists()


@pytest.mark.parametrize("rows", [1, 30])
def test_few_queries(rows: int, clerk: User, api: Api, django_assert_max_num_queries: Any) -> None:
    patient = services.register_patient(
        by=clerk, family="Manyfold", given="First", birth_date=PatientFactory.build().birth_date, sex="female"
    )
    for _ in range(rows):
        EncounterFactory.create(patient=patient)
        PatientFactory.create(family="Manyfold")
    client = api(clerk)
    client.get(URL)
    for address in (
        f"{URL}?q=manyfold",
        f"{URL}{patient.pk}/",
        f"{URL}{patient.pk}/history/",
        f"/api/v1/encounters/?patient={patient.pk}",
    ):
        with django_assert_max_num_queries(15):
            assert client.get(address).status_code == 200


def test_an_answer_is_not_given_again_to_whoever_lost_the_chart(
    supervisor: User, compliance: User, api: Api
) -> None:
    client, headers = api(supervisor), {"Idempotency-Key": str(uuid7())}
    first = client.post(URL, ADA, format="json", headers=headers)
    given = {"kind": "person", "user": supervisor.username, "why": "Her wish"}
    services.restrict_chart(by=compliance, patient_id=first.json()["id"], **given)
    again = client.post(URL, ADA, format="json", headers=headers)
    assert (again.status_code, again.json()["code"]) == (403, "chart_denied")
    assert "Lovelace" not in again.content.decode()
    assert [str(event.patient_id) for event in events("access.denied", actor_id=supervisor.pk)] == [
        first.json()["id"]
    ]
    assert not events("request.repeated", actor_id=supervisor.pk)


def test_an_answer_is_not_given_again_to_whoever_lost_the_role(
    clerk: User, administrator: User, api: Api
) -> None:
    headers = {"Idempotency-Key": str(uuid7())}
    assert api(clerk).post(URL, ADA, format="json", headers=headers).status_code == 201
    with transaction.atomic():
        clerk.groups.set([])
        record("user.changed", by=administrator, about=clerk)
    again = api(User.objects.get(pk=clerk.pk)).post(URL, ADA, format="json", headers=headers)
    assert (again.status_code, again.json()["code"]) == (403, "role")


def test_an_answer_given_again_is_a_look_of_its_own(clerk: User, api: Api) -> None:
    """Invariant 1: a repeated Idempotency-Key shows the patient again."""
    client, headers = api(clerk), {"Idempotency-Key": str(uuid7())}
    body = {"family": "Again", "given": "Given", "birth_date": "1980-01-01", "sex": "female"}
    first = client.post("/api/v1/patients/", body, format="json", headers=headers)
    assert first.status_code == 201
    assert not events("request.repeated", actor_id=clerk.pk)
    again = client.post("/api/v1/patients/", body, format="json", headers=headers)
    assert again.json() == first.json()
    seen = events("request.repeated", actor_id=clerk.pk)
    assert [str(event.patient_id) for event in seen] == [first.json()["id"]]
