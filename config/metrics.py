"""/metrics for Prometheus: how the house is, in numbers; no patient data, and not open to the network by default."""

import ipaddress
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.models import Count, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from audit.feeds import delivering
from audit.middleware import client_address
from audit.queries import partition_state
from common.jobs.models import Job, JobStatus
from config import health


def _jobs() -> Iterator[tuple[str, str, float]]:
    counts = dict(Job.objects.order_by().values_list("status").annotate(count=Count("pk")))
    for status in JobStatus.values:
        yield "chartroom_jobs", f'{{status="{status}"}}', counts.get(status, 0)
    oldest = Job.objects.unfinished().aggregate(oldest=Min("created_at"))["oldest"]
    yield "chartroom_oldest_job_seconds", "", (timezone.now() - oldest).total_seconds() if oldest else 0


def _log() -> Iterator[tuple[str, str, float]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) filter (where outcome = 'success'), count(*) filter (where outcome = 'denied'),"
            " count(*) filter (where outcome = 'failed') from audit_event where at > now() - interval '5 minutes'"
        )
        counts = cursor.fetchone()
    for outcome, count in zip(("success", "denied", "failed"), counts, strict=True):
        yield "chartroom_events_last_5_minutes", f'{{outcome="{outcome}"}}', count


def _months() -> Iterator[tuple[str, str, float]]:
    state = partition_state()
    yield "chartroom_log_months_ahead", "", state.months_ahead
    yield "chartroom_log_events_elsewhere", "", state.elsewhere


def _feeds() -> Iterator[tuple[str, str, float]]:
    for number, feed in enumerate(delivering.waiting(), 1):
        failing = (timezone.now() - feed.failing_since).total_seconds() if feed.failing_since else 0
        yield "chartroom_feed_failing_seconds", f'{{feed="{number}"}}', failing


HELP = {
    "chartroom_part_up": "Whether a part of the house answers (1) or not (0).",
    "chartroom_jobs": "Background jobs by status.",
    "chartroom_oldest_job_seconds": "Age of the oldest unfinished job.",
    "chartroom_events_last_5_minutes": "Audit events of the last five minutes by outcome.",
    "chartroom_feed_failing_seconds": "For how long another system could not be told of the log; 0 when it could.",
    "chartroom_log_months_ahead": "Coming months for which the access log has its part; fewer than 2 is an alarm.",
    "chartroom_log_events_elsewhere": "Events of the access log outside every month's part; any is an alarm.",
}


def _samples() -> Iterator[tuple[str, str, float]]:
    state = health.parts()
    for part, is_up in state.items():
        yield "chartroom_part_up", f'{{part="{part}"}}', int(is_up)
    if state["database"]:
        yield from _jobs()
        yield from _log()
        yield from _months()
        yield from _feeds()


def _may_ask(request: HttpRequest) -> bool:
    address = client_address(request)
    return address is not None and any(
        ipaddress.ip_address(address) in network for network in settings.METRICS_NETWORKS
    )


@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text format; 404 for callers outside CHARTROOM_METRICS_NETWORKS (this machine only by default)."""
    if not _may_ask(request):
        raise Http404
    lines: list[str] = []
    named = ""
    for name, labels, value in _samples():
        if name != named:
            lines += [f"# HELP {name} {HELP[name]}", f"# TYPE {name} gauge"]
            named = name
        lines.append(f"{name}{labels} {value:g}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")
