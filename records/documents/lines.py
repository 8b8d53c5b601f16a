"""Rows of a timeline as its template shows them: every text ready, so that a row costs no look-ups."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse

from common.templatetags.chartroom import day_text
from records.documents.models import Document, DocumentStatus, Processing

_WORDS = {str(value): str(label) for value, label in Processing.choices}
_ANY = UUID(int=0)


@dataclass(slots=True)
class Line:
    """One document of a list."""

    pk: UUID
    url: str
    title: str
    day: str
    iso_day: str
    type_name: str
    author: str
    pages: int | None  # None until they are read; then `state` says how far the reading is
    state: str
    is_withdrawn: bool
    label_words: list[str]
    encounter_id: UUID | None
    is_chosen: bool

    @property
    def kind_and_author(self) -> str:
        """What the title does not say already."""
        kind = "" if self.title == self.type_name else self.type_name
        return " · ".join(part for part in (kind, self.author) if part)


def own_pages() -> Callable[[UUID], str]:
    """The address of a document's page, worked out once for a whole list."""
    before, after = reverse("documents:detail", args=[_ANY]).split(str(_ANY))
    return lambda key: f"{before}{key}{after}"


def lines(
    rows: Iterable[Document], *, url_of: Callable[[UUID], str], chosen: UUID | None = None
) -> list[Line]:
    """The rows of `queries.timeline` as lines, in their order."""
    return [_line(row, url_of(row.pk), is_chosen=row.pk == chosen) for row in rows]


def _line(row: Any, url: str, *, is_chosen: bool) -> Line:
    """`row` is a Document with what `queries.timeline` annotates."""
    is_read = row.processing == Processing.DONE
    return Line(
        pk=row.pk,
        url=url,
        title=row.title,
        day=day_text(row.service_date),
        iso_day=row.service_date.isoformat(),
        type_name=row.type_name,
        author=row.author,
        pages=row.page_count if is_read else None,
        state="" if is_read else _WORDS.get(row.processing, ""),
        is_withdrawn=row.status == DocumentStatus.ENTERED_IN_ERROR,
        label_words=row.label_words if row.labels else [],
        encounter_id=row.encounter_id,
        is_chosen=is_chosen,
    )
