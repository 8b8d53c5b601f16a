"""Emergency access for the whole house: one page on which two people declare, confirm and end it."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts import access, confirming, queries, services
from accounts.forms import EmergencyForm
from accounts.models import HouseEmergency
from accounts.views import me
from common.once import once
from common.web import rule_errors_on

FRESH_SECONDS = 60  # so long ago, at most, whoever opens the house has said who she is


@require_GET
def emergency(request: HttpRequest) -> HttpResponse:
    """What stands, and the form to declare one."""
    return _page(request, _form(request))


def _form(request: HttpRequest) -> EmergencyForm:
    access.check_may_declare_emergency(me(request))
    return EmergencyForm(
        request.POST or None,
        roles=queries.emergency_roles(),
        initial={"hours": min(4, settings.EMERGENCY_HOURS)},
    )


def _page(request: HttpRequest, form: EmergencyForm, *, status: int = 200) -> HttpResponse:
    user = me(request)
    standing = [(row, _may_confirm(row, user)) for row in queries.standing_emergencies()]
    context: dict[str, Any] = {
        "form": form,
        "standing": standing,
        "can_declare": all(row.is_drill for row, _ in standing),
        "most_hours": settings.EMERGENCY_HOURS,
    }
    return render(request, "accounts/emergency.html", context, status=status)


def _may_confirm(row: HouseEmergency, user: Any) -> bool:
    return not row.is_confirmed and row.declared_by_id != user.pk


@require_POST
def declare(request: HttpRequest) -> HttpResponse:
    """Ask for it; a second person has to confirm."""
    form = _form(request)
    if form.is_valid():
        if not services.recently_confirmed(request, within_seconds=FRESH_SECONDS):
            return confirming.ask(request)  # not the form's one result: it comes again afterwards
        return _declared(request, form)
    return _page(request, form, status=422)


@once
def _declared(request: HttpRequest, form: EmergencyForm) -> HttpResponse:
    with rule_errors_on(form):
        services.declare_emergency(by=me(request), **form.cleaned_data)
        messages.warning(request, "Declared. Nothing is open yet: a second person has to confirm it.")
        return redirect("accounts:emergency")
    return _page(request, form, status=422)


@require_POST
def confirm(request: HttpRequest, emergency_id: UUID) -> HttpResponse:
    """The second person's yes."""
    user = me(request)
    access.check_may_confirm_emergency(user, access.get_emergency_for(user, emergency_id))
    if not services.recently_confirmed(request, within_seconds=FRESH_SECONDS):
        return confirming.ask(request)
    return _confirmed(request, emergency_id)


@once
def _confirmed(request: HttpRequest, emergency_id: UUID) -> HttpResponse:
    row = services.confirm_emergency(by=me(request), emergency_id=emergency_id)
    words = "DRILL: in force; nothing is opened by it." if row.is_drill else "Emergency access is in force."
    messages.warning(request, words)
    return redirect("accounts:emergency")


@require_POST
@once
def end(request: HttpRequest, emergency_id: UUID) -> HttpResponse:
    """Close the house again, or take back what is not confirmed."""
    services.end_emergency(by=me(request), emergency_id=emergency_id)
    messages.success(request, "The emergency access is ended.")
    return redirect("accounts:emergency")
