"""Encounters of one chart: list, open, correct, close."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.views import me
from common.errors import Stale
from common.once import once
from common.web import paginate, rule_errors_on
from patients import access, queries, services
from patients.forms import EncounterForm
from patients.models import Encounter


@require_GET
def encounters(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The chart's encounters, newest first."""
    user = me(request)
    patient, rows = services.list_encounters(by=user, patient_id=patient_id)
    context = {
        "patient": patient,
        "tab": "encounters",
        "page": paginate(request, rows, ordering=["-started_at", "-pk"]),
        "can_ask": access.allows(access.check_may_ask_consult, user),
        "consults": queries.own_consults(user, patient),
        "can_edit": access.allows(access.check_may_edit_encounters, user, patient),
    }
    return render(request, "patients/encounters.html", context)


def _may_add_location(request: HttpRequest) -> bool:
    return access.allows(access.check_may_add_location, me(request))


@require_http_methods(["GET", "POST"])
@once
def new_encounter(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Open a visit or stay."""
    user = me(request)
    patient, _ = access.get_for(user, patient_id)
    access.check_may_edit_encounters(user, patient)
    form = EncounterForm(request.POST or None, is_new=True, may_add_location=_may_add_location(request))
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            encounter = services.open_encounter(
                by=user, patient_id=patient_id, number=form.cleaned_data["number"], **form.changes()
            )
            messages.success(request, f"Encounter {encounter.number} is open.")
            return redirect("patients:encounters", patient_id)
    services.open_chart(by=user, patient_id=patient_id, part="new encounter")
    context = {"patient": patient, "tab": "encounters", "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "patients/encounter_form.html", context, status=status)


@require_http_methods(["GET", "POST"])
@once
def edit_encounter(request: HttpRequest, encounter_id: UUID) -> HttpResponse:
    """Correct a visit or stay."""
    user = me(request)
    encounter = services.view_encounter(by=user, encounter_id=encounter_id)
    access.check_may_edit_encounters(user, encounter.patient)
    start = {
        "kind": encounter.kind,
        "location": encounter.location_id,
        "attending": encounter.attending_id,
        "started_at": encounter.started_at,
        "ended_at": encounter.ended_at,
        "version": encounter.version,
    }
    form = EncounterForm(
        request.POST or None,
        initial=start,
        is_new=False,
        may_add_location=_may_add_location(request),
        attending=encounter.attending,
    )
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            try:
                services.update_encounter(
                    by=user,
                    encounter_id=encounter_id,
                    seen_version=form.cleaned_data["version"] or encounter.version,
                    **form.changes(),
                )
            except Stale:
                form = _form_after_another(request, encounter)
            else:
                messages.success(request, f"Encounter {encounter.number} is changed.")
                return redirect("patients:encounters", encounter.patient_id)
    context = {"patient": encounter.patient, "tab": "encounters", "form": form, "encounter": encounter}
    status = 422 if request.method == "POST" else 200
    return render(request, "patients/encounter_form.html", context, status=status)


def _form_after_another(request: HttpRequest, encounter: Encounter) -> EncounterForm:
    """What was typed, beside what somebody else saved meanwhile; saving again puts the typed in its place."""
    data = request.POST.copy()
    data["version"] = str(encounter.version)
    form = EncounterForm(
        data,
        is_new=False,
        may_add_location=_may_add_location(request),
        attending=encounter.attending,
    )
    end = timezone.localtime(encounter.ended_at) if encounter.ended_at else None
    form.add_error(
        None,
        "Somebody else changed this encounter while you were typing. On record now: "
        f"{encounter.get_kind_display()}, {encounter.location}, {encounter.attending.display_name}, "
        f"from {timezone.localtime(encounter.started_at):%d %b %Y %H:%M} "
        f"{f'to {end:%d %b %Y %H:%M}' if end else 'and open'}. "
        "Your entries are kept below: save again to put them in its place.",
    )
    return form


@require_POST
@once
def close_encounter(request: HttpRequest, encounter_id: UUID) -> HttpResponse:
    """Discharge, now."""
    encounter = services.close_encounter(by=me(request), encounter_id=encounter_id)
    messages.success(
        request,
        f"Encounter {encounter.number} is closed. Closed by mistake? Open it below and clear its end.",
    )
    return redirect("patients:encounters", encounter.patient_id)
