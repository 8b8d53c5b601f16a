"""Emergency access for the whole house: two people, some roles, some hours, and every chart listed afterwards."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from accounts import services
from accounts.backends import RoleBackend
from accounts.models import HouseEmergency, User
from accounts.roles import Role
from audit.review.models import GlassReview
from audit.review.services import decide_review, open_review
from audit.services import record
from common.clock import database_now
from common.errors import Denied, NotFound, RuleBroken, WrongMove
from common.ids import uuid7
from common.notices.queries import notices_of
from patients import access
from patients import services as patient_services
from patients.models import ChartRestriction, OwnEntry, Patient, Restriction
from tests.factories import PASSWORD, PatientFactory, make_user
from tests.support import at_most_queries, events

Browse = Callable[[User], Client]
WHY = "network down in the east wing, wards on paper"


@pytest.fixture
def chart(db: None) -> Patient:
    """Somebody in nobody's care."""
    return PatientFactory.create(family="Quillfeather", given="Una")


def declared(by: User, **more: Any) -> HouseEmergency:
    return services.declare_emergency(
        **{"by": by, "reason": WHY, "roles": [Role.CLINICIAN], "hours": 4} | more
    )


@pytest.fixture
def emergency(supervisor: User, administrator: User) -> HouseEmergency:
    """In force for clinicians."""
    return services.confirm_emergency(by=administrator, emergency_id=declared(supervisor).pk)


def now_as(user: User) -> User:
    """As her next request finds her."""
    found = RoleBackend().get_user(user.pk)
    assert found is not None
    return found


def is_open(user: User, patient: Patient) -> bool:
    """In the list and by itself alike, or the test fails."""
    user = now_as(user)
    listed = access.visible_to(user).filter(pk=patient.pk).exists()
    assert listed == access.allows(access.check_may_open, user, patient)
    return listed


def moved(emergency: HouseEmergency, **changes: Any) -> None:
    with transaction.atomic():
        HouseEmergency.objects.filter(pk=emergency.pk).update(**changes)
        record("emergency.confirmed", by=None, actor="test", about=emergency)


def test_two_people_open_every_chart_to_the_roles_they_name(
    clinician: User, supervisor: User, administrator: User, chart: Patient
) -> None:
    emergency = declared(supervisor)
    assert not is_open(clinician, chart), "one is not enough"
    services.confirm_emergency(by=administrator, emergency_id=emergency.pk)
    assert is_open(clinician, chart)
    assert not is_open(administrator, chart)
    assert str(access.decide(now_as(clinician), chart)) == f"house emergency: {emergency.pk}"


def test_nobody_confirms_her_own(supervisor: User, clinician: User, chart: Patient) -> None:
    emergency = declared(supervisor)
    with pytest.raises(Denied):
        services.confirm_emergency(by=supervisor, emergency_id=emergency.pk)
    assert not is_open(clinician, chart)


def test_the_table_refuses_one_person_alone(supervisor: User) -> None:
    emergency = declared(supervisor)
    now = database_now()
    with pytest.raises(IntegrityError), transaction.atomic():
        HouseEmergency.objects.filter(pk=emergency.pk).update(
            confirmed_by=supervisor, confirmed_at=now, expires_at=now + timedelta(hours=1)
        )


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in {Role.RECORDS_SUPERVISOR, Role.ADMINISTRATOR}]
)
def test_only_whoever_has_the_right(role: Role, supervisor: User) -> None:
    emergency, user = declared(supervisor), make_user(role)
    for refused in (
        lambda: declared(user),
        lambda: services.confirm_emergency(by=user, emergency_id=emergency.pk),
        lambda: services.end_emergency(by=user, emergency_id=emergency.pk),
    ):
        with pytest.raises(Denied):
            refused()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"reason": "aaaa"}, "reason"),
        ({"hours": 0}, "hours"),
        ({"hours": 25}, "hours"),
        ({"roles": []}, "roles"),
        ({"roles": [Role.ADMINISTRATOR]}, "roles"),
        ({"roles": [Role.SERVICE]}, "roles"),
        ({"roles": ["nobody"]}, "roles"),
    ],
)
def test_what_is_not_said_well_is_refused(supervisor: User, more: dict[str, Any], field: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        declared(supervisor, **more)
    assert refused.value.field == field


def test_one_at_a_time(supervisor: User, administrator: User) -> None:
    declared(supervisor)
    with pytest.raises(WrongMove):
        declared(administrator)
    assert declared(administrator, is_drill=True).is_drill, "an exercise stands in nobody's way"


def test_an_absent_one(supervisor: User) -> None:
    for key in (uuid7(), "no-id"):
        with pytest.raises(NotFound):
            services.confirm_emergency(by=supervisor, emergency_id=key)


def test_the_clock_ends_it(emergency: HouseEmergency, clinician: User, chart: Patient) -> None:
    now = database_now()
    moved(emergency, confirmed_at=now - timedelta(hours=4), expires_at=now - timedelta(microseconds=1))
    assert not is_open(clinician, chart)
    assert now_as(clinician).house_emergency is None


def test_a_right_of_a_moment_ago_opens_nothing(
    emergency: HouseEmergency, clinician: User, chart: Patient
) -> None:
    """Between finding out who she is and asking the rule, its time ran out."""
    user = now_as(clinician)
    now = database_now()
    moved(emergency, confirmed_at=now - timedelta(hours=4), expires_at=now - timedelta(microseconds=1))
    assert user.has_perm("patients.open_in_emergency")
    assert not access.decide(user, chart).allowed
    assert not access.visible_to(user).exists()


def test_either_ends_it_early(
    emergency: HouseEmergency, supervisor: User, clinician: User, chart: Patient
) -> None:
    ended = services.end_emergency(by=supervisor, emergency_id=emergency.pk)
    assert ended.ended_by == supervisor
    assert not is_open(clinician, chart)
    assert services.end_emergency(by=supervisor, emergency_id=emergency.pk).ended_at == ended.ended_at
    assert len(events("emergency.ended", about=emergency)) == 1


def test_it_may_be_taken_back_before_it_is_confirmed(supervisor: User, administrator: User) -> None:
    emergency = declared(supervisor)
    services.end_emergency(by=supervisor, emergency_id=emergency.pk)
    with pytest.raises(WrongMove):
        services.confirm_emergency(by=administrator, emergency_id=emergency.pk)
    assert events("emergency.withdrawn", about=emergency)


def test_a_yes_that_comes_too_late_is_none(supervisor: User, administrator: User) -> None:
    emergency = declared(supervisor)
    moved(emergency, declared_at=database_now() - timedelta(minutes=31))
    with pytest.raises(WrongMove):
        services.confirm_emergency(by=administrator, emergency_id=emergency.pk)
    assert declared(administrator).pk != emergency.pk, "the old one stands in nobody's way"
    assert events("emergency.lapsed", about=emergency)


def test_confirmed_once(emergency: HouseEmergency, administrator: User) -> None:
    with pytest.raises(WrongMove):
        services.confirm_emergency(by=administrator, emergency_id=emergency.pk)


@pytest.mark.parametrize("kind", [Restriction.LEGAL, Restriction.VIP])
def test_what_the_law_or_a_restriction_closes_stays_closed(
    emergency: HouseEmergency, clinician: User, supervisor: User, chart: Patient, kind: Restriction
) -> None:
    with transaction.atomic():
        row = ChartRestriction.objects.create(patient=chart, kind=kind, why="said so", set_by=supervisor)
        record("patient.updated", by=supervisor, patient=chart.pk, about=row)
    assert not is_open(clinician, chart)


def test_ones_own_chart_stays_closed(emergency: HouseEmergency, clinician: User, chart: Patient) -> None:
    with transaction.atomic():
        row = OwnEntry.objects.create(user=clinician, patient=chart)
        record("patient.updated", by=clinician, patient=chart.pk, about=row)
    assert not is_open(clinician, chart)


def test_a_token_s_owner_has_it_too(emergency: HouseEmergency, clinician: User, chart: Patient) -> None:
    answer = APIClient().post(
        "/api/v1/tokens/", {"username": clinician.username, "password": PASSWORD}, format="json"
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['token']}")
    assert client.get(f"/api/v1/patients/{chart.pk}/").status_code == 200


def test_who_somebody_is_comes_in_one_question_all_the_same(
    emergency: HouseEmergency, clinician: User
) -> None:
    with at_most_queries(1):
        found = now_as(clinician)
        assert found.house_emergency is not None
        assert found.house_emergency.is_for_me
        assert found.rights
    assert now_as(make_user(Role.RECORDS_CLERK)).house_emergency is not None


# -- Told and reviewed --------------------------------------------------------------------------------------------


def test_the_others_who_may_are_told_to_confirm(
    supervisor: User, administrator: User, compliance: User
) -> None:
    declared(supervisor)
    assert notices_of(administrator.pk)[0].url == "/emergency/"
    assert not notices_of(compliance.pk)


def test_compliance_and_administrators_are_told_when_it_is_in_force(
    compliance: User, administrator: User, emergency: HouseEmergency, supervisor: User
) -> None:
    assert "Emergency access" in notices_of(compliance.pk)[0].text
    assert "in force" in notices_of(supervisor.pk)[0].text
    other = make_user(Role.ADMINISTRATOR)
    services.end_emergency(by=administrator, emergency_id=emergency.pk)
    assert "ended the emergency access" in notices_of(other.pk)[0].text


def test_every_chart_opened_because_of_it_is_listed(
    emergency: HouseEmergency, clinician: User, compliance: User, clerk: User, chart: Patient, browse: Browse
) -> None:
    other = PatientFactory.create()
    for _ in range(3):
        patient_services.open_chart(by=now_as(clinician), patient_id=chart.pk)
    patient_services.open_chart(by=now_as(clinician), patient_id=other.pk)
    patient_services.open_chart(by=clerk, patient_id=chart.pk)
    review = GlassReview.objects.get(emergency=emergency)
    with at_most_queries(6):
        seen = open_review(by=compliance, review_id=review.pk)
    assert {(look.actor, look.patient_id): look.times for look in seen.looks} == {
        (clinician.username, chart.pk): 3,
        (clinician.username, other.pk): 1,
    }
    page = " ".join(browse(compliance).get(review.get_absolute_url()).content.decode().split())
    assert "QUILLFEATHER, Una" in page
    assert WHY in page


def test_neither_of_the_two_reviews_it(emergency: HouseEmergency, compliance: User) -> None:
    review = GlassReview.objects.get(emergency=emergency)
    assert review.is_of(emergency.declared_by)
    assert emergency.confirmed_by is not None
    assert review.is_of(emergency.confirmed_by)
    for person in (emergency.declared_by, emergency.confirmed_by):
        with pytest.raises(IntegrityError), transaction.atomic():
            GlassReview.objects.filter(pk=review.pk).update(
                outcome="appropriate", decided_by=person, decided_at=database_now()
            )
    assert decide_review(by=compliance, review_id=review.pk, outcome="appropriate").is_decided


def test_the_job_writes_down_what_the_clock_did_once(emergency: HouseEmergency, supervisor: User) -> None:
    now = database_now()
    moved(emergency, confirmed_at=now - timedelta(hours=4), expires_at=now - timedelta(seconds=1))
    assert [services.write_off_emergencies(), services.write_off_emergencies()] == [1, 0]
    emergency.refresh_from_db()
    assert (emergency.ended_at, emergency.ended_by) == (emergency.expires_at, None)
    assert len(events("emergency.expired", about=emergency)) == 1


def test_it_is_never_deleted(emergency: HouseEmergency) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("delete from accounts_houseemergency_roles")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("delete from accounts_houseemergency")


# -- The drill and the pages --------------------------------------------------------------------------------------


def test_a_drill_opens_nothing_and_says_so(
    supervisor: User, administrator: User, clinician: User, compliance: User, chart: Patient, browse: Browse
) -> None:
    drill = declared(supervisor, is_drill=True)
    services.confirm_emergency(by=administrator, emergency_id=drill.pk)
    assert not is_open(clinician, chart)
    page = browse(clinician).get("/").content.decode()
    assert "DRILL: emergency access" in page
    assert "Nothing is open because of it" in page
    assert events("emergency.confirmed")[0].detail["drill"] is True  # type: ignore[index]
    assert GlassReview.objects.get(emergency=drill).is_drill
    assert notices_of(compliance.pk)[0].text.startswith("DRILL: ")


def test_everybody_sees_the_banner(emergency: HouseEmergency, browse: Browse) -> None:
    for role, words in (
        (Role.CLINICIAN, "Every chart is open to you until"),
        (Role.RECORDS_CLERK, "Your own rights are as always"),
        (Role.ADMINISTRATOR, "See and end it"),
    ):
        page = browse(make_user(role)).get("/").content.decode()
        assert "Emergency access" in page
        assert words in page
    assert "Emergency access" not in Client().get("/sign-in/").content.decode()


def test_two_people_at_two_desks(
    supervisor: User, administrator: User, clinician: User, chart: Patient, browse: Browse
) -> None:
    first, second = browse(supervisor), browse(administrator)
    asked = first.post("/emergency/declare/", {"reason": WHY, "roles": ["clinician"], "hours": "2"})
    assert (asked.status_code, asked["Location"]) == (302, "/emergency/")
    emergency = HouseEmergency.objects.get()
    own = first.get("/emergency/").content.decode()
    assert "half an hour to confirm" in own
    assert f"/emergency/{emergency.pk}/confirm/" not in own
    assert first.post(f"/emergency/{emergency.pk}/confirm/").status_code == 403
    assert f"/emergency/{emergency.pk}/confirm/" in second.get("/emergency/").content.decode()
    second.post(f"/emergency/{emergency.pk}/confirm/")
    assert is_open(clinician, chart)
    first.post(f"/emergency/{emergency.pk}/end/")
    assert not is_open(clinician, chart)


def test_both_say_again_who_they_are_and_go_on_from_there(supervisor: User, administrator: User) -> None:
    one, other = Client(), Client()
    one.force_login(supervisor)
    other.force_login(administrator)
    fields = {"reason": WHY, "roles": ["clinician"], "hours": "2", "once": str(uuid7())}
    answer = one.post("/emergency/declare/", fields)
    assert answer["Location"].startswith("/confirm/")
    assert not HouseEmergency.objects.exists()
    assert "data-resume" in one.post("/confirm/", {"password": PASSWORD}).content.decode()
    assert one.post("/emergency/declare/", fields)["Location"] == "/emergency/"
    emergency = HouseEmergency.objects.get()
    address, fields = f"/emergency/{emergency.pk}/confirm/", {"once": str(uuid7())}
    assert other.post(address, fields)["Location"].startswith("/confirm/")
    emergency.refresh_from_db()
    assert not emergency.is_confirmed
    other.post("/confirm/", {"password": PASSWORD})
    assert other.post(address, fields)["Location"] == "/emergency/"
    emergency.refresh_from_db()
    assert emergency.is_confirmed


def test_a_form_with_errors_keeps_what_was_typed(supervisor: User, browse: Browse) -> None:
    answer = browse(supervisor).post(
        "/emergency/declare/", {"reason": "aaaa", "roles": ["clinician"], "hours": "99"}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "aaaa</textarea>" in page
    assert 'value="99"' in page


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.COMPLIANCE_OFFICER, Role.RECORDS_CLERK])
def test_nobody_else_gets_to_the_page(role: Role, browse: Browse, db: None) -> None:
    assert browse(make_user(role)).get("/emergency/").status_code == 403
