"""Who may open a chart: restrictions, grants, own entries, care team and consults on one page."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.views import me
from common.once import once
from common.web import rule_errors_on
from patients import access, services
from patients.forms_opening import ConsultForm, GrantForm, OwnEntryForm, RestrictForm, TeamForm
from patients.models import Patient

FORMS: dict[str, type[Any]] = {"restrict": RestrictForm, "grant": GrantForm, "own": OwnEntryForm}


def _page(request: HttpRequest, patient_id: UUID, filled: dict[str, Any]) -> HttpResponse:
    user = me(request)
    opened = services.view_who_may_open(by=user, patient_id=patient_id)
    context = {
        "patient": opened.patient,
        "tab": "opening",
        "opened": opened,
        "restrictions": [
            (row, access.allows(access.check_may_lift, user, row)) for row in opened.restrictions
        ],
        "forms": {name: filled.get(name) or form(prefix=name) for name, form in FORMS.items()},
        "form": next(iter(filled.values()), None),
        "can_restrict": access.allows(access.check_may_restrict, user),
        "can_grant": access.allows(access.check_may_grant, user),
    }
    return render(request, "patients/opening.html", context, status=422 if filled else 200)


@require_GET
def who_may_open(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Everything on record that lets one person in, or shuts people out."""
    return _page(request, patient_id, {})


def _posted(
    request: HttpRequest, patient_id: UUID, name: str, verb: Callable[..., Any], done: str
) -> HttpResponse:
    form = FORMS[name](request.POST, prefix=name)
    if form.is_valid():
        with rule_errors_on(form):
            verb(by=me(request), patient_id=patient_id, **form.cleaned_data)
            messages.success(request, done)
            return redirect("patients:opening", patient_id)
    return _page(request, patient_id, {name: form})


@require_POST
@once
def restrict(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Restrict the chart."""
    return _posted(request, patient_id, "restrict", services.restrict_chart, "The chart is restricted.")


@require_POST
@once
def grant(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Let a colleague in."""
    done = "Your colleague can open this chart now."
    return _posted(request, patient_id, "grant", services.grant_chart, done)


@require_POST
@once
def own_entry(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Say that the patient works here."""
    done = "Your colleague can no longer open this chart."
    return _posted(request, patient_id, "own", services.set_own_entry, done)


@require_POST
@once
def lift(request: HttpRequest, restriction_id: UUID) -> HttpResponse:
    """End a restriction."""
    row = services.lift_restriction(by=me(request), restriction_id=restriction_id)
    messages.success(request, "The restriction is lifted.")
    return redirect("patients:opening", row.patient_id)


@require_POST
@once
def revoke(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Take a grant back."""
    row = services.revoke_grant(by=me(request), grant_id=grant_id)
    messages.success(request, "The grant is taken back.")
    return redirect("patients:opening", row.content_object_id)


@require_POST
@once
def end_own_entry(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """It was somebody else."""
    row = services.end_own_entry(by=me(request), entry_id=entry_id)
    messages.success(request, "The patient is not that colleague.")
    return redirect("patients:opening", row.patient_id)


def _asked(
    request: HttpRequest, patient: Patient, form: Any, words: dict[str, str], verb: Callable[..., Any]
) -> HttpResponse:
    """A page with one form about a colleague: `verb` gets what was typed."""
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            verb(by=me(request), **form.cleaned_data)
            messages.success(request, "Your colleague can open this chart from now on.")
            return redirect(words["back"], patient.pk)
    context = {"patient": patient, "form": form, **words}
    status = 422 if request.method == "POST" else 200
    return render(request, "patients/opening_form.html", context, status=status)


@require_http_methods(["GET", "POST"])
@once
def join_team(request: HttpRequest, encounter_id: UUID) -> HttpResponse:
    """Add a colleague to an encounter's care team."""
    user = me(request)
    encounter = services.view_encounter(by=user, encounter_id=encounter_id)
    access.check_may_edit_encounters(user, encounter.patient)
    words = {
        "tab": "encounters",
        "title": f"Care team of encounter {encounter.number}",
        "button": "Add to the care team",
        "consequence": "Whoever is added can open this chart while the encounter lasts, and for some weeks after.",
        "back": "patients:encounters",
    }

    def join(**given: Any) -> None:
        services.join_care_team(encounter_id=encounter_id, **given)

    return _asked(request, encounter.patient, TeamForm(request.POST or None), words, join)


@require_POST
@once
def leave_team(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """End somebody's part in a care team."""
    row = services.leave_care_team(by=me(request), member_id=member_id)
    messages.success(request, "Her part in the care team has ended.")
    return redirect("patients:encounters", row.patient_id)


@require_http_methods(["GET", "POST"])
@once
def consult(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Ask a colleague about the patient."""
    user = me(request)
    access.check_may_ask_consult(user)
    patient = services.open_chart(by=user, patient_id=patient_id, part="asking a colleague")
    words = {
        "tab": "timeline",
        "title": "Ask a colleague",
        "button": "Ask",
        "consequence": "She is told, and can open this chart until the question is answered.",
        "back": "patients:chart",
    }

    def ask(**given: Any) -> None:
        services.ask_consult(patient_id=patient_id, **given)

    return _asked(request, patient, ConsultForm(request.POST or None), words, ask)


@require_POST
@once
def answer(request: HttpRequest, consult_id: UUID) -> HttpResponse:
    """The question is answered: whoever was asked may not open the chart any more."""
    services.answer_consult(by=me(request), consult_id=consult_id)
    messages.success(request, "The question is answered.")
    return redirect("home")
