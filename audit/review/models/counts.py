"""What the log held on each day, counted once the day is over: what reports read instead of the log.

These rows are made from the log and can be made again (`audit.review.counting`). A day that has no row is not counted,
and a report says so.
"""

from django.db import models
from django.db.models import Q


class DayState(models.Model):
    """One day of the hospital's calendar: whether it is counted, and its totals."""

    day = models.DateField(primary_key=True)
    # The transaction that first saw the day to be over: none that wrote into it has a larger number.
    mark = models.TextField()
    counted_at = models.DateTimeField(null=True)
    events = models.BigIntegerField(default=0)
    accesses = models.BigIntegerField(default=0)
    people = models.IntegerField(default=0)
    charts = models.IntegerField(default=0)
    late_seconds = models.IntegerField(
        default=0
    )  # how long events waited for their seal beyond what is usual
    explained = models.BigIntegerField(null=True)  # of the accesses; null: not asked
    is_short = models.BooleanField(
        default=False
    )  # the log holds fewer events of the day now than were counted

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="day_explains_no_more_than_there_was",
                condition=Q(explained=None) | Q(explained__gte=0, explained__lte=models.F("accesses")),
            )
        ]

    def __str__(self) -> str:
        return f"Day {self.day}"


class DayCount(models.Model):
    """How many events of one kind, by roles held then and outcome, there were on one day."""

    day = models.DateField()
    role = models.TextField()  # the names of the roles, joined by commas; empty when nobody had signed in
    event = models.TextField()
    action = models.TextField()
    outcome = models.TextField()
    is_access = models.BooleanField()  # somebody had one chart open
    count = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["day", "event", "role", "outcome", "is_access"], name="day_counted_once"
            ),
        ]

    def __str__(self) -> str:
        return f"Count {self.pk}"


class DayPerson(models.Model):
    """How much one person did on one day. People by id: whoever is renamed stays one."""

    day = models.DateField()
    actor_id = models.UUIDField()
    accesses = models.IntegerField()
    refused = models.IntegerField()
    taken = models.IntegerField()  # printed, copied, exported, disclosed
    unexplained = models.IntegerField(null=True)  # of the accesses; null: not asked
    contradicted = models.IntegerField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["day", "actor_id"], name="person_counted_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"Day of somebody {self.pk}"


class LogCheck(models.Model):
    """A check of the log against its seals: who asked, when, what was found. Never changed."""

    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    is_whole = models.BooleanField()
    first_epoch = models.BigIntegerField()
    checked = models.BigIntegerField()
    text = models.TextField(blank=True)  # what the first bad thing is

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["-at"], name="log_check_newest")]
        constraints = [
            models.CheckConstraint(
                name="log_check_says_what_is_bad", condition=Q(is_whole=True) | ~Q(text="")
            )
        ]

    def __str__(self) -> str:
        return f"Check {self.pk}"
