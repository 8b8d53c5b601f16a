"""The home page: by right, what waits. A page that shows patients writes one event with the ids it showed."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts import reviewing, rolebook
from accounts.models import User
from accounts.views import me
from audit.review import desk
from audit.services import record
from common.jobs.models import Job
from common.notices import queries as notices
from config import system, worklists
from patients.models import Patient

Part = dict[str, Any]


def _clerk(user: User) -> tuple[Part, set[UUID]]:
    filings, charts = worklists.own_filings(user), worklists.recent_charts(user)
    shown = {document.patient_id for rows in filings.values() for document in rows}
    return {**filings, "charts": charts, "longest": worklists.LONGEST}, shown | _ids(charts)


def _roi(user: User) -> tuple[Part, set[UUID]]:
    due, charts = worklists.due_requests(user), worklists.recent_charts(user)
    open_rows = worklists.open_requests(user)
    part = {
        "due": due,
        "charts": charts,
        "open_count": open_rows.count(),
        "overdue_count": worklists.overdue_requests(user),
        "arrived_count": open_rows.filter(received_on=timezone.localdate()).count(),
    }
    return part, {row.patient_id for row, _ in due} | _ids(charts)


def _supervisor(user: User) -> tuple[Part, set[UUID]]:
    due = worklists.due_requests(user)[: worklists.RECENT]
    part = {
        "wall": worklists.wall(user),
        "people": worklists.load_by_person(user),
        "overdue_count": worklists.overdue_requests(user),
        "due": due,
    }
    return part, {row.patient_id for row, _ in due}


def _clinician(user: User) -> tuple[Part, set[UUID]]:
    care, charts = worklists.my_patients(user), worklists.recent_charts(user)
    arrived = worklists.arrived(user, care)
    shown = {encounter.patient_id for encounter in care} | {document.patient_id for document in arrived}
    return {"care": care, "arrived": arrived, "charts": charts}, shown | _ids(charts)


def _compliance(user: User) -> tuple[Part, set[UUID]]:
    return {**desk.at_desk(user), "overdue_reviews": reviewing.count_overdue()}, set()


def _refusals(user: User) -> tuple[Part, set[UUID]]:
    return {"refusals": desk.refusals(user)}, set()


def _glass(user: User) -> tuple[Part, set[UUID]]:
    return worklists.glass_to_review(user), set()


def _administrator(user: User) -> tuple[Part, set[UUID]]:
    people = User.objects.people()
    part = {
        "user_count": people.filter(is_active=True).count(),
        "never_count": people.filter(is_active=True, last_login=None).count(),
        "overdue_reviews": reviewing.count_overdue(),
        **system.state(),
    }
    return part, set()


def _leads(rights: frozenset[str]) -> bool:
    return {"release.view_wall", "release.view_request"} <= rights


def _answers_requests(rights: frozenset[str]) -> bool:
    return {"release.edit_request", "release.view_request"} <= rights and not _leads(rights)


def _files(rights: frozenset[str]) -> bool:
    """A specialist may file what a request brought: that alone does not make it her day's work."""
    is_own_work = "patients.register_patient" in rights or not _answers_requests(rights)
    return "documents.file_document" in rights and is_own_work and not _leads(rights)


# Each part of the page, and whose it is by her rights.
BLOCKS: tuple[tuple[str, Callable[[frozenset[str]], bool], Callable[[User], tuple[Part, set[UUID]]]], ...] = (
    ("home/_supervisor.html", _leads, _supervisor),
    ("home/_roi.html", _answers_requests, _roi),
    ("home/_clerk.html", _files, _clerk),
    ("home/_clinician.html", lambda rights: "patients.attend_patients" in rights, _clinician),
    ("home/_compliance.html", lambda rights: "review.view_log" in rights, _compliance),
    ("home/_glass.html", lambda rights: "review.review_glass" in rights, _glass),
    ("home/_refusals.html", lambda rights: "review.view_log" in rights, _refusals),
    ("home/_administrator.html", lambda rights: "accounts.view_system" in rights, _administrator),
)


def _ids(patients: Iterable[Patient]) -> set[UUID]:
    return {patient.pk for patient in patients}


@require_GET
@transaction.atomic
def home(request: HttpRequest) -> HttpResponse:
    """What waits for this person, a part for each kind of work; ONE event with the patients shown."""
    user = me(request)
    parts, shown = [], set()
    for template, is_for, read in BLOCKS:
        if is_for(user.rights):
            part, patients = read(user)
            parts.append({"template": template, **part})
            shown |= patients
    if user.has_perm("patients.view_chart") or shown:
        record(
            "home.viewed", by=user, patients=sorted(shown), reason="own work", detail={"shown": len(shown)}
        )
    return render(request, "home/home.html", {"parts": parts, "today": timezone.localdate()})


@require_GET
def counts(request: HttpRequest) -> HttpResponse:
    """The numbers in the frame, by the names in `config.navigation`: work that waits, notices. Numbers only."""
    user = me(request)
    waiting = {"notices": notices.count_unread(user.pk)}
    if user.has_perm("release.view_request"):
        waiting["requests"] = worklists.open_requests(user).count()
    if user.has_perm("documents.file_document"):
        waiting["capture"] = worklists.own_unread(user)
    if user.has_perm("accounts.approve_role_change"):
        waiting["people"] = rolebook.count_waiting_for(user)
    if user.has_perm("review.review_glass"):
        waiting["glass"] = worklists.count_glass(user)["waiting"]
    if user.has_perm("review.work_cases"):
        waiting["cases"] = worklists.count_cases(user)
    if user.has_perm("review.work_alerts"):
        waiting["alerts"] = worklists.count_alerts(user)
    if user.has_perm("review.sign_reviews"):
        waiting["signoffs"] = worklists.count_sign_offs(user)["waiting"]
    if user.has_perm("accounts.view_system"):
        waiting["trouble"] = Job.objects.in_trouble().count()
    return JsonResponse(waiting)
