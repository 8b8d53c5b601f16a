"""Where a colleague works: an administrator changes it on her page; since when is kept, the event has both states."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from common.errors import Denied, NotFound, RuleBroken, Stale
from common.ids import uuid7
from common.notices.models import Notice
from patients import access, services
from patients.models import Workplace
from tests.factories import EncounterFactory, FacilityFactory, LocationFactory, make_user
from tests.support import events

Browse = Callable[[User], Client]


def in_force(user: User) -> set[str]:
    return {row.words for row in Workplace.objects.in_force().filter(user=user)}


def test_a_change_of_unit_acts_at_once_and_keeps_what_stays(administrator: User, clinician: User) -> None:
    west, north = LocationFactory.create(name="4 West"), LocationFactory.create(name="7 North")
    there, here = (
        EncounterFactory.create(location=west).patient,
        EncounterFactory.create(location=north).patient,
    )
    services.set_workplaces(by=administrator, user_id=clinician.pk, units=[west], facilities=[west.facility])
    assert access.decide(clinician, there).rule == "unit"
    kept = Workplace.objects.get(user=clinician, location=None)
    services.set_workplaces(by=administrator, user_id=clinician.pk, units=[north], facilities=[west.facility])
    assert access.decide(clinician, here).rule == "unit"
    assert not access.decide(clinician, there).allowed
    kept.refresh_from_db()
    assert kept.until is None
    event = events("user.workplaces_set", about=clinician)[-1]
    assert event.detail["before"] == ["4 West, Test Hospital", "Test Hospital"]
    assert event.detail["after"] == ["7 North, Test Hospital", "Test Hospital"]
    assert "7 North" in Notice.objects.filter(recipient_id=clinician.pk).latest("created_at").text


def test_a_house_bounds_a_records_role(administrator: User, clerk: User) -> None:
    south = FacilityFactory.create(name="South")
    patient = EncounterFactory.create(location=LocationFactory.create(facility=south, name="1 South")).patient
    assert access.decide(clerk, patient).allowed
    services.set_workplaces(by=administrator, user_id=clerk.pk, facilities=[FacilityFactory.create()])
    assert not access.decide(clerk, patient).allowed
    services.set_workplaces(by=administrator, user_id=clerk.pk)
    assert access.decide(clerk, patient).allowed
    assert in_force(clerk) == set()


def test_the_same_again_changes_nothing_and_is_no_event(administrator: User, clerk: User) -> None:
    house = FacilityFactory.create()
    services.set_workplaces(by=administrator, user_id=clerk.pk, facilities=[house])
    version = User.objects.get(pk=clerk.pk).version
    services.set_workplaces(by=administrator, user_id=clerk.pk, facilities=[house], seen_version=version)
    assert len(events("user.workplaces_set", about=clerk)) == 1
    assert User.objects.get(pk=clerk.pk).version == version


def test_who_may_not_change_it(administrator: User, supervisor: User, clerk: User) -> None:
    unit = LocationFactory.create()
    with pytest.raises(Denied):
        services.set_workplaces(by=supervisor, user_id=clerk.pk, units=[unit])
    with pytest.raises(Denied, match="your own"):
        services.set_workplaces(by=administrator, user_id=administrator.pk, units=[unit])
    with pytest.raises(NotFound):
        services.set_workplaces(by=administrator, user_id=uuid7(), units=[unit])
    with pytest.raises(Stale):
        services.set_workplaces(by=administrator, user_id=clerk.pk, units=[unit], seen_version=99)
    with pytest.raises(RuleBroken, match="closed"):
        services.set_workplaces(
            by=administrator, user_id=clerk.pk, units=[LocationFactory.create(name="Old", is_active=False)]
        )
    assert not Workplace.objects.exists()


def test_the_page_shows_since_when_and_changes_it(
    administrator: User, clinician: User, browse: Browse
) -> None:
    client, address = browse(administrator), reverse("patients:workplaces", args=[clinician.pk])
    west, north = LocationFactory.create(name="4 West"), LocationFactory.create(name="7 North")
    shown = client.get(clinician.get_absolute_url()).content.decode()
    assert "The whole house" in shown
    assert "Charts open to them now: 0" in shown
    version = {"version": clinician.version}
    assert client.post(address, {"units": [west.pk], **version})["Location"] == clinician.get_absolute_url()
    shown = client.get(clinician.get_absolute_url()).content.decode()
    assert "4 West, Test Hospital, since" in shown
    assert address in shown
    late = client.post(address, {"units": [north.pk], **version})
    assert late.status_code == 422
    assert "Somebody else changed this" in late.content.decode()
    assert client.post(address, {"units": [north.pk], "version": clinician.version + 1}).status_code == 302
    page = client.get(address).content.decode()
    assert "4 West, Test Hospital" in page.split("Before")[1]
    assert in_force(clinician) == {"7 North, Test Hospital"}
    assert client.post(address, {"units": [str(uuid7())]}).status_code == 422


def test_only_an_administrator_and_not_her_own(
    administrator: User, supervisor: User, clerk: User, browse: Browse
) -> None:
    assert browse(supervisor).get(reverse("patients:workplaces", args=[clerk.pk])).status_code == 403
    client, own = browse(administrator), reverse("patients:workplaces", args=[administrator.pk])
    assert "Another administrator" in client.get(own).content.decode()
    assert client.post(own, {"units": [LocationFactory.create().pk]}).status_code == 403
    program = make_user(Role.SERVICE)
    assert client.get(reverse("patients:workplaces", args=[program.pk])).status_code == 404


@pytest.mark.parametrize("rows", [1, 20])
def test_the_page_needs_few_queries_however_many_units(
    rows: int,
    administrator: User,
    clerk: User,
    browse: Browse,
    django_assert_max_num_queries: Callable[[int], object],
) -> None:
    units = [LocationFactory.create(name=f"Unit {number}") for number in range(rows)]
    services.set_workplaces(by=administrator, user_id=clerk.pk, units=units)
    client, address = browse(administrator), reverse("patients:workplaces", args=[clerk.pk])
    client.get(address)
    with django_assert_max_num_queries(16):
        page = client.get(address).content.decode()
    assert page.count("Unit ") == 2 * rows
