"""The one function that writes an event. Everything that anybody sees, changes or is refused goes through it."""

import json
from collections.abc import Iterable
from typing import Any, Protocol
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, models

from audit import catalogue, fieldchanges
from audit.context import current

MAX_TEXT = 500
MAX_DETAIL_BYTES = 60_000
DEFAULT_PURPOSE = "HOPERAT"

_INSERT = """
insert into audit_event (event, action, actor_id, actor, roles, session, patient_id, patient_ids,
                         object_type, object_id, purpose, reason, outcome, channel, ip, request_id, detail)
values (%s, %s, %s, %s, %s, %s, %s, %s::uuid[], %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


class Actor(Protocol):
    """Whoever acts: a person or a service account."""

    pk: Any
    username: str

    @property
    def role_names(self) -> list[str]:
        """The roles held now."""

    @property
    def default_purpose(self) -> str:
        """The purpose of use when the request names none."""


def clean(text: object, limit: int = MAX_TEXT) -> str:
    """Text the database can hold: no NUL, no lone surrogates, at most `limit` characters."""
    return str(text).replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()[:limit]


def _storable(value: Any) -> Any:
    """The same value with text the database can hold."""
    if isinstance(value, dict):
        return {clean(key): _storable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return clean(value, MAX_DETAIL_BYTES)


def _detail_text(detail: dict[str, Any]) -> str:
    """The detail as JSON, cut to a size an event may have (the cut is said in it)."""
    text = json.dumps(_storable(detail))
    if len(text) <= MAX_DETAIL_BYTES:
        return text
    kept = {key: value for key, value in _storable(detail).items() if len(json.dumps(value)) < 2_000}
    return json.dumps({**kept, "cut": sorted(set(detail) - set(kept))})


def record(
    event: str,
    *,
    by: Actor | None,
    actor: str = "",
    patient: UUID | None = None,
    patients: Iterable[UUID] | None = None,
    about: models.Model | None = None,
    reason: str = "",
    outcome: str = "success",
    purpose: str = "",
    detail: dict[str, Any] | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> None:
    """Write one event in the current transaction; who else is acting comes from `audit.context`.

    `by` is the acting user (None before sign-in: then `actor` says what name was typed). `patient` is the chart it is
    about; a list or search gives `patients`, the ids it showed: one event, however many. `reason` says why
    it was allowed or refused. Field differences of rows saved in this transaction are added to `detail`
    as `changes`. `using` is the connection whose transaction it is: the owner's, for commands that change the log's own
    tables. Raises LookupError for an unknown event, ValueError for an unknown outcome, and lets
    database errors through: what cannot be recorded must not be shown.
    Source: 45 CFR 164.312(b); 45 CFR 170.315(d)(2)(i).
    """
    if outcome not in {"success", "denied", "failed"}:
        raise ValueError(f"There is no outcome {outcome!r}.")
    kind = catalogue.kind_of(event)
    context = current()
    shown = sorted(set(patients)) if patients is not None else None
    facts = dict(detail or {})
    connection = connections[using]
    changes = fieldchanges.take(connection)
    if changes:
        facts["changes"] = changes
    values = [
        kind.name,
        kind.action,
        by.pk if by else None,
        clean(by.username if by else actor, 150),
        by.role_names if by else [],
        context.session,
        patient,
        shown,
        about._meta.label_lower if about is not None else "",
        str(about.pk) if about is not None else "",
        clean(purpose or context.purpose or (by.default_purpose if by else DEFAULT_PURPOSE), 20),
        clean(reason),
        outcome,
        context.channel,
        context.ip,
        context.request_id,
        _detail_text(facts) if facts else None,
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
