"""Capture's first page: the way to a chart, and what became of one's own uploads."""

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from accounts.models import User
from patients.models import Patient
from records.documents.models import Document
from tests.factories import PatientFactory
from tests.records.documents import samples
from tests.records.documents.conftest import file, work
from tests.support import events

Browse = Callable[[User], Client]


def test_capture_leads_to_a_chart_and_lists_my_uploads(
    clerk: User, supervisor: User, clinician: User, filed: Document, browse: Browse
) -> None:
    client = browse(clerk)
    text = client.get(reverse("capture:home")).content.decode()
    assert filed.title in text
    assert filed.patient.mrn_display in text
    answer = client.get(reverse("capture:home"), {"chart": filed.patient.mrn})
    assert answer["Location"] == reverse("documents:upload", args=[filed.patient_id])
    PatientFactory.create(family="Doppelganger", given="Ann")
    PatientFactory.create(family="Doppelganger", given="Bea")
    text = client.get(reverse("capture:home"), {"chart": "doppelganger"}).content.decode()
    assert "DOPPELGANGER, Ann" in text
    assert filed.title not in browse(supervisor).get(reverse("capture:home")).content.decode()
    assert browse(clinician).get(reverse("capture:home")).status_code == 403
    assert events("capture.listed", actor_id=clerk.pk)


def test_what_failed_stands_there_with_its_sentence_and_a_way_on(
    clerk: User, patient: Patient, browse: Browse
) -> None:
    document = file(clerk, patient, samples.encrypted_pdf("secret"))
    work()
    text = browse(clerk).get(reverse("capture:home")).content.decode()
    assert "locked with a password" in text
    assert reverse("documents:retry", args=[document.pk]) in text


def test_no_chart_found_is_said(clerk: User, browse: Browse) -> None:
    assert "No chart found" in browse(clerk).get(reverse("capture:home"), {"chart": "zzzz"}).content.decode()
