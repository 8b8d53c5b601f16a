"""What somebody has to be told about the log itself: months that run out, places that cannot be reached."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from audit.feeds import delivering
from audit.models import CheckpointDelivery
from audit.queries import partition_state
from common.notices.models import Notice, Tone
from common.notices.services import notify

AGAIN_AFTER = timedelta(days=1)
GRACE = delivering.GRACE


@dataclass(frozen=True)
class Alarm:
    """What is wrong, for whoever holds the right; the same kind is told once a day."""

    kind: str
    right: str
    text: str
    url: str


def alarms() -> Iterator[Alarm]:
    """What is wrong now."""
    system, proof = reverse("system"), reverse("review:proof")
    months = partition_state()
    if not months.is_well:
        yield Alarm("log.months", "accounts.view_system", months.text, system)
    since = timezone.now() - GRACE
    for feed in delivering.waiting():
        if feed.failing_since and feed.failing_since < since:
            text = (
                f"The access log cannot be told to {feed.destination} since"
                f" {timezone.localtime(feed.failing_since):%d %b %H:%M}: {feed.error}"
                " Nothing is lost; it is tried again."
            )
            yield Alarm(f"log.feed.{feed.pk}", "accounts.view_system", text, system)
            yield Alarm(f"log.feed.{feed.pk}", "review.view_log", text, proof)
    places = CheckpointDelivery.objects.filter(
        Q(failing_since__lt=since), destination__in=[*settings.CHECKPOINTS, settings.TSA_URL]
    )
    for place in places.order_by("pk"):
        told = "cannot be kept at" if place.destination in settings.CHECKPOINTS else "get no time-stamp from"
        text = (
            f"Checkpoints of the access log {told} {place.destination} since"
            f" {timezone.localtime(place.failing_since):%d %b %H:%M}: {place.error}"
        )
        yield Alarm(f"log.checkpoints.{place.pk}", "accounts.view_system", text, system)
        yield Alarm(f"log.checkpoints.{place.pk}", "review.view_log", text, proof)


@transaction.atomic
def tell() -> int:
    """Tell whoever must know and was not told of it today; returns how many notices. Safe to run at any time."""
    told = 0
    for alarm in alarms():
        known = Notice.objects.filter(kind=alarm.kind, created_at__gt=timezone.now() - AGAIN_AFTER)
        people = list(
            User.objects.holding(alarm.right)
            .exclude(pk__in=known.values("recipient"))
            .values_list("pk", flat=True)
        )
        notify(people, kind=alarm.kind, tone=Tone.BAD, text=alarm.text, url=alarm.url)
        told += len(people)
    return told
