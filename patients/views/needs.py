"""Saying why a restricted chart is needed."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.views import me
from common.once import once
from common.web import own_path, rule_errors_on
from patients import access, services
from patients.forms import NeedForm


@require_http_methods(["GET", "POST"])
@once
def state_need(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Why do you need this chart? The page shows nothing of it."""
    user = me(request)
    patient, decision = access.get_to_ask(user, patient_id)
    back = own_path(request.GET.get("next", "")) or patient.get_absolute_url()
    if decision.allowed:
        return redirect(back)
    form = NeedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            need = services.state_need(by=user, patient_id=patient_id, reason=form.cleaned_data["reason"])
            messages.success(request, f"The chart is open to you until {need.until_words}.")
            return redirect(back)
    context = {"form": form, "what": "chart", "need_hours": settings.NEED_HOURS}
    status = 422 if request.method == "POST" else 200
    return render(request, "patients/state_need.html", context, status=status)
