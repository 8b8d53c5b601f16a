"""Changes of what somebody may do, each kept: what was, what is, who asked and who agreed."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models.people import HospitalRole, User
from common.models import BaseModel
from common.two_persons import two_persons


class ChangeStatus(models.TextChoices):
    """Where a change stands."""

    PROPOSED = "proposed", "Waits for a second person"
    APPLIED = "applied", "In force"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"


MOVES = {
    ChangeStatus.PROPOSED.value: {
        ChangeStatus.APPLIED.value,
        ChangeStatus.DECLINED.value,
        ChangeStatus.WITHDRAWN.value,
    }
}


class RoleChangeQuerySet(models.QuerySet["RoleChange"]):
    """Reusable filters."""

    def waiting(self) -> "RoleChangeQuerySet":
        """Those that a second person has still to decide."""
        return self.filter(status=ChangeStatus.PROPOSED)


class RoleChange(BaseModel):
    """A change of one person's roles (`subject`), or of the rights of one of the hospital's roles (`role`).

    `before` and `after` are names of roles, or of rights. `adds` are the sensitive rights that it brings: when there
    are any, somebody else decides, unless the house has nobody else who could (`is_alone`). A trigger refuses any
    change of a row once it is decided, and a decision about a role by somebody who holds it.
    """

    subject = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="role_changes")
    role = models.ForeignKey(HospitalRole, null=True, on_delete=models.PROTECT, related_name="changes")
    before = ArrayField(models.CharField(max_length=150), default=list)
    after = ArrayField(models.CharField(max_length=150), default=list)
    adds = ArrayField(models.CharField(max_length=150), default=list)
    reason = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=12, choices=ChangeStatus, default=ChangeStatus.PROPOSED)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=300, blank=True)
    is_alone = models.BooleanField(default=False)

    objects = RoleChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            two_persons(
                "role_change_takes_two", asked="proposed_by", decided="decided_by", subject="subject"
            ),
            models.CheckConstraint(
                name="role_change_is_about_a_person_or_a_role",
                condition=Q(subject=None, role__isnull=False) | Q(subject__isnull=False, role=None),
            ),
            models.CheckConstraint(
                name="role_change_is_decided_exactly_when_it_has_a_time",
                condition=Q(status="proposed", decided_at=None, decided_by=None)
                | (~Q(status="proposed") & Q(decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="role_change_with_a_sensitive_right_is_agreed",
                condition=~Q(status="applied") | Q(adds=[]) | Q(decided_by__isnull=False) | Q(is_alone=True),
            ),
            models.UniqueConstraint(
                fields=["subject"], name="one_role_change_waits_per_person", condition=Q(status="proposed")
            ),
            models.UniqueConstraint(
                fields=["role"], name="one_role_change_waits_per_role", condition=Q(status="proposed")
            ),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="role_change_newest_first")]

    def __str__(self) -> str:
        return f"Role change {self.pk}"

    @property
    def is_waiting(self) -> bool:
        """Whether a second person has still to decide."""
        return self.status == ChangeStatus.PROPOSED
