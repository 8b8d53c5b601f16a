"""Roles are stored as PostgreSQL's text of an array: the same text as of an array, whatever a hospital names them."""

from typing import Any

import pytest
from django.db import connection

from audit.models import Event
from audit.proof.epochs import CANONICAL
from audit.services import record
from common.ids import uuid7
from tests.support import events

NAMES = [
    "records_clerk",
    "Night clerk",
    'the "best", of {all}',
    "back\\slash",
    "NULL",
    "null",
    "",
    "é\u2028",
    "a\tb\nc",
]


class Actor:
    """Somebody with these roles."""

    username, default_purpose = "odd", "TREAT"

    def __init__(self, roles: list[str]) -> None:
        self.pk, self.role_names = uuid7(), roles


@pytest.mark.django_db
@pytest.mark.parametrize("roles", [[], ["records_clerk"], NAMES])
def test_an_event_keeps_them_and_is_sealed_as_if_they_were_an_array(roles: list[str]) -> None:
    actor: Any = Actor(roles)
    record("patient.viewed", by=actor, patient=uuid7())
    [event] = events("patient.viewed", actor_id=actor.pk)
    assert event.roles == roles
    assert (
        Event.objects.filter(roles__names=roles, pk=event.pk).values_list("roles", flat=True).get() == roles
    )
    as_array = CANONICAL.replace(" roles,", " roles::text[],").replace(" ip,", " host(ip),")
    with connection.cursor() as cursor:
        cursor.execute(f"select {CANONICAL}, {as_array} from audit_event where id = %s", [event.pk])
        sealed, expected = cursor.fetchone()
    assert sealed == expected
