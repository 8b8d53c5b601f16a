"""What the log makes of explanations: which events are accesses, who answers, what they come to (MON-1)."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from accounts.models import User
from audit import explaining
from audit.explaining import Access, Explainer, Explanation, Standing, Verdict, explain, standing_of
from audit.models import Event
from audit.services import record
from common.ids import uuid7
from patients import services
from patients.models import Patient
from tests.factories import PatientFactory


@pytest.fixture
def chart(db: None) -> Patient:
    return PatientFactory.create(family="Quillfeather", given="Una")


def test_only_an_open_chart_is_an_access(clinician: User, clerk: User, chart: Patient) -> None:
    services.search_patients(by=clerk, text="quill")
    services.open_chart(by=clerk, patient_id=chart.pk)
    record("patient.viewed", by=clerk, patient=chart.pk, outcome="denied")
    record("patient.viewed", by=None, actor="system:reader", patient=chart.pk)
    found = [Access.of(event) for event in Event.objects.order_by("id")]
    (access,) = [access for access in found if access]
    assert (access.event, access.actor_id, access.patient_id) == ("patient.viewed", clerk.pk, chart.pk)
    assert (access.roles, access.reason) == (("records_clerk",), "records role: Records clerk")


def test_what_a_service_account_did_is_no_access(chart: Patient) -> None:
    from accounts.services import service_account

    record("document.pages_read", by=service_account("reader"), patient=chart.pk)
    assert Access.of(Event.objects.get(event="document.pages_read")) is None


def test_a_kind_is_registered_once() -> None:
    kind = explaining.all_explainers()[0].kind
    with pytest.raises(ValueError, match="twice"):
        explaining.register(Explainer(kind, "Another", lambda accesses: []))


def test_nothing_asked_is_nothing_explained(db: None) -> None:
    assert explain([]) == {}


def test_one_that_speaks_against_outweighs_all_others() -> None:
    good = Explanation(1, "attending", Verdict.EXPLAINED, "attending")
    bad = Explanation(1, "own_chart", Verdict.CONTRADICTED, "their own chart")
    assert standing_of([]) is Standing.UNEXPLAINED
    assert standing_of([good, good]) is Standing.EXPLAINED
    assert standing_of([good, bad]) is standing_of([bad]) is Standing.CONTRADICTED


def test_each_explanation_is_told_once_and_in_the_order_of_the_rooms(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Explainer("first", "First", lambda accesses: [(7, "a", "")] * 2)
    second = Explainer("second", "Second", lambda accesses: [(7, "a", "")], Verdict.CONTRADICTED)
    monkeypatch.setattr(explaining, "_explainers", {"first": first, "second": second})
    found = explain([Access(7, timezone.now(), "patient.viewed", uuid7(), uuid7())])
    assert [(one.kind, one.verdict) for one in found[7]] == [
        ("first", Verdict.EXPLAINED),
        ("second", Verdict.CONTRADICTED),
    ]


def test_many_are_asked_about_in_parts(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    each = Explainer(
        "each", "Each", lambda some: asked.append(len(some)) or [(one.event_id, "so", "") for one in some]
    )
    monkeypatch.setattr(explaining, "_explainers", {"each": each})
    monkeypatch.setattr(explaining, "AT_ONCE", 3)
    accesses = [Access(number, timezone.now(), "patient.viewed", uuid7(), uuid7()) for number in range(7)]
    assert set(explain(accesses)) == set(range(7))
    assert asked == [3, 3, 1]


HOSTILE = [
    'a"b',
    "back\\slash",
    "NULL",
    "{brace,s}",
    "'; drop table audit_event; --",
    "%(first)s",
    "é\n\u202e",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_an_event_says_reaches_the_rooms_as_it_is(text: str, db: None) -> None:
    """The arrays are written by hand: nothing in an event may end one, or become NULL."""
    sql = "select event_id, object_type || '|' || object_id || '|' || reason || '|' || session, roles from access"
    access = Access(
        5,
        datetime(2026, 3, 8, 7, 30, 0, 123456, tzinfo=UTC),
        "x",
        uuid7(),
        uuid7(),
        text,
        text,
        text,
        (text, "b"),
        text,
    )
    assert explaining.ask(sql)([access]) == [(5, "|".join([text] * 4), f"{text}\x1fb")]
    (instant,) = explaining.ask("select event_id, (at = %(given)s)::text, '' from access", given=access.at)(
        [access]
    )
    assert instant[1] == "true"
