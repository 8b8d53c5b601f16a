"""Cases of the compliance office: from a complaint, a broken glass or an alert to an outcome that is on record.

Nobody works on a case about herself: verbs say so, the tables hold it. What a case was decided on is frozen with its
proof, so that it can be checked when the log's month lies elsewhere. Rows are kept for good (45 CFR 164.530(j)).
"""

from datetime import date
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from audit.proof import bundle, offline_verifier
from audit.review import clocks
from common.models import BaseModel

if TYPE_CHECKING:
    from accounts.models import User

SAYS_SOMETHING = r"\S"


class CaseKind(models.TextChoices):
    """What brought the case."""

    COMPLAINT = "complaint", "Complaint"
    GLASS = "glass", "Broken glass"
    ALERT = "alert", "Alert"


class CaseStatus(models.TextChoices):
    """Where the case stands."""

    OPEN = "open", "Open"
    DECIDED = "decided", "Decided, duties left"
    CLOSED = "closed", "Closed"


MOVES: dict[str, set[str]] = {
    CaseStatus.OPEN: {CaseStatus.DECIDED, CaseStatus.CLOSED},
    CaseStatus.DECIDED: {CaseStatus.CLOSED},
}


class Source(models.TextChoices):
    """Who brought a complaint."""

    PATIENT = "patient", "The patient"
    FAMILY = "family", "Family or representative of the patient"
    COLLEAGUE = "colleague", "A colleague"
    OUTSIDE = "outside", "Somebody outside the hospital"
    ANONYMOUS = "anonymous", "Somebody who gave no name"
    OFFICE = "office", "The compliance office itself"


class Finding(models.TextChoices):
    """What the case came to (MON-4; an empty one: not decided yet)."""

    APPROPRIATE = "appropriate", "Appropriate"
    VIOLATION = "violation", "Policy violation, no breach"
    BREACH = "breach", "Breach"


class Ground(models.TextChoices):
    """Why it is a breach, or is none although somebody broke a rule (45 CFR 164.402)."""

    PRESUMED = "presumed", "Breach: presumed, nothing shows a low probability"
    LOW = "low", "Low probability of compromise, shown by the four factors"
    UNINTENTIONAL = "unintentional", "Excluded: unintentional, in good faith, within scope, used no further"
    INADVERTENT = "inadvertent", "Excluded: inadvertent between authorised people of this house"
    NOT_RETAINED = "not_retained", "Excluded: whoever received it could not have kept it"
    NO_PHI = "no_phi", "No patient information was involved"


EXCUSING = (Ground.LOW, Ground.UNINTENTIONAL, Ground.INADVERTENT, Ground.NOT_RETAINED, Ground.NO_PHI)
FACTORS = ("factor_information", "factor_person", "factor_viewed", "factor_mitigated")


class Sanction(models.TextChoices):
    """What followed for the person (45 CFR 164.530(e))."""

    NONE = "none", "No sanction"
    TRAINED = "trained", "Counselled or trained"
    WARNED = "warned", "Written warning"
    RESTRICTED = "restricted", "Access restricted"
    SUSPENDED = "suspended", "Suspended"
    ENDED = "ended", "Employment or contract ended"


class CaseQuerySet(models.QuerySet["Case"]):
    """Reusable filters."""

    def unfinished(self) -> "CaseQuerySet":
        """Open, or decided with duties left."""
        return self.exclude(status=CaseStatus.CLOSED)

    def with_clock(self) -> "CaseQuerySet":
        """Those that may still have to be told: not decided, or a breach whose notices are not all given."""
        return self.filter(Q(status=CaseStatus.OPEN) | Q(status=CaseStatus.DECIDED, outcome=Finding.BREACH))

    def not_about(self, user: "User") -> "CaseQuerySet":
        """Without those about this person, or in which she was the second of an emergency."""
        return self.exclude(subject=user).exclude(glass_review__second=user)


class Case(BaseModel):
    """One suspicion, from the day somebody could have known of it to the day nothing is left to do."""

    number = models.CharField(max_length=20, unique=True, editable=False)
    kind = models.CharField(max_length=12, choices=CaseKind)
    status = models.CharField(max_length=10, choices=CaseStatus, default=CaseStatus.OPEN)
    source = models.CharField(max_length=12, choices=Source)
    summary = models.TextField(max_length=4000)
    subject = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    discovered_on = models.DateField()
    glass_review = models.OneToOneField(
        "review.GlassReview", null=True, on_delete=models.PROTECT, related_name="opened_case"
    )
    outcome = models.CharField(max_length=12, choices=Finding, blank=True)
    conclusion = models.TextField(max_length=4000, blank=True)
    ground = models.CharField(max_length=16, choices=Ground, blank=True)
    ground_why = models.TextField(max_length=2000, blank=True)
    factor_information = models.TextField(max_length=2000, blank=True)
    factor_person = models.TextField(max_length=2000, blank=True)
    factor_viewed = models.TextField(max_length=2000, blank=True)
    factor_mitigated = models.TextField(max_length=2000, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    sanction = models.CharField(max_length=12, choices=Sanction, blank=True)
    sanction_note = models.TextField(max_length=2000, blank=True)
    sanction_on = models.DateField(null=True)
    closed_at = models.DateTimeField(null=True)
    clock_told = models.SmallIntegerField(null=True)  # the last mark of clocks.WARN_AT that was told

    objects = CaseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = [("work_cases", "Can open, read and decide cases")]
        constraints = [
            models.CheckConstraint(
                name="case_is_not_of_ones_own",
                condition=Q(subject=None)
                | (
                    (Q(assigned_to=None) | ~Q(assigned_to=F("subject")))
                    & (Q(decided_by=None) | ~Q(decided_by=F("subject")))
                ),
            ),
            models.CheckConstraint(
                name="case_says_what_it_is_about", condition=Q(summary__regex=SAYS_SOMETHING)
            ),
            models.CheckConstraint(
                name="case_is_decided_by_somebody_at_some_time",
                condition=Q(status="open", outcome="", decided_by=None, decided_at=None)
                | (
                    Q(status__in=["decided", "closed"], decided_by__isnull=False, decided_at__isnull=False)
                    & Q(outcome__in=Finding.values, conclusion__regex=SAYS_SOMETHING)
                ),
            ),
            models.CheckConstraint(
                name="case_is_closed_exactly_when_it_has_a_time",
                condition=Q(status="closed", closed_at__isnull=False)
                | (~Q(status="closed") & Q(closed_at=None)),
            ),
            models.CheckConstraint(
                name="case_outcome_has_its_ground",
                condition=Q(outcome__in=["", "appropriate"], ground="")
                | Q(outcome="breach", ground="presumed")
                | Q(outcome="violation", ground__in=EXCUSING),
            ),
            models.CheckConstraint(
                name="case_low_probability_needs_all_four_factors",
                condition=~Q(ground="low") | Q(**{f"{name}__regex": SAYS_SOMETHING for name in FACTORS}),
            ),
            models.CheckConstraint(
                name="case_exclusion_says_why",
                condition=Q(ground__in=["", "presumed", "low"]) | Q(ground_why__regex=SAYS_SOMETHING),
            ),
            models.CheckConstraint(
                name="case_sanction_is_whole",
                condition=Q(sanction="", sanction_note="", sanction_on=None)
                | (~Q(sanction="") & Q(sanction_note__regex=SAYS_SOMETHING, sanction_on__isnull=False)),
            ),
            models.CheckConstraint(
                name="case_with_a_sanction_is_decided",
                condition=Q(sanction="") | Q(outcome__in=["violation", "breach"]),
            ),
            models.CheckConstraint(
                name="case_of_somebody_at_fault_closes_with_a_sanction",
                condition=~Q(status="closed", outcome__in=["violation", "breach"]) | ~Q(sanction=""),
            ),
            models.CheckConstraint(
                name="case_of_glass_has_its_review",
                condition=Q(kind="glass", glass_review__isnull=False)
                | (~Q(kind="glass") & Q(glass_review=None)),
            ),
        ]
        indexes = [
            models.Index(
                fields=["discovered_on", "id"], name="case_unfinished", condition=~Q(status="closed")
            ),
            models.Index(fields=["-closed_at", "-id"], name="case_closed", condition=Q(status="closed")),
        ]

    def __str__(self) -> str:
        return f"Case {self.number}"

    def get_absolute_url(self) -> str:
        """The case."""
        return reverse("review:case", args=[self.pk])

    @property
    def is_decided(self) -> bool:
        """Whether it has an outcome."""
        return bool(self.outcome)

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left to do."""
        return self.status == CaseStatus.CLOSED

    @property
    def age_days(self) -> int:
        """Days from its opening to its closing, or to today."""
        end = timezone.localdate(self.closed_at) if self.closed_at else timezone.localdate()
        return (end - timezone.localdate(self.created_at)).days

    @property
    def told_by_breach(self) -> "BreachNotice | None":
        """The notices of a breach; None of any other case."""
        return getattr(self, "notice", None) if self.outcome == Finding.BREACH else None

    @property
    def next_due_on(self) -> date | None:
        """The next last day of the breach clock; None when none runs.

        It runs before a decision too: a breach is presumed until something shows otherwise (BR-01).
        """
        if self.outcome == "":
            return clocks.individuals_due(self.discovered_on)
        notice = self.told_by_breach
        return notice.next_due_on if notice and not self.is_closed else None

    @property
    def days_left(self) -> int | None:
        """Days until the next last day; negative when it is over; None when no clock runs."""
        due = self.next_due_on
        return (due - timezone.localdate()).days if due else None


class CasePatient(BaseModel):
    """Somebody whose record the case is about."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="links")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["case", "patient"], name="case_names_a_patient_once")]

    def __str__(self) -> str:
        return f"Patient of case {self.case_id}"


class CaseAlert(BaseModel):
    """An alert of the watch that is part of a case."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="alert_links")
    alert = models.OneToOneField("review.Alert", on_delete=models.PROTECT, related_name="case_link")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Alert of case {self.case_id}"


class CaseEvidence(models.Model):
    """An event of the log, frozen: the sealed text, its proof, and the signed epoch. Never changed."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="evidence")
    event_id = models.BigIntegerField()
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True)
    patient_id = models.UUIDField(null=True)
    canonical = models.TextField()
    proof = models.JSONField()
    epoch_n = models.BigIntegerField()
    epoch_message = models.TextField()
    epoch_signature = models.TextField()
    public_key = models.TextField()
    frozen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    frozen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["case", "event_id"], name="case_has_an_event_once")]

    def __str__(self) -> str:
        return f"Event {self.event_id} of case {self.case_id}"

    @property
    def proven(self) -> bundle.Proven:
        """As a bundle packs it."""
        epoch = {
            "n": self.epoch_n,
            "message": self.epoch_message,
            "signature": self.epoch_signature,
            "public_key": self.public_key,
        }
        return bundle.Proven(self.event_id, self.canonical, self.proof, epoch)

    @property
    def fields(self) -> dict[str, Any]:
        """The sealed text taken apart."""
        return offline_verifier.split(self.canonical) or {}


class NoteKind(models.TextChoices):
    """What a note is."""

    NOTE = "note", "Note"
    INTERVIEW = "interview", "Interview"
    CHANGE = "change", "Change of the case"


class CaseNote(models.Model):
    """What somebody wrote down. Never changed: what was wrong is said in another note."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes")
    kind = models.CharField(max_length=10, choices=NoteKind)
    with_whom = models.CharField(max_length=200, blank=True)
    text = models.TextField(max_length=8000)
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="note_says_something", condition=Q(text__regex=SAYS_SOMETHING)),
            models.CheckConstraint(
                name="interview_says_with_whom",
                condition=~Q(kind="interview") | Q(with_whom__regex=SAYS_SOMETHING),
            ),
        ]

    def __str__(self) -> str:
        return f"Note {self.pk} of case {self.case_id}"


class Delay(models.TextChoices):
    """How law enforcement asked to wait (45 CFR 164.412)."""

    WRITTEN = "written", "In writing, with the time"
    ORAL = "oral", "By word of mouth: 30 days at most"


class BreachNotice(BaseModel):
    """Who has to be told of a breach, by when, and who was."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="notice")
    affected = models.PositiveIntegerField(default=1)
    in_one_state = models.PositiveIntegerField(default=1)
    delay = models.CharField(max_length=8, choices=Delay, blank=True)
    delay_asked_on = models.DateField(null=True)
    delay_until = models.DateField(null=True)
    delay_asked_by = models.CharField(max_length=200, blank=True)
    individuals_told_on = models.DateField(null=True)
    media_told_on = models.DateField(null=True)
    hhs_told_on = models.DateField(null=True)
    how_told = models.TextField(max_length=2000, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="breach_is_of_somebody", condition=Q(affected__gte=1, in_one_state__lte=F("affected"))
            ),
            models.CheckConstraint(
                name="breach_delay_is_whole",
                condition=Q(delay="", delay_asked_on=None, delay_until=None, delay_asked_by="")
                | (
                    Q(delay="written", delay_asked_on__isnull=False, delay_until__isnull=False)
                    & Q(delay_until__gte=F("delay_asked_on"), delay_asked_by__regex=SAYS_SOMETHING)
                )
                | Q(delay="oral", delay_asked_on__isnull=False, delay_asked_by__regex=SAYS_SOMETHING),
            ),
            models.CheckConstraint(
                name="breach_told_says_how",
                condition=Q(individuals_told_on=None, media_told_on=None, hhs_told_on=None)
                | Q(how_told__regex=SAYS_SOMETHING),
            ),
        ]

    def __str__(self) -> str:
        return f"Notices of case {self.case_id}"

    @property
    def delayed_until(self) -> date | None:
        """Until when law enforcement has the notices wait; None without such a word."""
        if not self.delay or self.delay_asked_on is None:
            return None
        return clocks.delay_ends(
            is_written=self.delay == Delay.WRITTEN, asked_on=self.delay_asked_on, until=self.delay_until
        )

    @property
    def individuals_due_on(self) -> date:
        """The last day to tell the people concerned."""
        return clocks.individuals_due(self.case.discovered_on, self.delayed_until)

    @property
    def media_due_on(self) -> date | None:
        """The last day to tell the media; None when they need not be told."""
        return clocks.media_due(self.case.discovered_on, self.in_one_state, self.delayed_until)

    @property
    def hhs_due_on(self) -> date:
        """The last day to tell HHS."""
        return clocks.hhs_due(self.case.discovered_on, self.affected, self.delayed_until)

    @property
    def owed(self) -> list[tuple[str, date]]:
        """Who still has to be told, and by when; the earliest first."""
        left = []
        if self.individuals_told_on is None:
            left.append(("the people concerned", self.individuals_due_on))
        media = self.media_due_on
        if media and self.media_told_on is None:
            left.append(("the media", media))
        if self.hhs_told_on is None:
            left.append(("HHS", self.hhs_due_on))
        return sorted(left, key=lambda one: one[1])

    @property
    def next_due_on(self) -> date | None:
        """The earliest last day of what is still owed."""
        owed = self.owed
        return owed[0][1] if owed else None
