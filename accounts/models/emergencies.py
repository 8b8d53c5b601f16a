"""Emergency access for the whole house: while it is in force, the roles it names open every chart.

Two people open it, the clock closes it: no job has to run for that.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.roles import words_for
from common.models import BaseModel
from common.two_persons import two_persons

# A right that no role holds by itself: `accounts.backends` gives it while an emergency is in force.
OPEN_IN_EMERGENCY = "patients.open_in_emergency"
CONFIRM_WITHIN = timedelta(
    minutes=30
)  # after that a second person's yes is no longer about the same situation


class InForce(NamedTuple):
    """What every page says of an emergency that is in force."""

    id: str
    until: datetime
    is_drill: bool
    is_for_me: bool  # whether it opens charts to this person


class HouseEmergencyQuerySet(models.QuerySet["HouseEmergency"]):
    """Reusable filters."""

    def standing(self) -> "HouseEmergencyQuerySet":
        """Waiting for the second person, or confirmed; not ended by anybody, not written off."""
        return self.filter(ended_at=None)

    def in_force(self) -> "HouseEmergencyQuerySet":
        """Confirmed and not over, by the database's clock."""
        return self.standing().filter(expires_at__gt=Now())

    def waiting(self) -> "HouseEmergencyQuerySet":
        """Declared a short while ago and not yet confirmed."""
        return self.standing().filter(confirmed_at=None, declared_at__gt=Now() - CONFIRM_WITHIN)

    def over(self) -> "HouseEmergencyQuerySet":
        """Standing in the table and over by the clock: run out, or nobody confirmed it in time."""
        return self.standing().filter(
            Q(expires_at__lte=Now()) | Q(confirmed_at=None, declared_at__lte=Now() - CONFIRM_WITHIN)
        )

    def real(self) -> "HouseEmergencyQuerySet":
        """Those that open charts: a drill opens none."""
        return self.filter(is_drill=False)


class HouseEmergency(BaseModel):
    """The hospital cannot work as it does every day; for some hours some roles open every chart. Kept for ever."""

    reason = models.CharField(max_length=400)
    roles = models.ManyToManyField(Group, related_name="+")
    hours = models.PositiveSmallIntegerField()
    is_drill = models.BooleanField(default=False)
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    declared_at = models.DateTimeField(db_default=Now())
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )  # None beside an end: the clock
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = HouseEmergencyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "house emergencies"
        default_permissions = ()
        permissions = [("declare_emergency", "Can declare, confirm and end emergency access for the house")]
        constraints = [
            models.CheckConstraint(name="emergency_says_why", condition=~Q(reason="")),
            models.CheckConstraint(name="emergency_lasts_some_hours", condition=Q(hours__gte=1)),
            two_persons("emergency_takes_two_people", asked="declared_by", decided="confirmed_by"),
            models.CheckConstraint(
                name="emergency_runs_from_its_confirmation",
                condition=Q(confirmed_by=None, confirmed_at=None, expires_at=None)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False, expires_at__gt=F("confirmed_at")),
            ),
            models.CheckConstraint(
                name="emergency_ended_by_somebody_at_some_time",
                condition=Q(ended_by=None) | Q(ended_at__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["is_drill"], name="emergency_one_at_a_time", condition=Q(ended_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"House emergency {self.pk}"

    @property
    def role_labels(self) -> list[str]:
        """The roles that it opens every chart to, in words."""
        return sorted(words_for(group.name) for group in self.roles.all())

    @property
    def is_confirmed(self) -> bool:
        """Whether the second person has said yes."""
        return self.confirmed_at is not None
