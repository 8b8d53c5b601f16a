"""An address that is too long is refused in the house's words, on a page and for a program, before anything is done."""

import runpy
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestLine

from audit.models import Event
from common.middleware import MAX_ADDRESS, too_long_unread

CONF = Path(settings.BASE_DIR) / "deploy" / "gunicorn.conf.py"


@pytest.mark.parametrize("path", ["/patients/", "/sign-in/", "/static/css/none.css", "/no/such/page/"])
def test_a_page_says_so(path: str, client: Client, db: None) -> None:
    before = Event.objects.count()
    answer = client.get(path, {"q": "x" * MAX_ADDRESS})
    assert answer.status_code == 414
    page = answer.content.decode()
    assert "<h1>Address too long</h1>" in page
    assert answer["X-Request-ID"] in page
    assert "xxx" not in page
    assert answer["Content-Security-Policy"]
    assert Event.objects.count() == before


def test_a_program_gets_a_problem(client: Client, db: None) -> None:
    answer = client.get("/api/v1/patients/", {"q": "x" * MAX_ADDRESS})
    assert (answer.status_code, answer["Content-Type"]) == (414, "application/problem+json")
    assert answer.json()["code"] == "address_too_long"


def test_a_long_question_that_a_page_can_ask_is_answered(client: Client, db: None) -> None:
    assert client.get("/sign-in/", {"next": "x" * (MAX_ADDRESS - 100)}).status_code == 200


class Line:
    """Stands where the connection is."""

    def __init__(self) -> None:
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data


def test_what_the_server_itself_cannot_read_gets_the_same_page() -> None:
    conf = runpy.run_path(str(CONF))
    config = Config()
    config.set("worker_class", conf["worker_class"])
    config.set("limit_request_line", conf["limit_request_line"])
    assert config.worker_class is conf["Worker"]
    assert config.limit_request_line > MAX_ADDRESS
    line = Line()
    worker = object.__new__(conf["Worker"])
    worker.handle_error(None, line, None, LimitRequestLine(9_000, 8_190))
    head, _, page = line.sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 414 ")
    assert f"Content-Length: {len(page)}".encode() in head
    assert b"<h1>Address too long</h1>" in page
    assert line.sent == too_long_unread()
