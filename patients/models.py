"""The person index: who our patients are, by which numbers and names they are known, and their encounters."""

from datetime import date

from django.conf import settings
from django.db import connection, models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Reverse, Upper
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from common import prepared
from common.models import BaseModel
from patients import mrn as mrns
from patients.glass import GlassBreak, GlassReason
from patients.ties import (
    CareTeamMember,
    ChartRestriction,
    Consult,
    OwnEntry,
    PatientGrant,
    Restriction,
    StatedNeed,
    Workplace,
)

__all__ = [
    "EXTERNAL",
    "FORMER_MRN",
    "HOUSE",
    "NAMESAKES",
    "SSN",
    "SYSTEM_LABELS",
    "Address",
    "CareTeamMember",
    "ChartRestriction",
    "Consult",
    "Encounter",
    "EncounterKind",
    "EncounterQuerySet",
    "Facility",
    "GlassBreak",
    "GlassReason",
    "Identifier",
    "Location",
    "NameUse",
    "OwnEntry",
    "Patient",
    "PatientGrant",
    "PatientName",
    "PatientStatus",
    "Restriction",
    "Sex",
    "StatedNeed",
    "Telecom",
    "TelecomSystem",
    "Workplace",
]

HOUSE = "chartroom:mrn"  # the authority that issues our own MRNs
SSN = "us:ssn"
EXTERNAL = "external"  # the id in the file that an import read
FORMER_MRN = "external:mrn"
SYSTEM_LABELS = {
    HOUSE: "MRN",
    SSN: "Social security number",
    EXTERNAL: "Number in the former system",
    FORMER_MRN: "MRN in the former system",
}


class Sex(models.TextChoices):
    """Administrative sex (HL7 v3 AdministrativeGender and FHIR)."""

    FEMALE = "female", "Female"
    MALE = "male", "Male"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Unknown"


class PatientStatus(models.TextChoices):
    """What the row in the index stands for."""

    ACTIVE = "active", "Active"
    INACTIVE = "inactive", "Inactive"
    MERGED = "merged", "Merged"


class Facility(BaseModel):
    """A hospital or clinic that works with this index."""

    name = models.CharField(max_length=120, unique=True)

    class Meta:
        verbose_name_plural = "facilities"

    def __str__(self) -> str:
        return self.name


class Location(BaseModel):
    """A ward, unit or clinic."""

    facility = models.ForeignKey(Facility, on_delete=models.PROTECT)
    name = models.CharField(max_length=80)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["facility", "name"], name="location_name_once_per_facility")
        ]

    def __str__(self) -> str:
        return self.name


class Patient(BaseModel):
    """One person. The names here are those of the official name, kept for finding; all names are PatientName rows."""

    family = models.CharField(max_length=80)
    given = models.CharField(max_length=80, blank=True)  # some people have one name
    middle = models.CharField(max_length=80, blank=True)
    suffix = models.CharField(max_length=20, blank=True)
    family_key = models.CharField(max_length=80, editable=False, db_collation="C")
    given_key = models.CharField(max_length=170, editable=False, db_collation="C")
    mrn = models.CharField(max_length=12, unique=True, editable=False, db_collation="C")
    birth_date = models.DateField(null=True, blank=True)  # None: not known (an old index, an unknown person)
    sex = models.CharField(max_length=10, choices=Sex)
    deceased_on = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=PatientStatus, default=PatientStatus.ACTIVE)
    merged_into = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True)

    class Meta:
        permissions = [
            ("search_patients", "Can search the person index"),
            ("view_chart", "Can open charts"),
            ("open_every_chart", "Can open every chart"),
            ("attend_patients", "Can be the attending of a patient"),
            ("register_patient", "Can register a patient"),
            ("edit_patient", "Can change a patient's identity"),
            ("edit_encounter", "Can open and change encounters"),
        ]
        constraints = [
            models.CheckConstraint(
                name="patient_is_merged_exactly_when_it_has_a_survivor",
                condition=Q(status="merged", merged_into__isnull=False)
                | (~Q(status="merged") & Q(merged_into=None)),
            ),
            models.CheckConstraint(
                name="patient_dies_after_birth",
                condition=Q(deceased_on=None) | Q(deceased_on__gte=F("birth_date")),
            ),
        ]
        # Keys sort by code point (collation C): the same index serves a beginning and the order of a list, to the id.
        indexes = [
            models.Index(fields=["family_key", "given_key", "id"], name="patient_by_family"),
            models.Index(fields=["given_key", "family_key"], name="patient_by_given"),
            models.Index(fields=["birth_date", "family_key"], name="patient_birth_date"),
        ]

    def __str__(self) -> str:
        return f"Patient {self.pk}"  # reaches logs: no names

    def get_absolute_url(self) -> str:
        """The chart."""
        return reverse("patients:chart", args=[self.pk])

    @property
    def display_name(self) -> str:
        """`FAMILY, Given Middle Suffix`."""
        given = " ".join(part for part in [self.given, self.middle, self.suffix] if part)
        return f"{self.family.upper()}, {given}" if given else self.family.upper()

    @property
    def full_name(self) -> str:
        """`Given Middle Family Suffix`, for letters."""
        return " ".join(part for part in [self.given, self.middle, self.family, self.suffix] if part)

    @property
    def mrn_display(self) -> str:
        """The MRN in pairs."""
        return mrns.grouped(self.mrn)

    @property
    def sex_label(self) -> str:
        """The sex in words."""
        return Sex(self.sex).label

    def age_on(self, day: date) -> int | None:
        """Completed years of life on `day`; None when the birth date is not known."""
        if self.birth_date is None:
            return None
        had_birthday = (day.month, day.day) >= (self.birth_date.month, self.birth_date.day)
        return day.year - self.birth_date.year - (not had_birthday)

    @property
    def age_text(self) -> str:
        """`42 y`, months below two years, days below two months; at death for the dead; empty when not known."""
        if self.birth_date is None:
            return ""
        day = self.deceased_on or timezone.localdate()
        days = (day - self.birth_date).days
        if days < 61:
            return f"{days} d"
        months = (day.year - self.birth_date.year) * 12 + day.month - self.birth_date.month
        months -= day.day < self.birth_date.day
        return f"{months} mo" if months < 24 else f"{self.age_on(day)} y"

    @cached_property
    def _around(self) -> tuple[int, list[str]]:
        """What the banner asks, in one short statement: how many are named so, and by what the chart is restricted."""
        first = self.given_key.partition(" ")[0]
        with connection.cursor() as cursor:
            prepared.execute_all(
                cursor,
                f"select {NAMESAKES.format(family='%s', first='%s')}, array({RESTRICTED_BY})",
                [self.family_key, first, first, self.pk],
            )
            named, kinds = cursor.fetchone()
            return int(named), list(kinds)

    @property
    def namesakes(self) -> int:
        """How many people in the index are named so, this one among them. A number only."""
        return self._around[0]

    @property
    def alerts(self) -> list[tuple[str, str]]:
        """What the banner must say: (kind, words)."""
        found = []
        if self.deceased_on:
            found.append(("deceased", f"Deceased {self.deceased_on:%d %b %Y}"))
        if self.status == PatientStatus.MERGED:
            found.append(("merged", "Merged into another chart"))
        if self.status == PatientStatus.INACTIVE:
            found.append(("inactive", "Inactive"))
        if self.namesakes > 1:
            found.append(("same-name", f"{self.namesakes} people named so"))
        found += [
            ("restricted", f"Restricted: {Restriction(kind).label.lower()}") for kind in self._around[1]
        ]
        return found


# How many people in the index, merged entries apart, a hurried eye takes for one: same family name and first given
# name. Keys hold letters, digits and single spaces and sort by code point, so what lies from `ada` up to `ada!` is
# `ada` and `ada …`. In SQL because every chart and search asks it: Django takes longer to write it than PostgreSQL
# to answer.
NAMESAKES = """(
    select count(*) from patients_patient other
    where other.family_key = {family} and other.given_key >= {first} and other.given_key < {first} || '!'
        and other.status <> 'merged'
)"""


# Whom a restriction concerns alone is nobody else's to know.
RESTRICTED_BY = """select distinct r.kind from patients_chartrestriction r
    where r.patient_id = %s and r.user_id is null and r.since <= statement_timestamp()
        and (r.until is null or r.until > statement_timestamp()) order by r.kind"""


class NameUse(models.TextChoices):
    """Why there is a name (FHIR NameUse)."""

    OFFICIAL = "official", "Official"
    MAIDEN = "maiden", "Name before marriage"
    ALIAS = "alias", "Also known as"
    OLD = "old", "Former name"


class PatientName(BaseModel):
    """A name the person has or had. The official one of today is copied to Patient."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="names")
    use = models.CharField(max_length=10, choices=NameUse, default=NameUse.OFFICIAL)
    family = models.CharField(max_length=80)
    given = models.CharField(max_length=80, blank=True)
    middle = models.CharField(max_length=80, blank=True)
    suffix = models.CharField(max_length=20, blank=True)
    family_key = models.CharField(max_length=80, editable=False, db_collation="C")
    given_key = models.CharField(max_length=170, editable=False, db_collation="C")
    from_on = models.DateField(null=True, blank=True)
    until_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient"],
                name="patient_has_one_official_name_now",
                condition=Q(use="official", until_on=None),
            )
        ]
        # Official names are found through Patient; only the others are looked for here.
        indexes = [
            models.Index(
                fields=["family_key", "given_key"],
                name="other_name_by_family",
                condition=Q(use__in=["alias", "maiden", "old"]),
            ),
            models.Index(
                fields=["given_key", "family_key"],
                name="other_name_by_given",
                condition=Q(use__in=["alias", "maiden", "old"]),
            ),
        ]

    def __str__(self) -> str:
        return f"Name {self.pk}"


class Identifier(BaseModel):
    """A number some authority gave the person, unique per authority. A retired one still finds the person."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="identifiers")
    system = models.CharField(max_length=120)
    value = models.CharField(max_length=60)
    value_key = models.GeneratedField(
        expression=Func(Upper("value"), Value("[^A-Z0-9]"), Value(""), Value("g"), function="regexp_replace"),
        output_field=models.CharField(max_length=60, db_collation="C"),
        db_persist=True,
    )  # as it is looked for: letters and digits only
    is_current = models.BooleanField(default=True)

    class Meta:
        constraints = [
            # A social security number may stand in two entries: that is how duplicates are found.
            models.UniqueConstraint(
                fields=["system", "value"],
                name="identifier_once_per_authority",
                condition=~Q(system="us:ssn"),
            )
        ]
        indexes = [
            models.Index(fields=["value_key"], name="identifier_value_key"),
        ]

    def __str__(self) -> str:
        return f"Identifier {self.pk}"

    @property
    def system_label(self) -> str:
        """The authority in words."""
        return SYSTEM_LABELS.get(self.system, self.system)

    @property
    def value_display(self) -> str:
        """The number as people read it; a social security number shows its last four digits only."""
        if self.system == HOUSE:
            return mrns.grouped(self.value)
        return f"ends in {self.value[-4:]}" if self.system == SSN else self.value


class Address(BaseModel):
    """Where the person lives or lived."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="addresses")
    line = models.CharField(max_length=160, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=40, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=60, blank=True)
    from_on = models.DateField(null=True, blank=True)
    until_on = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "addresses"

    def __str__(self) -> str:
        return f"Address {self.pk}"


class TelecomSystem(models.TextChoices):
    """Kinds of contact."""

    PHONE = "phone", "Telephone"
    MOBILE = "mobile", "Mobile"
    EMAIL = "email", "E-mail"
    FAX = "fax", "Fax"


class Telecom(BaseModel):
    """A telephone number or e-mail address."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="telecoms")
    system = models.CharField(max_length=10, choices=TelecomSystem)
    value = models.CharField(max_length=120)
    digits_reversed = models.GeneratedField(
        expression=Reverse(
            Func(F("value"), Value("[^0-9]"), Value(""), Value("g"), function="regexp_replace")
        ),
        output_field=models.CharField(max_length=120, db_collation="C"),
        db_persist=True,
    )  # telephone numbers are looked for by their last digits

    class Meta:
        indexes = [
            models.Index(fields=["digits_reversed"], name="telecom_last_digits"),
        ]

    def __str__(self) -> str:
        return f"Telecom {self.pk}"


class EncounterKind(models.TextChoices):
    """API.md's kinds."""

    INPATIENT = "inpatient", "Inpatient"
    OUTPATIENT = "outpatient", "Outpatient"
    EMERGENCY = "emergency", "Emergency"
    OBSERVATION = "observation", "Observation"


class EncounterQuerySet(models.QuerySet["Encounter"]):
    """Reusable filters."""

    def open(self) -> "EncounterQuerySet":
        """Not yet ended."""
        return self.filter(Q(ended_at=None) | Q(ended_at__gt=timezone.now()))


class Encounter(BaseModel):
    """One visit or stay: opens on admission, closes on discharge."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="encounters")
    number = models.CharField(max_length=30, unique=True)
    kind = models.CharField(max_length=12, choices=EncounterKind)
    location = models.ForeignKey(Location, on_delete=models.PROTECT)
    attending = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = EncounterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="encounter_ends_after_it_starts",
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
            ),
            models.UniqueConstraint(fields=["id", "patient"], name="encounter_id_and_patient"),
        ]
        indexes = [
            models.Index(fields=["patient", "-started_at"], name="encounter_patient_started"),
            models.Index(fields=["attending", "patient"], name="encounter_attending_patient"),
            models.Index(fields=["attending", "ended_at"], name="encounter_attending_end"),
            models.Index(fields=["location", "ended_at"], name="encounter_location_end"),
            models.Index(fields=["location", "started_at"], name="encounter_location_start"),
            models.Index(
                fields=["location", "started_at"],
                include=["patient"],
                condition=Q(ended_at=None),
                name="encounter_open_location",
            ),
        ]

    def __str__(self) -> str:
        return f"Encounter {self.number}"

    @property
    def is_open(self) -> bool:
        """Not yet ended."""
        return self.ended_at is None or self.ended_at > timezone.now()

    @property
    def days(self) -> str:
        """`03 May 2026 to 07 May 2026`, `… to now`, or the one day."""
        first = f"{timezone.localtime(self.started_at):%d %b %Y}"
        if self.ended_at is None:
            return f"{first} to now"
        last = f"{timezone.localtime(self.ended_at):%d %b %Y}"
        return first if first == last else f"{first} to {last}"

    @property
    def title(self) -> str:
        """`Inpatient · 4 West · 03 May 2026`."""
        return f"{self.get_kind_display()} · {self.location} · {timezone.localtime(self.started_at):%d %b %Y}"
