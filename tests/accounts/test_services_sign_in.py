"""Signing in: who gets in, what the log keeps, and how often one may try."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client
from django.utils import timezone

from accounts import services, throttling
from accounts.models import User
from accounts.roles import Role
from audit import context
from common.errors import TooMany
from tests.factories import PASSWORD, make_user
from tests.launcher.waiting import until
from tests.support import events

HERE, THERE = "192.0.2.10", "198.51.100.7"


def _try(username: str, password: str = "wrong", ip: str | None = HERE) -> User | None:  # noqa: S107
    with context.use(ip=ip):
        return services.check_password(request=None, username=username, password=password)


def _post(client: Client, username: str, password: str) -> Any:
    """As a browser sends it: never as multipart, which strangers may not send."""
    body = urlencode({"username": username, "password": password})
    return client.post("/sign-in/", body, content_type="application/x-www-form-urlencoded")


def _fail(username: str, times: int, ip: str | None = HERE) -> None:
    for _ in range(times):
        assert _try(username, ip=ip) is None


def test_name_in_any_case_and_password_get_in(clerk: User) -> None:
    assert _try(clerk.username.upper(), PASSWORD) == clerk


def test_a_failure_is_an_event_that_names_what_was_typed(clerk: User) -> None:
    assert _try(clerk.username) is None
    assert _try("no.such.person") is None
    known, unknown = events("user.sign_in_failed")[-2:]
    assert (known.actor, known.outcome, known.object_id) == (clerk.username, "failed", str(clerk.pk))
    assert (unknown.actor, unknown.actor_id, unknown.object_id) == ("no.such.person", None, "")
    assert unknown.ip == HERE


def test_a_deactivated_user_does_not_get_in(administrator: User, clerk: User) -> None:
    services.stop_user(by=administrator, user_id=clerk.pk, reason="left")
    assert _try(clerk.username, PASSWORD) is None


@pytest.mark.parametrize("username", ["KNOWN", "unknown", "DISABLED", "SERVICE"])
def test_a_wrong_name_costs_as_much_as_a_wrong_password(
    username: str, administrator: User, clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One argon2 hash and the same number of queries each: the clock tells nothing."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    disabled = make_user(Role.CLINICIAN)
    services.stop_user(by=administrator, user_id=disabled.pk, reason="left")
    service = services.service_account("clockwork")
    names = {"KNOWN": clerk.username, "DISABLED": disabled.username, "SERVICE": service.username}
    hashed: list[str] = []
    for name in ("encode", "verify"):
        original = getattr(Argon2PasswordHasher, name)

        def counted(self: Any, password: str, *args: Any, _original: Any = original, **kwargs: Any) -> Any:
            hashed.append(password)
            return _original(self, password, *args, **kwargs)

        monkeypatch.setattr(Argon2PasswordHasher, name, counted)
    with CaptureQueriesContext(connection) as queries:
        assert _try(names.get(username, username)) is None
    assert len(hashed) == 1
    asked = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(asked) == 6


def test_the_sixth_attempt_is_not_even_tried(clerk: User) -> None:
    _fail(clerk.username, throttling.FAILURES)
    with pytest.raises(TooMany) as refused:
        _try(clerk.username, PASSWORD)
    assert 0 < refused.value.wait <= 15 * 60
    assert "minute" in refused.value.message


def test_the_right_password_before_that_forgives(clerk: User) -> None:
    client = Client(REMOTE_ADDR=HERE)
    for _ in range(3):
        for _ in range(throttling.FAILURES - 1):
            _post(client, clerk.username, "wrong")
        answer = _post(client, clerk.username, PASSWORD)
        assert answer.status_code == 302
        client.post("/sign-out/")


def test_somebody_else_behind_the_same_address_gets_in(clerk: User, supervisor: User) -> None:
    """A hospital has one address: one person's trouble is not everybody's."""
    _fail(clerk.username, throttling.FAILURES)
    assert _try(supervisor.username, PASSWORD) == supervisor


def test_the_same_person_elsewhere_gets_in(clerk: User) -> None:
    """Nor can a stranger outside lock a clerk out of her own desk."""
    _fail(clerk.username, throttling.FAILURES, ip=THERE)
    assert _try(clerk.username, PASSWORD, ip=HERE) == clerk


def test_names_nobody_has_are_throttled_alike(db: None) -> None:
    """Otherwise being throttled would tell which names exist."""
    _fail("no.such.person", throttling.FAILURES)
    with pytest.raises(TooMany):
        _try("No.Such.Person")


def test_one_name_from_everywhere_is_limited_too(clerk: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """NIST SP 800-63B 5.2.2: guessing spread over many addresses ends as well."""
    monkeypatch.setattr(throttling, "FAILURES_ANYWHERE", 8)
    for number in range(8):
        _fail(clerk.username, 1, ip=f"203.0.113.{number}")
    with pytest.raises(TooMany):
        _try(clerk.username, PASSWORD, ip=HERE)


@pytest.mark.parametrize(
    ("one", "other", "is_one_place"),
    [
        ("2001:db8:1:1::1", "2001:db8:1:1:ffff::9", True),
        ("2001:db8:1:1::1", "2001:db8:1:2::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        (None, None, True),
        (None, "192.0.2.1", False),
    ],
)
def test_what_counts_as_one_place(
    one: str | None, other: str | None, is_one_place: bool, clerk: User
) -> None:
    """A subscriber has a whole /64 of IPv6 to try from."""
    _fail(clerk.username, throttling.FAILURES, ip=one)
    if is_one_place:
        with pytest.raises(TooMany):
            _try(clerk.username, PASSWORD, ip=other)
    else:
        assert _try(clerk.username, PASSWORD, ip=other) == clerk


def test_after_a_quarter_of_an_hour_one_may_try_again(clerk: User) -> None:
    _fail(clerk.username, throttling.FAILURES)
    with time_machine.travel(timezone.now() + throttling.WINDOW + timedelta(seconds=5)):
        assert _try(clerk.username, PASSWORD) == clerk


@pytest.mark.parametrize("limit", ["FAILURES", "FAILURES_ANYWHERE"])
def test_a_new_password_gives_its_owner_her_tries_back(
    limit: str, administrator: User, clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the refusal says: the administrator can help whom somebody else locked out, or who forgot."""
    monkeypatch.setattr(throttling, limit, 3)
    _fail(clerk.username, 3)
    with pytest.raises(TooMany, match="new password"):
        _try(clerk.username, PASSWORD)
    given = "seven-otters-cross-11"
    services.give_password(by=administrator, user_id=clerk.pk, password=given)
    assert _try(clerk.username, given) == clerk
    _fail(clerk.username, 3)
    with pytest.raises(TooMany):
        _try(clerk.username, given)


def test_refused_attempts_do_not_flood_the_log_nor_prolong_the_wait(clerk: User) -> None:
    _fail(clerk.username, throttling.FAILURES)
    waits = []
    for _ in range(20):
        with pytest.raises(TooMany) as refused:
            _try(clerk.username)
        waits.append(refused.value.wait)
    written = [event.outcome for event in events("user.sign_in_failed", actor=clerk.username)]
    assert written == ["failed"] * throttling.FAILURES + ["denied"]
    assert waits[-1] <= waits[0]


def test_the_page_says_how_long_to_wait(clerk: User) -> None:
    client = Client(REMOTE_ADDR=HERE)
    for _ in range(throttling.FAILURES):
        wrong = _post(client, clerk.username, "wrong")
        assert wrong.status_code == 422
    answer = _post(client, clerk.username, PASSWORD)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "Try again in 15 minutes" in answer.content.decode()
    assert "_auth_user_id" not in client.session


@pytest.mark.committed
def test_a_password_hashed_the_old_way_is_renewed_at_sign_in(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The renewal changes the user, so the database wants an event for it at COMMIT."""
    user = make_user(Role.RECORDS_CLERK)
    before = User.objects.get(pk=user.pk).password
    monkeypatch.setattr(Argon2PasswordHasher, "time_cost", Argon2PasswordHasher.time_cost + 1)
    assert _try(user.username, PASSWORD) == user
    after = User.objects.get(pk=user.pk).password
    assert after != before
    assert [event.reason for event in events("user.password_changed", about=user)] == [
        "hashed by a newer method"
    ]


@pytest.mark.committed
def test_a_burst_at_the_same_moment_does_not_slip_through(committed: None) -> None:
    """Twelve at once with one name from one place: five are tried, the others refused."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    user = make_user(Role.RECORDS_CLERK)

    def attempt(_: int) -> str:
        try:
            while True:
                try:
                    return "in" if _try(user.username) else "failed"
                except TooMany as refused:
                    if refused.wait > 5:  # less is a full house: come again
                        return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        results = sorted(pool.map(attempt, range(12)))
    assert results == ["failed"] * throttling.FAILURES + ["refused"] * (12 - throttling.FAILURES)


@pytest.mark.committed
def test_a_flood_of_attempts_leaves_threads_for_everybody_else(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a process's threads hash, one waits, the others are free at once to say no, and to show pages."""
    import threading
    import time
    from concurrent.futures import ThreadPoolExecutor

    from django.conf import settings
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    begun, go_on = threading.Semaphore(0), threading.Event()
    original = services.signing_in._with_password

    def slow(*words: Any) -> User | None:
        begun.release()
        go_on.wait(20)
        return original(*words)

    monkeypatch.setattr(services.signing_in, "_with_password", slow)
    monkeypatch.setattr(throttling, "QUEUE_SECONDS", 20)

    def attempt(number: int) -> str:
        try:
            return "in" if _try(f"flood.{number}", ip=f"198.51.100.{number}") else "failed"
        except TooMany as refused:
            return "full" if refused.wait <= 5 else "throttled"
        finally:
            connection.close()

    def queue_is_full() -> bool:
        if throttling._queue.acquire(blocking=False):
            throttling._queue.release()
            return False
        return True

    hashing = settings.SIGN_INS_AT_ONCE
    with ThreadPoolExecutor(hashing + 9) as pool:
        first = [pool.submit(attempt, number) for number in range(hashing)]
        for _ in first:
            assert begun.acquire(timeout=20)
        waiting = pool.submit(attempt, 50)
        until(queue_is_full, seconds=20, what="the queue is full")
        started = time.monotonic()
        refused = [pool.submit(attempt, 60 + number).result(timeout=20) for number in range(8)]
        assert time.monotonic() - started < 5
        assert refused == ["full"] * 8
        with CaptureQueriesContext(connection) as queries:
            page = _post(Client(), "flood.page", "wrong")
            program = Client().post("/api/v1/tokens/", {}, content_type="application/json")
        assert (page.status_code, program.status_code) == (429, 429)
        assert page["Retry-After"] == program["Retry-After"] == "3"
        assert not queries.captured_queries
        assert Client().get("/sign-in/").status_code == 200
        go_on.set()
        assert {each.result(timeout=20) for each in [*first, waiting]} == {"failed"}
