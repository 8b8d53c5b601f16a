"""News from below: a glass was broken, the house was opened. Each becomes a task in the same transaction."""

from typing import Any

from django.dispatch import receiver

from accounts.models import HouseEmergency
from accounts.signals import emergency_confirmed
from audit.review.services import reviewing
from patients.models import GlassBreak
from patients.signals import glass_broken


@receiver(glass_broken, dispatch_uid="review.glass_broken")
def on_glass_broken(sender: Any, *, glass: GlassBreak, **kwargs: Any) -> None:
    """Somebody has to look at it."""
    reviewing.make_review_of_glass(glass)


@receiver(emergency_confirmed, dispatch_uid="review.emergency_confirmed")
def on_emergency_confirmed(sender: Any, *, emergency: HouseEmergency, **kwargs: Any) -> None:
    """Somebody has to look at what was opened."""
    reviewing.make_review_of_emergency(emergency)
