"""Which sensitivity label opens to whom: data that compliance keeps, with a strict default; and stated needs."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from common.models import BaseModel
from patients.ties import Spell


class Label(models.TextChoices):
    """Sensitivity labels (HL7 v3 ActCode, in this house's words)."""

    PART2 = "part2", "Substance use (42 CFR Part 2)"
    PSYCHOTHERAPY = "psychotherapy", "Psychotherapy notes"
    HIV = "hiv", "HIV"
    BEHAVIORAL = "behavioral", "Behavioral health"
    REPRODUCTIVE = "reproductive", "Reproductive health"
    GENETIC = "genetic", "Genetic"
    VIP = "vip", "VIP"
    EMPLOYEE = "employee", "Employee health"
    LEGAL = "legal", "Legal"
    MINOR_CONFIDENTIAL = "minor_confidential", "Minor's confidential care"


class LabelVerdict(models.TextChoices):
    """What a role may do with documents that carry a label."""

    ALLOWED = "allowed", "Sees them"
    REASON = "reason", "Says why, then sees them"
    DENIED = "denied", "Does not see them"


class LabelRule(BaseModel):
    """One role and one label. No row means that the role does not see documents with this label.

    Of several roles the best verdict counts, but `denied` beats every other. Psychotherapy notes have no row: only
    who wrote them sees them (45 CFR 164.508(a)(2)).
    """

    label = models.CharField(max_length=20, choices=Label)
    role = models.ForeignKey("auth.Group", on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=10, choices=LabelVerdict)

    class Meta:
        default_permissions = ()
        permissions = [("change_label_rules", "Can say which role sees which sensitivity label")]
        constraints = [
            models.UniqueConstraint(fields=["label", "role"], name="label_rule_once_per_role"),
            models.CheckConstraint(
                name="label_rule_is_not_about_psychotherapy", condition=~Q(label="psychotherapy")
            ),
        ]

    def __str__(self) -> str:
        return f"Label rule {self.pk}"


class LabelNeed(Spell):
    """Somebody said why she needs a labelled document; these labels of it are open to her for a limited time."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    document = models.ForeignKey("documents.Document", on_delete=models.PROTECT, related_name="+")
    labels = ArrayField(models.CharField(max_length=20, choices=Label))
    reason = models.CharField(max_length=300)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="label_need_is_said", condition=~Q(reason="")),
            models.CheckConstraint(name="label_need_has_an_end", condition=Q(until__gt=F("since"))),
        ]
        indexes = [models.Index(fields=["user", "document"], name="label_need_user_document")]

    def __str__(self) -> str:
        return f"Label need {self.pk}"
