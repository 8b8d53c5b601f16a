"""The watch on screen and for programs."""

from collections.abc import Callable
from datetime import date

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.review import services
from audit.review.models import Alert, AlertState, WatchRule
from audit.review.watch import rules
from patients.models import Patient
from tests.audit.watch.making import MONDAY, alert_of, looked
from tests.factories import PatientFactory, make_user
from tests.support import at_most_queries, events

Browse = Callable[[User], Client]
LIST = f"/log/watch/?week={MONDAY}"


@pytest.fixture
def chart(db: None) -> Patient:
    return PatientFactory.create(family="Quillfeather", given="Una")


@pytest.fixture
def snoop(db: None) -> User:
    return make_user(Role.RECORDS_CLERK, name="<script>alert(1)</script> \u202eParker")


@pytest.fixture
def alert(snoop: User, chart: Patient) -> Alert:
    return alert_of(snoop, chart, events=[looked(snoop, chart)])


def text_of(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


def test_the_list_tells_who_whose_chart_and_why(alert: Alert, compliance: User, browse: Browse) -> None:
    page = text_of(browse(compliance), LIST)
    assert "QUILLFEATHER, Una" in page
    assert "the same family name" in page
    assert alert.get_absolute_url() in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_weightiest_come_first_and_a_hundred_on_a_page(
    chart: Patient, compliance: User, browse: Browse
) -> None:
    for number in range(102):
        alert_of(make_user(Role.RECORDS_CLERK), chart, score=number)
    answer = browse(compliance).get(LIST)
    scores = [row.score for row in answer.context["page"]]
    assert scores == sorted(range(2, 102), reverse=True)
    assert answer.context["page"].next_url


@pytest.mark.parametrize("rows", [1, 30])
def test_the_list_needs_few_queries_however_long(rows: int, compliance: User, browse: Browse) -> None:
    for _ in range(rows):
        alert_of(make_user(Role.RECORDS_CLERK), PatientFactory.create())
    client = browse(compliance)
    client.get(LIST)
    with at_most_queries(14):
        assert len(client.get(LIST).context["page"].rows) == rows


@pytest.mark.parametrize("looks", [1, 30])
def test_an_alert_needs_few_queries_however_many_looks(
    looks: int, snoop: User, chart: Patient, compliance: User, browse: Browse
) -> None:
    alert = alert_of(snoop, chart, events=[looked(snoop, chart) for _ in range(looks)])
    client = browse(compliance)
    client.get(alert.get_absolute_url())
    with at_most_queries(45):  # most of them the explainers: one for each kind
        assert len(client.get(alert.get_absolute_url()).context["lines"]) == looks


def test_an_empty_week_says_so(compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    assert "This week was not looked through yet" in text_of(client, "/log/watch/")
    services.run_watch(week_on=timezone.localdate())
    assert "Nothing stands out" in text_of(client, "/log/watch/")


@pytest.mark.parametrize("asked", ["", "no", "2026-02-30", "9999-12-31", "0001-01-01", "2026-11-18"])
def test_any_week_that_is_typed_answers(asked: str, compliance: User, browse: Browse) -> None:
    answer = browse(compliance).get("/log/watch/", {"week": asked, "show": "nonsense", "cursor": "x"})
    assert answer.status_code == 200
    if asked == "2026-11-18":
        assert answer.context["week"].week_on == MONDAY


def test_chips_narrow_the_list(alert: Alert, compliance: User, browse: Browse) -> None:
    services.set_aside_alert(by=compliance, alert_id=alert.pk, note="asked")
    client = browse(compliance)
    assert len(client.get(f"{LIST}&show=set_aside").context["page"].rows) == 1
    assert not client.get(f"{LIST}&show=new").context["page"].rows


def test_an_alert_is_set_aside_on_its_page(alert: Alert, compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    refused = client.post(alert.get_absolute_url(), {"note": ""})
    assert refused.status_code == 422
    assert "Say in a sentence" in refused.content.decode()
    done = client.post(alert.get_absolute_url(), {"note": "asked the <b>ward</b>"})
    assert done.status_code == 302
    alert.refresh_from_db()
    assert alert.state == AlertState.SET_ASIDE
    page = text_of(client, alert.get_absolute_url())
    assert "asked the &lt;b&gt;ward&lt;/b&gt;" in page
    assert "Set aside</button>" not in page


def test_an_alert_becomes_a_case_from_its_page(alert: Alert, compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    page = text_of(client, alert.get_absolute_url())
    address = f"/log/cases/from-alert/{alert.pk}/"
    assert f'action="{address}"' in page
    assert client.post(address).status_code == 302
    alert.refresh_from_db()
    assert alert.state == AlertState.IN_CASE
    assert address not in text_of(client, alert.get_absolute_url())


def test_an_alert_about_oneself_is_not_there(chart: Patient, compliance: User, browse: Browse) -> None:
    """MON-5."""
    own = alert_of(compliance, chart)
    client = browse(compliance)
    assert client.get(own.get_absolute_url()).status_code == 404
    assert own.get_absolute_url() not in text_of(client, LIST)
    other = browse(make_user(Role.COMPLIANCE_OFFICER))
    assert other.get(own.get_absolute_url()).status_code == 200


def test_rules_are_changed_on_their_page(compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    page = text_of(client, "/log/watch/rules/")
    for rule in rules.RULES:
        assert rule.words in page
    body = {"code": "deceased", "is_on": "on", "weight": "33", "days": "90"}
    assert client.post("/log/watch/rules/", body).status_code == 302
    row = WatchRule.objects.get()
    assert (row.code, row.weight, row.parameters, row.changed_by) == (
        "deceased", 33, {"days": 90.0}, compliance,
    )  # fmt: skip
    refused = client.post("/log/watch/rules/", {**body, "days": "-1"})
    assert refused.status_code == 422
    assert WatchRule.objects.get().parameters == {"days": 90.0}


def test_a_decoy_is_marked_and_ended_on_its_page(chart: Patient, compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    assert "There is no decoy yet" in text_of(client, "/log/watch/decoys/")
    body = {"patient": chart.mrn_display, "why": "to see who looks"}
    assert client.post("/log/watch/decoys/", body).status_code == 302
    assert "QUILLFEATHER, Una" in text_of(client, "/log/watch/decoys/")
    assert client.post("/log/watch/decoys/", body).status_code == 422
    assert client.post("/log/watch/decoys/", {"patient": "nobody", "why": "x"}).status_code == 422
    [(decoy, _)] = services.list_decoys(by=compliance)
    assert client.post(f"/log/watch/decoys/{decoy.pk}/end/").status_code == 302
    assert events("watch.decoy_ended", about=decoy)


def test_alerts_for_programs(
    alert: Alert, compliance: User, chart: Patient, api: Callable[[User], Client]
) -> None:
    client = api(compliance)
    found = client.get("/api/v1/audit/alerts/", {"week": "2026-11-18"}).json()["results"]
    assert [row["id"] for row in found] == [str(alert.pk)]
    assert found[0]["actor"] == alert.subject.username
    assert found[0]["hits"] == alert.hits
    assert events("watch.alerts_listed")[0].patient_ids == [chart.pk]
    assert client.get(f"/api/v1/audit/alerts/{alert.pk}/").json()["patient"] == str(chart.pk)
    address = f"/api/v1/audit/alerts/{alert.pk}/set-aside/"
    assert client.post(address, {}, format="json").status_code == 400
    assert client.post(address, {"note": "asked"}, format="json").json()["state"] == "set_aside"
    assert client.post(address, {"note": "asked"}, format="json").status_code == 409
    assert client.get("/api/v1/audit/alerts/", {"week": str(date(2026, 1, 5))}).json()["results"] == []
