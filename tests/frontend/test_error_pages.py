"""Each error says what happened, what to do and a reference, and nothing about a patient."""

import re

import pytest
from django.db import OperationalError
from django.test import Client

from common.errors import BadFile, NotFound, RuleBroken, Stale, Unavailable
from tests.factories import PatientFactory

REFERENCE = re.compile(r'reference <span class="hash">([a-z2-7]{16})</span>')


@pytest.fixture
def broken(monkeypatch, clerk, browse):
    """A browser whose home page raises what it is given."""

    def raising(fault):
        def view(user):
            raise fault

        monkeypatch.setattr("config.home.worklists.own_filings", view)
        client = browse(clerk)
        client.raise_request_exception = False
        return client.get("/")

    return raising


@pytest.mark.parametrize(
    ("fault", "status", "heading"),
    [
        (NotFound(), 404, "Not found"),
        (Stale(), 409, "Something changed meanwhile"),
        (BadFile("It is larger than 200 MB.", status=413), 413, "Too large"),
        (RuleBroken("AUTH-D1", "The authorization has expired."), 422, "This was refused"),
        (Unavailable("The file store does not answer."), 503, "Not available now"),
        (OperationalError("secret detail of the database"), 503, "Not available now"),
        (ValueError("secret detail of the code"), 500, "Something went wrong"),
    ],
)
def test_a_refusal_or_fault_is_a_page_with_a_reference(broken, fault, status, heading):
    answer = broken(fault)
    page = answer.content.decode()
    assert answer.status_code == status
    assert f"<h1>{heading}</h1>" in page
    assert REFERENCE.search(page).group(1) == answer["X-Request-ID"]
    assert "secret detail" not in page
    assert "Traceback" not in page


def test_a_closed_chart_says_why_and_names_nobody(clinician, browse):
    patient = PatientFactory(family="Secretperson")
    answer = browse(clinician).get(patient.get_absolute_url())
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "This chart is closed to you" in page
    assert "outside your care" in page
    assert "access log" in page
    assert "SECRETPERSON" not in page.upper().replace("TESTPERSON", "")
    assert patient.mrn_display not in page


def test_an_address_that_is_none_is_a_page(clerk, browse):
    answer = browse(clerk).get("/no/such/page/")
    assert answer.status_code == 404
    assert REFERENCE.search(answer.content.decode())


def test_coming_back_to_the_address_of_a_form_is_a_page_too(administrator, clerk, browse):
    client = browse(administrator)
    answer = client.get(f"/users/{clerk.pk}/activate/")
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert "only takes a form" in answer.content.decode()
    assert client.get("/account/recovery-codes/")["Location"] == "/account/second-factor/"
    assert client.get("/account/tokens/")["Location"] == "/account/"


def test_the_api_keeps_its_own_shape_for_a_wrong_method(clerk, browse):
    answer = browse(clerk).delete("/api/v1/me/")
    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"


def test_the_page_for_a_fault_asks_the_database_nothing(broken, django_assert_num_queries, rf):
    from common.views import server_error

    with django_assert_num_queries(0):
        answer = server_error(rf.get("/"))
    assert answer.status_code == 500


def test_a_form_without_its_token_says_what_to_do(clerk):
    client = Client(enforce_csrf_checks=True)
    client.force_login(clerk)
    answer = client.post("/account/tokens/", {"label": "x"})
    assert answer.status_code == 403
    assert "reload the page" in answer.content.decode()
