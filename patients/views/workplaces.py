"""Where a colleague works, for the administrator."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.queries import user_for
from accounts.views import me
from common.once import once
from common.web import rule_errors_on
from patients import queries, services
from patients.forms_opening import WorkplacesForm


@require_http_methods(["GET", "POST"])
@once
def workplaces(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Where she works, since when, and where she worked before."""
    by = me(request)
    person = user_for(by, user_id)
    form = WorkplacesForm(request.POST if request.method == "POST" else None, person=person)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            values = dict(form.cleaned_data)
            services.set_workplaces(by=by, user_id=user_id, seen_version=values.pop("version"), **values)
            messages.success(request, f"Where {person.username} works is changed.")
            return redirect("accounts:user", user_id)
    context = {
        "person": person,
        "form": form,
        "is_self": person.pk == by.pk,
        "now": queries.workplaces_of(person),
        "before": queries.former_workplaces_of(person),
    }
    return render(request, "patients/workplaces.html", context, status=422 if form.errors else 200)
