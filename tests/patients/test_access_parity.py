"""Invariant 4: a list never shows what its detail refuses, nor the other way round."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from accounts.roles import Role
from common.errors import Denied, NotFound
from patients import access
from patients.models import Encounter, Patient
from tests.factories import EncounterFactory, PatientFactory, UserFactory, make_user

# People and charts are drawn: each person's roles, and who attends whom (a stay that ended counts too).
ROLES = st.sets(st.sampled_from(list(Role)), max_size=3)
PEOPLE = st.lists(st.tuples(ROLES, st.booleans()), min_size=1, max_size=4)
CARE = st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8)


@given(people=PEOPLE, care=CARE)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_list_and_the_detail_agree(
    people: list[tuple[set[Role], bool]], care: set[tuple[int, int]], db: None
) -> None:
    users = [UserFactory.create(roles=sorted(roles), is_active=active) for roles, active in people]
    charts = [PatientFactory.create() for _ in range(4)]
    for person, chart in care:
        if person < len(users):
            EncounterFactory.create(patient=charts[chart], attending=users[person])
    for user in users:
        listed = set(
            access.visible_to(user).filter(pk__in=[chart.pk for chart in charts]).values_list("pk", flat=True)
        )
        opened = {chart.pk for chart in charts if access.allows(access.check_may_open, user, chart)}
        got = {chart.pk for chart in charts if access.allows(access.get_for, user, chart.pk)}
        among = access.open_among(user, [chart.pk for chart in charts])
        assert listed == opened == got == among


@pytest.mark.parametrize(
    ("role", "attends", "rule"),
    [
        (Role.RECORDS_CLERK, False, "records role"),
        (Role.ROI_SPECIALIST, False, "records role"),
        (Role.RECORDS_SUPERVISOR, False, "records role"),
        (Role.COMPLIANCE_OFFICER, False, "records role"),
        (Role.SERVICE, False, "records role"),
        (Role.CLINICIAN, True, "attending"),
        (Role.CLINICIAN, False, None),
        (Role.ADMINISTRATOR, False, None),
        (Role.ADMINISTRATOR, True, None),
    ],
)
def test_who_may_open_and_why(role: Role, attends: bool, rule: str | None, db: None) -> None:
    user, patient = make_user(role), PatientFactory.create()
    if attends:
        EncounterFactory.create(patient=patient, attending=user)
    if rule:
        assert access.check_may_open(user, patient).rule == rule
        return
    with pytest.raises(Denied) as refused:
        access.check_may_open(user, patient)
    assert refused.value.code == ("chart_denied" if role == Role.CLINICIAN else "role")


def test_a_clinician_who_has_a_colleague_in_care_is_not_in_care_herself(clinician: User) -> None:
    patient = EncounterFactory.create().patient
    assert not access.allows(access.check_may_open, clinician, patient)


def test_somebody_disabled_opens_nothing(clinician: User) -> None:
    patient = EncounterFactory.create(attending=clinician).patient
    clinician.is_active = False
    assert not access.allows(access.check_may_open, clinician, patient)
    assert not access.visible_to(clinician).exists()


def test_absent_and_misspelt_ids_are_not_found(clerk: User, administrator: User) -> None:
    for key in (uuid4(), "no-id", "", None, 7):
        with pytest.raises(NotFound):
            access.get_for(clerk, key)
        with pytest.raises(Denied):
            access.get_for(administrator, key)  # learns nothing, not even that


def test_a_moved_attending_takes_the_right_along(clinician: User) -> None:
    encounter = EncounterFactory.create(attending=clinician)
    assert access.visible_to(clinician).filter(pk=encounter.patient_id).exists()
    Encounter.objects.filter(pk=encounter.pk).update(attending=make_user(Role.CLINICIAN))
    assert not access.visible_to(clinician).filter(pk=encounter.patient_id).exists()
    assert Patient.objects.filter(pk=encounter.patient_id).exists()
