"""Pages around the glass: people outside one's care, the page before it, breaking and ending it."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import confirming
from accounts.services import recently_confirmed
from accounts.views import me
from common.once import once
from common.web import rule_errors_on
from patients import access, services, typed
from patients.forms import GlassForm
from patients.glass import FRESH_SECONDS

SHORTEST_QUESTION = 3


@require_GET
def outside(request: HttpRequest) -> HttpResponse:
    """Find somebody outside one's care: who they are, nothing of their charts."""
    user = me(request)
    access.check_may_search_outside(user)
    text = request.GET.get("q", "")[: typed.MAX_TEXT].strip()
    is_asked = len(text) >= SHORTEST_QUESTION
    found = services.search_outside_care(by=user, text=text) if is_asked else []
    context = {
        "q": text,
        "found": found,
        "is_asked": is_asked,
        "is_cut": len(found) == typed.LIMIT_OUTSIDE,
        "may_break": access.allows(access.check_may_break_glass, user),
    }
    return render(request, "patients/outside.html", context)


def _back(request: HttpRequest, otherwise: str) -> str:
    """The page of ours that the form names, or another one."""
    wanted = request.POST.get("next", "")
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return otherwise


@require_http_methods(["GET", "POST"])
def glass(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """What breaking the glass means, and the form that does it once whoever sits there has said who she is."""
    considered = services.consider_glass(by=me(request), patient_id=patient_id)
    is_drill = bool(request.POST.get("is_drill") or request.GET.get("drill"))
    form = GlassForm(request.POST or None, reasons=considered.reasons, is_drill=is_drill)
    if request.method == "POST" and form.is_valid():
        is_needed = is_drill or not considered.is_open_anyway
        if is_needed and not recently_confirmed(request, within_seconds=FRESH_SECONDS):
            return confirming.ask(request)  # not the form's one result: it comes again afterwards
        return _broken(request, considered, form, is_drill=is_drill)
    return _glass_page(request, considered, form, is_drill=is_drill)


@once
def _broken(
    request: HttpRequest, considered: services.Considered, form: GlassForm, *, is_drill: bool
) -> HttpResponse:
    """The glass, and on to where she wanted to go; what was refused for want of it is sent on."""
    patient = considered.patient
    with rule_errors_on(form):
        services.break_glass(by=me(request), patient_id=patient.pk, is_drill=is_drill, **form.cleaned_data)
        if is_drill:
            return redirect(f"{reverse('patients:glass', args=[patient.pk])}?drill=1")
        kept = confirming.take(request, confirming.REFUSED) if request.POST.get("kept") else None
        if kept is not None:
            return render(request, "accounts/resume.html", {"kept": kept})
        return redirect(_back(request, patient.get_absolute_url()))
    return _glass_page(request, considered, form, is_drill=is_drill)


def _glass_page(
    request: HttpRequest, considered: services.Considered, form: GlassForm, *, is_drill: bool
) -> HttpResponse:
    context = {
        "patient": considered.patient,
        "considered": considered,
        "standing": considered.drill if is_drill else considered.standing,
        "form": form,
        "is_drill": is_drill,
        "hours": settings.GLASS_HOURS,
        "kept": request.POST.get("kept") or request.GET.get("kept") or "",
        "next": request.POST.get("next") or request.GET.get("next") or "",
    }
    return render(request, "patients/glass.html", context, status=422 if request.method == "POST" else 200)


@require_POST
@once
def end(request: HttpRequest, glass_id: UUID) -> HttpResponse:
    """Close it now."""
    user = me(request)
    ended = services.end_glass(by=user, glass_id=glass_id)
    if ended.is_drill:
        messages.success(request, "DRILL: the glass is whole again. Nothing had been opened.")
    elif ended.user_id == user.pk:
        messages.success(request, "The chart is closed to you again.")
    else:
        messages.success(request, "The chart is closed to your colleague again, who has been told.")
    return redirect(_back(request, reverse("home")))
