"""Checkpoints leave the machine: to folders, buckets, syslog servers and mail boxes, each told in order and again.

What a place has been told is a row. A place that does not answer holds up no seal and no other place; it is told
the rest when it answers again.
"""

import json
import logging
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from smtplib import SMTPException
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from audit.models import CheckpointDelivery
from audit.proof import epochs
from audit.proof.checkpoints import checkpoint, printed
from audit.proof.epochs import Epoch
from common import syslog

FILE = "checkpoints.jsonl"
MOST_AT_ONCE = 500
MAIL_EVERY = timedelta(hours=24)

logger = logging.getLogger("chartroom.audit")
Send = Callable[[str, list[Epoch]], None]


class NotDelivered(Exception):
    """A place could not be told; the sentence says why."""


def deliver() -> None:
    """Tell every configured place what it does not know yet."""
    newest = epochs.last()
    if newest is None:
        return
    for destination in settings.CHECKPOINTS:
        with transaction.atomic():
            _deliver_to(destination, newest)


def _deliver_to(destination: str, newest: Epoch) -> None:
    CheckpointDelivery.objects.get_or_create(destination=destination)
    # Another worker may be telling this place just now: then it is in good hands.
    rows = CheckpointDelivery.objects.select_for_update(skip_locked=True)
    row = rows.filter(destination=destination).first()
    if row is None or row.last_n >= newest.n:
        return
    now = timezone.now()
    is_mail = destination.startswith("mailto:")
    if is_mail and row.last_at and not row.error and now - row.last_at < MAIL_EVERY:
        return
    # Each seal holds the hash of the one before it, so a new place needs only the newest.
    first = newest.n if is_mail or not row.last_n else row.last_n + 1
    told = [epoch for epoch, _ in zip(epochs.every(first), range(MOST_AT_ONCE), strict=False)]
    try:
        _sender(destination)(destination, told)
    except (OSError, SMTPException, NotDelivered) as error:
        row.error = str(error)[:300] or type(error).__name__
        row.failing_since = row.failing_since or now
        logger.error("Checkpoints cannot be kept at %s: %s", destination, row.error)
    else:
        row.last_n, row.last_at, row.error, row.failing_since = told[-1].n, now, "", None
    row.save()


def _sender(destination: str) -> Send:
    by_scheme: dict[str, Send] = {
        "s3": _to_bucket,
        "syslog": _to_syslog,
        "syslog+tls": _to_syslog,
        "mailto": _to_mail,
    }
    return by_scheme.get(urlsplit(destination).scheme, _to_folder)


def _line(epoch: Epoch) -> str:
    return json.dumps(checkpoint(epoch))


def _to_folder(destination: str, told: list[Epoch]) -> None:
    """Append a line for each to one file, and have it on the disk."""
    folder = Path(destination)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, "".join(_line(epoch) + "\n" for epoch in told).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _to_syslog(destination: str, told: list[Epoch]) -> None:
    messages = [syslog.message(_line(epoch), at=epoch.sealed_at, kind="checkpoint") for epoch in told]
    syslog.send(destination, messages, ca_file=settings.SYSLOG_CA_FILE)


def _to_mail(destination: str, told: list[Epoch]) -> None:
    """The newest, as text to keep or print."""
    text = printed(told[-1])
    send_mail("Checkpoint of the access log", text, None, [destination.removeprefix("mailto:")])


def _to_bucket(destination: str, told: list[Epoch]) -> None:
    """An object each, never over another, locked for some years where the setting says so."""
    import boto3  # heavy, and most houses have no bucket
    from botocore.exceptions import BotoCoreError, ClientError

    parts = urlsplit(destination)
    more: dict[str, Any] = {}
    if settings.CHECKPOINT_LOCK_YEARS:
        until = timezone.now() + timedelta(days=365.25 * settings.CHECKPOINT_LOCK_YEARS)
        more = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    try:
        client = boto3.client(
            "s3",
            endpoint_url=settings.S3_ENDPOINT or None,
            region_name=settings.S3_REGION or None,
            aws_access_key_id=settings.S3_ACCESS_KEY or None,
            aws_secret_access_key=settings.S3_SECRET_KEY or None,
        )
        for epoch in told:
            key = f"{parts.path.strip('/')}/checkpoint-{epoch.n:012d}.json".lstrip("/")
            body = _line(epoch).encode()
            client.put_object(Bucket=parts.netloc, Key=key, Body=body, ChecksumAlgorithm="SHA256", **more)
    except (BotoCoreError, ClientError) as error:
        raise NotDelivered(str(error)) from error
