"""The state of the system for administrators, and the page of one job. No patient data on either."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import access
from accounts.views import me
from audit.feeds import delivering
from audit.queries import partition_state
from common.jobs.api import visible_job
from common.jobs.models import Heartbeat, Job
from config import health

PART_NAMES = {
    "database": ("Database", "The record and the access log."),
    "broker": (
        "Work queue",
        "Wakes the workers. Without it new work waits in the database and nothing is lost.",
    ),
    "storage": ("File store", "The encrypted files. Without it nothing can be filed or opened."),
    "worker": ("Worker", "Reads pages and builds releases in the background."),
}


def state() -> dict[str, object]:
    """Each part with whether it answers, jobs under way, and jobs in trouble (newest 50)."""
    answers = health.parts()
    months = partition_state()
    feeds = delivering.waiting()
    return {
        "parts": [
            *((*PART_NAMES[name], is_well) for name, is_well in answers.items()),
            ("Log's months", months.text, months.is_well),
            *(
                (
                    "Feed of the log",
                    f"{feed.destination}: {feed.error or 'is told of each sealed event.'}",
                    not feed.error,
                )
                for feed in feeds
            ),
        ],
        "is_ready": all(answers.values()) and months.is_well and not any(feed.error for feed in feeds),
        "unfinished": Job.objects.unfinished().count(),
        "trouble": Job.objects.in_trouble().order_by("-updated_at")[:50],
        "heartbeats": Heartbeat.objects.order_by("name"),
    }


@require_GET
def system(request: HttpRequest) -> HttpResponse:
    """Which parts answer, what runs, what is in trouble."""
    access.check_may_view_system(me(request))
    return render(request, "home/system.html", state())


@require_GET
def job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """How far one's job is: the line alone for a page that asks again, a page for somebody who follows the link."""
    row = visible_job(request.user, job_id)
    is_part = bool(request.headers.get("HX-Request"))
    response = render(request, "_job.html" if is_part else "home/job.html", {"job": row})
    if is_part and not row.is_unfinished:
        response["HX-Trigger"] = "job-done"
    return response
