"""Find a person, or register one."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods

from accounts.views import me
from common.once import once
from common.templatetags.chartroom import day
from common.web import addresses, rule_errors_on
from patients import access, services, typed
from patients.branches import Match
from patients.forms import Editor, register_editor
from patients.models import PatientStatus

SHORTEST_QUESTION = 2
SHOWN = 25  # one screen; whoever needs more types more


@dataclass(slots=True)
class Line:
    """One row of the search page, every text ready."""

    url: str
    name: str
    same_name: str
    born: str
    age: str
    sex: str
    mrn: str
    last: str
    matched: str
    is_deceased: bool
    is_merged: bool
    is_inactive: bool


def _lines(found: list[Match]) -> list[Line]:
    url_of = addresses("patients:chart")
    return [_line(hit, url_of(hit.patient.pk)) for hit in found]


def _line(hit: Match, url: str) -> Line:
    person, stay = hit.patient, hit.last_encounter
    return Line(
        url=url,
        name=person.display_name,
        same_name=f"{hit.named_so} people named so" if hit.named_so > 1 else "",
        born=day(person.birth_date),
        age=person.age_text,
        sex=person.sex_label,
        mrn=person.mrn_display,
        last=f"{stay.kind_label} · {stay.location} · {day(stay.started_at)}" if stay else "",
        matched=", ".join(hit.matched_on),
        is_deceased=person.deceased_on is not None,
        is_merged=person.status == PatientStatus.MERGED,
        is_inactive=person.status == PatientStatus.INACTIVE,
    )


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """The search page. Each question of two characters and more is a look and an event.

    A whole MRN followed by Enter opens the chart; while somebody types, the list only changes.
    """
    user = me(request)
    access.check_may_search(user)
    text = request.GET.get("q", "")[: typed.MAX_TEXT].strip()
    is_typing = bool(request.headers.get("HX-Request"))
    is_asked = len(text) >= SHORTEST_QUESTION
    found: list[Match] = []
    if is_asked:
        found = services.search_patients(by=user, text=text, limit=SHOWN, with_recognition=True)
    if len(found) == 1 and not is_typing and found[0].patient.mrn == typed.number_key(text):
        return redirect(found[0].patient)
    may_register = access.allows(access.check_may_register, user)
    context = {
        "q": text,
        "found": found,
        "lines": _lines(found),
        "is_asked": is_asked,
        "is_cut": len(found) == SHOWN,
        "may_register": may_register,
        "outside_url": _outside_url(text) if access.allows(access.check_may_search_outside, user) else "",
        "register_url": f"{reverse('patients:register')}?{urlencode({'q': text})}" if may_register else "",
    }
    return render(request, "patients/search.html", context)


def _outside_url(text: str) -> str:
    return f"{reverse('patients:outside')}?{urlencode({'q': text})}"


@require_http_methods(["GET", "POST"])
@once
def register(request: HttpRequest) -> HttpResponse:
    """Add somebody to the index; what was typed into the search is there already."""
    user = me(request)
    access.check_may_register(user)
    editor = register_editor(request, typed.as_identity(request.GET.get("q", "")))
    twins: list[services.Twin] = []
    if request.method == "POST" and editor.is_valid():
        with rule_errors_on(editor.form):
            try:
                patient = services.register_patient(by=user, **_registration(editor))
            except services.PossibleDuplicates as refused:
                services.show_duplicates(by=user, twins=refused.twins)
                twins = refused.twins
                editor.form.fields["override_duplicates"].required = True  # the form shown next says so
                raise
            messages.success(request, f"Registered with MRN {patient.mrn_display}.")
            return redirect(patient)
    is_asking = bool(twins or editor.form["override_duplicates"].value())
    context = {"editor": editor, "form": editor.form, "twins": twins, "is_asking_why": is_asking}
    return render(request, "patients/register.html", context, status=422 if request.method == "POST" else 200)


def _registration(editor: Editor) -> dict[str, Any]:
    lists = editor.lists()
    aliases = lists.pop("names")
    return {**editor.form.cleaned_data, **lists, "aliases": aliases}
