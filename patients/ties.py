"""What ties somebody who works here to a chart, and what closes a chart: the evidence that the policy reads.

`patients.access.rules` says what each row means. Rows end by a time, never by being deleted.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from guardian.models import UserObjectPermissionBase

from common.ids import uuid7
from common.models import BaseModel


class InForceQuerySet(models.QuerySet[Any]):
    """Rows that have a beginning and may have an end."""

    def in_force(self) -> "InForceQuerySet":
        """Begun and not ended, by the database's clock."""
        return self.filter(Q(until=None) | Q(until__gt=Now()), since__lte=Now())


class Spell(BaseModel):
    """Something that holds from one instant to another, or until somebody ends it."""

    since = models.DateTimeField(db_default=Now())
    until = models.DateTimeField(null=True, blank=True)

    objects = InForceQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def until_words(self) -> str:
        """`03 May 2026 14:05`, or nothing while there is no end."""
        return f"{timezone.localtime(self.until):%d %b %Y %H:%M}" if self.until else ""


def _ends_after_it_begins(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        name=f"{name}_ends_after_it_begins", condition=Q(until=None) | Q(until__gte=F("since"))
    )


class Workplace(Spell):
    """Where somebody works. Without a location it is the facility; whoever has no row works in the whole house."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="workplaces")
    facility = models.ForeignKey("patients.Facility", on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(
        "patients.Location", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )

    class Meta:
        default_permissions = ()
        constraints = [_ends_after_it_begins("workplace")]
        indexes = [models.Index(fields=["user", "location"], name="workplace_user")]

    @property
    def words(self) -> str:
        """`4 West, Harrow Falls Hospital`, or the house alone."""
        return f"{self.location}, {self.facility}" if self.location else str(self.facility)


class CareTeamMember(Spell):
    """Somebody who cares for the patient during one encounter, beside the attending."""

    encounter = models.ForeignKey("patients.Encounter", on_delete=models.PROTECT, related_name="care_team")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    function = models.CharField(max_length=60, help_text="As the unit says it: nurse, resident, therapist.")

    class Meta:
        default_permissions = ()
        constraints = [
            _ends_after_it_begins("care_team"),
            models.UniqueConstraint(
                fields=["encounter", "user"], name="care_team_member_once", condition=Q(until=None)
            ),
        ]
        indexes = [models.Index(fields=["user", "patient"], name="care_team_user_patient")]


class Consult(BaseModel):
    """A colleague was asked about this patient, or has an order to carry out; open until answered."""

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="consults")
    encounter = models.ForeignKey(
        "patients.Encounter", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_of = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    question = models.CharField(max_length=200)
    asked_at = models.DateTimeField(db_default=Now())
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="consult_is_answered_after_it_was_asked",
                condition=Q(answered_at=None) | Q(answered_at__gte=F("asked_at")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["asked_of", "patient"], name="consult_open_asked_of", condition=Q(answered_at=None)
            )
        ]


class PatientGrant(UserObjectPermissionBase):
    """One person may open one chart until a day: django-guardian's table with a foreign key of its own.

    Only `patients.access` asks it: guardian's own questions know no expiry.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    permission = models.ForeignKey("auth.Permission", on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="chart_grants")
    content_object = models.ForeignKey(
        "patients.Patient", on_delete=models.PROTECT, related_name="grants", db_column="patient_id"
    )
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )

    class Meta:
        default_permissions = ()
        permissions = [("grant_chart", "Can let a colleague open a chart")]
        constraints = [
            models.CheckConstraint(name="grant_is_given_by_somebody_else", condition=~Q(user=F("given_by"))),
            models.CheckConstraint(
                name="grant_is_revoked_by_somebody",
                condition=Q(revoked_at=None, revoked_by=None)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
            ),
            models.CheckConstraint(name="grant_says_why", condition=~Q(reason="")),
        ]
        indexes = [
            # All that is asked of a grant: ten thousand of one person are read without their rows.
            models.Index(
                fields=["user", "content_object"],
                include=["permission", "expires_at"],
                name="grant_user_patient",
                condition=Q(revoked_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"Grant {self.pk}"


class OwnEntry(Spell):
    """This user is this patient: nobody opens her own chart from the inside."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="own_entries")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="own_entries")

    class Meta:
        verbose_name_plural = "own entries"
        default_permissions = ()
        constraints = [
            _ends_after_it_begins("own_entry"),
            models.UniqueConstraint(
                fields=["user", "patient"], name="own_entry_once", condition=Q(until=None)
            ),
        ]
        indexes = [models.Index(fields=["patient"], name="own_entry_patient")]


class Restriction(models.TextChoices):
    """Why a chart is not open to everybody whose work would open it."""

    VIP = "vip", "Somebody in the public eye"
    EMPLOYEE = "employee", "Works here"
    FAMILY = "family", "Family of a colleague"
    PERSON = "person", "Closed to one person"
    LEGAL = "legal", "Closed by law or court order"


NEEDS_REASON = (Restriction.VIP, Restriction.EMPLOYEE, Restriction.FAMILY)
NAMES_SOMEBODY = (Restriction.FAMILY, Restriction.PERSON)


class ChartRestriction(Spell):
    """A chart that asks for a stated need, or stays closed, until somebody lifts it."""

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="restrictions")
    kind = models.CharField(max_length=10, choices=Restriction)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )  # whom it concerns; None: everybody
    why = models.CharField(max_length=300)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        permissions = [
            ("restrict_chart", "Can restrict a chart and lift the restriction"),
            ("open_restricted_charts", "Can open restricted charts without stating a need"),
            ("open_closed_charts", "Can open charts closed by law or court order"),
        ]
        constraints = [
            _ends_after_it_begins("restriction"),
            models.CheckConstraint(name="restriction_says_why", condition=~Q(why="")),
            models.CheckConstraint(
                name="restriction_names_whom_it_concerns",
                condition=Q(kind__in=NAMES_SOMEBODY, user__isnull=False)
                | (~Q(kind__in=NAMES_SOMEBODY) & Q(user=None)),
            ),
        ]
        indexes = [models.Index(fields=["patient", "kind"], name="restriction_patient")]


class StatedNeed(Spell):
    """Somebody said why she needs a restricted chart; it is open to her for a limited time."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="need_is_said", condition=~Q(reason="")),
            models.CheckConstraint(name="need_has_an_end", condition=Q(until__gt=F("since"))),
        ]
        indexes = [models.Index(fields=["user", "patient"], name="need_user_patient")]
