"""The log on paper: for the patient, and for a lawyer."""

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from accounts.views import me
from audit.archiving.ledger import Archived
from audit.review import absent, access, services
from audit.review.forms import PatientPrintForm
from audit.review.views import ask_order, question_form
from common.errors import RuleBroken


def _as_pdf(data: bytes, name: str, missing: Sequence[Archived] = ()) -> HttpResponse:
    response = HttpResponse(data, content_type="application/pdf")
    absent.attach(response, name, "pdf", missing)
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_GET
def for_patient(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Who looked at my chart: a page to print, or the same as PDF (`format=pdf`)."""
    user = me(request)
    form = PatientPrintForm(request.GET)
    is_pdf = request.GET.get("format") == "pdf"
    days = form.days()
    report = services.print_for_patient(
        by=user, patient_id=patient_id, since=days[0], until=days[1], how="pdf" if is_pdf else "page"
    )
    if is_pdf and form.is_valid():
        from audit.review import letters

        return _as_pdf(letters.patient_pdf(report), "who-looked-at-my-chart")
    if form.is_valid():  # the days stand in their fields
        form = PatientPrintForm({"since": days[0], "until": days[1]})
    context = {
        "report": report,
        "patient": report.patient,
        "tab": "access",
        "form": form,
        "pdf_url": "?" + urlencode({"since": str(days[0]), "until": str(days[1]), "format": "pdf"}),
    }
    return render(request, "audit/for_patient.html", context, status=200 if form.is_valid() else 422)


@require_GET
def with_hashes(request: HttpRequest) -> HttpResponse:
    """The answers to the question as PDF, each with its leaf hash and its seal."""
    user = me(request)
    access.check_may_export_log(user)
    form = question_form(request, user, period="month")
    if form.is_valid():
        try:
            made = services.print_with_hashes(by=user, question=form.question(ask_order(request)))
        except RuleBroken as refused:
            form.add_error(None, refused.message)
        else:
            from audit.review import letters

            return _as_pdf(letters.lawyer_pdf(made), "access-log-events", made.absent)
    return render(request, "audit/log.html", {"form": form}, status=422)
