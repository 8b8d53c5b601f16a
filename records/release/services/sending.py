"""The package goes out: downloaded to be delivered, or mailed. Sending is what writes the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from audit.services import record
from common.errors import Denied, RuleBroken, RulesBroken, WrongMove, check_move
from common.ids import uuid7
from common.notices.models import Tone
from common.notices.services import notify
from common.words import counted
from records.documents import files
from records.documents.sealed import Stored
from records.release import access
from records.release.models import (
    MOVES,
    RELEASE_MOVES,
    DeliveryMethod,
    Release,
    ReleaseStatus,
    RequestStatus,
)
from records.release.services.clearing import clearance, hidden_in

_INSERT = """
insert into release_disclosure (id, disclosed_on, patient_id, request_id, release_id, kind, recipient_name,
    recipient_address, description, purpose, how, release_sha256, pages, is_in_accounting, sent_by_id)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass
class OpenPackage:
    """A package for reading: its name for a browser, its size, and its bytes piece by piece."""

    release: Release
    filename: str
    size_bytes: int
    stored: Stored

    def chunks(self) -> Iterator[bytes]:
        """The bytes exactly as they were built; closes the file at the end."""
        with self.stored:
            yield from self.stored.chunks()


def _describe(release: Release) -> str:
    """What was sent, in one line: how many documents of which kinds and days (AOD-03 (iii))."""
    parts = release.manifest["parts"]
    kinds: dict[str, int] = {}
    for part in parts:
        kinds[part["type"]] = kinds.get(part["type"], 0) + 1
    listed = ", ".join(f"{count} {name}" for name, count in sorted(kinds.items()))
    days = sorted(part["service_date"] for part in parts if part["service_date"])
    period = f" of {days[0]} to {days[-1]}" if days else ""
    extent = f"{counted(len(parts), 'document')}, {counted(release.pages, 'page')}"
    return f"{extent}{period}: {listed}"[:1000]


def _write_disclosure(by: User, release: Release, *, how: str, on: date) -> str:
    """One line of the ledger, by the only columns that the application may write. AOD-03, 45 CFR
    164.528(b)(2).
    """
    record_request = release.request
    key = uuid7()
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                key,
                on,
                release.patient_id,
                record_request.pk,
                release.pk,
                record_request.kind,
                record_request.requester_title,
                record_request.requester_address,
                _describe(release),
                record_request.purpose,
                how,
                release.sha256,
                release.pages,
                record_request.rule.in_accounting,
                by.pk,
            ],
        )
    return str(key)


def _deliver(by: User, release: Release, *, how: str, on: date, tracking: str = "") -> dict[str, Any]:
    """Move release and request (both locked) to delivered and write the ledger; facts for the event.

    The ground is asked again: an authorization that has ended since the package was built stops it (AUTH-D1).
    """
    record_request = release.request
    check_move(RELEASE_MOVES, release.status, ReleaseStatus.DELIVERED)
    check_move(MOVES, record_request.status, RequestStatus.DELIVERED)
    if release.waits_for_approval:
        raise RuleBroken(
            "release_approval",
            f"A package of {release.pages} pages goes out when somebody who did not prepare it has agreed.",
        )
    missing = clearance(by, record_request).missing
    if missing:
        raise RulesBroken([(item.rule, item.text) for item in missing])
    now = timezone.now()
    release.status, release.delivered_at, release.delivered_by = ReleaseStatus.DELIVERED, now, by
    release.delivered_how, release.tracking = how, tracking
    release.version += 1
    release.save()
    record_request.status, record_request.closed_at = RequestStatus.DELIVERED, now
    record_request.version += 1
    record_request.save()
    entry = _write_disclosure(by, release, how=how, on=on)
    return {
        "disclosure": entry,
        "request": record_request.number,
        "recipient": record_request.requester_title,
        "sha256": release.sha256,
        "pages": release.pages,
        "how": how,
    }


@transaction.atomic
def download_package(*, by: User, release_id: Any) -> OpenPackage:
    """The package's bytes for delivery. The first download delivers it and writes the disclosure.

    A later one gives the same bytes and is an event of its own, not a second disclosure. Raises NotFound,
    Denied, WrongMove, RulesBroken, Unavailable.
    """
    release, decision = access.get_release_for(by, release_id, lock=True)
    access.check_may_send(by, release.request)
    if release.package is None:
        raise WrongMove("There is no package yet.")
    if release.status == ReleaseStatus.WITHDRAWN:
        raise WrongMove("This package was withdrawn because the request changed. Build it again.")
    if release.status == ReleaseStatus.DELIVERED:
        if hidden_in(by, release):
            raise Denied(
                "A document in this package is not open to you, so you cannot have a copy.",
                patient_id=release.patient_id,
                about=release,
                rule="a document of the package",
            )
        name, facts = "release.package_copied", {"sha256": release.sha256, "request": release.request.number}
    else:
        name = "release.package_downloaded"
        facts = _deliver(by, release, how=DeliveryMethod.DOWNLOAD, on=timezone.localdate())
    stored = files.open_blob(release.sha256)
    record(name, by=by, patient=release.patient_id, about=release, reason=str(decision), detail=facts)
    return OpenPackage(
        release=release,
        filename=f"{release.request.number}.pdf",
        size_bytes=release.package.size_bytes,
        stored=stored,
    )


@transaction.atomic
def approve_release(*, by: User, release_id: Any) -> Release:
    """Agree, as a second person, that a large package goes out. Raises NotFound, Denied, WrongMove."""
    release, decision = access.get_release_for(by, release_id, lock=True)
    access.check_may_approve(by, release)
    if not release.waits_for_approval:
        raise WrongMove("This package does not wait for anybody's agreement.")
    release.approved_by, release.approved_at = by, timezone.now()
    release.version += 1
    release.save()
    record(
        "release.approved",
        by=by,
        patient=release.patient_id,
        about=release,
        reason=str(decision),
        detail={"request": release.request.number, "pages": release.pages, "sha256": release.sha256},
    )
    notify(
        [release.asked_by_id],
        kind="release.approved",
        tone=Tone.GOOD,
        text=f"{by.display_name} agreed to the package of request {release.request.number}. It can go out.",
        url=release.request.get_absolute_url(),
    )
    return release


@transaction.atomic
def mark_mailed(*, by: User, release_id: Any, sent_on: date, how: str = "", tracking: str = "") -> Release:
    """Say that the package was mailed, faxed or handed over, and on which day. Writes the disclosure.

    `how` is a DeliveryMethod; the request's own unless said otherwise.

    Raises NotFound, Denied, WrongMove, RuleBroken, RulesBroken.
    """
    release, decision = access.get_release_for(by, release_id, lock=True)
    access.check_may_send(by, release.request)
    if release.package is None:
        raise WrongMove("There is no package yet.")
    if release.status == ReleaseStatus.DELIVERED:
        raise WrongMove("This package has gone out already; the ledger has its entry.")
    built_on = timezone.localdate(release.built_at)
    if not built_on <= sent_on <= timezone.localdate():
        raise RuleBroken(
            "sent_on", "It can have gone out between the day it was built and today.", field="sent_on"
        )
    chosen = DeliveryMethod(how or release.request.delivery_method)
    facts = _deliver(by, release, how=chosen, on=sent_on, tracking=tracking.strip())
    record(
        "release.mailed", by=by, patient=release.patient_id, about=release, reason=str(decision), detail=facts
    )
    return release
