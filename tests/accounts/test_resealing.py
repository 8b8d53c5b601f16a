"""After a change of master keys: with the old key gone, apps and recovery codes sign in and drafts come back."""

import os
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import authenticators, services
from accounts.models import Draft, User
from common.jobs.models import Job
from common.keyring import KeyringError
from common.sealing import is_under_current_key
from tests.accounts.softkey import code_of
from tests.support import events

KEYS = {"old": os.urandom(32)}


@pytest.fixture
def rotate(settings: LazySettings) -> Callable[[], None]:
    """Before it is called everything is sealed under the old key; afterwards a new one stands first."""
    settings.MASTER_KEYS = dict(KEYS)

    def turn() -> None:
        settings.MASTER_KEYS = {"new": bytes([9]) * 32, **KEYS}

    return turn


@pytest.fixture
def sealed(rotate: Any, clerk: User, administrator: User, settings: LazySettings) -> tuple[str, list[str]]:
    """Somebody with an app, recovery codes and a draft, and a link that waits to be mailed."""
    secret = authenticators.new_secret()
    with time_machine.travel(timezone.now() - timedelta(minutes=1), tick=False):
        codes = services.add_app(by=clerk, secret=secret, code=code_of(secret))
    services.keep_draft(by=clerk, path="/account/", forms=[{"field": "typed"}])
    settings.EMAIL_HOST = "mail.example.org"
    services.invite_user(
        by=administrator,
        username="nora",
        name="Nora",
        roles=["records_clerk"],
        email="nora@example.org",
        site="https://chart.example.org",
    )
    return secret, codes


def takes(user: User, code: str) -> str | None:
    return authenticators.takes_code(user, code)


def test_everything_opens_when_the_old_key_is_gone(
    sealed: tuple[str, list[str]], rotate: Callable[[], None], clerk: User, settings: LazySettings
) -> None:
    rotate()
    done = services.reseal()
    assert (done.checked, done.moved, done.bad) == (4, 4, [])
    assert len(events("secret.resealed")) == 4
    settings.MASTER_KEYS = {"new": settings.MASTER_KEYS["new"]}
    secret, codes = sealed
    assert takes(clerk, code_of(secret)) == "totp"
    assert takes(clerk, codes[0]) == "recovery_codes"
    draft = Draft.objects.get(user=clerk)
    assert services.take_draft(by=clerk, draft_id=draft.pk) == [{"field": "typed"}]
    assert is_under_current_key(Job.objects.get(kind="accounts.mail_link").args["link"])


def test_a_second_run_moves_nothing(sealed: Any, rotate: Callable[[], None]) -> None:
    rotate()
    services.reseal()
    assert services.reseal().moved == 0
    assert len(events("secret.resealed")) == 4


def test_without_it_the_old_key_is_missed(
    sealed: tuple[str, list[str]], rotate: Callable[[], None], clerk: User, settings: LazySettings
) -> None:
    settings.MASTER_KEYS = {"new": bytes([9]) * 32}
    with pytest.raises(KeyringError):
        takes(clerk, code_of(sealed[0]))


def test_the_command_says_what_no_key_opens_and_fails(
    sealed: Any, rotate: Callable[[], None], settings: LazySettings
) -> None:
    rotate()
    row = Authenticator.objects.get(type="totp")
    settings.MASTER_KEYS = {"new": settings.MASTER_KEYS["new"]}
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="No key opens 4 secrets"):
        call_command("check_files", "--rewrap", stdout=out, stderr=err)
    assert str(row.pk) in err.getvalue()
    rotate()
    call_command("check_files", "--rewrap", stdout=out)
    assert "4 sealed secrets, 0 bad, 4 moved." in out.getvalue()
    assert is_under_current_key(Authenticator.objects.get(type="totp").data["secret"])
