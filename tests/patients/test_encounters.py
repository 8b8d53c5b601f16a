"""Encounters: the verbs and their pages."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from common.errors import Denied, NotFound, RuleBroken, Stale, WrongMove
from common.ids import uuid7
from patients import access, services
from patients.models import Encounter, Facility, Location
from tests.factories import EncounterFactory, LocationFactory, PatientFactory, make_user
from tests.support import events

Browse = Callable[[User], Client]
START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@pytest.fixture
def stay(db: None) -> dict[str, Any]:
    """What opens the plainest stay."""
    return {
        "patient_id": PatientFactory.create().pk,
        "kind": "inpatient",
        "location": LocationFactory.create(),
        "attending": make_user(Role.CLINICIAN),
        "started_at": START,
    }


def test_opening_gives_a_number_an_event_and_the_right_to_open(clerk: User, stay: dict[str, Any]) -> None:
    attending = stay["attending"]
    assert not access.visible_to(attending).filter(pk=stay["patient_id"]).exists()
    encounter = services.open_encounter(by=clerk, **stay)
    assert encounter.number.startswith("E-")
    assert encounter.is_open
    assert access.visible_to(attending).filter(pk=stay["patient_id"]).exists()
    assert events("encounter.opened", about=encounter)[0].patient_id == stay["patient_id"]


def test_names_from_other_systems_are_understood(clerk: User, stay: dict[str, Any]) -> None:
    home = stay["location"].facility
    attending = stay["attending"].username.upper()
    first = services.open_encounter(by=clerk, **{**stay, "location": "4 WEST", "attending": attending})
    assert first.location == stay["location"]
    again = services.open_encounter(
        by=clerk, **{**stay, "location": " 4 west ", "facility": home.name.upper()}
    )
    assert again.location == stay["location"]
    assert Location.objects.count() == 1


@pytest.mark.parametrize("is_new", [False, True])
def test_a_slip_of_a_clerk_becomes_no_ward(is_new: bool, clerk: User, stay: dict[str, Any]) -> None:
    with pytest.raises(Denied if is_new else RuleBroken) as refused:
        services.open_encounter(by=clerk, **{**stay, "location": "4 Wset", "new_location": is_new})
    if not is_new:
        assert "Did you mean 4 West?" in str(refused.value)
    encounter = EncounterFactory.create()
    with pytest.raises(Denied if is_new else RuleBroken):
        services.update_encounter(
            by=clerk, encounter_id=encounter.pk, location="Nowhere", new_location=is_new
        )
    with pytest.raises(RuleBroken):
        services.open_encounter(by=clerk, **{**stay, "location": "4 West", "facility": "Annex"})
    assert {place.name for place in Location.objects.all()} == {"4 West"}
    assert not Facility.objects.filter(name="Annex").exists()


def test_whoever_opens_the_first_encounter_of_a_house_names_its_first_ward(
    clerk: User, roi: User, browse: Browse
) -> None:
    patient, attending = PatientFactory.create(), make_user(Role.CLINICIAN)
    client, address = browse(clerk), f"/patients/{patient.pk}/encounters/new/"
    assert "new_location" in client.get(address).context["form"].fields
    assert client.post(address, form(new_location="4 West", attending=attending.pk)).status_code == 302
    assert patient.encounters.get().location.name == "4 West"
    assert "new_location" not in client.get(address).context["form"].fields
    with pytest.raises(Denied):
        access.check_may_add_location(roi)


def test_a_supervisor_adds_a_ward_when_she_says_that_it_is_new(
    supervisor: User, stay: dict[str, Any]
) -> None:
    with pytest.raises(RuleBroken):
        services.open_encounter(by=supervisor, **{**stay, "location": "ICU"})
    first = services.open_encounter(by=supervisor, **{**stay, "location": "ICU", "new_location": True})
    assert first.location.facility == stay["location"].facility
    annex = {**stay, "location": "icu", "facility": "Annex", "new_location": True}
    second = services.open_encounter(by=supervisor, **annex)
    assert second.location.facility.name == "Annex"
    third = services.open_encounter(by=supervisor, **annex)
    assert third.location == second.location
    assert [event.actor for event in events("location.added")] == [supervisor.username] * 2
    assert Location.objects.filter(name__iexact="icu").count() == 2


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"attending": "nobody-here"}, "attending"),
    ({"location": "  "}, "location"),
    ({"ended_at": START - timedelta(minutes=1)}, "ended_at"),
    ({"started_at": datetime(1980, 2, 27, 12, tzinfo=UTC)}, "started_at"),
    (
        {
            "started_at": timezone.now() + timedelta(days=2),
            "ended_at": timezone.now() + timedelta(days=3),
        },
        "ended_at",
    ),
    ({"started_at": timezone.now() + timedelta(days=400)}, "started_at"),
    ({"started_at": datetime(2206, 1, 5, 8, tzinfo=UTC)}, "started_at"),
    ({"ended_at": timezone.now() + timedelta(days=400)}, "ended_at"),
    ({"number": "T-TAKEN"}, "number"),
    ({"number": "x" * 31}, "too_long"),
]


@pytest.mark.parametrize(("fields", "code"), REFUSED)
def test_what_cannot_be_is_refused(
    fields: dict[str, Any], code: str, clerk: User, stay: dict[str, Any]
) -> None:
    EncounterFactory.create(number="T-TAKEN")
    with pytest.raises(RuleBroken) as refused:
        services.open_encounter(by=clerk, **{**stay, **fields})
    assert refused.value.code == code
    assert not Encounter.objects.filter(patient=stay["patient_id"]).exists()
    assert not Location.objects.filter(name="").exists()


def test_a_stay_may_be_planned_for_next_year_and_not_moved_beyond(clerk: User, stay: dict[str, Any]) -> None:
    planned = services.open_encounter(
        by=clerk, **{**stay, "started_at": timezone.now() + timedelta(days=360)}
    )
    with pytest.raises(RuleBroken, match="more than a year ahead"):
        services.update_encounter(
            by=clerk, encounter_id=planned.pk, started_at=timezone.now() + timedelta(days=800)
        )


def test_the_attending_must_be_an_active_clinician(clerk: User, stay: dict[str, Any]) -> None:
    for attending in (clerk, make_user(Role.CLINICIAN, is_active=False)):
        with pytest.raises(RuleBroken, match="active clinician"):
            services.open_encounter(by=clerk, **{**stay, "attending": attending})


@pytest.mark.parametrize(
    "role", [Role.CLINICIAN, Role.ROI_SPECIALIST, Role.COMPLIANCE_OFFICER, Role.ADMINISTRATOR]
)
def test_other_roles_do_not_open_or_change(role: Role, stay: dict[str, Any]) -> None:
    """A clinician who could open an encounter could let herself into any chart."""
    user = make_user(role)
    with pytest.raises(Denied):
        services.open_encounter(by=user, **{**stay, "attending": user})
    encounter = EncounterFactory.create(attending=user if role == Role.CLINICIAN else stay["attending"])
    for verb in (services.update_encounter, services.close_encounter):
        with pytest.raises(Denied):
            verb(by=user, encounter_id=encounter.pk)
    encounter.refresh_from_db()
    assert (encounter.version, encounter.ended_at) == (1, None)


def test_a_correction_and_somebody_faster(clerk: User) -> None:
    encounter = EncounterFactory.create()
    services.update_encounter(by=clerk, encounter_id=encounter.pk, seen_version=1, kind="observation")
    with pytest.raises(Stale):
        services.update_encounter(by=clerk, encounter_id=encounter.pk, seen_version=1, kind="emergency")
    encounter.refresh_from_db()
    assert encounter.kind == "observation"
    assert len(events("encounter.updated", about=encounter)) == 1
    with pytest.raises(NotFound):
        services.update_encounter(by=clerk, encounter_id=uuid7(), kind="emergency")


def test_an_old_stay_keeps_an_attending_who_left(clerk: User) -> None:
    encounter = EncounterFactory.create()
    encounter.attending.groups.clear()
    services.update_encounter(by=clerk, encounter_id=encounter.pk, kind="observation")
    with pytest.raises(RuleBroken):
        services.update_encounter(
            by=clerk, encounter_id=encounter.pk, attending=make_user(Role.RECORDS_CLERK)
        )


def test_closing_once(clerk: User) -> None:
    encounter = EncounterFactory.create()
    closed = services.close_encounter(by=clerk, encounter_id=encounter.pk)
    assert closed.ended_at is not None
    assert not closed.is_open
    with pytest.raises(WrongMove):
        services.close_encounter(by=clerk, encounter_id=encounter.pk)
    with pytest.raises(RuleBroken):
        services.close_encounter(
            by=clerk, encounter_id=EncounterFactory.create().pk, ended_at=START - timedelta(days=9)
        )
    assert len(events("encounter.closed", about=encounter)) == 1


def form(**fields: Any) -> dict[str, Any]:
    return {"kind": "emergency", "started_at": "2026-01-05T08:00", "once": str(uuid7()), **fields}


def test_a_clerk_chooses_from_the_list_and_is_told_who_adds_to_it(clerk: User, browse: Browse) -> None:
    patient, attending = PatientFactory.create(), make_user(Role.CLINICIAN)
    LocationFactory.create()
    client, address = browse(clerk), f"/patients/{patient.pk}/encounters/new/"
    page = client.get(address)
    assert "new_location" not in page.context["form"].fields
    assert "A supervisor adds wards" in page.content.decode()
    typed = form(location="", new_location="4 Wset", attending=attending.pk)
    assert client.post(address, typed).status_code == 422
    assert not Location.objects.filter(name="4 Wset").exists()


def test_the_pages_open_correct_and_close(supervisor: User, browse: Browse) -> None:
    patient, place, attending = PatientFactory.create(), LocationFactory.create(), make_user(Role.CLINICIAN)
    client, address = browse(supervisor), f"/patients/{patient.pk}/encounters/"
    assert "No encounter yet." in client.get(address).content.decode()
    answer = client.post(f"{address}new/", form(location=place.pk, attending=attending.pk))
    assert answer.status_code == 302
    encounter = patient.encounters.get()
    assert encounter.started_at == START
    edit = f"/patients/encounters/{encounter.pk}/edit/"
    version = client.get(edit).context["form"]["version"].value()
    changed = form(kind="inpatient", new_location="ICU", location="", attending=attending.pk, version=version)
    assert client.post(edit, changed).status_code == 302
    again = {**changed, "kind": "observation"}
    answer = client.post(edit, {**again, "once": str(uuid7())})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Somebody else changed this encounter" in text
    assert "On record now: Inpatient, ICU" in text
    encounter.refresh_from_db()
    assert encounter.kind == "inpatient"
    again["version"] = answer.context["form"]["version"].value()
    assert client.post(edit, {**again, "once": str(uuid7())}).status_code == 302
    assert (
        client.post(f"/patients/encounters/{encounter.pk}/close/", {"once": str(uuid7())}).status_code == 302
    )
    encounter.refresh_from_db()
    assert (encounter.kind, encounter.location.name, encounter.is_open) == ("observation", "ICU", False)
    assert encounter.number in client.get(address).content.decode()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"location": ""}, "Choose a location"),
        ({"attending": ""}, "Attending: This field is required."),
        ({"started_at": "1979-01-01T08:00"}, "before the patient&#x27;s birth"),
    ],
)
def test_the_page_says_what_to_correct(
    fields: dict[str, Any], says: str, clerk: User, browse: Browse
) -> None:
    patient, place, attending = PatientFactory.create(), LocationFactory.create(), make_user(Role.CLINICIAN)
    given = form(location=place.pk, attending=attending.pk) | fields
    answer = browse(clerk).post(f"/patients/{patient.pk}/encounters/new/", given)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not patient.encounters.exists()


def test_the_attending_sees_the_list_without_buttons(clinician: User, browse: Browse) -> None:
    encounter = EncounterFactory.create(attending=clinician)
    page = browse(clinician).get(f"/patients/{encounter.patient_id}/encounters/")
    assert encounter.number in page.content.decode()
    assert not page.context["can_edit"]
    assert (
        events("encounter.listed", actor_id=clinician.pk)[0].reason
        == f"attending: encounter {encounter.number}"
    )
