"""Pages with policy and audit event, against a bare view that lists the same 25 rows with session and user alone.

Limit: p50 ≤ 2 × the floor, for one client and for four. Both run under gunicorn (gthread, 2 × 4) on this
machine's cores, asked in turns.
"""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from typing import Any

from _measure import ROOT, Verdict, median, setup_django

setup_django()

from django.core.management import call_command  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.roles import Role  # noqa: E402
from patients.models import Patient  # noqa: E402

PATIENTS = 10_000
DOCUMENTS = 20_000
TURNS, EACH = 25, 6  # short turns: both see the same noise of the machine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """gunicorn with one application."""

    def __init__(self, application: str) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{self.port}", "--workers", "2",
             "--threads", "4", "--worker-class", "gthread", "--keep-alive", "75", "--log-level", "warning"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                threading.Event().wait(0.1)
        raise SystemExit(f"{application} did not start.")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def ask(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> float:
    """Seconds until the whole page has come; any other answer than 200 ends the run."""
    started = time.perf_counter()
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    took = time.perf_counter() - started
    if response.status != 200:
        raise SystemExit(f"{path} answered {response.status}: {body[:300]!r}")
    return took


def clients(port: int, path: str, headers: dict[str, str], count: int, requests: int) -> list[float]:
    """Times of `requests` pages by each of `count` clients at once."""
    times: list[float] = []
    guard = threading.Lock()

    def one() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        mine = [ask(connection, path, headers) for _ in range(requests)]
        connection.close()
        with guard:
            times.extend(mine)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def session_cookie(user: User) -> dict[str, str]:
    """A signed-in browser's cookie."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from accounts.sessions import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session["seen_at"] = int(time.time())
    session.create()
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}", "Host": "127.0.0.1"}


def chart_with_documents() -> Patient:
    """The chart that holds the most documents (25 or more)."""
    from django.db.models import Count

    return Patient.objects.annotate(count=Count("documents")).order_by("-count", "pk")[0]


def main() -> int:
    call_command("seed_bench", patients=PATIENTS, documents=DOCUMENTS)
    clerk = User.objects.filter(groups__name=Role.RECORDS_CLERK, is_active=True).order_by("pk")[0]
    patient = chart_with_documents()
    document: Any = patient.documents.order_by("-service_date", "-pk")[0]
    family = Patient.objects.order_by("family_key")[5000].family
    headers = session_cookie(clerk)
    pages = {
        "patient search, 10,000 patients": (f"/patients/?q={family}", "/patients/"),
        "chart page": (f"/patients/{patient.pk}/", f"/documents/{patient.pk}/"),
        "document list of 25": (f"/documents/?patient={patient.pk}", f"/documents/{patient.pk}/"),
        "document page": (f"/documents/{document.pk}/", f"/documents/{patient.pk}/"),
    }
    ours, floor = Server("config.wsgi:application"), Server("bench.floor.wsgi:application")
    verdict = Verdict()
    try:
        for name, (path, bare) in pages.items():
            for count in (1, 4):
                mine: list[float] = []
                theirs: list[float] = []
                clients(ours.port, path, headers, 8, 5)  # every thread of every process has its connection
                clients(floor.port, bare, headers, 8, 5)
                for _ in range(TURNS):
                    mine += clients(ours.port, path, headers, count, EACH)
                    theirs += clients(floor.port, bare, headers, count, EACH)
                verdict.ratio(
                    f"{name}, {count} client{'s' if count > 1 else ''}, p50",
                    median(mine),
                    median(theirs),
                    most=2,
                )
    finally:
        ours.stop()
        floor.stop()
    return verdict.exit()


if __name__ == "__main__":
    raise SystemExit(main())
