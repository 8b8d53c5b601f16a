"""The rules: what opens a chart, what closes it. Each is declared once; `registry` makes both forms of it.

The first opener that lets somebody in is the one the log tells. Names are in the log for ever: never rename one.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat, Now

from accounts.models import HouseEmergency
from accounts.models.emergencies import OPEN_IN_EMERGENCY
from patients.access.decisions import Verdict
from patients.access.registry import Closer, Opener
from patients.models import (
    CareTeamMember,
    ChartRestriction,
    Consult,
    Encounter,
    GlassBreak,
    GlassReason,
    OwnEntry,
    Patient,
    PatientGrant,
    Restriction,
    StatedNeed,
    Workplace,
)

GLASS, EMERGENCY_GLASS = "broken glass", "broken glass in an emergency"
GLASS_RULES = (GLASS, EMERGENCY_GLASS)
HOUSE_EMERGENCY = "house emergency"

UNDER_WAY = Q(ended_at=None) | Q(ended_at__gt=Now())
AT_LOCATION = Concat(F("location__name"), Value(", encounter "), F("number"))


def _of_open_stay() -> Q:
    return Q(encounter__ended_at=None) | Q(encounter__ended_at__gt=Now())


def _days_ago(days: int) -> Any:
    return Now() - timedelta(days=days)


def _in_the_user_s_facilities(user: UUID) -> QuerySet[Patient]:
    """All charts for whoever has no workplace; else those with a visit to one of hers, and those with no visit yet."""
    workplaces = Workplace.objects.in_force().filter(user=user)
    visits = Encounter.objects.filter(patient=OuterRef("pk"))
    here = visits.filter(location__facility__in=workplaces.values("facility"))
    return Patient.objects.filter(~Exists(workplaces) | Exists(here) | ~Exists(visits))


def _the_user_s_units(user: UUID) -> QuerySet[Any]:
    """The locations at which the user works, named one by one: a whole facility is no unit."""
    return Workplace.objects.in_force().filter(user=user, location__isnull=False).values("location")


def _begun_on_the_units_of(user: UUID) -> QuerySet[Encounter]:
    return Encounter.objects.filter(started_at__lte=Now(), location__in=_the_user_s_units(user))


def _to_view_charts() -> QuerySet[Any]:
    """The right that a grant gives: looked up once a question, where a join would do it for each of 10,000 grants."""
    rights = Permission.objects.filter(codename="view_chart", content_type__app_label="patients")
    return rights.values("pk")[:1]


def _broken_by(user: UUID) -> QuerySet[GlassBreak]:
    """The user's glasses that are open at this instant; a drill opens nothing."""
    return GlassBreak.objects.open().real().filter(user=user)


def _in_words(told: str) -> str:
    """`emergency: called to bed 12` with the kind of reason as people read it."""
    code, _, reason = told.partition(": ")
    return f"{GlassReason(code).label}: {reason}"


def _in_a_house_emergency(user: UUID) -> QuerySet[Patient]:
    """All charts, while an emergency is in force that names a role of the user's."""
    named = HouseEmergency.objects.in_force().real().filter(roles__user=user)
    return Patient.objects.filter(Exists(named)).annotate(emergency=Subquery(named.values("pk")[:1]))


OPENERS = (
    Opener(
        "records role",
        permission="patients.open_every_chart",
        rows=_in_the_user_s_facilities,
        patient="id",
        words=lambda user, _: ", ".join(user.role_labels),
    ),
    Opener(
        "attending",
        rows=lambda user: Encounter.objects.filter(UNDER_WAY, attending=user),
        told=F("number"),
        words=lambda _, number: f"encounter {number}",
        order=("-started_at",),
    ),
    Opener(
        "care team",
        rows=lambda user: CareTeamMember.objects.in_force().filter(_of_open_stay(), user=user),
        told=F("encounter__number"),
        words=lambda _, number: f"encounter {number}",
        order=("-since",),
    ),
    Opener(
        "unit",
        rows=lambda user: _begun_on_the_units_of(user).filter(ended_at=None),
        told=AT_LOCATION,
        order=("-started_at",),
    ),
    Opener(
        "unit",  # until an end that is set, as a rule of its own: the open stays have an index to themselves
        rows=lambda user: _begun_on_the_units_of(user).filter(ended_at__gt=Now()),
        told=AT_LOCATION,
        order=("-started_at",),
    ),
    Opener(
        "consult",
        rows=lambda user: Consult.objects.filter(asked_of=user, answered_at=None),
        told=F("asked_at__date"),
        words=lambda _, day: f"asked on {day}",
        order=("-asked_at",),
    ),
    Opener(
        "appointment",
        rows=lambda user: Encounter.objects.filter(
            started_at__gt=Now(),
            started_at__lte=Now() + timedelta(hours=settings.APPOINTMENT_HOURS),
            location__in=_the_user_s_units(user),
        ),
        told=AT_LOCATION,
        order=("started_at",),
    ),
    Opener(
        "recent encounter",
        rows=lambda user: Encounter.objects.filter(
            ended_at__lte=Now(), ended_at__gt=_days_ago(settings.CARE_DAYS), attending=user
        ),
        told=F("number"),
        words=lambda _, number: f"encounter {number}",
        order=("-ended_at",),
    ),
    Opener(
        "recent encounter",  # of the care team, as a rule of its own: with OR no index would serve
        rows=lambda user: CareTeamMember.objects.filter(
            encounter__ended_at__lte=Now(), encounter__ended_at__gt=_days_ago(settings.CARE_DAYS), user=user
        ),
        told=F("encounter__number"),
        words=lambda _, number: f"encounter {number}, care team",
        order=("-encounter__ended_at",),
    ),
    Opener(
        "grant",
        rows=lambda user: PatientGrant.objects.filter(
            user=user, revoked_at=None, expires_at__gt=Now(), permission=_to_view_charts()
        ),
        patient="content_object",
        told=F("given_by__username"),
        words=lambda _, giver: f"given by {giver}",
        order=("-expires_at",),
    ),
    Opener(
        HOUSE_EMERGENCY,
        permission=OPEN_IN_EMERGENCY,
        rows=_in_a_house_emergency,
        patient="id",
        told=F("emergency"),
    ),
    Opener(
        GLASS,
        permission="patients.break_glass",
        rows=_broken_by,
        told=Concat(F("reason_code"), Value(": "), F("reason")),
        words=lambda _, told: _in_words(told),
    ),
    Opener(
        EMERGENCY_GLASS,
        permission="patients.break_glass",
        rows=lambda user: _broken_by(user).filter(reason_code=GlassReason.EMERGENCY),
        told=Concat(F("reason_code"), Value(": "), F("reason")),
        words=lambda _, told: _in_words(told),
    ),
)

CLOSERS = (
    Closer(
        "own chart",
        rows=lambda user: OwnEntry.objects.in_force().filter(user=user),
        message="This is your own chart. Ask the records department for your records like every patient does.",
    ),
    Closer(
        "legal restriction",
        rows=lambda user: ChartRestriction.objects.in_force().filter(kind=Restriction.LEGAL),
        unless="patients.open_closed_charts",
        yields_to=(EMERGENCY_GLASS,),  # 45 CFR 164.522(a)(1)(iii)
        message="This chart is closed by law or court order. Ask the records supervisor.",
    ),
    Closer(
        "closed to this person",
        rows=lambda user: ChartRestriction.objects.in_force().filter(kind=Restriction.PERSON, user=user),
        message="This chart is closed to you. Ask the records supervisor.",
    ),
    Closer(
        "restricted chart",
        rows=lambda user: (
            ChartRestriction.objects.in_force()
            .filter(
                Q(kind__in=[Restriction.VIP, Restriction.EMPLOYEE]) | Q(kind=Restriction.FAMILY, user=user)
            )
            .exclude(Exists(StatedNeed.objects.in_force().filter(user=user, patient=OuterRef("patient"))))
        ),
        told=F("kind"),
        verdict=Verdict.NEEDS_REASON,
        unless="patients.open_restricted_charts",
        yields_to=GLASS_RULES,  # its reason is a stated need, and more is asked
        message="This chart is restricted. Say why you need it, and it opens to you for a limited time.",
    ),
)
