"""What a request says of itself: nothing forged lands in the log, and no header breaks a page."""

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts import services as accounts
from accounts.models import User
from audit import context
from audit.context import Context
from audit.middleware import client_address
from audit.models import Event
from audit.services import record
from common.jobs import handlers
from common.jobs import services as jobs
from common.jobs.services import Running
from tests.factories import PASSWORD, PatientFactory
from tests.support import events

Browse = Callable[[User], Client]
PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def _request(remote: str, forwarded: str | None) -> WSGIRequest:
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return RequestFactory().get("/", REMOTE_ADDR=remote, **headers)


@pytest.mark.parametrize(
    ("remote", "forwarded", "believed"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "192.0.2.1", "203.0.113.9"),  # a stranger says she is somebody else
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("10.0.0.5", "192.0.2.1", "192.0.2.1"),  # our proxy says who called it
        ("10.0.0.5", "6.6.6.6, 192.0.2.1", "192.0.2.1"),  # what the caller wrote before that is not believed
        ("10.0.0.5", "6.6.6.6, 192.0.2.1, 10.0.0.9", "192.0.2.1"),  # two of our proxies
        ("10.0.0.5", "10.0.0.7", "10.0.0.7"),  # called from inside
        ("10.0.0.5", "not-an-ip", "10.0.0.5"),
        ("10.0.0.5", "6.6.6.6, not-an-ip", "10.0.0.5"),
        ("10.0.0.5", "192.0.2.1:8080", "10.0.0.5"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", ",,,", "10.0.0.5"),
        ("10.0.0.5", "x" * 10_000, "10.0.0.5"),
        ("10.0.0.5", "192.0.2.1, " * 800 + "198.51.100.1", "198.51.100.1"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("2001:db8::9", "192.0.2.1", "2001:db8::9"),
        ("10.0.0.5", "2001:DB8:0:0:0:0:0:7", "2001:db8::7"),
        ("::ffff:10.0.0.5", "192.0.2.1", "192.0.2.1"),  # a socket that speaks both
        ("::ffff:203.0.113.9", "192.0.2.1", "203.0.113.9"),
        ("10.0.0.5", "fe80::1%eth0", "fe80::1%eth0"),
        ("", None, None),  # a socket of the file system
        ("", "192.0.2.1", None),
    ],
)
def test_whose_address_is_believed(
    remote: str, forwarded: str | None, believed: str | None, settings: Any
) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    assert client_address(_request(remote, forwarded)) == believed


@given(st.text(max_size=300))
def test_whatever_a_stranger_writes_there_is_ignored(text: str) -> None:
    """No proxy is trusted unless one is named."""
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.9")
    request.META["HTTP_X_FORWARDED_FOR"] = text
    assert client_address(request) == "203.0.113.9"


JUNK = [
    "x" * 10_000,
    "\x00",
    "'; drop table audit_event; --",
    "<script>alert(1)</script>",
    "\u202e\ud83d",
    "\xff\xfe",
    "-1",
    "",
    "a b",
    "../../etc/passwd",
]
HEADERS = [
    "X-Request-ID",
    "X-Purpose-Of-Use",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Correlation-ID",
    "X-Real-IP",
    "Forwarded",
    "User-Agent",
    "Referer",
    "Accept",
    "Accept-Language",
    "HX-Request",
    "HX-Current-URL",
    "X-Background",
    "Authorization",
    "Idempotency-Key",
    "Cookie",
    "Range",
    "If-None-Match",
]


@pytest.mark.parametrize("header", HEADERS)
def test_no_header_breaks_a_page_or_forges_an_event(header: str, compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    for junk in JUNK:
        on_the_wire = junk.encode("utf-8", "surrogatepass").decode("latin-1")
        for address in ("/log/?period=day", "/api/v1/audit/events/?page_size=1"):
            answer = client.get(address, headers={header: on_the_wire}, REMOTE_ADDR="203.0.113.9")
            assert answer.status_code < 500, (address, junk[:20])
    for event in Event.objects.filter(event="log.viewed", actor_id=compliance.pk):
        assert str(event.ip) == "203.0.113.9"
        assert event.purpose == "HCOMPL"
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", event.request_id)
        assert len(event.session) <= 16


JUNK_IN_ADDRESS = ["%00", "%ff%fe", "%ed%a0%80", "%F0%9F%92%A9", "%", "%zz", "[]", "a" * 20_000]


@pytest.mark.parametrize(
    "address",
    [
        "/log/?actor={}",
        "/log/?patient={}",
        "/log/?action={}",
        "/log/?cursor={}",
        "/log/?sort={}",
        "/log/?since={}",
        "/log/?{}=1",
        "/log/?request={}",
        "/log/{}/",
        "/sign-in/?next={}",
        "/api/v1/audit/events/?actor={}",
        "/api/v1/audit/events/?{}=1",
        "/api/v1/audit/events/?cursor={}",
        "/api/v1/audit/events/{}/",
        "/{}",
    ],
)
def test_no_query_string_breaks_a_page(address: str, compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    for junk in JUNK_IN_ADDRESS:
        assert client.get(address.format(junk)).status_code < 500, junk[:20]


def test_a_reference_of_the_callers_own_is_kept(compliance: User, browse: Browse) -> None:
    answer = browse(compliance).get("/log/", headers={"X-Request-ID": "gateway-0001.abc"})
    assert answer["X-Request-ID"] == "gateway-0001.abc"
    assert events("log.viewed", actor_id=compliance.pk)[-1].request_id == "gateway-0001.abc"


@pytest.mark.parametrize(
    ("given_purpose", "kept"), [("HLEGAL", "HLEGAL"), (" hlegal ", "HLEGAL"), ("FUN", "HCOMPL")]
)
def test_a_purpose_of_use_counts_when_it_is_one(
    given_purpose: str, kept: str, compliance: User, browse: Browse
) -> None:
    browse(compliance).get("/log/", headers={"X-Purpose-Of-Use": given_purpose})
    assert events("log.viewed", actor_id=compliance.pk)[-1].purpose == kept


def test_each_way_in_is_told_apart(compliance: User, browse: Browse) -> None:
    """A page, a call with the browser's session, a call with a token."""
    client = browse(compliance)
    client.get("/log/")
    client.get("/api/v1/audit/events/")
    text, _ = accounts.issue_token(by=compliance, user=compliance)
    program = APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    program.get("/api/v1/audit/events/")
    looks = events("log.viewed", actor_id=compliance.pk)
    assert [look.channel for look in looks] == ["web", "api", "api"]
    assert looks[0].session == looks[1].session != looks[2].session
    assert text not in str([look.session for look in looks])


def test_a_request_leaves_no_context_behind(compliance: User, browse: Browse) -> None:
    browse(compliance).get("/log/", headers={"X-Request-ID": "gateway-0002"})
    assert context.current() == Context()


@pytest.fixture
def _watcher() -> Iterator[None]:
    """A kind of job that looks at a chart."""

    @handlers.handler("test.look")
    def look(job: Running) -> None:
        with context.use(Context.from_json({**job.context, "channel": "job"})):
            record("patient.viewed", by=None, actor="system:test", patient=UUID(job.args["patient"]))

    yield
    handlers._handlers.pop("test.look")


@pytest.mark.usefixtures("_watcher")
def test_a_job_acts_in_the_name_of_the_request_that_asked(clerk: User) -> None:
    patient = PatientFactory.create()
    asking = Context(
        channel="web", session="abc", ip="192.0.2.4", request_id="request-0007", purpose="PATRQT"
    )
    with context.use(asking):
        job = jobs.enqueue(
            "test.look",
            by_id=clerk.pk,
            args={"patient": str(patient.pk)},
            patient_id=patient.pk,
            context=context.current().as_json(),
        )
    jobs.run(job.pk)
    [event] = events("patient.viewed", patient_id=patient.pk)
    assert (event.channel, event.request_id, event.purpose) == ("job", "request-0007", "PATRQT")
    assert (str(event.ip), event.session) == ("192.0.2.4", "abc")


def test_a_context_of_an_older_version_is_read(db: None) -> None:
    """A job may wait through an upgrade: fields that are gone are left out, new ones have their default."""
    assert Context.from_json({"ip": "192.0.2.4", "browser": "gone"}) == Context(ip="192.0.2.4")


@pytest.mark.parametrize("name", ["<b>x</b>", "a\u202eb", "x" * 60, "%s%s", "\U0001f600"])
def test_what_is_typed_as_a_user_name_is_kept_as_typed(name: str, db: None) -> None:
    body: Any = {"username": name, "password": PASSWORD}
    APIClient().post("/api/v1/tokens/", body, format="json")
    assert events("user.sign_in_failed")[-1].actor == name
