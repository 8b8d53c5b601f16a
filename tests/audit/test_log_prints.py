"""The log on paper: for the patient one line a person a day, for a lawyer each event with its leaf and its seal."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone
from pypdfium2 import PdfDocument

from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from audit.proof import bundle
from audit.review import services
from audit.review.services import printing
from audit.services import record
from patients.models import ChartRestriction, Patient, PatientStatus, Restriction
from records.documents.models import Document
from tests.audit.proof.waiting import seal_everything
from tests.factories import PatientFactory, make_user
from tests.records.documents.conftest import file
from tests.support import at_most_queries, events

Browse = Callable[[User], Client]


@pytest.fixture
def chart(db: None) -> Patient:
    return PatientFactory.create(family="Quillfeather", given="Una")


@pytest.fixture
def letter(clerk: User, chart: Patient) -> Document:
    return file(clerk, chart, b"%PDF-1.4 a letter", title="Discharge summary")


def text_of(pdf: bytes) -> str:
    document = PdfDocument(io.BytesIO(pdf))
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def flat(text: str) -> str:
    return " ".join(text.split())


def report(by: User, chart: Patient, days: int = 0) -> printing.PatientReport:
    today = timezone.localdate() - timedelta(days=days)
    return services.print_for_patient(by=by, patient_id=chart.pk, since=today, until=today, how="page")


def test_the_patient_reads_one_line_a_person_a_day(
    compliance: User, clinician: User, clerk: User, chart: Patient, letter: Document
) -> None:
    for _ in range(5):
        record("patient.viewed", by=clinician, patient=chart.pk, about=chart)
        record("document.page_viewed", by=clinician, patient=chart.pk, about=letter)
    record("document.printed", by=clinician, patient=chart.pk, about=letter)
    record("patient.viewed", by=clerk, patient=chart.pk, about=chart, outcome="denied")
    record("patient.searched", by=clerk, patients=[chart.pk])
    record("patient.viewed", by=clinician, patient=PatientFactory.create().pk)
    made = report(compliance, chart)
    lines = {line.who: line for line in made.lines}
    assert set(lines) == {clinician.name, clerk.name}
    assert lines[clinician.name].words == "opened your chart, read 1 document and printed from it"
    assert lines[clinician.name].role == "Clinician"
    assert lines[clerk.name].words == "filed 1 document"
    assert sorted(line.number for line in made.lines) == [1, 2]
    assert report(compliance, chart, days=1).lines == []


def test_each_print_is_an_event_with_its_reference(compliance: User, chart: Patient) -> None:
    made = report(compliance, chart)
    [event] = events("log.printed_for_patient", about=chart)
    assert (event.action, event.patient_id, event.actor_id) == ("print", chart.pk, compliance.pk)
    assert event.detail is not None
    assert event.detail["reference"] == made.reference
    assert report(compliance, chart).lines == []  # the office's own look at the log is none at the chart


def test_what_was_done_under_a_merged_number_is_told_too(
    compliance: User, clinician: User, chart: Patient
) -> None:
    former = PatientFactory.create()
    record("patient.viewed", by=clinician, patient=former.pk, about=former)
    with transaction.atomic():
        Patient.objects.filter(pk=former.pk).update(status=PatientStatus.MERGED, merged_into=chart)
        record("patient.updated", by=None, actor="test", patients=[former.pk, chart.pk])
    assert [line.who for line in report(compliance, chart).lines] == [clinician.name]


@pytest.mark.parametrize(
    ("deeds", "documents", "filed", "words"),
    [
        (["view patient.viewed"], 0, 0, "opened your chart"),
        (["view document.page_viewed"], 3, 0, "read 3 documents"),
        (["view document.page_viewed", "view patient.viewed"], 1, 0, "opened your chart and read 1 document"),
        (
            ["break-glass glass.broken", "view patient.viewed"],
            0,
            0,
            "opened your chart outside their usual care, for a reason that they gave and opened your chart",
        ),
        (["create document.filed"], 0, 2, "filed 2 documents"),
        (["create encounter.opened"], 0, 0, "added entries to it"),
        (["disclose release.mailed"], 0, 0, "sent copies from it to somebody outside"),
        (
            ["export document.downloaded", "update patient.updated"],
            0,
            0,
            "changed entries in it and saved a file from it",
        ),
    ],
)
def test_deeds_in_plain_words(deeds: list[str], documents: int, filed: int, words: str) -> None:
    assert printing._deeds(deeds, documents, filed) == words


def test_the_page_and_the_pdf_say_the_same(
    compliance: User, clinician: User, chart: Patient, browse: Browse
) -> None:
    record("patient.viewed", by=clinician, patient=chart.pk, about=chart)
    client = browse(compliance)
    address = f"/log/chart/{chart.pk}/for-the-patient/"
    page = client.get(address).content.decode()
    pdf = client.get(address, {"format": "pdf"})
    assert pdf["Content-Type"] == "application/pdf"
    text = flat(text_of(pdf.content))
    for told in (clinician.name, "opened your chart", "You may question any line", "Reference", "Una"):
        assert told in page
        assert told in text
    references = [event.detail["reference"] for event in events("log.printed_for_patient") if event.detail]
    assert len(set(references)) == 2
    assert references[1] in text


def test_days_that_make_no_sense_are_refused(compliance: User, chart: Patient, browse: Browse) -> None:
    answer = browse(compliance).get(
        f"/log/chart/{chart.pk}/for-the-patient/",
        {"since": "2026-05-02", "until": "2026-05-01", "format": "pdf"},
    )
    assert answer.status_code == 422
    assert "lies before" in answer.content.decode()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COMPLIANCE_OFFICER])
def test_nobody_else_prints(role: Role, chart: Patient, browse: Browse) -> None:
    client = browse(make_user(role))
    assert client.get(f"/log/chart/{chart.pk}/for-the-patient/").status_code == 403
    assert client.get("/log/print/", {"patient": chart.mrn}).status_code == 403
    assert not events("log.printed_for_patient")
    assert not events("log.printed")


def test_a_long_list_says_that_it_ends(
    compliance: User, clinician: User, clerk: User, chart: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "MOST_LINES", 1)
    for user in (clinician, clerk):
        record("patient.viewed", by=user, patient=chart.pk, about=chart)
    made = report(compliance, chart)
    assert (len(made.lines), made.is_cut) == (1, True)


@pytest.mark.parametrize("many", [1, 30])
def test_the_print_takes_few_queries(many: int, compliance: User, chart: Patient) -> None:
    for _ in range(many):
        record("patient.viewed", by=make_user(Role.CLINICIAN), patient=chart.pk, about=chart)
    with at_most_queries(9):  # one of them: which months are archived
        assert len(report(compliance, chart).lines) == many


def test_the_day_is_the_hospital_s(compliance: User, clinician: User, chart: Patient, settings: Any) -> None:
    """At 05:30 UTC it is still yesterday in Chicago; the database and the page agree on it."""
    settings.TIME_ZONE = "America/Chicago"
    with timezone.override("America/Chicago"):
        record("patient.viewed", by=clinician, patient=chart.pk, about=chart)
        at = Event.objects.latest("id").at
        made = report(compliance, chart)
        assert [line.on for line in made.lines] == [timezone.localdate(at)]


def hashes_of(client: Client, **asked: str) -> str:
    answer = client.get("/log/print/", asked)
    assert answer.status_code == 200, answer.content.decode()[:2000]
    return text_of(answer.content)


def test_a_lawyer_gets_each_event_with_its_leaf(
    compliance: User, clinician: User, chart: Patient, browse: Browse
) -> None:
    for _ in range(3):
        record(
            "patient.viewed", by=clinician, patient=chart.pk, about=chart, reason="attending: encounter T-1"
        )
    looks = list(Event.objects.filter(event="patient.viewed"))
    text = hashes_of(browse(compliance), patient=chart.mrn, event="patient.viewed")
    squeezed = text.replace("\r", "").replace("\n", "").replace(" ", "")
    for event in looks:
        assert bundle.sealed([event.pk])[event.pk].leaf in squeezed
        assert f"{event.at.astimezone(UTC):%H:%M:%S.%f}" in squeezed
    assert "notsealedyet" in squeezed
    [event] = events("log.printed")
    assert event.detail is not None
    assert event.detail["reference"] in text
    assert event.detail["events"] == 3


def test_too_many_for_paper_is_said(
    compliance: User, clinician: User, chart: Patient, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "MOST_PRINTED", 2)
    for _ in range(3):
        record("patient.viewed", by=clinician, patient=chart.pk, about=chart)
    answer = browse(compliance).get("/log/print/", {"patient": chart.mrn})
    assert answer.status_code == 422
    assert "too many for paper" in answer.content.decode()
    assert not events("log.printed")


def test_a_chart_closed_to_the_officer_is_printed_by_another(
    compliance: User, clinician: User, chart: Patient, browse: Browse
) -> None:
    record("patient.viewed", by=clinician, patient=chart.pk, about=chart)
    with transaction.atomic():
        ChartRestriction.objects.create(
            patient=chart, kind=Restriction.PERSON, user=compliance, why="said so", set_by=clinician
        )
        record("chart.restricted", by=clinician, patient=chart.pk)
    answer = browse(compliance).get("/log/print/", {"actor": clinician.username})
    assert answer.status_code == 422
    assert "closed to you" in answer.content.decode()


HOSTILE = ["<b>bold</b><script>", "&amp;<para>", "\u202eevil\u0007", "𝔘𝔫𝔞 名前", "%s{0}", "]]>"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words_on_paper(
    text: str, compliance: User, chart: Patient, browse: Browse
) -> None:
    somebody = make_user(Role.CLINICIAN, name=text)
    record("patient.viewed", by=somebody, patient=chart.pk, about=chart, reason=text)
    client = browse(compliance)
    plain = client.get(f"/log/chart/{chart.pk}/for-the-patient/", {"format": "pdf"})
    assert "opened your chart" in flat(text_of(plain.content))
    if text.isascii() and text.isprintable():
        squeezed = text_of(plain.content).replace("\r\n", "").replace(" ", "")
        assert text.replace(" ", "") in squeezed
    assert "attending" not in hashes_of(client, patient=chart.mrn)
    assert "<script>" not in client.get(f"/log/chart/{chart.pk}/for-the-patient/").content.decode().replace(
        '<script src="', ""
    ).replace("<script type", "")


@pytest.mark.committed
def test_what_was_altered_after_its_seal_is_said_on_paper(committed: None) -> None:
    """As owner: one byte of one event."""
    clinician = make_user(Role.CLINICIAN)
    patient = PatientFactory.create()
    with transaction.atomic():
        record("patient.viewed", by=clinician, patient=patient.pk, about=patient, reason="as it was")
    event = Event.objects.filter(patient_id=patient.pk, event="patient.viewed").latest("id")
    seal_everything()
    before = bundle.sealed([event.pk])[event.pk]
    assert before.is_same
    with connections["owner"].cursor() as cursor:
        cursor.execute("alter table audit_event disable trigger user")
        try:
            cursor.execute("update audit_event set reason = 'as it is not' where id = %s", [event.pk])
            after = bundle.sealed([event.pk])[event.pk]
            cursor.execute("update audit_event set reason = 'as it was' where id = %s", [event.pk])
        finally:
            cursor.execute("alter table audit_event enable trigger user")
    assert (after.epoch, after.is_same) == (before.epoch, False)
    assert bundle.sealed([event.pk])[event.pk].is_same
    assert datetime.now(UTC) > event.at
