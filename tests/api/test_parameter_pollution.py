"""The same thing said twice, or differently in two places: one defined answer, and never another chart's data."""

import json
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from patients.models import Patient
from tests.factories import EncounterFactory, PatientFactory
from tests.support import events

FOREIGN = "Vexillomancer"


@pytest.fixture
def own(clinician: User) -> Patient:
    patient = PatientFactory.create(family="Ownpatient")
    EncounterFactory.create(patient=patient, attending=clinician)
    return patient


@pytest.fixture
def foreign(db: None) -> Patient:
    patient = PatientFactory.create(family=FOREIGN)
    EncounterFactory.create(patient=patient)
    return patient


@pytest.fixture
def client(clinician: User) -> APIClient:
    client = APIClient()
    client.force_login(clinician)
    return client


@pytest.mark.parametrize("path", ["documents", "encounters"])
@pytest.mark.parametrize("foreign_first", [True, False])
def test_a_parameter_given_twice_is_refused(
    path: str, foreign_first: bool, own: Patient, foreign: Patient, client: APIClient
) -> None:
    pair = (foreign.pk, own.pk) if foreign_first else (own.pk, foreign.pk)
    answer = client.get(f"/api/v1/{path}/?patient={pair[0]}&patient={pair[1]}")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["patient"]
    assert FOREIGN not in answer.content.decode()


@pytest.mark.parametrize("query", ["patient[]={0}", "patient[0]={0}", "patient.id={0}", "Patient={0}"])
def test_another_spelling_of_a_parameter_is_unknown(query: str, foreign: Patient, client: APIClient) -> None:
    answer = client.get(f"/api/v1/encounters/?{query.format(foreign.pk)}")
    assert answer.status_code == 400
    assert FOREIGN not in answer.content.decode()


def patch(client: Client, address: str, body: str) -> Any:
    return client.patch(address, body.encode(), content_type="application/json")


def test_a_name_given_twice_in_json_is_refused(clerk: User, own: Patient) -> None:
    client = APIClient()
    client.force_login(clerk)
    for body in ('{"sex": "unknown", "sex": "male"}', '{"addresses": [{"city": "A", "city": "B"}]}'):
        answer = patch(client, f"/api/v1/patients/{own.pk}/", body)
        assert answer.status_code == 400
        assert "twice" in answer.json()["detail"]
    own.refresh_from_db()
    assert own.sex == "female"


@pytest.mark.parametrize("name", ["id", "patient", "patient_id", "pk"])
def test_an_id_in_the_body_does_not_take_the_place_of_the_path_s(
    name: str, clerk: User, own: Patient, foreign: Patient
) -> None:
    client = APIClient()
    client.force_login(clerk)
    body = json.dumps({name: str(foreign.pk), "sex": "unknown"})
    answer = patch(client, f"/api/v1/patients/{own.pk}/", body)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [name]
    foreign.refresh_from_db()
    assert foreign.sex == "female"


@pytest.mark.parametrize(
    "body", ["[]", '"text"', "7", "null", "true", "{", "", "[{}]", '{"patient": {"id": 1}}']
)
def test_a_body_of_another_shape_is_refused(body: str, clerk: User) -> None:
    client = APIClient()
    client.force_login(clerk)
    answer = client.generic("POST", "/api/v1/encounters/", body.encode(), content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("value", [["{0}", "{1}"], {"id": "{0}"}, ["{0}"]])
def test_a_list_where_one_id_belongs_is_refused(
    value: Any, clerk: User, own: Patient, foreign: Patient
) -> None:
    client = APIClient()
    client.force_login(clerk)
    text = json.dumps({"patient": value, "kind": "emergency"})
    text = text.replace("{0}", str(own.pk)).replace("{1}", str(foreign.pk))
    answer = client.post("/api/v1/encounters/", text, content_type="application/json")
    assert answer.status_code == 400
    assert "patient" in answer.json()["errors"]


def test_a_form_s_field_given_twice_is_refused(clerk: User, own: Patient, foreign: Patient) -> None:
    client = APIClient()
    client.force_login(clerk)
    answer = client.post(
        "/api/v1/documents/", {"patient": [str(own.pk), str(foreign.pk)]}, format="multipart"
    )
    assert answer.status_code == 400
    assert "once" in answer.json()["errors"]["patient"][0]


@pytest.mark.parametrize("foreign_first", [True, False])
def test_a_page_takes_the_last_and_asks_the_rule_about_that(
    foreign_first: bool, own: Patient, foreign: Patient, clinician: User, client: APIClient
) -> None:
    pair = (foreign.pk, own.pk) if foreign_first else (own.pk, foreign.pk)
    answer = client.get(f"/documents/?patient={pair[0]}&patient={pair[1]}")
    assert answer.status_code == (200 if foreign_first else 403)
    assert FOREIGN not in answer.content.decode()
    assert len(events("access.denied", patient_id=foreign.pk)) == (not foreign_first)


def test_a_method_in_a_header_or_field_is_no_method(clerk: User, own: Patient) -> None:
    client = APIClient()
    client.force_login(clerk)
    address = f"/api/v1/patients/{own.pk}/"
    answer = client.post(address, {"_method": "PATCH", "sex": "male"}, HTTP_X_HTTP_METHOD_OVERRIDE="PATCH")
    assert answer.status_code == 405
    own.refresh_from_db()
    assert own.sex == "female"
