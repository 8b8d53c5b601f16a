"""The home page by role: what waits, and one event with the patients shown."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.roles import Role
from audit.models import Event
from tests.factories import EncounterFactory, PatientFactory, UserFactory, make_user
from tests.records.documents import samples
from tests.records.documents.conftest import file, work
from tests.records.release.making import logged
from tests.support import events


def last_look(user):
    """The newest home event of this user."""
    return Event.objects.filter(event="home.viewed", actor_id=user.pk).order_by("-id").first()


def part_of(answer, number=0):
    """What one role's part of the page was given."""
    return answer.context["parts"][number]


def test_a_clerk_sees_what_she_filed_today_and_what_could_not_be_read(clerk, browse):
    good, bad, others = PatientFactory(family="Goodfile"), PatientFactory(family="Badfile"), PatientFactory()
    file(clerk, good, samples.text_pdf([samples.LETTER_TEXT]))
    file(clerk, bad, b"%PDF-1.4\n1 0 obj garbage")
    file(make_user(Role.RECORDS_CLERK), others, samples.text_pdf([["somebody else's filing"]]))
    answer = browse(clerk).get("/")
    assert {row.patient_id for row in part_of(answer)["reading"]} == {good.pk, bad.pk}
    work()
    answer = browse(clerk).get("/")
    assert [row.patient_id for row in part_of(answer)["failed"]] == [bad.pk]
    assert [row.patient_id for row in part_of(answer)["today"]] == [bad.pk, good.pk]
    page = answer.content.decode()
    assert "GOODFILE" in page
    assert others.display_name not in page
    assert set(last_look(clerk).patient_ids) == {good.pk, bad.pk}


def test_the_last_charts_opened_come_newest_first_and_once_each(clerk, browse):
    first, second = PatientFactory(), PatientFactory()
    client = browse(clerk)
    for patient in (first, second, first):
        assert client.get(patient.get_absolute_url()).status_code == 200
    answer = client.get("/")
    assert [row.pk for row in part_of(answer)["charts"]] == [first.pk, second.pk]
    assert set(last_look(clerk).patient_ids) == {first.pk, second.pk}


def test_a_chart_that_a_clinician_may_no_longer_open_leaves_her_home(clinician, browse):
    encounter = EncounterFactory(attending=clinician)
    client = browse(clinician)
    assert client.get(encounter.patient.get_absolute_url()).status_code == 200
    assert [row.pk for row in part_of(client.get("/"))["charts"]] == [encounter.patient_id]
    encounter.attending = make_user(Role.CLINICIAN)
    encounter.save()
    answer = client.get("/")
    assert encounter.patient.display_name not in answer.content.decode()
    assert not last_look(clinician).patient_ids


def test_a_clinician_sees_her_open_encounters_and_what_arrived_until_she_opens_it(clerk, clinician, browse):
    mine = EncounterFactory(attending=clinician)
    closed = EncounterFactory(attending=clinician, ended_at=timezone.now() - timedelta(days=1))
    neighbour = EncounterFactory()
    document = file(clerk, mine.patient, samples.text_pdf([samples.LETTER_TEXT]))
    work()
    client = browse(clinician)
    answer = client.get("/")
    assert [row.pk for row in part_of(answer)["care"]] == [mine.pk]
    assert [row.pk for row in part_of(answer)["arrived"]] == [document.pk]
    page = answer.content.decode()
    assert closed.patient.display_name not in page
    assert neighbour.patient.display_name not in page
    assert last_look(clinician).patient_ids == [mine.patient_id]
    assert client.get(document.get_absolute_url()).status_code == 200
    assert part_of(client.get("/"))["arrived"] == []


def test_a_specialist_sees_requests_by_due_date_with_what_each_waits_for(roi, browse):
    soon = logged(roi)
    late = logged(roi, received_on=timezone.localdate() - timedelta(days=45))
    answer = browse(roi).get("/")
    due = part_of(answer)["due"]
    assert [row.pk for row, _ in due] == [late.pk, soon.pk]
    assert all(waits_for for _, waits_for in due)
    assert (part_of(answer)["open_count"], part_of(answer)["overdue_count"]) == (2, 1)
    assert "overdue" in answer.content.decode()
    assert set(last_look(roi).patient_ids) == {late.patient_id, soon.patient_id}


def test_the_wall_counts_each_queue_by_age_and_adds_up(roi, supervisor, browse):
    logged(roi)
    answer = browse(supervisor).get("/")
    part = part_of(answer)
    wall = {queue.name: queue for queue in part["wall"]}
    assert wall["Requests in work"].total == 1
    assert wall["Requests in work"].oldest is not None
    assert sum(person["open"] for person in part["people"]) == 1


def test_the_compliance_officer_sees_refusals_without_any_patient(clinician, compliance, browse):
    closed = PatientFactory(family="Secretperson")
    assert browse(clinician).get(closed.get_absolute_url()).status_code == 403
    answer = browse(compliance).get("/")
    assert part_of(answer, 0)["refused_today"] == 1
    assert [(line.who, line.refused) for line in part_of(answer, 2)["refusals"]] == [
        (clinician.username, "a chart")
    ]
    assert "SECRETPERSON" not in answer.content.decode()
    assert browse(clinician).get(f"/documents/{closed.pk}/").status_code == 404
    page = browse(compliance).get("/").content.decode()
    assert "/documents/…/" in page
    assert str(closed.pk) not in page


def test_an_administrators_home_has_no_patient_and_needs_no_event(administrator, browse):
    patient = PatientFactory(family="Secretperson")
    page = browse(administrator).get("/").content.decode()
    assert "SECRETPERSON" not in page
    assert str(patient.pk) not in page
    assert not events("home.viewed", actor_id=administrator.pk)


def test_somebody_with_two_roles_has_both_homes_and_one_event(db, browse):
    user = UserFactory.create(roles=[Role.RECORDS_CLERK, Role.ROI_SPECIALIST])
    answer = browse(user).get("/")
    assert [part["template"] for part in answer.context["parts"]] == ["home/_roi.html", "home/_clerk.html"]
    assert len(events("home.viewed", actor_id=user.pk)) == 1


def test_somebody_without_a_role_is_told_who_can_help(db, browse):
    page = browse(UserFactory.create()).get("/").content.decode()
    assert "You have no role yet" in page


@pytest.mark.parametrize("rows", [1, 12])
def test_homes_need_few_queries_however_much_waits(
    rows, roi, clerk, clinician, supervisor, compliance, browse, django_assert_max_num_queries
):
    for _ in range(rows):
        encounter = EncounterFactory(attending=clinician)
        logged(roi, encounter.patient)
        file(clerk, encounter.patient, samples.text_pdf([[str(encounter.pk)]]))
    for user, most in ((clerk, 12), (roi, 14), (supervisor, 18), (clinician, 14), (compliance, 23)):
        client = browse(user)
        client.get("/")
        with django_assert_max_num_queries(most):
            assert client.get("/").status_code == 200


def test_the_numbers_in_the_rail_are_this_persons_and_name_nobody(roi, clerk, administrator, browse):
    request = logged(roi)
    file(clerk, request.patient, samples.text_pdf([samples.LETTER_TEXT]))
    assert browse(roi).get("/counts/").json() == {"notices": 0, "requests": 1, "capture": 0}
    assert browse(clerk).get("/counts/").json() == {"notices": 0, "requests": 1, "capture": 1}
    work()
    assert browse(clerk).get("/counts/").json() == {"notices": 0, "requests": 1, "capture": 0}
    assert browse(administrator).get("/counts/").json() == {"notices": 0, "people": 0, "trouble": 0}
