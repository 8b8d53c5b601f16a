"""Shapes of the API's patients and encounters. They check form; rules are the services'."""

from datetime import date
from typing import Any
from uuid import UUID

from rest_framework import serializers

from patients.models import Encounter, EncounterKind, NameUse, Patient, PatientStatus, Sex, TelecomSystem
from patients.services.parts import ADDRESS_FIELDS, NAME_FIELDS, OTHER_NAME_FIELDS

Shape = serializers.Serializer[Any]
NEW_LOCATION = "`true` adds the location when nobody knows it yet; for supervisors."


class SearchQuery(Shape):
    """GET /patients/"""

    q = serializers.CharField(required=False, max_length=200, help_text="MRN, name, birth date or telephone.")
    birth_date = serializers.DateField(required=False)
    identifier = serializers.CharField(required=False, max_length=60, help_text="A whole number of any kind.")
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=200)


class IdentifierIn(Shape):
    """A number and the authority that gave it."""

    system = serializers.CharField(max_length=120)
    value = serializers.CharField(max_length=60)


class IdentifierChange(IdentifierIn):
    """The same, with whether it is still valid."""

    is_current = serializers.BooleanField(default=True)


class TelecomIn(Shape):
    """A telephone number or e-mail address."""

    system = serializers.ChoiceField(choices=TelecomSystem.choices)
    value = serializers.CharField(max_length=120)


class AddressIn(Shape):
    """Where the person lives."""

    line = serializers.CharField(max_length=160, required=False, allow_blank=True)
    city = serializers.CharField(max_length=80, required=False, allow_blank=True)
    state = serializers.CharField(max_length=40, required=False, allow_blank=True)
    postal_code = serializers.CharField(max_length=20, required=False, allow_blank=True)
    country = serializers.CharField(max_length=60, required=False, allow_blank=True)


class AliasIn(Shape):
    """A further name."""

    family = serializers.CharField(max_length=80)
    given = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")


class OtherNameIn(AliasIn):
    """A name beside the official one, with its kind and days."""

    use = serializers.ChoiceField(
        choices=[choice for choice in NameUse.choices if choice[0] != NameUse.OFFICIAL], default=NameUse.ALIAS
    )
    middle = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    suffix = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")
    from_on = serializers.DateField(required=False, allow_null=True, default=None)
    until_on = serializers.DateField(required=False, allow_null=True, default=None)


class NameOut(OtherNameIn):
    """A name of a person, the official one among them."""

    use = serializers.ChoiceField(choices=NameUse.choices)


class RegisterIn(Shape):
    """POST /patients/"""

    family = serializers.CharField(max_length=80)
    given = serializers.CharField(max_length=80)
    middle = serializers.CharField(max_length=80, required=False, allow_blank=True)
    suffix = serializers.CharField(max_length=20, required=False, allow_blank=True)
    birth_date = serializers.DateField()
    sex = serializers.ChoiceField(choices=Sex.choices)
    identifiers = IdentifierIn(many=True, required=False)
    telecoms = TelecomIn(many=True, required=False)
    addresses = AddressIn(many=True, required=False)
    aliases = AliasIn(many=True, required=False)
    override_duplicates = serializers.CharField(max_length=300, required=False, allow_blank=True)


class ChangeIn(Shape):
    """PATCH /patients/{id}/: any of these; lists replace, except identifiers and aliases, which are added to."""

    family = serializers.CharField(max_length=80, required=False)
    given = serializers.CharField(max_length=80, required=False)
    middle = serializers.CharField(max_length=80, required=False, allow_blank=True)
    suffix = serializers.CharField(max_length=20, required=False, allow_blank=True)
    birth_date = serializers.DateField(required=False)
    sex = serializers.ChoiceField(choices=Sex.choices, required=False)
    deceased_on = serializers.DateField(required=False, allow_null=True)
    status = serializers.ChoiceField(choices=PatientStatus.choices, required=False)
    names = OtherNameIn(many=True, required=False)
    aliases = AliasIn(many=True, required=False)
    identifiers = IdentifierChange(many=True, required=False)
    telecoms = TelecomIn(many=True, required=False)
    addresses = AddressIn(many=True, required=False)
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="As last read; 409 `stale` when somebody was faster."
    )


class PatientHit(Shape):
    """One row of a search."""

    id = serializers.UUIDField()
    mrn = serializers.CharField()
    name = serializers.CharField()
    birth_date = serializers.DateField(allow_null=True)
    sex = serializers.ChoiceField(choices=Sex.choices)
    status = serializers.ChoiceField(choices=PatientStatus.choices)
    merged_into = serializers.UUIDField(allow_null=True)
    score = serializers.FloatField()
    matched_on = serializers.ListField(child=serializers.CharField())


class PatientHits(Shape):
    """GET /patients/: best first, at most 50, so there is never a next page."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = PatientHit(many=True)


class IdentityOut(Shape):
    """A whole identity."""

    id = serializers.UUIDField()
    mrn = serializers.CharField()
    name = serializers.CharField()
    family = serializers.CharField()
    given = serializers.CharField()
    middle = serializers.CharField()
    suffix = serializers.CharField()
    birth_date = serializers.DateField(allow_null=True)
    sex = serializers.ChoiceField(choices=Sex.choices)
    deceased_on = serializers.DateField(allow_null=True)
    status = serializers.ChoiceField(choices=PatientStatus.choices)
    merged_into = serializers.UUIDField(allow_null=True)
    merged_from = serializers.ListField(child=serializers.UUIDField())
    names = NameOut(many=True)
    identifiers = IdentifierChange(many=True)
    telecoms = TelecomIn(many=True)
    addresses = AddressIn(many=True)
    version = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class DuplicateOut(Shape):
    """Somebody in the index who may be the same person."""

    id = serializers.UUIDField()
    mrn = serializers.CharField()
    score = serializers.FloatField()
    grade = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())


class DuplicatesProblem(Shape):
    """The 409 of POST /patients/."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    possible_duplicates = DuplicateOut(many=True)


class FieldChangeOut(Shape):
    """One field that an event of the history changed."""

    object = serializers.CharField(source="thing")
    operation = serializers.CharField()
    field = serializers.CharField(source="label")
    before = serializers.CharField()
    after = serializers.CharField()


class HistoryOut(Shape):
    """One change of an identity."""

    id = serializers.CharField()
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    event = serializers.CharField()
    action = serializers.CharField()
    changes = FieldChangeOut(many=True)


class EncountersQuery(Shape):
    """GET /encounters/"""

    patient = serializers.UUIDField()


class EncounterIn(Shape):
    """POST /encounters/"""

    patient = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=EncounterKind.choices)
    location = serializers.CharField(
        max_length=80, help_text="The ward or clinic by name, whatever the case; 422 when nobody knows it."
    )
    facility = serializers.CharField(max_length=120, required=False, allow_blank=True)
    new_location = serializers.BooleanField(required=False, help_text=NEW_LOCATION)
    attending = serializers.CharField(max_length=150, help_text="A user name.")
    start = serializers.DateTimeField(source="started_at")
    end = serializers.DateTimeField(source="ended_at", required=False, allow_null=True)
    number = serializers.CharField(max_length=30, required=False, allow_blank=True)


class EncounterChange(Shape):
    """PATCH /encounters/{id}/: any of these."""

    kind = serializers.ChoiceField(choices=EncounterKind.choices, required=False)
    location = serializers.CharField(max_length=80, required=False)
    facility = serializers.CharField(max_length=120, required=False, allow_blank=True)
    new_location = serializers.BooleanField(required=False, help_text=NEW_LOCATION)
    attending = serializers.CharField(max_length=150, required=False)
    start = serializers.DateTimeField(source="started_at", required=False)
    end = serializers.DateTimeField(source="ended_at", required=False, allow_null=True)
    version = serializers.IntegerField(required=False, min_value=1)


class EncounterOut(serializers.ModelSerializer[Encounter]):
    """One visit or stay."""

    patient = serializers.UUIDField(source="patient_id", read_only=True)
    location = serializers.CharField(source="location.name", read_only=True)
    facility = serializers.CharField(source="location.facility.name", read_only=True)
    attending = serializers.CharField(source="attending.username", read_only=True)
    start = serializers.DateTimeField(source="started_at", read_only=True)
    end = serializers.DateTimeField(source="ended_at", read_only=True, allow_null=True)

    class Meta:
        model = Encounter
        fields = [
            "id",
            "patient",
            "number",
            "kind",
            "location",
            "facility",
            "attending",
            "start",
            "end",
            "version",
        ]
        read_only_fields = fields


def hit_out(patient: Patient, score: float, matched_on: list[str]) -> dict[str, Any]:
    """A row of a search."""
    return {
        "id": patient.pk,
        "mrn": patient.mrn,
        "name": patient.display_name,
        "birth_date": patient.birth_date,
        "sex": patient.sex,
        "status": patient.status,
        "merged_into": patient.merged_into_id,
        "score": round(score, 2),
        "matched_on": matched_on,
    }


def identity_out(patient: Patient, merged_from: list[UUID]) -> dict[str, Any]:
    """The whole identity. Four queries."""

    def rows(items: Any, fields: tuple[str, ...]) -> list[dict[str, Any]]:
        return [{field: getattr(item, field) for field in fields} for item in items]

    facts: dict[str, Any] = {field: getattr(patient, field) for field in ("mrn", "sex", "status", "version")}
    facts |= {field: getattr(patient, field) for field in NAME_FIELDS}
    days: dict[str, date | None] = {"birth_date": patient.birth_date, "deceased_on": patient.deceased_on}
    return {
        "id": patient.pk,
        "name": patient.display_name,
        **facts,
        **days,
        "merged_into": patient.merged_into_id,
        "merged_from": merged_from,
        "names": rows(patient.names.order_by("use", "pk"), OTHER_NAME_FIELDS),
        "identifiers": rows(
            patient.identifiers.order_by("system", "value"), ("system", "value", "is_current")
        ),
        "telecoms": rows(patient.telecoms.order_by("system", "value"), ("system", "value")),
        "addresses": rows(patient.addresses.filter(until_on=None).order_by("pk"), ADDRESS_FIELDS),
        "created_at": patient.created_at,
        "updated_at": patient.updated_at,
    }


class NeedIn(serializers.Serializer[Any]):
    """Why somebody needs what is restricted."""

    reason = serializers.CharField(max_length=300, help_text="What you are doing for this patient.")


class NeedOut(serializers.Serializer[Any]):
    """Until when it is open."""

    expires_at = serializers.DateTimeField(help_text="From then on it asks for a reason again.")
