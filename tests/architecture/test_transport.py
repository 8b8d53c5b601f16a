"""Between the browser and us: forged forms, forged hosts, files that would be programs, floods of files."""

import json
import os
import subprocess
import sys
import weakref
from typing import Any

import pytest
import redis
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from accounts.models import User
from patients.models import Patient
from records.documents import uploads
from tests.architecture import bodies, scene
from tests.architecture.answers import loose_headers
from tests.architecture.matrix import send_to, undone
from tests.architecture.scene import Scene, last_event
from tests.factories import PatientFactory
from tests.records.documents import samples
from tests.records.documents.conftest import file

# An open session is not asked for by these.
NO_SESSION = {"tokens"}


@pytest.fixture
def here(db: None) -> Scene:
    return scene.make()


def _strict(user: User) -> Client:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(user)
    return client


def _posts() -> list[tuple[scene.Route, str]]:
    routes = {route.name: route for route in scene.routes()}
    pages = [(routes[name], "post") for name in bodies.PAGES]
    return pages + [(routes[name], method) for name, method in bodies.API if name not in NO_SESSION]


def test_no_form_of_another_site_does_anything(here: Scene) -> None:
    """The session's cookie alone is not enough, with htmx's header neither; nothing is done and nothing is noted."""
    supervisor = here.people["records_supervisor"]
    client = _strict(supervisor)
    wrong = []
    for route, method in _posts():
        make = bodies.API[route.name, method] if route.is_api else bodies.PAGES[route.name]
        with undone(client):
            body = make(here, lambda name: here.values[name])
            since = last_event()
            answer = send_to(client, route, method, here.address(route, supervisor), {}, body)
            if answer.status_code != 403 or last_event() != since:
                wrong.append(f"{method} {route.name}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_htmx_sends_the_token_in_its_header(clerk: User) -> None:
    client = _strict(clerk)
    assert client.post("/still-here/", headers={"HX-Request": "true"}).status_code == 403
    client.get("/account/")
    token = client.cookies[settings.CSRF_COOKIE_NAME].value
    headers = {"HX-Request": "true", "X-CSRFToken": token}
    assert client.post("/still-here/", headers=headers).status_code == 204
    headers["X-CSRFToken"] = "0" * 64
    assert client.post("/still-here/", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "a b", "testserver@evil"]
)
@pytest.mark.parametrize("address", ["/", "/sign-in/", "/api/v1/me/", "/healthz"])
def test_a_host_that_is_not_ours_is_no_host(host: str, address: str, db: None) -> None:
    answer = Client(raise_request_exception=False).get(address, headers={"Host": host})
    assert answer.status_code == 400
    assert b"evil" not in answer.content
    assert "Location" not in answer


def test_what_a_proxy_may_claim_reaches_no_link(clerk: User, client: Client) -> None:
    """Neither page, redirect nor the API's links repeat a host that a caller makes up."""
    PatientFactory.create_batch(2)
    client.force_login(clerk)
    claims = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Host": "evil.example"}
    client.get("/patients/?q=testperson", headers=claims)
    for address in (
        "/",
        "/sign-in/",
        "/api/v1/requests/?page_size=1",
        "/patients/?q=testperson",
        "/api/docs/",
    ):
        answer = client.get(address, headers=claims)
        assert b"evil.example" not in answer.content + str(answer.headers).encode()
    made = client.post(
        "/api/v1/patients/",
        json.dumps({"family": "Linked", "given": "Lia", "birth_date": "1990-05-05", "sex": "female"}),
        content_type="application/json",
        headers=claims,
    )
    assert made["Location"].startswith("http://testserver/api/v1/patients/")


HOSTILE = [
    'a"; filename="b.exe',
    "../../etc/passwd.pdf",
    "new\r\nSet-Cookie: x=1.pdf",
    "\u202efdp.exe",
    "<script>.html",
    ";" * 50,
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("address", ["/documents/{}/content/", "/api/v1/documents/{}/content/"])
def test_a_download_is_a_file_whatever_it_is_called(
    name: str, address: str, clerk: User, client: Client
) -> None:
    """Its type is what it was found to be, its name cannot end the header, and nothing in it runs."""
    document = file(clerk, PatientFactory.create(), samples.text_pdf(), name=name)
    client.force_login(clerk)
    answer = client.get(address.format(document.pk))
    disposition = answer["Content-Disposition"]
    assert answer["Content-Type"] == "application/pdf"
    assert disposition.startswith("attachment")
    assert disposition.count(";") == 1
    assert disposition.rstrip('"').endswith(".pdf")
    assert not set(disposition) & set("\r\n<>")
    assert "/" not in disposition
    assert "Set-Cookie" not in answer
    assert answer["Content-Security-Policy"].startswith("sandbox;")
    assert not list(loose_headers(answer))


def test_files_of_the_front_end_carry_the_policy_too(client: Client) -> None:
    answer = client.get("/static/js/app.js")
    assert finders.find("js/app.js")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("address", ["/static/", "/static/js/", "/static/js", "/static/vendor/bootstrap/"])
def test_no_folder_is_listed(address: str, clerk: User, client: Client) -> None:
    client.force_login(clerk)
    answer = client.get(address, follow=True)
    assert answer.status_code == 404
    assert b"glass.js" not in answer.content


def test_an_answer_of_the_api_is_saved_not_shown(clerk: User, client: Client) -> None:
    """ASVS 14.4.2; a refusal too, and a page and its data stay what they are."""
    stranger = client.get("/api/v1/me/")
    client.force_login(clerk)
    for answer in (stranger, client.get("/api/v1/me/"), client.get("/api/v1/patients/no-such/")):
        assert answer["Content-Disposition"] == 'attachment; filename="answer.json"'
    assert not client.get("/").has_header("Content-Disposition")
    assert not client.get("/api/docs/").has_header("Content-Disposition")


def _settings(**variables: str) -> dict[str, Any]:
    """What the settings become with these variables, in a process of its own."""
    names = (
        "SECURE_HSTS_SECONDS SECURE_HSTS_INCLUDE_SUBDOMAINS SECURE_SSL_REDIRECT SESSION_COOKIE_SECURE"
        " CSRF_COOKIE_SECURE SESSION_COOKIE_HTTPONLY SESSION_COOKIE_SAMESITE USE_X_FORWARDED_HOST DEBUG"
        " SESSION_COOKIE_NAME CSRF_COOKIE_NAME SESSION_COOKIE_PATH SESSION_COOKIE_DOMAIN CSRF_COOKIE_DOMAIN"
    ).split()
    program = (
        "import json; from config import settings as s;"
        f" print(json.dumps({{n: getattr(s, n, None) for n in {names!r}}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=settings.BASE_DIR, env={**os.environ, **variables}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_hospital_is_reached_by_https_only() -> None:
    told = _settings(CHARTROOM_SECURE="1")
    assert told.pop("SECURE_HSTS_SECONDS") >= 31_536_000
    assert told.pop("SESSION_COOKIE_SAMESITE") in {"Lax", "Strict"}
    assert not told.pop("USE_X_FORWARDED_HOST")
    assert not told.pop("DEBUG")
    for domain in ("SESSION_COOKIE_DOMAIN", "CSRF_COOKIE_DOMAIN"):
        assert told.pop(domain) is None
    assert told.pop("SESSION_COOKIE_PATH") in {None, "/"}
    for cookie in ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME"):
        assert told.pop(cookie).startswith("__Host-chartroom_")
    assert all(told.values()), told


def test_https_is_said_to_the_browser(settings: Any, db: None) -> None:
    settings.SECURE_HSTS_SECONDS, settings.SECURE_SSL_REDIRECT = 31_536_000, True
    plain = Client().get("/sign-in/")
    assert (plain.status_code, plain["Location"]) == (301, "https://testserver/sign-in/")
    assert "max-age=31536000" in Client().get("/sign-in/", secure=True)["Strict-Transport-Security"]


class Counter:
    """Stands for the queue's server."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.key = ""

    def pipeline(self) -> "Counter":
        return self

    def incr(self, key: str) -> None:
        self.key = key
        self.counts[key] = self.counts.get(key, 0) + 1

    def expire(self, key: str, seconds: int) -> None:
        assert seconds > 60

    def execute(self) -> tuple[int, bool]:
        return self.counts[self.key], True


def _send_a_file(client: Client, patient: Patient, *, is_api: bool) -> Any:
    body = {"file": bodies._letter(), "type": "18842-5", "service_date": "2026-03-01"}
    if is_api:
        return client.post("/api/v1/documents/", {**body, "patient": str(patient.pk)})
    return client.post(f"/documents/file/{patient.pk}/", body)


@pytest.mark.parametrize("is_api", [True, False])
def test_a_flood_of_files_is_told_to_wait(
    is_api: bool, clerk: User, roi: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted by person: a colleague at the next desk files on."""
    counter = Counter()
    monkeypatch.setattr(uploads, "counters", lambda: counter)
    monkeypatch.setattr(uploads.time, "time", lambda: 1_800_000_010.0)
    settings.UPLOADS_PER_MINUTE = 2
    patient, client, other = PatientFactory.create(), Client(), Client()
    client.force_login(clerk)
    other.force_login(roi)
    done = 201 if is_api else 302
    assert _send_a_file(client, patient, is_api=is_api).status_code == done
    _send_a_file(client, patient, is_api=is_api)
    refused = _send_a_file(client, patient, is_api=is_api)
    assert refused.status_code == 429
    assert "very many files" in refused.content.decode()
    if is_api:
        assert int(refused["Retry-After"]) == 60 - 1_800_000_010 % 60
        assert refused.json()["code"] == "throttled"
    assert patient.documents.count() == 1  # the second was the same file again
    assert _send_a_file(other, PatientFactory.create(), is_api=is_api).status_code == done


def test_nobody_is_kept_from_working_when_nothing_counts(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    uploads.counters.cache_clear()
    try:
        assert uploads.seconds_to_wait("somebody") == 0
    finally:
        uploads.counters.cache_clear()


def test_two_first_files_at_once_do_not_close_each_others_connection(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads both make the counter's client, the later one takes its place: the earlier one is still in use."""
    settings.UPLOADS_PER_MINUTE = 100
    uploads.counters.cache_clear()
    client = weakref.ref(uploads.counters())
    count = redis.client.Pipeline.execute
    is_alive = []

    def overtaken(pipeline: Any) -> Any:
        uploads.counters.cache_clear()
        is_alive.append(client() is not None)
        return count(pipeline)

    monkeypatch.setattr(redis.client.Pipeline, "execute", overtaken)
    assert uploads.seconds_to_wait("somebody") == 0
    assert is_alive == [True]
