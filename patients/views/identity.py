"""One person's identity: everything known of her, how it came so, and correcting it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.views import me
from common.errors import Stale
from common.once import once
from common.web import rule_errors_on
from patients import access, editing, services
from patients.forms import Editor, edit_editor
from patients.history import latest_change, told
from patients.models import HOUSE, NameUse


@require_GET
def demographics(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Names, numbers, contacts, and who changed what when."""
    user = me(request)
    patient, events = services.open_demographics(by=user, patient_id=patient_id)
    addresses = list(patient.addresses.order_by("-from_on", "-pk"))
    context = {
        "patient": patient,
        "tab": "demographics",
        "other_names": patient.names.exclude(use=NameUse.OFFICIAL).order_by("-until_on", "family_key"),
        "identifiers": patient.identifiers.exclude(system=HOUSE, value=patient.mrn).order_by(
            "system", "value"
        ),
        "telecoms": patient.telecoms.order_by("system", "value"),
        "addresses": [address for address in addresses if address.until_on is None],
        "former_addresses": [address for address in addresses if address.until_on is not None],
        "history": told(events),
        "can_edit": access.allows(access.check_may_edit, user, patient) and patient.merged_into_id is None,
    }
    return render(request, "patients/demographics.html", context)


@require_http_methods(["GET", "POST"])
@once
def edit(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Correct an identity. Whoever comes second is shown what the first one changed, beside her own entries."""
    user = me(request)
    patient, _ = access.get_for(user, patient_id)
    access.check_may_edit(user, patient)
    state = editing.state_of(patient)
    if request.method == "GET":
        services.open_chart(by=user, patient_id=patient_id, part="edit")
        return _form_page(request, patient, edit_editor(state, patient.version))
    editor = edit_editor(state, patient.version, data=request.POST)
    if editor.is_valid():
        with rule_errors_on(editor.form):
            try:
                services.update_patient(by=user, patient_id=patient_id, **_changes(editor))
            except Stale:
                return _stale_page(request, patient_id, editor)
            messages.success(request, "Saved.")
            return redirect("patients:demographics", patient_id)
    services.open_chart(by=user, patient_id=patient_id, part="edit")
    return _form_page(request, patient, editor, status=422)


def _changes(editor: Editor) -> dict[str, Any]:
    values = dict(editor.form.cleaned_data)
    values.pop("seen")
    return {**values, **editor.lists(), "seen_version": values.pop("version")}


def _form_page(
    request: HttpRequest, patient: Any, editor: Editor, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {"patient": patient, "tab": "demographics", "editor": editor, "form": editor.form, **more}
    return render(request, "patients/edit.html", context, status=status)


def _stale_page(request: HttpRequest, patient_id: UUID, editor: Editor) -> HttpResponse:
    """The form again: what the other one saved is in it, what was typed here is kept, both stand side by side."""
    patient, events = services.open_demographics(by=me(request), patient_id=patient_id)
    now, typed = editing.state_of(patient), editor.state()
    seen = editing.opened(editor.form.cleaned_data["seen"]) or now
    merged, differences = editing.three_way(seen, now, typed)
    fresh = edit_editor(merged, patient.version, seen=now)
    who = latest_change(events)
    return _form_page(request, patient, fresh, status=409, differences=differences, who=who)
