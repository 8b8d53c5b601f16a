"""Invariant 4 over invented houses: what is in a list opens, and what opens is in the list, for whomever and whatever.

People, charts and documents stand; each example draws what ties them together, looks from every side, and is rolled
back. POLICY_EXAMPLES says how many houses (the release check runs 10000).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import models, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.backends import RoleBackend
from accounts.models import HouseEmergency, User
from accounts.roles import Role
from audit.services import record
from common.errors import Denied, NotFound
from patients import access
from patients import services as patients
from patients.access import charts as charts_module
from patients.models import (
    CareTeamMember,
    ChartRestriction,
    Consult,
    Encounter,
    GlassBreak,
    GlassReason,
    OwnEntry,
    Patient,
    PatientGrant,
    Restriction,
    StatedNeed,
    Workplace,
)
from records.documents import access as document_access
from records.documents import queries as document_queries
from records.documents.models import (
    Blob,
    Document,
    DocumentStatus,
    DocumentType,
    DocumentVersion,
    Label,
    LabelNeed,
    LabelRule,
    LabelVerdict,
    Page,
    Processing,
    TextSource,
)
from records.release import access as release_access
from records.release.models import RecordRequest
from tests.factories import FacilityFactory, LocationFactory, PatientFactory, UserFactory

EXAMPLES = int(os.environ.get("POLICY_EXAMPLES", "40"))
PEOPLE = (
    {Role.CLINICIAN}, {Role.CLINICIAN}, {Role.CLINICIAN, Role.COMPLIANCE_OFFICER}, {Role.RECORDS_CLERK},
    {Role.ROI_SPECIALIST}, {Role.RECORDS_SUPERVISOR}, {Role.RECORDS_SUPERVISOR, Role.CLINICIAN},
    {Role.COMPLIANCE_OFFICER}, {Role.ADMINISTRATOR}, {Role.ADMINISTRATOR, Role.CLINICIAN}, set(),
)  # fmt: skip
CHARTS = 4
WORD = "brontosaurus"
NOW, OVER, LATER = "now", "over", "later"
DAY = timedelta(days=1)

people = st.integers(0, len(PEOPLE) - 1)
charts = st.integers(0, CHARTS - 1)
places = st.integers(0, 3)
when = st.sampled_from([NOW, NOW, NOW, OVER, LATER])
labels = st.sets(st.sampled_from(list(Label.values)), max_size=2)


@dataclass
class House:
    """What stands in every example."""

    users: list[User] = field(default_factory=list)
    charts: list[Patient] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    places: list[Any] = field(default_factory=list)
    right: Any = None


@pytest.fixture
def house(db: None) -> House:
    """Users of each kind, charts with two documents that can be read and one request each."""
    made = House(right=Permission.objects.get(content_type__app_label="patients", codename="view_chart"))
    made.users = [UserFactory.create(roles=sorted(roles)) for roles in PEOPLE]
    for name in ("North", "South"):
        facility = FacilityFactory.create(name=name)
        made.places += [LocationFactory.create(facility=facility, name=f"{name} {unit}") for unit in (1, 2)]
    clerk, kind = made.users[3], DocumentType.objects.get(code="18842-5")
    with transaction.atomic():
        blob = Blob.objects.create(sha256="0" * 64, size_bytes=1, media_type="text/plain", key_id="k")
        for _ in range(CHARTS):
            patient = PatientFactory.create(family="Policytest")
            made.charts.append(patient)
            for number in (1, 2):
                made.documents.append(_document(patient, clerk, kind, blob, number))
            RecordRequest.objects.create(
                patient=patient, number=f"R-{patient.pk.hex[-8:]}", kind="patient", logged_by=clerk,
                received_on=date(2026, 1, 1), due_on=date(2026, 1, 31),
            )  # fmt: skip
            record("patient.registered", by=clerk, patient=patient.pk)
    return made


def _document(patient: Patient, clerk: User, kind: DocumentType, blob: Blob, number: int) -> Document:
    document = Document.objects.create(
        patient=patient, type=kind, title=f"Note {number}", service_date=date(2026, 1, number), filed_by=clerk
    )
    version = DocumentVersion.objects.create(
        document=document, patient=patient, blob=blob, filename="a.txt", filed_by=clerk,
        processing=Processing.DONE, page_count=1,
    )  # fmt: skip
    Page.objects.create(
        of=version, patient=patient, number=1, source=TextSource.SUPPLIED, text=WORD, error="Only its text."
    )
    document.current = version
    document.save()
    return document


def _span(at: str) -> tuple[datetime, datetime | None]:
    now = timezone.now()
    spans = {NOW: (now - DAY, None), OVER: (now - 9 * DAY, now - DAY), LATER: (now + 20 * DAY, None)}
    return spans[at]


@st.composite
def ties(draw: Any) -> list[tuple[Any, ...]]:
    """What lets whom in, and what shuts whom out."""
    kinds = st.sampled_from(
        [
            "stay",
            "team",
            "consult",
            "grant",
            "own",
            "restriction",
            "need",
            "works",
            "glass",
            "glass",
            "emergency",
        ]
    )
    return draw(
        st.lists(st.tuples(kinds, people, charts, places, when, st.integers(0, 9)), min_size=4, max_size=30)
    )


def _make(house: House, drawn: list[tuple[Any, ...]]) -> None:
    """The rows that were drawn, a statement a table."""
    rows: dict[type[models.Model], list[Any]] = {}

    def add(row: Any) -> None:
        rows.setdefault(type(row), []).append(row)

    clerk, seen = house.users[3], set()
    for number, (kind, who, chart, place, at, more) in enumerate(drawn):
        user, patient, location = house.users[who], house.charts[chart], house.places[place]
        since, until = _span(at)
        common = {"since": since, "until": until}
        once = (kind, who, chart)
        if kind in {"stay", "team"}:
            stay = Encounter(
                patient=patient, number=f"P-{number}", kind="inpatient", location=location,
                attending=user if kind == "stay" else clerk,
                started_at=since - (60 * DAY if more == 0 else 0 * DAY),
                ended_at=until - 100 * DAY if until and more == 1 else until,
            )  # fmt: skip
            if stay.ended_at and stay.ended_at < stay.started_at:
                stay.started_at = stay.ended_at - DAY
            if at == LATER and more > 4:
                stay.started_at = timezone.now() + DAY / 2  # an appointment tomorrow
            add(stay)
            if kind == "team":
                add(CareTeamMember(encounter=stay, patient=patient, user=user, function="nurse", **common))
        elif kind == "consult":
            add(Consult(patient=patient, asked_by=clerk, asked_of=user, question="?", asked_at=since,
                        answered_at=until))  # fmt: skip
        elif kind == "grant" and once not in seen and user != clerk:
            add(PatientGrant(user=user, content_object=patient, permission=house.right, given_by=clerk,
                             reason="for a test", expires_at=until or timezone.now() + DAY))  # fmt: skip
        elif kind == "own" and (once not in seen or until):
            add(OwnEntry(user=user, patient=patient, **common))
        elif kind == "restriction":
            which = list(Restriction)[more % 5]
            names = which in {Restriction.FAMILY, Restriction.PERSON}
            add(ChartRestriction(patient=patient, kind=which, user=user if names else None, why="for a test",
                                 set_by=clerk, **common))  # fmt: skip
        elif kind == "need":
            end = until or since + 30 * DAY
            add(StatedNeed(user=user, patient=patient, reason="for a test", since=since, until=end))
        elif kind == "glass" and (*once, more > 7) not in seen:
            add(GlassBreak(user=user, patient=patient, reason_code=list(GlassReason)[more % 6], reason="for a test",
                           opened_at=since, expires_at=until or since + 30 * DAY, is_drill=more > 7))  # fmt: skip
            seen.add((*once, more > 7))
        elif kind == "emergency" and (kind, more > 7) not in seen:
            _emergency(house, more, at)
            seen.add((kind, more > 7))
        elif kind == "works":
            add(Workplace(user=user, facility=location.facility, location=location if more > 2 else None,
                          **common))  # fmt: skip
        seen.add(once)
    order = [Encounter, *(model for model in rows if model is not Encounter)]
    for model in order:
        model._default_manager.bulk_create(rows.get(model, []))


def _emergency(house: House, more: int, at: str) -> None:
    """One of the whole house: in force, over, or not confirmed yet; of every fifth it is a drill."""
    since, until = _span(at)
    confirmed = {} if at == LATER else {
        "confirmed_by": house.users[8], "confirmed_at": since, "expires_at": until or timezone.now() + DAY,
    }  # fmt: skip
    row = HouseEmergency.objects.create(
        reason="for a test", hours=1, declared_by=house.users[5], is_drill=more > 7, **confirmed
    )
    named = [Role.CLINICIAN, Role.RECORDS_CLERK, Role.ADMINISTRATOR][: 1 + more % 3]
    row.roles.set(Group.objects.filter(name__in=named))


def _at_a_request(user: User) -> User:
    """As the middleware finds her: an emergency gives a right for as long as it is in force."""
    found = RoleBackend().get_user(user.pk)
    assert found is not None
    return found


def _label(
    house: House, sets: list[set[str]], rules: list[Any], needs: list[Any], writers: list[int]
) -> None:
    for document, drawn, writer in zip(house.documents, sets, writers, strict=True):
        document.labels, document.written_by = sorted(drawn), house.users[writer]
        document.status = (
            DocumentStatus.ENTERED_IN_ERROR if writer == 0 and not drawn else DocumentStatus.CURRENT
        )
    Document.objects.bulk_update(house.documents, ["labels", "written_by", "status"])
    groups = {group.name: group for group in Group.objects.all()}
    for label, role, verdict in rules:
        LabelRule.objects.update_or_create(label=label, role=groups[role], defaults={"verdict": verdict})
    now = timezone.now()
    LabelNeed.objects.bulk_create(
        LabelNeed(
            user=house.users[who],
            patient=house.documents[which].patient,
            document=house.documents[which],
            labels=sorted(said),
            reason="for a test",
            since=now - DAY,
            until=now + (DAY if holds else -DAY / 2),
        )
        for who, which, said, holds in needs
    )


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _passes(check: Any, *args: Any) -> bool:
    try:
        check(*args)
    except (Denied, NotFound):
        return False
    return True


@contextmanager
def asked_for(*, many: bool) -> Iterator[None]:
    """Lists are asked for as for somebody with many charts, or with few."""
    with patch.object(charts_module, "_has_many", lambda user, asked: many):
        yield


def _walked_lists_agree(house: House, user: User, open_charts: set[Any], shown: set[Any]) -> None:
    """However many charts somebody has, her lists are the same."""
    mine = {patient.pk for patient in house.charts}
    rows = access.visible_to(user)
    assert set(rows.filter(pk__in=mine).values_list("pk", flat=True)) == open_charts
    assert rows.count() == access.count_open(user, 1_000)
    with asked_for(many=True):
        walked = access.visible_to(user)
        assert set(walked.values_list("pk", flat=True)) == set(rows.values_list("pk", flat=True))
        assert set(document_access.visible_to(user).values_list("pk", flat=True)) == shown
        hers = RecordRequest.objects.filter(access.open_to(user, "patient_id"), patient__in=mine)
        assert set(hers.values_list("patient", flat=True)) == open_charts


def _charts_agree(house: House, user: User) -> set[Any]:
    mine = {patient.pk for patient in house.charts}
    listed = set(access.visible_to(user).filter(pk__in=mine).values_list("pk", flat=True))
    got = {
        key for key in mine if _passes(access.get_for, user, key)
    }  # asks check_may_open, which asks decide
    asked = set(
        RecordRequest.objects.filter(access.open_to(user, "patient_id"), patient__in=mine).values_list(
            "patient", flat=True
        )
    )
    assert listed == got == asked
    if user.has_perm("patients.search_patients"):
        found = {hit.patient.pk for hit in patients.search_patients(by=user, text="policytest")}
        assert found == listed
    requests = set(release_access.visible_to(user).filter(patient__in=mine).values_list("patient", flat=True))
    assert requests == (listed if user.has_perm("release.view_request") else set())
    return listed


def _documents_agree(house: House, user: User, open_charts: set[Any]) -> set[Any]:
    listed = set(document_access.visible_to(user).values_list("pk", flat=True))
    got = {row.pk for row in house.documents if _passes(document_access.get_for, user, row.pk)}
    assert listed == got == document_access.viewable(user, house.documents)
    beside, told, counted = set(), set(), 0
    for patient in house.charts:
        if patient.pk in open_charts:
            rows = list(document_queries.timeline(user, patient).order_by(*document_queries.NEWEST))
            assert document_queries.newest(user, patient) == rows
            beside |= {row.pk for row in rows}
            told |= {row.pk for row in document_access.to_ask_for(user, patient)}
            counted += sum(count for *_, count in document_queries.types_in_chart(user, patient)[0])
    assert beside == listed
    assert counted == len(listed)
    assert not told & listed
    hits = document_queries.search_text(document_access.visible_to(user), WORD)
    assert {hit.document.pk for hit in hits} == listed
    return listed


def _pages_agree(house: House, user: User, open_charts: set[Any], shown: set[Any], pick: int) -> None:
    """The doors themselves, for one chart and one document of the example."""
    client = Client()
    client.force_login(user)
    patient, document = house.charts[pick % CHARTS], house.documents[pick % len(house.documents)]
    key, paper = patient.pk, document.pk
    answers = {
        reverse("patients:chart", args=[key]): key in open_charts,
        reverse("patients:demographics", args=[key]): key in open_charts,
        f"/api/v1/patients/{key}/": key in open_charts,
        reverse("documents:detail", args=[paper]): paper in shown,
        reverse("documents:page-text", args=[paper, 1]): paper in shown,
        f"/api/v1/documents/{paper}/": paper in shown,
        f"/api/v1/documents/{paper}/pages/1/text/": paper in shown,
        f"/api/v1/documents/{paper}/?version=1": paper in shown,
        # What an address says twice or beside counts for nothing.
        f"/api/v1/documents/?patient={key}&patient={house.charts[0].pk}": None,
    }
    for address, is_open in answers.items():
        answer = client.get(address)
        assert answer.status_code < 500, address
        if is_open is not None:
            assert (answer.status_code == 200) == is_open, (address, answer.status_code)
        elif answer.status_code == 200:
            assert {row["id"] for row in answer.json()["results"]} <= {str(pk) for pk in shown}


@given(
    drawn=ties(),
    sets=st.lists(labels, min_size=2 * CHARTS, max_size=2 * CHARTS),
    rules=st.lists(
        st.tuples(
            st.sampled_from([label for label in Label.values if label != Label.PSYCHOTHERAPY]),
            st.sampled_from(list(Role.values)),
            st.sampled_from(LabelVerdict.values),
        ),
        max_size=6,
    ),
    needs=st.lists(st.tuples(people, st.integers(0, 2 * CHARTS - 1), labels, st.booleans()), max_size=6),
    writers=st.lists(people, min_size=2 * CHARTS, max_size=2 * CHARTS),
    looking=st.sets(people, min_size=2, max_size=3),
    pick=st.integers(0, 79),
)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
def test_in_the_list_exactly_when_it_opens(
    house: House, drawn: Any, sets: Any, rules: Any, needs: Any, writers: Any, looking: Any, pick: int
) -> None:
    with rolled_back():
        _make(house, drawn)
        _label(house, sets, rules, needs, writers)
        for who in looking:
            user = _at_a_request(house.users[who])
            open_charts = _charts_agree(house, user)
            shown = _documents_agree(house, user, open_charts)
            _walked_lists_agree(house, user, open_charts, shown)
            if pick < 4:
                _pages_agree(house, user, open_charts, shown, pick)


def test_the_examples_are_not_all_alike() -> None:
    """Spans are what their names say; a drawn house could not go wrong otherwise."""
    assert _span(OVER)[1] is not None
    assert _span(LATER)[0] > datetime.now(UTC)
