"""Hand a batch of events to one place. Each sender returns when the place has taken all of it, or raises."""

import json
import ssl
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from audit.feeds import dicom, fhir
from audit.models import Event
from common import calling, syslog

FHIR_JSON = "application/fhir+json"


class NotDelivered(Exception):
    """The place did not take it; the sentence says why and holds nothing about a patient."""


def send(destination: str, events: list[Event]) -> None:
    """Send these events in order. Raises NotDelivered, OSError."""
    if urlsplit(destination).scheme.startswith("syslog"):
        _to_syslog(destination, events)
    elif settings.FEED_FORM == "single":
        for event in events:
            resource = fhir.audit_event(event)
            _call(destination, "PUT", f"/AuditEvent/{resource['id']}", resource)
    else:
        _to_bundle(destination, events)


def _to_syslog(destination: str, events: list[Event]) -> None:
    messages = [syslog.message(dicom.message(event), at=event.at, kind=dicom.KIND) for event in events]
    syslog.send(
        destination,
        messages,
        ca_file=settings.FEED_CA_FILE or settings.SYSLOG_CA_FILE,
        certificate=settings.FEED_CERTIFICATE,
        key=settings.FEED_CERTIFICATE_KEY,
        must_take_leave=True,
    )


def _to_bundle(destination: str, events: list[Event]) -> None:
    """One bundle of PUTs under stable ids: sent twice, it changes nothing the second time."""
    resources = [fhir.audit_event(event) for event in events]
    bundle = {
        "resourceType": "Bundle",
        "type": settings.FEED_FORM,
        "entry": [
            {"resource": one, "request": {"method": "PUT", "url": f"AuditEvent/{one['id']}"}}
            for one in resources
        ],
    }
    answer = _call(destination, "POST", "", bundle)
    if settings.FEED_FORM == "transaction":
        return  # all or nothing, and it said yes
    entries = answer.get("entry") if isinstance(answer, dict) else None
    if not isinstance(entries, list) or len(entries) != len(events):
        raise NotDelivered("The answer to a batch does not say what became of each event.")
    for one, entry in zip(resources, entries, strict=True):
        status = str((entry.get("response") or {}).get("status", "")) if isinstance(entry, dict) else ""
        if not status.startswith("2"):
            raise NotDelivered(f"{one['id']} was refused: {syslog.one_line(status)[:40] or 'no status'}.")


def tls() -> ssl.SSLContext:
    """How the other side is trusted, and how we show who we are."""
    context = ssl.create_default_context(cafile=settings.FEED_CA_FILE or None)
    if settings.FEED_CERTIFICATE:
        context.load_cert_chain(settings.FEED_CERTIFICATE, settings.FEED_CERTIFICATE_KEY or None)
    return context


def _call(destination: str, method: str, path: str, body: dict[str, Any]) -> Any:
    headers = {"Content-Type": FHIR_JSON, "Accept": FHIR_JSON, "Prefer": "return=minimal"}
    if settings.FEED_TOKEN:
        headers["Authorization"] = f"Bearer {settings.FEED_TOKEN}"
    parts = urlsplit(destination)
    url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}{path}"
    trust = tls() if parts.scheme == "https" else None
    try:
        answer = calling.call(url, method, json.dumps(body).encode(), headers, tls=trust)
    except calling.NoAnswer as error:
        raise NotDelivered(str(error)) from error
    if not answer.is_success:  # a redirect too: nobody sends the log somewhere else
        raise NotDelivered(f"The server answered {answer.status} {answer.reason}".strip() + ".")
    try:
        return json.loads(answer.body) if answer.body.strip() else None
    except ValueError:
        return None
