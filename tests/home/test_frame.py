"""The frame: what each role is offered, and that every offer is a page it may open."""

import re

import pytest

from accounts.roles import Role
from tests.factories import EncounterFactory, make_user

OFFERS = {
    Role.RECORDS_CLERK: (["Home", "Patients", "Capture", "Requests"], 3),
    Role.ROI_SPECIALIST: (["Home", "Patients", "Capture", "Requests"], 2),
    Role.RECORDS_SUPERVISOR: (["Home", "Patients", "Capture", "Requests", "Rights"], 4),
    Role.CLINICIAN: (["Home", "Patients"], 0),
    Role.COMPLIANCE_OFFICER: (
        [
            "Home",
            "Patients",
            "Requests",
            "Access log",
            "Broken glass",
            "Cases",
            "Watch",
            "Reviews",
            "Reports",
            "Labels",
            "Rights",
        ],
        0,
    ),
    Role.ADMINISTRATOR: (["Home", "Users", "System"], 2),
}


@pytest.mark.parametrize(("role", "rail", "new"), [(role, *offer) for role, offer in OFFERS.items()])
def test_each_role_is_offered_its_rooms_and_may_open_every_one(db, browse, role, rail, new):
    client = browse(make_user(role))
    navigation = client.get("/").context["navigation"]
    assert [item.label for item in navigation["rail"]] == rail
    assert len(navigation["new"]) == new
    for item in (*navigation["rail"], *navigation["new"]):
        assert client.get(item.url).status_code == 200, item.label
    assert bool(navigation["search"]) == (role is not Role.ADMINISTRATOR)


@pytest.mark.parametrize(
    ("role", "tabs"),
    [
        (Role.RECORDS_CLERK, ["timeline", "demographics", "encounters", "requests"]),
        (
            Role.RECORDS_SUPERVISOR,
            ["timeline", "demographics", "encounters", "requests", "opening", "access"],
        ),
        (Role.CLINICIAN, ["timeline", "demographics", "encounters"]),
        (
            Role.COMPLIANCE_OFFICER,
            ["timeline", "demographics", "encounters", "requests", "opening", "access"],
        ),
    ],
)
def test_each_tab_of_a_chart_opens_for_whoever_is_offered_it(db, browse, role, tabs):
    user = make_user(role)
    encounter = EncounterFactory(attending=user) if role is Role.CLINICIAN else EncounterFactory()
    client = browse(user)
    page = client.get(encounter.patient.get_absolute_url())
    offered = page.context["navigation"]["chart_tabs"]
    assert [tab.tab for tab in offered] == tabs
    links = re.findall(r'<nav class="tabs".*?</nav>', page.content.decode(), re.S)[0]
    for address in re.findall(r'href="([^"]+)"', links):
        assert client.get(address).status_code == 200, address


def test_the_room_one_is_in_is_marked(clerk, browse):
    client = browse(clerk)
    assert client.get("/patients/").context["navigation"]["room"] == "patients"
    rail = client.get("/release/").content.decode().split("rail-list")[1].split("</nav>")[0]
    assert re.findall(r'href="([^"]+)"\s+aria-current', rail) == ["/release/"]


def test_nobody_who_has_not_signed_in_sees_a_frame(client):
    page = client.get("/sign-in/").content.decode()
    assert "rail-list" not in page
    assert 'role="search"' not in page
