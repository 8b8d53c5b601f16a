"""The plainest valid rows of invented people.

Rows are made inside the test's transaction; each factory also writes an event, since the database refuses a
change without one. Events made here are named `patient.registered` and the like: tests ask for those
of their verb only.
"""

from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import factory
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from audit.services import record
from patients import mrn, names
from patients.models import (
    HOUSE,
    Encounter,
    EncounterKind,
    Facility,
    Identifier,
    Location,
    Patient,
    PatientName,
    Sex,
)

PASSWORD = "correct horse battery"


@cache
def _password_hash() -> str:
    """One slow hash for all made-up users."""
    return make_password(PASSWORD)


class UserFactory(factory.django.DjangoModelFactory):
    """A person; `roles=[Role.…]` says what she does."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"person{number}")
    name = factory.Sequence(lambda number: f"Person {number}")

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        roles = kwargs.pop("roles", ())
        with transaction.atomic():
            user = model_class(*args, **kwargs)
            user.password = _password_hash()
            user.save()
            user.groups.set(Group.objects.filter(name__in=roles))
            record("user.created", by=user, about=user)
        return User.objects.with_roles().get(pk=user.pk)


def make_user(role: Role, **fields: Any) -> User:
    """A user with one role."""
    return UserFactory.create(roles=[role], **fields)


class FacilityFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Facility
        django_get_or_create = ("name",)

    name = "Test Hospital"


class LocationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Location
        django_get_or_create = ("facility", "name")

    facility = factory.SubFactory(FacilityFactory)
    name = "4 West"


class PatientFactory(factory.django.DjangoModelFactory):
    """A living adult with one official name and an MRN."""

    class Meta:
        model = Patient

    family = "Testperson"
    given = factory.Sequence(lambda number: f"Ada{number}")
    birth_date = date(1980, 2, 29)
    sex = Sex.FEMALE
    mrn = factory.Sequence(lambda number: mrn.make(9_000_000 + number))

    @classmethod
    def _create(cls, model_class: type[Patient], *args: Any, **kwargs: Any) -> Patient:
        with transaction.atomic():
            patient = model_class(*args, **kwargs)
            patient.family_key = names.key(patient.family)
            patient.given_key = names.key(f"{patient.given} {patient.middle}")
            patient.save()
            PatientName.objects.create(
                patient=patient,
                family=patient.family,
                given=patient.given,
                family_key=patient.family_key,
                given_key=patient.given_key,
            )
            Identifier.objects.create(patient=patient, system=HOUSE, value=patient.mrn)
            record("patient.registered", by=None, actor="factory", patient=patient.pk, about=patient)
        return patient


class EncounterFactory(factory.django.DjangoModelFactory):
    """An open inpatient stay; give `attending`."""

    class Meta:
        model = Encounter

    patient = factory.SubFactory(PatientFactory)
    number = factory.Sequence(lambda number: f"T-{number}")
    kind = EncounterKind.INPATIENT
    location = factory.SubFactory(LocationFactory)
    attending = factory.LazyFunction(lambda: make_user(Role.CLINICIAN))
    started_at = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)

    @classmethod
    def _create(cls, model_class: type[Encounter], *args: Any, **kwargs: Any) -> Encounter:
        with transaction.atomic():
            encounter: Encounter = super()._create(model_class, *args, **kwargs)
            record(
                "encounter.opened", by=None, actor="factory", patient=encounter.patient_id, about=encounter
            )
        return encounter
