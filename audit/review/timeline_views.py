"""What happened in order: the timeline of a chart, and a person's week."""

from datetime import date, timedelta
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from accounts.views import me
from audit.archiving import ledger
from audit.explaining import missing_words
from audit.review import access, services, telling
from audit.review.forms import PersonForm, QuestionForm
from audit.review.keyset import Order
from audit.review.views import question_form, url_with
from patients.access import allows


@require_GET
def chart(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The chart's timeline: like looks folded into one line, each to be unfolded."""
    user = me(request)
    form = question_form(request, user, period="month")
    for name in ("patient", "event", "object", "request", "explained", "sort"):
        form.fields.pop(name)
    form.is_of_one_chart = True
    asked = form if form.is_valid() else QuestionForm({"period": "month"}, user=user)
    asked.is_valid()
    question = asked.question_about(patient_id, Order())
    patient, timeline = services.view_chart_timeline(
        by=user,
        patient_id=patient_id,
        question=question,
        cursor=request.GET.get("cursor", ""),
    )
    context = {
        "archived": ledger.between(question.since, question.until),
        "patient": patient,
        "tab": "access",
        "form": form,
        "days": list(telling.days(timeline)),
        "timeline": timeline,
        "missing_words": missing_words(timeline.missing),
        "older_url": url_with(request.GET, cursor=timeline.cursor) if timeline.cursor else "",
        "newest_url": url_with(request.GET) if request.GET.get("cursor") else "",
        "can_view_events": allows(access.check_may_view_log, user),
    }
    return render(request, "audit/timeline.html", context, status=200 if asked is form else 422)


def _monday(text: str) -> date:
    """The Monday of the week that this day lies in; of this week for what is no day, or none that can be meant."""
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None or not 1990 <= day.year <= 2200:
        day = timezone.localdate()
    return day - timedelta(days=day.weekday())


@require_GET
def person(request: HttpRequest) -> HttpResponse:
    """What one person did in one week."""
    user = me(request)
    access.check_may_view_log(user)
    form = PersonForm(request.GET or None)
    monday = _monday(request.GET.get("week", ""))
    context = {"form": form, "monday": monday, "sunday": monday + timedelta(days=6)}
    if not form.is_valid():
        return render(request, "audit/person.html", context, status=422 if form.is_bound else 200)
    who = form.cleaned_data["who"]
    question = form.question(monday)
    timeline = services.view_person(by=user, question=question, cursor=request.GET.get("cursor", ""))
    this_week = _monday("")
    context |= {
        "archived": ledger.between(question.since, question.until),
        "who": who,
        "days": list(telling.days(timeline)),
        "timeline": timeline,
        "missing_words": missing_words(timeline.missing),
        "older_url": url_with(request.GET, cursor=timeline.cursor) if timeline.cursor else "",
        "newest_url": url_with(request.GET) if request.GET.get("cursor") else "",
        "before_url": f"?{urlencode({'who': who.username, 'week': monday - timedelta(days=7)})}",
        "after_url": f"?{urlencode({'who': who.username, 'week': monday + timedelta(days=7)})}"
        if monday < this_week
        else "",
        "unexplained_query": urlencode(
            {
                "actor": who.username,
                "explained": "unexplained",
                "since": monday,
                "until": monday + timedelta(days=6),
            }
        ),
        "can_view_events": True,
    }
    return render(request, "audit/person.html", context)
