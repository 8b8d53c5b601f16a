"""The watch: the alerts of a week, one alert, what is looked for, decoy charts."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.views import me
from audit.explaining import missing_words
from audit.review import access, case_access, describing, services
from audit.review.forms import DecoyForm, SetAsideForm, WatchRuleForm
from audit.review.models import AlertState
from audit.review.watch import queries
from audit.review.watch.gathering import Week
from common.once import once
from common.web import Chip, paginate, rule_errors_on
from patients.access import allows

SHOWN = ("", *AlertState.values)
FIRST_DAY = date(2000, 1, 3)  # a Monday; what lies before it, or far ahead, is a slip of the pen


def _week(request: HttpRequest) -> Week:
    """The week asked for by any of its days; the newest one that was looked at, when none or no day is given."""
    try:
        day = parse_date(request.GET.get("week", ""))
    except ValueError:
        day = None
    latest = timezone.localdate() + timedelta(days=7)
    return Week.of(day) if day and FIRST_DAY <= day <= latest else queries.newest_week()


@require_GET
def watch(request: HttpRequest) -> HttpResponse:
    """What stands out in a week, the weightiest first."""
    user = me(request)
    access.check_may_work_alerts(user)
    week = _week(request)
    state = request.GET.get("show", "")
    state = state if state in SHOWN else ""
    visible = access.alerts_visible_to(user)
    rows = queries.alerts_of(visible, week, state)
    page = paginate(request, rows, ordering=queries.ORDERING, size=queries.TOP)
    patients = services.list_alerts(by=user, rows=page.rows, week_on=week.week_on)
    counts, run = queries.counts_of(visible, week), queries.run_of(week)
    context = {
        "page": page,
        "lines": [(row, patients.get(row.patient_id) if row.patient_id else None) for row in page],
        "week": week,
        "run": run,
        "missing_words": missing_words(run.missing) if run else "",
        "counts": counts,
        "state": state,
        "earlier": week.week_on - timedelta(days=7),
        "later": week.week_on + timedelta(days=7) if week.until <= timezone.now() else None,
        "chips": _chips(week, state, counts),
        "can_change": allows(access.check_may_change_watch, user),
    }
    return render(request, "audit/watch.html", context)


def _chips(week: Week, state: str, counts: dict[str, int]) -> list[Chip]:
    words = {"": "All", **dict(AlertState.choices)}
    return [
        Chip(
            f"{words[one]} {counts[one or 'all']}",
            "?" + urlencode({"week": str(week.week_on)} | ({"show": one} if one else {})),
            current=one == state,
        )
        for one in SHOWN
    ]


@require_http_methods(["GET", "POST"])
@once
def alert(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Who, whose chart, why it stands out, each look with what explains it; and what is to become of it."""
    user = me(request)
    form = SetAsideForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            done = services.set_aside_alert(by=user, alert_id=alert_id, **form.cleaned_data)
            messages.success(request, "The alert is set aside; your note is on record.")
            return redirect(f"{reverse('review:watch')}?week={done.week_on}")
    seen = services.open_alert(by=user, alert_id=alert_id)
    status = 422 if request.method == "POST" else 200
    return render(request, "audit/alert.html", {**_context(user, seen), "form": form}, status=status)


def _context(user: User, seen: services.Evidence) -> dict[str, Any]:
    lines = []
    for event in seen.events:
        line = describing.Line(
            event,
            seen.patients.get(event.patient_id) if event.patient_id else None,
            seen.titles.get(event.object_id, ""),
        )
        lines.append((line, seen.explanations.get(event.pk, [])))
    can_decide = not seen.alert.is_decided and allows(access.check_may_decide_alert, user, seen.alert)
    return {
        "alert": seen.alert,
        "patient": seen.patients.get(seen.alert.patient_id) if seen.alert.patient_id else None,
        "lines": lines,
        "unexplained": sum(not reasons for _, reasons in lines),
        "missing_words": missing_words(seen.explanations.missing),
        "missing_then_words": missing_words(seen.alert.missing),
        "can_decide": can_decide,
        "can_open_case": can_decide and allows(case_access.check_may_work_cases, user),
    }


@require_http_methods(["GET", "POST"])
@once
def rules(request: HttpRequest) -> HttpResponse:
    """What the watch looks for; each rule is saved by itself."""
    user = me(request)
    in_force = services.show_watch_rules(by=user)
    asked = request.POST.get("code", "")
    forms = [WatchRuleForm(request.POST if one.rule.code == asked else None, setting=one) for one in in_force]
    refused = next((form for form in forms if form.is_bound), None)
    if refused is not None and refused.is_valid():
        with rule_errors_on(refused):
            services.set_watch_rule(by=user, code=asked, **refused.answer())
            messages.success(
                request, f"“{refused.setting.rule.words}” is as you set it, from the next run on."
            )
            return redirect("review:watch-rules")
    status = 422 if request.method == "POST" else 200
    return render(request, "audit/watch_rules.html", {"forms": forms, "refused": refused}, status=status)


@require_http_methods(["GET", "POST"])
@once
def decoys(request: HttpRequest) -> HttpResponse:
    """The decoy charts, and a form to mark another."""
    user = me(request)
    form = DecoyForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            services.mark_decoy(
                by=user, patient_id=form.cleaned_data["patient"], why=form.cleaned_data["why"]
            )
            messages.success(
                request, "Whoever opens this chart from now on is at the top of the week's list."
            )
            return redirect("review:watch-decoys")
    rows = services.list_decoys(by=user)
    status = 422 if request.method == "POST" else 200
    return render(request, "audit/watch_decoys.html", {"form": form, "rows": rows}, status=status)


@require_POST
@once
def decoy_end(request: HttpRequest, decoy_id: UUID) -> HttpResponse:
    """From now on the chart is one like every other."""
    services.end_decoy(by=me(request), decoy_id=decoy_id)
    messages.success(request, "The chart is no decoy any more.")
    return redirect("review:watch-decoys")
