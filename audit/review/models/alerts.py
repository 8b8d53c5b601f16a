"""The watch: what the house looks for in the log, whom it found, and how each week looked."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from common.models import BaseModel
from patients.ties import Spell

if TYPE_CHECKING:
    from accounts.models import User


class WatchRule(BaseModel):
    """What the compliance office changed of one rule. A rule without a row is as `audit.review.watch` declares it.

    Every change is an event with before and after; the run keeps what it worked with.
    """

    code = models.CharField(max_length=40, unique=True)
    is_on = models.BooleanField(default=True)
    weight = models.PositiveSmallIntegerField()
    parameters = models.JSONField(default=dict)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        permissions = [("change_watch", "Can change what the watch looks for, and mark decoy charts")]
        constraints = [
            models.CheckConstraint(name="watch_rule_weighs_at_most_100", condition=Q(weight__lte=100)),
        ]

    def __str__(self) -> str:
        return f"Watch rule {self.code}"


class DecoyChart(Spell):
    """A chart of nobody, kept to be opened by nobody: whoever opens it was not looking after a patient."""

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=300)
    marked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="decoy_says_why", condition=~Q(why="")),
            models.CheckConstraint(
                name="decoy_ends_after_it_begins", condition=Q(until=None) | Q(until__gte=F("since"))
            ),
            models.UniqueConstraint(fields=["patient"], name="decoy_marked_once", condition=Q(until=None)),
        ]

    def __str__(self) -> str:
        return f"Decoy {self.pk}"


class WatchRun(BaseModel):
    """One look at one week: what it worked with, and what it found. A later run of the same week replaces it."""

    week_on = models.DateField(unique=True)  # its Monday
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    accesses = models.PositiveIntegerField()
    explained = models.PositiveIntegerField()
    missing = ArrayField(models.TextField(), default=list)  # kinds of explanation that could not be had
    alerts = models.PositiveIntegerField()
    rules = models.JSONField()  # {code: {is_on, weight, parameters}}
    thresholds = (
        models.JSONField()
    )  # {role: {measure: {middle, spread, people}}}: learnt from the weeks before

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="watch_run_is_of_a_monday", condition=Q(week_on__iso_week_day=1)),
            models.CheckConstraint(
                name="watch_run_explains_no_more_than_there_was", condition=Q(explained__lte=F("accesses"))
            ),
        ]

    def __str__(self) -> str:
        return f"Watch of the week of {self.week_on}"


class StaffWeek(models.Model):
    """How much one person did in one week, in numbers: what her own weeks and her peers' are measured by."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    week_on = models.DateField()
    role = models.CharField(max_length=150)  # the roles held then, by name, joined
    accesses = models.PositiveIntegerField()
    charts = models.PositiveIntegerField()
    taken = models.PositiveIntegerField()  # prints, downloads and exports
    searches = models.PositiveIntegerField()
    hours = ArrayField(models.PositiveIntegerField(), size=24)  # accesses by hour of the hospital's day

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "week_on"], name="staff_week_once"),
            models.CheckConstraint(name="staff_week_is_of_a_monday", condition=Q(week_on__iso_week_day=1)),
        ]
        indexes = [models.Index(fields=["week_on", "role"], name="staff_week_by_role")]

    def __str__(self) -> str:
        return f"Week {self.pk}"


class AlertState(models.TextChoices):
    """What became of an alert."""

    NEW = "new", "To look at"
    SET_ASIDE = "set_aside", "Set aside"
    IN_CASE = "in_case", "In a case"


class AlertQuerySet(models.QuerySet["Alert"]):
    """Reusable filters."""

    def undecided(self) -> "AlertQuerySet":
        """Still to be looked at."""
        return self.filter(state=AlertState.NEW)

    def of_week(self, week_on: date) -> "AlertQuerySet":
        """Of the week that begins on this Monday."""
        return self.filter(week_on=week_on)

    def not_about(self, user: "User") -> "AlertQuerySet":
        """Nobody reviews what she did herself (MON-5)."""
        return self.exclude(subject=user)


class Alert(BaseModel):
    """What one person did with one chart in one week stands out. Without a patient: how she worked that week at all.

    Nobody decides about herself: `subject` may not be `decided_by`. An alert is never deleted.
    """

    subject = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(
        "patients.Patient", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    week_on = models.DateField()  # the Monday
    score = models.PositiveIntegerField()
    is_explained = models.BooleanField(default=False)  # all of it: it sinks and stays (MON-2)
    hits = models.JSONField()  # [{rule, points, words}], the weightiest first; words name no patient
    event_ids = ArrayField(models.BigIntegerField())  # the accesses, oldest first, at most EVIDENCE of them
    accesses = models.PositiveIntegerField()  # how many there were
    missing = ArrayField(
        models.TextField(), default=list
    )  # explanations that could not be had when it was raised
    state = models.CharField(max_length=10, choices=AlertState, default=AlertState.NEW)
    note = models.TextField(max_length=2000, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = [("work_alerts", "Can look at the alerts of the watch and decide them")]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "patient", "week_on"],
                name="alert_once_a_person_chart_and_week",
                condition=Q(patient__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["subject", "week_on"],
                name="alert_once_a_person_and_week",
                condition=Q(patient__isnull=True),
            ),
            models.CheckConstraint(name="alert_is_of_a_monday", condition=Q(week_on__iso_week_day=1)),
            models.CheckConstraint(
                name="alert_is_decided_by_somebody_at_some_time",
                condition=Q(state="new", decided_by=None, decided_at=None)
                | (~Q(state="new") & Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="alert_is_not_decided_by_its_subject",
                condition=Q(decided_by=None) | ~Q(decided_by=F("subject")),
            ),
            models.CheckConstraint(
                name="alert_is_set_aside_with_a_note", condition=~Q(state="set_aside") | ~Q(note="")
            ),
        ]
        indexes = [
            models.Index(fields=["week_on", "-score", "id"], name="alert_of_a_week"),
            models.Index(fields=["state", "-score", "id"], name="alert_by_state"),
            models.Index(fields=["patient", "week_on"], name="alert_of_a_chart"),
        ]

    def __str__(self) -> str:
        return f"Alert {self.pk}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("review:alert", args=[self.pk])

    @property
    def is_decided(self) -> bool:
        """Whether somebody has set it aside or made it a case."""
        return self.state != AlertState.NEW

    @property
    def until_on(self) -> date:
        """The Sunday."""
        return self.week_on + timedelta(days=6)
