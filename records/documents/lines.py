"""Rows of a timeline as its template shows them: every text ready, so that a row costs no look-ups."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from accounts.models import User
from common.templatetags.chartroom import day_text
from common.web import Page, first_page, paginate
from common.words import counted
from patients.models import Patient
from records.documents import queries
from records.documents.models import Document, DocumentStatus, Processing

_WORDS = {str(value): str(label) for value, label in Processing.choices}


@dataclass(slots=True)
class Line:
    """One document of a list."""

    pk: UUID
    url: str
    title: str
    day: str
    iso_day: str
    author: str
    kind_and_author: str  # what the title does not say already
    extent: str  # how many pages, or how far their reading is
    short_extent: str
    is_withdrawn: bool
    label_words: list[str]
    is_marked: bool  # withdrawn or labelled: few are
    encounter_id: UUID | None
    is_chosen: bool


def page_of(request: HttpRequest, user: User, patient: Patient, filters: queries.Filters) -> Page[Document]:
    """One page of the timeline of an open chart; its top, which everybody opens, by a statement that is ready."""
    if request.GET.get("cursor") or filters != queries.Filters():
        return paginate(request, queries.timeline(user, patient, filters), ordering=queries.NEWEST)
    return first_page(request, queries.newest(user, patient), ordering=queries.NEWEST)


def lines(
    rows: Iterable[Document], *, url_of: Callable[[UUID], str], chosen: UUID | None = None
) -> list[Line]:
    """The rows of `queries.timeline` as lines, in their order."""
    return [_line(row, url_of(row.pk), is_chosen=row.pk == chosen) for row in rows]


def _line(row: Any, url: str, *, is_chosen: bool) -> Line:
    """`row` is a Document with what `queries.timeline` annotates."""
    if row.processing == Processing.DONE:
        extent, short_extent = (
            counted(row.page_count, "page"),
            f"{row.page_count} p",
        )
    else:
        extent = short_extent = _WORDS.get(row.processing, "")
    kind = "" if row.title == row.type_name else row.type_name
    is_withdrawn = row.status == DocumentStatus.ENTERED_IN_ERROR
    return Line(
        pk=row.pk,
        url=url,
        title=row.title,
        day=day_text(row.service_date),
        iso_day=row.service_date.isoformat(),
        author=row.author,
        kind_and_author=f"{kind} · {row.author}" if kind and row.author else kind or row.author,
        extent=extent,
        short_extent=short_extent,
        is_withdrawn=is_withdrawn,
        label_words=row.label_words if row.labels else [],
        is_marked=is_withdrawn or bool(row.labels),
        encounter_id=row.encounter_id,
        is_chosen=is_chosen,
    )
