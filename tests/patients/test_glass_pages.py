"""The pages around the glass: found, refused, asked again who she is, open with a banner, closed."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import unquote

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from audit.services import record
from common.clock import database_now
from common.ids import uuid7
from patients import services
from patients.models import GlassBreak, GlassReason, Patient
from tests.accounts.making import make_role
from tests.conftest import confirmed
from tests.factories import PASSWORD, EncounterFactory, PatientFactory, UserFactory, make_user
from tests.patients.test_glass import WHY, broken, ran_out
from tests.records.documents import samples
from tests.records.documents.conftest import file
from tests.support import at_most_queries, events

Browse = Callable[[User], Client]
ANSWERS = {"reason_code": "emergency", "reason": WHY}


@pytest.fixture
def chart(db: None) -> Patient:
    return PatientFactory.create(family="Quillfeather", given="Una")


@pytest.fixture
def stale(clinician: User) -> Client:
    """She signed in a while ago."""
    client = Client()
    client.force_login(clinician)
    return client


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def address(chart: Patient) -> str:
    return f"/patients/{chart.pk}/glass/"


def test_the_whole_way(stale: Client, clinician: User, chart: Patient) -> None:
    """Refused, offered, a reason, the password once more, and the chart with its banner (J6)."""
    refused = stale.get(f"/patients/{chart.pk}/encounters/")
    assert refused.status_code == 403
    assert "Quillfeather" not in text_of(refused)
    offered = re.search(r'href="(/patients/[^"]+/glass/\?next=[^"]+)"', text_of(refused))
    assert offered
    page = stale.get(offered[1])
    shown = text_of(page)
    assert "QUILLFEATHER, Una" in shown
    assert chart.mrn_display in shown
    back = unquote(offered[1].partition("next=")[2])
    asked = stale.post(offered[1], {**ANSWERS, "next": back, "once": str(uuid7())})
    assert asked.status_code == 303
    assert asked["Location"].startswith("/confirm/")
    assert not GlassBreak.objects.exists()
    resumed = stale.post("/confirm/", {"password": PASSWORD, "next": "/"})
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text_of(resumed)))
    assert fields["reason"] == WHY
    opened = stale.post(address(chart), fields)
    assert (opened.status_code, opened["Location"]) == (302, back)
    seen = text_of(stale.get(back))
    assert "Glass broken" in seen
    assert "This chart is outside your care. It is open to you until" in seen
    assert re.search(r'data-glass-left="1\d{4}"', seen)
    assert re.search(r"3 h 59 min|4 h 0 min", seen)
    glass = GlassBreak.objects.get()
    ended = stale.post(f"/patients/glass/{glass.pk}/end/")
    assert (ended.status_code, ended["Location"]) == (302, "/")
    assert stale.get(back).status_code == 403


def test_a_double_click_breaks_one_glass(clinician: User, browse: Browse, chart: Patient) -> None:
    client, key = browse(clinician), str(uuid7())
    first = client.post(address(chart), {**ANSWERS, "once": key})
    second = client.post(address(chart), {**ANSWERS, "once": key})
    assert first["Location"] == second["Location"] == f"/patients/{chart.pk}/"
    assert GlassBreak.objects.count() == 1


def test_two_tabs_break_one_glass(clinician: User, browse: Browse, chart: Patient) -> None:
    client = browse(clinician)
    for _ in range(2):
        assert client.post(address(chart), ANSWERS).status_code == 302
    assert GlassBreak.objects.count() == 1


def test_the_password_of_a_while_ago_is_not_enough(stale: Client, chart: Patient) -> None:
    session = stale.session
    session["confirmed_at"] = int(database_now().timestamp()) - 61
    session.save()
    assert stale.post(address(chart), ANSWERS).status_code == 303
    confirmed(stale)
    assert stale.post(address(chart), ANSWERS).status_code == 302


def test_junk_comes_back_before_the_password_is_asked_and_nothing_typed_is_lost(
    stale: Client, chart: Patient
) -> None:
    answer = stale.post(address(chart), {"reason_code": "covering", "reason": "aaaa"})
    assert answer.status_code == 422
    page = text_of(answer)
    assert "Say in a few words why" in page
    assert ">aaaa</textarea>" in page.replace("> aaaa", ">aaaa")
    assert re.search(r'value="covering"[^>]*checked', page)


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_after_it_one_stays_here(clinician: User, browse: Browse, chart: Patient, target: str) -> None:
    answer = browse(clinician).post(address(chart), {**ANSWERS, "next": target})
    assert answer["Location"] == f"/patients/{chart.pk}/"


def test_hostile_words_are_shown_as_they_are(clinician: User, browse: Browse, chart: Patient) -> None:
    words = '=cmd|"/c calc"!A1 <script>alert(1)</script> called to bed'
    client = browse(clinician)
    client.post(address(chart), {"reason_code": "other", "reason": words})
    page = client.get(address(chart)).content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;" in page
    compliance = browse(make_user(Role.COMPLIANCE_OFFICER))
    lines = b"".join(compliance.get("/log/export/?action=break-glass").streaming_content).decode()  # type: ignore[attr-defined]
    assert "=cmd" in lines
    assert not re.search(r'(^|,)"?[=+@-]cmd', lines), "a spreadsheet would run it"


def test_a_chart_open_anyway_says_so(clinician: User, browse: Browse) -> None:
    patient = EncounterFactory.create(attending=clinician).patient
    page = text_of(browse(clinician).get(address(patient)))
    assert "open to you without it" in page
    assert "Break the glass</button>" not in page


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.CLINICIAN, Role.SERVICE}])
def test_nobody_else_gets_there(role: Role, chart: Patient, browse: Browse) -> None:
    client = browse(make_user(role))
    for answer in (
        client.get(address(chart)),
        client.get("/patients/outside/?q=quill"),
        client.post(address(chart), ANSWERS),
    ):
        assert answer.status_code == 403
        assert "QUILLFEATHER" not in text_of(answer)
    assert not GlassBreak.objects.exists()


def test_who_may_not_break_it_is_not_offered_to(browse: Browse, administrator: User, chart: Patient) -> None:
    assert "/glass/" not in text_of(browse(administrator).get(f"/patients/{chart.pk}/"))


def test_the_page_names_the_patient_and_is_an_event(clinician: User, browse: Browse, chart: Patient) -> None:
    browse(clinician).get(address(chart))
    [event] = events("glass.considered", about=chart)
    assert (event.actor, event.purpose) == (clinician.username, "BTG")


def test_when_it_has_run_out_the_next_page_is_refused_with_the_way_to_ask_again(
    clinician: User, browse: Browse, chart: Patient
) -> None:
    client = browse(clinician)
    ran_out(clinician, chart)
    answer = client.get(f"/patients/{chart.pk}/")
    assert answer.status_code == 403
    assert f"/patients/{chart.pk}/glass/?next=" in text_of(answer)


def test_a_drill_is_marked_on_every_page_and_leads_into_no_chart(
    clinician: User, browse: Browse, chart: Patient
) -> None:
    client = browse(clinician)
    assert "DRILL: break the glass" in text_of(client.get(f"{address(chart)}?drill=1"))
    answer = client.post(address(chart), {**ANSWERS, "is_drill": "1"})
    assert answer["Location"] == f"{address(chart)}?drill=1"
    page = text_of(client.get(answer["Location"]))
    assert "DRILL: glass broken" in page
    assert "nothing was opened" in page
    assert client.get(f"/patients/{chart.pk}/").status_code == 403


def test_the_banner_of_a_drill_stands_on_a_chart_of_her_own(clinician: User, browse: Browse) -> None:
    patient = EncounterFactory.create(attending=clinician).patient
    broken(clinician, patient, is_drill=True)
    assert "DRILL: glass broken" in text_of(browse(clinician).get(f"/patients/{patient.pk}/"))


@pytest.mark.parametrize("tab", ["", "demographics/", "encounters/"])
def test_every_page_of_the_chart_has_the_line_and_the_way_to_end_it(
    clinician: User, browse: Browse, chart: Patient, tab: str
) -> None:
    """A chart with a stay in it: the page's own words must not get in the line's way."""
    EncounterFactory.create(patient=chart)
    document = file(make_user(Role.RECORDS_CLERK), chart, samples.text_pdf([["A letter"]]))
    glass = broken(clinician, chart)
    client = browse(clinician)
    for path in (
        f"/patients/{chart.pk}/{tab}",
        f"/documents/{document.pk}/",
        f"/documents/search/{chart.pk}/?q=letter",
    ):
        page = text_of(client.get(path))
        assert "Glass broken" in page, path
        assert f"/patients/glass/{glass.pk}/end/" in page, path


def test_a_colleague_on_the_same_chart_has_no_banner(clinician: User, browse: Browse, chart: Patient) -> None:
    other = make_user(Role.CLINICIAN)
    EncounterFactory.create(patient=chart, attending=other)
    broken(clinician, chart)
    assert "Glass broken" not in text_of(browse(other).get(f"/patients/{chart.pk}/"))


def test_the_banner_costs_one_question_and_only_whoever_may_break(
    clerk: User, clinician: User, browse: Browse, chart: Patient
) -> None:
    EncounterFactory.create(patient=chart, attending=clinician)
    asked = []
    for person in (clerk, clinician):
        client = browse(person)
        client.get(f"/patients/{chart.pk}/encounters/")
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/patients/{chart.pk}/encounters/")
        asked.append(
            sum(
                "patients_glassbreak" in query["sql"] and "union all" not in query["sql"]
                for query in captured
            )
        )
    assert asked == [0, 1]


# -- Finding the person -------------------------------------------------------------------------------------------


def test_the_search_leads_outside_her_care(clinician: User, browse: Browse, chart: Patient) -> None:
    client = browse(clinician)
    assert "/patients/outside/?q=quill" in text_of(client.get("/patients/?q=quill"))
    page = text_of(client.get("/patients/outside/?q=quill"))
    assert "QUILLFEATHER, Una" in page
    assert address(chart) in page
    assert "outside your care" in page


def test_outside_her_care_nothing_of_the_chart_is_shown(
    clinician: User, browse: Browse, chart: Patient
) -> None:
    stay = EncounterFactory.create(patient=chart)
    page = text_of(browse(clinician).get("/patients/outside/?q=quill"))
    for text in (stay.number, str(stay.location), stay.attending.name):
        assert text not in page


def test_a_clerk_is_not_led_there(clerk: User, browse: Browse, chart: Patient) -> None:
    assert "/patients/outside/" not in text_of(browse(clerk).get("/patients/?q=quill"))


def test_two_letters_are_no_question(clinician: User, browse: Browse, chart: Patient) -> None:
    assert "QUILLFEATHER" not in text_of(browse(clinician).get("/patients/outside/?q=qu"))
    assert not events("patient.searched_outside")


@pytest.mark.parametrize("rows", [1, 10])
def test_the_list_needs_few_questions_however_long(clinician: User, browse: Browse, rows: int) -> None:
    PatientFactory.create_batch(rows, family="Longlist")
    client = browse(clinician)
    client.get("/patients/outside/?q=longlist")
    with at_most_queries(6):
        assert text_of(client.get("/patients/outside/?q=longlist")).count("LONGLIST, ") == rows


def test_many_standing_glasses_do_not_slow_the_chart(clinician: User, browse: Browse, chart: Patient) -> None:
    now = database_now()
    others = PatientFactory.create_batch(50)
    with transaction.atomic():
        GlassBreak.objects.bulk_create(
            GlassBreak(
                user=clinician, patient=other, reason_code=GlassReason.OTHER, reason=WHY,
                opened_at=now, expires_at=now + timedelta(hours=1),
            )
            for other in others
        )  # fmt: skip
        record("glass.broken", by=clinician, patients=[other.pk for other in others])
    client = browse(clinician)
    client.get(f"/patients/{others[0].pk}/encounters/")
    with at_most_queries(9):
        assert "Glass broken" in text_of(client.get(f"/patients/{others[1].pk}/encounters/"))
    services.write_off_run_out()


# -- What was typed -----------------------------------------------------------------------------------------------


def test_what_was_being_sent_when_it_ran_out_goes_on_afterwards(
    administrator: User, browse: Browse, chart: Patient
) -> None:
    """Somebody who may change encounters of charts in her care, and opened one outside it."""
    rights = {"patients.view_chart", "patients.break_glass", "patients.edit_encounter"}
    role = make_role(administrator, "Registering physician", rights)
    user = UserFactory.create(roles=[role.group.name])
    client = browse(user)
    ran_out(user, chart)
    path = f"/patients/{chart.pk}/encounters/new/"
    typed = [("kind", "emergency"), ("new_location", 'Bay "7" <b>'), ("once", "k")]
    refused = text_of(client.post(path, dict(typed)))
    assert "is kept and goes on afterwards" in refused
    assert f"{address(chart)}?kept=1" in refused
    assert "Bay" not in str(dict(client.session.items())), "sealed while it waits"
    assert 'name="kept"' in text_of(client.get(f"{address(chart)}?kept=1"))
    resumed = client.post(address(chart), {**ANSWERS, "kept": "1"}).content.decode()
    assert f'action="{path}"' in resumed
    sent = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', resumed)
    assert [(name, unescape(value)) for name, value in sent if name in dict(typed)] == typed
    assert client.post(path, {name: unescape(value) for name, value in sent}).status_code == 422, (
        "asks for the rest"
    )


def test_an_old_form_is_not_sent_by_a_glass_broken_for_something_else(
    administrator: User, browse: Browse, chart: Patient
) -> None:
    rights = {"patients.view_chart", "patients.break_glass", "patients.edit_encounter"}
    user = UserFactory.create(roles=[make_role(administrator, "Registering physician", rights).group.name])
    client = browse(user)
    client.post(f"/patients/{chart.pk}/encounters/new/", {"kind": "emergency"})
    assert client.post(address(chart), ANSWERS)["Location"] == f"/patients/{chart.pk}/"
