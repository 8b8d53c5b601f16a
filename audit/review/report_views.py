"""Reports as pages, with their picture, and on paper."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from accounts.views import me
from audit.review import pictures, reports
from audit.review.services import reporting
from common.fields import day_field

LONGEST = timedelta(days=366 * 3)


class PeriodForm(forms.Form):
    """From when until when, both days included."""

    since = day_field("From")
    until = day_field("To, that day included")

    def clean(self) -> dict[str, Any]:
        """In this order, and no longer than a report can be."""
        given = super().clean() or {}
        since, until = given.get("since"), given.get("until")
        if since and until and since > until:
            self.add_error("until", "This day lies before the first.")
        elif since and until and until - since > LONGEST:
            self.add_error("since", "At most three years at once.")
        return given


def usual_period() -> tuple[date, date]:
    """Twelve whole weeks and what there is of this one, until yesterday."""
    yesterday = timezone.localdate() - timedelta(days=1)
    return yesterday - timedelta(days=7 * 12 + yesterday.weekday()), yesterday


def _period(request: HttpRequest) -> tuple[PeriodForm, tuple[date, date]]:
    since, until = usual_period()
    usual = {"since": since.isoformat(), "until": until.isoformat()}
    form = PeriodForm({**usual, **{name: value for name, value in request.GET.items() if value}})
    if form.is_valid():
        return form, (form.cleaned_data["since"], form.cleaned_data["until"])
    return form, (since, until)


@require_GET
def report_list(request: HttpRequest) -> HttpResponse:
    """The reports there are, and how the office's own figures go."""
    return _show(request, "trend", "audit/report_list.html")


@require_GET
def report(request: HttpRequest, name: str) -> HttpResponse:
    """One report over a period."""
    return _show(request, name, "audit/report.html")


def _show(request: HttpRequest, name: str, template: str) -> HttpResponse:
    if name not in reports.BY_NAME:
        raise Http404
    form, (since, until) = _period(request)
    made = reporting.view_report(by=me(request), name=name, since=since, until=until)
    context = {
        "report": made,
        "kinds": reports.KINDS,
        "form": form,
        "picture": pictures.bars(made.bars),
        "query": urlencode({"since": since.isoformat(), "until": until.isoformat()}),
    }
    return render(request, template, context, status=200 if form.is_valid() else 422)


@require_GET
def report_pdf(request: HttpRequest, name: str) -> HttpResponse:
    """The same on paper."""
    if name not in reports.BY_NAME:
        raise Http404
    _, (since, until) = _period(request)
    data = reporting.take_report(by=me(request), name=name, since=since, until=until)
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="report-{name}-{until:%Y-%m-%d}.pdf"'
    return response
