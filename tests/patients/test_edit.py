"""Correcting an identity: the verb, the page, and whoever was faster."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.roles import Role
from audit.services import record
from common.errors import Denied, NotFound, RuleBroken, Stale, WrongMove
from common.ids import uuid7
from patients import editing, services
from patients.models import HOUSE, Patient
from tests.factories import EncounterFactory, PatientFactory, make_user
from tests.support import events
from tests.threads import together

Browse = Callable[[User], Client]


def page_fields(page: Any) -> dict[str, str]:
    """What a browser would send back from the edit page, unchanged."""
    context = page.context
    forms = [context["form"]]
    fields: dict[str, str] = {"once": str(uuid7())}
    for rows in context["editor"].rows.values():
        forms += [rows.management_form, *rows]
    for form in forms:
        for bound in form:
            value = bound.value()
            if value is None or value is False:
                continue
            fields[bound.html_name] = "on" if value is True else str(value)
    return fields


def edit_url(patient: Patient) -> str:
    return f"/patients/{patient.pk}/edit/"


def test_a_correction_keeps_the_former_name_and_says_before_and_after(clerk: User) -> None:
    patient = PatientFactory.create(family="Quill", given="Nora")
    services.update_patient(by=clerk, patient_id=patient.pk, family="Quillen", sex="unknown")
    patient.refresh_from_db()
    assert (patient.family, patient.family_key, patient.sex, patient.version) == (
        "Quillen",
        "quillen",
        "unknown",
        2,
    )
    former = patient.names.get(use="old")
    assert (former.family, former.until_on) == ("Quill", timezone.localdate())
    assert patient.names.get(use="official").family == "Quillen"
    event = events("patient.updated", about=patient)[0]
    changed = {entry["model"]: entry["fields"] for entry in event.detail["changes"]}
    assert changed["patients.patient"]["family"] == ["Quill", "Quillen"]
    assert changed["patients.patient"]["sex"] == ["female", "unknown"]
    assert event.reason.startswith("records role")


def test_lists_become_what_was_given_and_what_went_stays_in_the_log(clerk: User) -> None:
    patient = PatientFactory.create()
    first = {"line": "1 Main St", "city": "Springfield"}
    services.update_patient(
        by=clerk,
        patient_id=patient.pk,
        telecoms=[{"system": "phone", "value": "1"}, {"system": "email", "value": "a@example.org"}],
        addresses=[first],
        names=[
            {"use": "maiden", "family": "Byron", "from_on": date(1980, 1, 1), "until_on": date(2001, 1, 1)}
        ],
        identifiers=[{"system": "county", "value": "77"}],
    )
    services.update_patient(
        by=clerk,
        patient_id=patient.pk,
        telecoms=[{"system": "phone", "value": "2"}],
        addresses=[{"line": "2 Oak Ave"}],
        names=[],
        identifiers=[{"system": "county", "value": "77", "is_current": False}],
    )
    assert list(patient.telecoms.values_list("value", flat=True)) == ["2"]
    assert list(patient.addresses.filter(until_on=None).values_list("line", flat=True)) == ["2 Oak Ave"]
    assert patient.addresses.get(line="1 Main St").until_on == timezone.localdate()
    assert not patient.names.exclude(use="official").exists()
    assert not patient.identifiers.get(system="county").is_current
    told = str(events("patient.updated", about=patient)[-1].detail["changes"])
    for gone in ("a@example.org", "Byron"):
        assert gone in told


def test_saving_the_same_again_changes_no_list(clerk: User) -> None:
    patient = PatientFactory.create()
    lists: dict[str, Any] = {
        "telecoms": [{"system": "phone", "value": "1"}],
        "addresses": [{"line": "1 Main St"}],
        "names": [{"use": "alias", "family": "Byron"}],
    }
    services.update_patient(by=clerk, patient_id=patient.pk, **lists)
    kept = [
        set(rows.values_list("pk", flat=True))
        for rows in (patient.telecoms, patient.addresses, patient.names)
    ]
    services.update_patient(by=clerk, patient_id=patient.pk, **lists)
    again = [
        set(rows.values_list("pk", flat=True))
        for rows in (patient.telecoms, patient.addresses, patient.names)
    ]
    assert kept == again


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"birth_date": timezone.localdate() + timedelta(days=2)}, "birth_date"),
    ({"birth_date": None}, "birth_date"),
    ({"deceased_on": date(1980, 2, 28)}, "deceased_on"),
    ({"deceased_on": timezone.localdate() + timedelta(days=2)}, "deceased_on"),
    ({"status": "merged"}, "status"),
    ({"family": ""}, "name"),
    ({"names": [{"use": "official", "family": "Byron"}]}, "name"),
    ({"names": [{"use": "alias", "family": ""}]}, "name"),
    (
        {"names": [{"family": "B", "from_on": date(2001, 1, 1), "until_on": date(2000, 1, 1)}]},
        "name",
    ),
    ({"identifiers": [{"system": HOUSE, "value": "1"}]}, "identifier"),
]


@pytest.mark.parametrize(("changes", "code"), REFUSED)
def test_what_cannot_be_is_refused_and_nothing_changes(
    changes: dict[str, Any], code: str, clerk: User
) -> None:
    patient = PatientFactory.create()
    before = editing.state_of(patient)
    with pytest.raises(RuleBroken) as refused:
        services.update_patient(by=clerk, patient_id=patient.pk, middle="Changed", **changes)
    assert refused.value.code == code
    assert editing.state_of(Patient.objects.get(pk=patient.pk)) == before
    assert not events("patient.updated", about=patient)


def test_who_may_correct(db: None) -> None:
    patient = PatientFactory.create()
    attending = EncounterFactory.create(patient=patient).attending
    for user in (make_user(Role.RECORDS_CLERK), make_user(Role.RECORDS_SUPERVISOR)):
        services.update_patient(by=user, patient_id=patient.pk, middle=user.username[:20])
    roles = (Role.ROI_SPECIALIST, Role.COMPLIANCE_OFFICER, Role.ADMINISTRATOR, Role.CLINICIAN)
    for user in (attending, *(make_user(role) for role in roles)):
        with pytest.raises(Denied):
            services.update_patient(by=user, patient_id=patient.pk, middle="No")
    patient.refresh_from_db()
    assert patient.middle != "No"
    with pytest.raises(NotFound):
        services.update_patient(by=make_user(Role.RECORDS_CLERK), patient_id=uuid7(), middle="No")


def test_a_merged_entry_is_not_corrected(clerk: User) -> None:
    patient, survivor = PatientFactory.create(), PatientFactory.create()
    with transaction.atomic():
        patient.status, patient.merged_into = "merged", survivor
        patient.save()
        record("patient.updated", by=clerk, patient=patient.pk)
    with pytest.raises(WrongMove) as refused:
        services.update_patient(by=clerk, patient_id=patient.pk, middle="No")
    assert refused.value.code == "merged"


@pytest.mark.committed
def test_of_two_who_save_at_once_one_is_told(committed: None) -> None:
    clerk = make_user(Role.RECORDS_CLERK)
    patient = PatientFactory.create(family=f"Race{uuid7().hex[-8:]}")

    def save(number: int) -> Patient:
        return services.update_patient(
            by=clerk, patient_id=patient.pk, seen_version=1, middle=f"Middle{number}"
        )

    results = together(save)
    assert sorted(type(result).__name__ for result in results) == ["Patient", "Stale"]
    patient.refresh_from_db()
    winner = next(result for result in results if isinstance(result, Patient))
    assert (patient.middle, patient.version) == (winner.middle, 2)
    assert len(events("patient.updated", about=patient)) == 1


def test_the_page_sent_back_unchanged_changes_nothing(clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create(middle="Rose")
    services.update_patient(
        by=clerk,
        patient_id=patient.pk,
        telecoms=[{"system": "phone", "value": "555-0100"}],
        names=[{"use": "maiden", "family": "Byron", "middle": "M", "until_on": date(2001, 1, 1)}],
        identifiers=[{"system": "county", "value": "77"}, {"system": "us:ssn", "value": "219-09-9999"}],
        addresses=[{"line": "1 Main St"}],
    )
    before = editing.state_of(Patient.objects.get(pk=patient.pk))
    client = browse(clerk)
    answer = client.post(edit_url(patient), page_fields(client.get(edit_url(patient))))
    assert answer.status_code == 302
    assert editing.state_of(Patient.objects.get(pk=patient.pk)) == before
    assert "changes" not in events("patient.updated", about=patient)[-1].detail


def test_the_second_clerk_is_told_and_loses_nothing(clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create(family="Quill", given="Nora")
    other = make_user(Role.RECORDS_SUPERVISOR, name="Sue Pervisor")
    client = browse(clerk)
    fields = page_fields(client.get(edit_url(patient)))
    services.update_patient(
        by=other,
        patient_id=patient.pk,
        given="Norah",
        sex="other",
        telecoms=[{"system": "phone", "value": "555-0100"}],
    )
    fields |= {"given": "Leonora", "suffix": "Jr"}
    answer = client.post(edit_url(patient), fields)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Sue Pervisor" in text
    differences = {row.field: row for row in answer.context["differences"]}
    assert set(differences) == {"given", "sex", "telecoms", "names"}
    assert (differences["given"].seen, differences["given"].now, differences["given"].typed) == (
        "Nora",
        "Norah",
        "Leonora",
    )
    assert differences["given"].is_conflict
    assert not differences["sex"].is_conflict
    assert 'value="Leonora"' in text  # typed here: kept
    assert 'value="Jr"' in text
    assert 'value="555-0100"' in text  # not touched here: taken over
    patient.refresh_from_db()
    assert patient.given == "Norah"  # nothing was overwritten

    saved = client.post(edit_url(patient), page_fields(answer))
    assert saved.status_code == 302
    patient.refresh_from_db()
    assert (patient.given, patient.sex, patient.suffix) == ("Leonora", "other", "Jr")
    assert patient.telecoms.get().value == "555-0100"
    assert set(patient.names.filter(use="old").values_list("given", flat=True)) == {"Nora", "Norah"}


def test_a_forged_seen_state_takes_nothing_over(clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create(given="Nora")
    client = browse(clerk)
    fields = page_fields(client.get(edit_url(patient)))
    services.update_patient(by=clerk, patient_id=patient.pk, middle="Rose")
    answer = client.post(edit_url(patient), {**fields, "seen": "forged"})
    assert answer.status_code == 409
    patient.refresh_from_db()
    assert patient.middle == "Rose"


def test_the_page_refuses_and_shows_no_data_to_others(clinician: User, browse: Browse) -> None:
    patient = PatientFactory.create(family="Secretson")
    client = browse(clinician)
    for answer in (client.get(edit_url(patient)), client.post(edit_url(patient), {"family": "X"})):
        assert answer.status_code == 403
        assert "SECRETSON" not in answer.content.decode().upper()
    assert len(events("access.denied", actor_id=clinician.pk, patient_id=patient.pk)) == 2


def test_an_old_entry_without_birth_date_can_be_corrected(clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create(birth_date=None)
    client = browse(clerk)
    fields = page_fields(client.get(edit_url(patient)))
    assert client.post(edit_url(patient), {**fields, "suffix": "Jr"}).status_code == 302
    fields = page_fields(client.get(edit_url(patient)))
    assert client.post(edit_url(patient), {**fields, "birth_date": "02/29/1980"}).status_code == 302
    patient.refresh_from_db()
    assert (patient.suffix, patient.birth_date) == ("Jr", date(1980, 2, 29))


VALUES = st.fixed_dictionaries({field: st.sampled_from(["", "a", "b"]) for field in editing.LABELS})


@given(VALUES, VALUES, VALUES)
def test_nothing_is_lost_between_three_states(
    seen: dict[str, str], now: dict[str, str], typed: dict[str, str]
) -> None:
    merged, differences = editing.three_way(seen, now, typed)
    for field, value in merged.items():
        assert value in (typed[field], now[field])
        if typed[field] != seen[field]:
            assert value == typed[field]  # what was typed stands
        if typed[field] == seen[field]:
            assert value == now[field]  # what was left alone follows the record
    told = {difference.field for difference in differences}
    assert told == {field for field in now if now[field] != seen[field]}
    lost = {field for field in now if now[field] != seen[field] and merged[field] != now[field]}
    assert lost == {difference.field for difference in differences if difference.is_conflict}


def test_stale_says_what_to_do() -> None:
    assert issubclass(Stale, WrongMove)
    assert editing.opened(editing.sealed({"given": "Ada"})) == {"given": "Ada"}
    assert editing.opened("x") is None
