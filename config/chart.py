"""The chart's first page. It shows documents on a patient's page, so it stands where the floors meet."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.views import me
from common.errors import NotFound
from common.ids import as_uuid
from common.jobs.services import latest_about
from common.web import Chip, Page
from patients import services
from patients.access import Decision, allows
from patients.models import Encounter, Patient
from records.documents import access, queries, viewer
from records.documents import services as document_services
from records.documents.forms import FilterForm
from records.documents.lines import Line, lines, page_of
from records.documents.models import Document, Label
from records.documents.services.filing import READ_JOB

app_name = "patients"

CHIPS = 6


@dataclass
class Stay:
    """The documents of one encounter, as the timeline groups them."""

    encounter: Encounter | None
    documents: list[Line]
    is_open: bool = field(default=False)


def _by_encounter(
    page: Page[Document], chosen: UUID | None, *, url_of: Callable[[UUID], str], unfold: bool
) -> list[Stay]:
    """The page's rows grouped where neighbours share an encounter; the newest group and the chosen one open."""
    encounters = queries.encounters_of(page.rows)
    shown = lines(page.rows, url_of=url_of, chosen=chosen)
    stays = [
        Stay(encounters[key] if key else None, list(group))
        for key, group in groupby(shown, key=lambda line: line.encounter_id)
    ]
    for position, stay in enumerate(stays):
        stay.is_open = unfold or position == 0 or any(line.is_chosen for line in stay.documents)
    return stays


def _chips(kinds: list[tuple[str, str, int]], given: dict[str, str], filters: queries.Filters) -> list[Chip]:
    """The kinds of document in this chart as links that filter, most first; other filters set, to take away."""
    total = sum(count for _, _, count in kinds)
    without_type = {key: value for key, value in given.items() if key != "type"}
    chips = [Chip(f"All {total}", "?" + urlencode(without_type), current=not filters.type)]
    shown = kinds[:CHIPS] + [row for row in kinds[CHIPS:] if row[0] == filters.type]
    for code, name, count in shown if len(kinds) > 1 else []:
        url = "?" + urlencode({**without_type, "type": code})
        chips.append(Chip(f"{name} {count}", url, current=code == filters.type))
    for key in ("q", "since", "until", "author", "label"):
        if given.get(key):
            others = {name: value for name, value in given.items() if name != key}
            text = f"{FilterForm.base_fields[key].label}: {given[key]}"
            chips.append(Chip(text, "?" + urlencode(others), current=True, removes=True))
    return chips if total else []


def _beside(
    request: HttpRequest,
    user: User,
    chart: tuple[Patient, Decision],
    page: Page[Document],
    given: dict[str, str],
) -> dict[str, Any]:
    """The document shown beside the timeline: the one asked for, or the newest; a look of its own."""
    asked = request.GET.get("document", "")
    document_id = as_uuid(asked) if asked else (page.rows[0].pk if page.rows else None)
    if document_id is None:
        if asked:
            raise NotFound
        return {"chosen": None}
    text = request.GET.get("page", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1
    patient, decision = chart
    opened = document_services.look_beside_chart(
        by=user, document_id=document_id, chart=patient, decision=decision
    )
    if opened.pages and all(page.number != number for page in opened.pages):
        number = opened.pages[0].number
    keep = {**given, "document": str(document_id)}
    return {
        "chosen": opened.document,
        "version": opened.version,
        "viewer": viewer.context(opened, number=number, keep=keep),
        "job": latest_about(opened.version, READ_JOB) if opened.version.is_being_read else None,
    }


@require_GET
def chart(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The timeline: what the chart holds, newest first, the chosen document beside it."""
    return render(request, "patients/chart.html", _look(request, patient_id))


@transaction.atomic
def _look(request: HttpRequest, patient_id: UUID) -> dict[str, Any]:
    """Two looks, each with its event, in one transaction: a page that shows one without the other is never sent."""
    user = me(request)
    patient, decision = services.look_into_chart(by=user, patient_id=patient_id, part="timeline")
    context: dict[str, Any] = {"patient": patient, "tab": "timeline"}
    if user.has_perm("documents.view_document"):
        given = FilterForm.given(request.GET)
        form = FilterForm(request.GET) if given else None
        filters = form.filters() if form else queries.Filters()
        page = page_of(request, user, patient, filters)
        context.update(_beside(request, user, (patient, decision), page, given))
        chosen = context["chosen"]
        kept = {key: value for key, value in request.GET.items() if key not in {"document", "page"} and value}
        ask = "?" + urlencode({**kept, "document": ""})
        kinds, asking = queries.types_in_chart(user, patient)
        context.update(
            {
                "page": page,
                "stays": _by_encounter(
                    page,
                    chosen.pk if chosen else None,
                    url_of=lambda key: f"{ask}{key}",
                    unfold=bool(filters.as_detail()),
                ),
                "filters": filters,
                "given": given,
                "wrong": form.errors if form else {},
                "labels": tuple(Label.choices),
                "chips": _chips(kinds, given, filters),
                "asking": asking,
                "can_file": allows(access.check_may_file_at_all, user),  # the chart is open
            }
        )
    return context


urlpatterns = [path("<uuid:patient_id>/", chart, name="chart")]
