"""What waits for whom: reads across the rooms for the home pages, always over what each room's `access` allows."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from audit.models import Event, of_person
from audit.review import access as review_access
from audit.review import case_access, signoff_queries
from audit.review import queries as review_queries
from audit.review.services import signing
from audit.review.watch.scoring import LOUD
from common.jobs.models import Job
from patients import access as patient_access
from patients.models import Encounter, Patient
from records.documents import access as document_access
from records.documents.models import Document, Processing
from records.release import access as release_access
from records.release import queries as release_queries
from records.release.models import RecordRequest, RecordRequestQuerySet, RequestStatus

RECENT = 8
LONGEST = 25
WEEK = timedelta(days=7)


def recent_charts(user: User) -> list[Patient]:
    """The last charts `user` opened and may still open, newest first, from the log."""
    looks = Event.objects.filter(of_person(user.pk, timezone.now() - 4 * WEEK), event="patient.viewed")
    ids: dict[UUID, None] = {}
    for patient_id in looks.order_by("-at").values_list("patient_id", flat=True)[:200]:
        if patient_id:
            ids.setdefault(patient_id)
    wanted = list(ids)[: RECENT * 2]
    rows = patient_access.visible_to(user).in_bulk(wanted)
    return [rows[key] for key in wanted if key in rows][:RECENT]


def own_filings(user: User) -> dict[str, list[Document]]:
    """What `user` filed in the last week: could not be read, being read, and what was filed today."""
    filed = (
        document_access.visible_to(user)
        .filter(filed_by=user, filed_at__gt=timezone.now() - WEEK)
        .select_related("patient", "type", "current")
        .order_by("-filed_at")
    )
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    unread = [Processing.QUEUED, Processing.RUNNING]
    return {
        "failed": list(filed.filter(current__processing=Processing.FAILED)[:LONGEST]),
        "reading": list(filed.filter(current__processing__in=unread)[:LONGEST]),
        "today": list(filed.filter(filed_at__gte=today)[:LONGEST]),
    }


def own_unread(user: User) -> int:
    """How many of the documents that `user` filed in the last week are not read yet, or could not be."""
    filed = document_access.visible_to(user).filter(filed_by=user, filed_at__gt=timezone.now() - WEEK)
    return filed.exclude(current__processing=Processing.DONE).count()


def open_requests(user: User) -> RecordRequestQuerySet:
    """Requests still to be answered."""
    return cast(RecordRequestQuerySet, release_access.visible_to(user)).open()


def due_requests(user: User) -> list[tuple[RecordRequest, str]]:
    """The open requests due first, each with what it waits for."""
    rows = release_queries.work_list(release_access.visible_to(user), filters={"status": "open"})
    return [(row, release_queries.waits_for(row)) for row in rows.order_by("due_on", "pk")[:LONGEST]]


@dataclass(frozen=True)
class Queue:
    """One line of the supervisor's wall: how much waits, by age in days, and the oldest."""

    name: str
    url: str
    today: int
    days: int
    week: int
    older: int
    oldest: Any

    @property
    def total(self) -> int:
        """All that waits."""
        return self.today + self.days + self.week + self.older


def _aged(name: str, url: str, rows: QuerySet[Any], field: str) -> Queue:
    """Count rows by the age of `field`: under a day, 1 to 3 days, 3 to 7, older. One query."""
    now = timezone.now()
    marks = [now - timedelta(days=1), now - timedelta(days=3), now - WEEK]
    if field.endswith("_on"):
        marks = [mark.date() for mark in marks]  # type: ignore[misc]
    one, three, seven = marks
    counted = rows.aggregate(
        today=Count("pk", filter=Q(**{f"{field}__gt": one})),
        days=Count("pk", filter=Q(**{f"{field}__lte": one, f"{field}__gt": three})),
        week=Count("pk", filter=Q(**{f"{field}__lte": three, f"{field}__gt": seven})),
        older=Count("pk", filter=Q(**{f"{field}__lte": seven})),
        oldest=Min(field),
    )
    return Queue(name=name, url=url, **counted)


def wall(user: User) -> list[Queue]:
    """Every queue of the department with its age. Numbers only: no patient is shown."""
    requests = release_access.visible_to(user)
    jobs = Job.objects.unfinished()
    failed = Job.objects.in_trouble().filter(status="failed")
    at_stage = [
        ("Requests in work", RequestStatus.RECEIVED),
        ("Packages being built", RequestStatus.BUILDING),
        ("Packages ready to send", RequestStatus.READY),
    ]
    desk = reverse("release:list")
    return [
        *(
            _aged(name, f"{desk}?status={stage}", requests.filter(status=stage), "received_on")
            for name, stage in at_stage
        ),
        _aged("Documents being read", "", jobs.filter(kind__startswith="documents."), "created_at"),
        _aged("Documents not readable", "", failed.filter(kind__startswith="documents."), "updated_at"),
    ]


def load_by_person(user: User) -> list[Any]:
    """Open requests by who has them, most first: name, open, overdue."""
    today = timezone.localdate()
    rows = open_requests(user).values("assigned_to__name")
    counted = rows.annotate(open=Count("pk"), overdue=Count("pk", filter=Q(due_on__lt=today)))
    return list(counted.order_by("-open", "assigned_to__name")[:LONGEST])


def overdue_requests(user: User) -> int:
    """How many requests are past their last day."""
    return open_requests(user).due_before(timezone.localdate()).count()


def my_patients(user: User) -> list[Encounter]:
    """Open encounters that `user` attends, newest first."""
    care = Encounter.objects.open().filter(attending=user, patient__in=patient_access.visible_to(user))
    return list(care.select_related("patient", "location").order_by("-started_at")[:LONGEST])


def arrived(user: User, care: list[Encounter]) -> list[Document]:
    """Documents filed in the last week in the charts of `care` that `user` has not opened yet, newest first."""
    patients = {encounter.patient_id for encounter in care}
    rows = document_access.visible_to(user).filter(patient__in=patients, filed_at__gt=timezone.now() - WEEK)
    found = list(rows.select_related("patient", "type", "current").order_by("-filed_at")[: LONGEST * 2])
    looks = Event.objects.filter(of_person(user.pk, timezone.now() - WEEK), event="document.viewed")
    seen = set(looks.filter(object_id__in=[str(row.pk) for row in found]).values_list("object_id", flat=True))
    return [row for row in found if str(row.pk) not in seen][:LONGEST]


def count_glass(user: User) -> dict[str, int]:
    """How much broken glass waits to be reviewed, and how much of it is overdue. Raises Denied."""
    review_access.check_may_review_glass(user)
    return review_queries.count_waiting(timezone.localdate())


def count_cases(user: User) -> int:
    """How many cases that `user` may work on are not finished."""
    return case_access.visible_to(user).unfinished().count()


def count_alerts(user: User) -> int:
    """How many alerts of weight nobody has decided, those about herself left out."""
    return review_access.alerts_visible_to(user).undecided().filter(score__gte=LOUD).count()


def count_sign_offs(user: User) -> dict[str, int]:
    """How many reviews of activity are to be signed, and how many of them are overdue. Raises Denied."""
    signing.check_may_sign(user)
    return signoff_queries.count_due(timezone.localdate())


def glass_to_review(user: User) -> dict[str, Any]:
    """The reviews due first, without their patients, and how many there are. Raises Denied."""
    counts = count_glass(user)
    return {**counts, "rows": review_queries.to_review().order_by("due_on", "pk")[:RECENT]}
