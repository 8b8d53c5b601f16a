"""The chart's first page: the timeline, the newest document at once, filters, and its looks in the log."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client, RequestFactory

from accounts.models import User
from accounts.roles import Role
from audit.services import record
from common.jobs import services as jobs
from common.web import paginate
from patients.models import Patient
from records.documents import queries
from records.documents.lines import lines, page_of
from records.documents.models import Document, DocumentStatus
from tests.factories import EncounterFactory, PatientFactory, make_user
from tests.records.documents import samples
from tests.records.documents.conftest import file
from tests.support import at_most_queries, events

Browse = Callable[[User], Client]

pytestmark = pytest.mark.django_db


def file_many(clerk: User, patient: Patient, count: int, **fields: Any) -> list[Document]:
    """`count` small documents, a day apart, the newest last."""
    return [
        file(
            clerk,
            patient,
            samples.text_pdf([[f"Letter number {number} {sorted(fields)}"]]),
            title=f"Letter {number}",
            service_date=date(2026, 3, 1) + timedelta(days=number),
            **fields,
        )
        for number in range(count)
    ]


def read(document: Document) -> None:
    """Have this one document read, as a worker would."""
    job = jobs.latest_about(document.versions.get())
    assert job is not None
    jobs.run(job.pk)


def test_the_newest_document_is_there_at_once(clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create()
    documents = file_many(clerk, patient, 3)
    read(documents[-1])
    answer = browse(clerk).get(patient.get_absolute_url())
    assert answer.context["chosen"].pk == documents[-1].pk
    assert f"/documents/{documents[-1].pk}/pages/1/image/" in answer.content.decode()
    assert len(events("patient.viewed", about=patient, actor_id=clerk.pk)) == 1
    assert len(events("document.viewed", about=documents[-1])) == 1
    assert not events("document.viewed", about=documents[0])


def test_another_document_is_chosen_by_its_link(clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create()
    documents = file_many(clerk, patient, 3)
    answer = browse(clerk).get(patient.get_absolute_url(), {"document": str(documents[0].pk)})
    assert answer.context["chosen"].pk == documents[0].pk
    assert len(events("document.viewed", about=documents[0])) == 1


@pytest.mark.parametrize("asked", ["nonsense", "018f0000-0000-7000-8000-000000000000"])
def test_a_document_that_is_not_there_is_not_found(asked: str, clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create()
    assert browse(clerk).get(patient.get_absolute_url(), {"document": asked}).status_code == 404


def test_a_document_of_another_chart_is_not_shown_here(clerk: User, browse: Browse) -> None:
    patient, other = PatientFactory.create(), PatientFactory.create()
    theirs = file_many(clerk, other, 1)[0]
    answer = browse(clerk).get(patient.get_absolute_url(), {"document": str(theirs.pk)})
    assert answer.status_code == 404
    assert theirs.title not in answer.content.decode()
    assert not events("document.viewed", about=theirs)


def test_documents_stand_under_their_encounters(clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create()
    stay = EncounterFactory.create(patient=patient)
    file_many(clerk, patient, 1)
    file_many(clerk, patient, 2, encounter_id=stay.pk, author="Nobody, MD")
    answer = browse(clerk).get(patient.get_absolute_url())
    shown = {each.encounter and each.encounter.pk: len(each.documents) for each in answer.context["stays"]}
    assert shown == {stay.pk: 2, None: 1}
    assert answer.context["stays"][0].is_open


def test_filters_narrow_and_stay_in_the_links(clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create()
    file_many(clerk, patient, 2)
    file_many(clerk, patient, 1, type_code="11502-2")
    answer = browse(clerk).get(patient.get_absolute_url(), {"type": "11502-2", "since": "2026-01-01"})
    assert [row.type.code for row in answer.context["page"]] == ["11502-2"]
    texts = {chip.text: chip for chip in answer.context["chips"]}
    assert texts["All 3"].url == "?since=2026-01-01"
    assert texts["From: 2026-01-01"].removes
    assert "type=11502-2&amp;since=2026-01-01&amp;document=" in answer.content.decode()


def test_a_filter_that_makes_no_sense_is_shown_and_narrows_nothing(clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create()
    file_many(clerk, patient, 2)
    plain = browse(clerk).get(patient.get_absolute_url()).content.decode()
    assert "is-invalid" not in plain
    answer = browse(clerk).get(
        patient.get_absolute_url(), {"since": "yesterday<", "label": "hiv2", "author": "X"}
    )
    shown = answer.content.decode()
    assert 'value="yesterday&lt;"' in shown
    assert shown.count('aria-invalid="true"') == 2
    assert answer.context["chips"][0].text == "All 2"
    assert "No document fits." in shown  # the author alone narrows
    narrowed = browse(clerk).get(patient.get_absolute_url(), {"label": "hiv"}).content.decode()
    assert re.search(r'<option value="hiv"\s+selected>', narrowed)


def test_an_empty_chart_says_what_to_do(clerk: User, clinician: User, browse: Browse) -> None:
    patient = PatientFactory.create()
    EncounterFactory.create(patient=patient, attending=clinician)
    assert "File the first one" in browse(clerk).get(patient.get_absolute_url()).content.decode()
    shown = browse(clinician).get(patient.get_absolute_url()).content.decode()
    assert "This chart has no documents yet." in shown
    assert "File the first one" not in shown


def test_a_clinician_outside_the_care_sees_nothing(clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create(family="Hiddenname")
    file_many(clerk, patient, 1)
    other = make_user(Role.CLINICIAN)
    answer = browse(other).get(patient.get_absolute_url())
    assert answer.status_code == 403
    assert "HIDDENNAME" not in answer.content.decode()
    assert "Letter 0" not in answer.content.decode()
    assert events("access.denied", actor_id=other.pk, patient_id=patient.pk, outcome="denied")


@pytest.mark.parametrize("rows", [1, 30])
def test_the_chart_needs_few_queries_however_long(
    rows: int, clerk: User, clinician: User, browse: Browse
) -> None:
    patient = PatientFactory.create()
    EncounterFactory.create(patient=patient, attending=clinician)
    newest = file_many(clerk, patient, rows)[-1]
    read(newest)
    client = browse(clinician)
    client.get(patient.get_absolute_url())
    with at_most_queries(15):
        answer = client.get(patient.get_absolute_url())
    assert len(answer.context["page"]) == min(rows, 25)


def test_the_top_of_a_long_chart_is_the_timeline_s(clerk: User, clinician: User) -> None:
    """The statement that is ready for it says what the timeline's query says; withdrawn ones are for clerks."""
    patient = PatientFactory.create()
    documents = file_many(clerk, patient, 27)
    with transaction.atomic():
        withdrawn = documents[20]
        withdrawn.status = DocumentStatus.ENTERED_IN_ERROR
        withdrawn.save()
        record("document.filed", by=clerk, patient=patient.pk, about=withdrawn)
    for user, count in ((clerk, 27), (clinician, 26)):
        request = RequestFactory().get("/patients/")
        page = page_of(request, user, patient, queries.Filters())
        plain = paginate(request, queries.timeline(user, patient), ordering=queries.NEWEST)
        assert page == plain
        assert lines(page.rows, url_of=str) == lines(plain.rows, url_of=str)
        assert page.next_url
        assert (withdrawn in page.rows) is (user == clerk)
        kinds, asking = queries.types_in_chart(user, patient)
        assert (sum(number for *_, number in kinds), asking) == (count, 0)
        assert {code for code, *_ in kinds} == {withdrawn.type.code}
        assert {name for _, name, _ in kinds} == {withdrawn.type.name}
