"""Reads of documents and their text, over what `access` has restricted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.contrib.postgres.search import SearchHeadline, SearchQuery
from django.db import connection
from django.db.models import BooleanField, Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from accounts.roles import words_for
from audit.models import Event
from common.kept import Kept
from common.web import PAGE_SIZE
from patients.models import Encounter, Patient
from records.documents import access
from records.documents.models import (
    TEXT_CONFIGURATION,
    Document,
    DocumentStatus,
    DocumentType,
    DocumentVersion,
    Label,
    LabelRule,
    Page,
)

NEWEST = ("-service_date", "-id")
SHOWN_HITS = 50
MAX_QUESTION = 200
# Marks that no text of a page can contain: the reader drops private signs of this kind before it stores text.
START, STOP = "\x02", "\x03"


def types_in_use() -> QuerySet[DocumentType]:
    """The types a document may be filed as, by name. Nothing about any patient."""
    return DocumentType.objects.filter(is_active=True)


@dataclass(frozen=True)
class Filters:
    """What a list of documents is narrowed to; empty fields narrow nothing."""

    type: str = ""
    since: date | None = None
    until: date | None = None
    author: str = ""
    label: str = ""
    encounter: UUID | None = None
    text: str = ""

    def as_detail(self) -> dict[str, str]:
        """For the event: what was asked."""
        return {name: str(value) for name, value in vars(self).items() if value}


def narrowed(rows: QuerySet[Document], filters: Filters) -> QuerySet[Document]:
    """The documents that fit, with everything a caller may ask of each, without an order."""
    return fitting(rows, filters).select_related("type", "current", "encounter", "encounter__location")


def fitting(rows: QuerySet[Document], filters: Filters) -> QuerySet[Document]:
    """The documents that fit, without an order."""
    if filters.type:
        rows = rows.filter(type__code=filters.type)
    if filters.since:
        rows = rows.filter(service_date__gte=filters.since)
    if filters.until:
        rows = rows.filter(service_date__lte=filters.until)
    if filters.author:
        rows = rows.filter(author__icontains=filters.author)
    if filters.label:
        rows = rows.filter(labels__contains=[filters.label])
    if filters.encounter:
        rows = rows.filter(encounter_id=filters.encounter)
    if filters.text:
        rows = rows.exclude(status=DocumentStatus.ENTERED_IN_ERROR)  # it is listed, and not found
        pages = Page.objects.filter(text_vector=question(filters.text)).values("of")
        rows = rows.filter(Q(title__icontains=filters.text) | Q(current__in=pages))
    return rows


LabelTable = list[tuple[str, str, list[tuple[str, str, str]]]]


def label_table() -> LabelTable:
    """(label, words, [(role, words, verdict or "")]) for every label that rules decide and every role."""
    held = {(row.label, row.role_id): row.verdict for row in LabelRule.objects.all()}
    looks = Q(permissions__content_type__app_label="documents", permissions__codename="view_document")
    roles = list(Group.objects.filter(looks).order_by("name"))
    return [
        (
            label,
            str(words),
            [(role.name, words_for(role.name), held.get((label, role.pk), "")) for role in roles],
        )
        for label, words in Label.choices
        if label != Label.PSYCHOTHERAPY
    ]


def timeline(user: User, patient: Patient, filters: Filters | None = None) -> QuerySet[Document]:
    """The documents of one chart that `user` may see, for `lines`; page them with `ordering=NEWEST`.

    One query however many rows, and of each row only what a line shows: the chart is opened all day long.
    """
    return _for_lines(fitting(access.of_open_chart(user, patient), filters or Filters()))


def _for_lines(rows: QuerySet[Document]) -> QuerySet[Document]:
    return rows.only(
        "patient_id", "encounter_id", "title", "service_date", "author", "status", "labels"
    ).annotate(
        type_code=F("type__code"),
        type_name=F("type__name"),
        processing=F("current__processing"),
        page_count=F("current__page_count"),
    )


def _newest(*, with_withdrawn: bool) -> Kept[Document]:
    def rows(user_id: UUID, patient_id: UUID) -> QuerySet[Document]:
        shown = access.shown_in(user_id, patient_id, with_withdrawn=with_withdrawn).order_by(*NEWEST)
        # Found first, by the index of the timeline, and joined afterwards: a plan for any patient knows only how
        # many documents a chart has as a rule, and would join all of a long chart before it sorts them.
        return _for_lines(Document.objects.filter(pk__in=shown.values("pk")[: PAGE_SIZE + 1])).order_by(
            *NEWEST
        )

    return Kept(rows)


_NEWEST_ROWS = {answer: _newest(with_withdrawn=answer) for answer in (False, True)}


def newest(user: User, patient: Patient) -> list[Document]:
    """The first rows of `timeline` without filters: a page, and one more that tells whether there is a next."""
    if not user.has_perm("documents.view_document"):
        return []
    return _NEWEST_ROWS[access.sees_withdrawn(user)](user.pk, patient.pk)


def _counted(*, with_withdrawn: bool) -> Kept[Any]:
    """Counted by type first and named afterwards: a chart may have a thousand documents of four types."""
    kind = DocumentType.objects.filter(pk=OuterRef("type_id")).order_by()

    def rows(user_id: UUID, patient_id: UUID) -> QuerySet[Any]:
        told = access.told_in(user_id, patient_id, with_withdrawn=with_withdrawn).order_by()
        counted: QuerySet[Any] = told.values("type_id").annotate(
            count=Count("pk", filter=Q(is_shown=True)), asking=Count("pk", filter=Q(is_shown=False))
        )
        return counted.values_list(
            Subquery(kind.values("code")), Subquery(kind.values("name")), "count", "asking"
        )

    return Kept(rows)


_COUNTED = {answer: _counted(with_withdrawn=answer) for answer in (False, True)}


def types_in_chart(user: User, patient: Patient) -> tuple[list[tuple[str, str, int]], int]:
    """(code, name, count) of the kinds of document in an open chart that `user` may see, most first.

    And how many more of them would open to her if she said why. One statement.
    """
    if not user.has_perm("documents.view_document"):
        return [], 0
    rows = _COUNTED[access.sees_withdrawn(user)](user.pk, patient.pk)
    kinds = [(code, name, count) for code, name, count, _ in rows if count]
    return sorted(kinds, key=lambda row: (-row[2], row[1])), sum(asking for *_, asking in rows)


_encounters = Kept(
    lambda keys: Encounter.objects.select_related("location").filter(
        RawSQL("patients_encounter.id = any(%s)", [keys], output_field=BooleanField())
    )
)


def encounters_of(rows: Iterable[Document]) -> dict[UUID, Encounter]:
    """The encounters that these documents belong to, with their locations, in one query."""
    wanted = {row.encounter_id for row in rows if row.encounter_id}
    return {encounter.pk: encounter for encounter in _encounters(list(wanted))} if wanted else {}


def question(text: str) -> SearchQuery:
    """What was typed, as a text query: words, "phrases", or, -not. Never an error, whatever was typed."""
    return SearchQuery(clean_question(text), config=TEXT_CONFIGURATION, search_type="websearch")


def clean_question(text: str) -> str:
    """What was typed as the database can take it."""
    return text.replace("\0", " ")[:MAX_QUESTION]


def asks_for_something(text: str) -> bool:
    """Whether anything is left to look for: "the and of" asks for nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select numnode(websearch_to_tsquery(%s::regconfig, %s))",
            [TEXT_CONFIGURATION, clean_question(text)],
        )
        return bool(cursor.fetchone()[0])


@dataclass
class Hit:
    """One page on which the words were found."""

    document: Document
    page: int
    raw_snippet: str = field(repr=False)

    @property
    def snippet(self) -> str:
        """The words around, as plain text."""
        return self.raw_snippet.replace(START, "").replace(STOP, "")

    @property
    def marked_snippet(self) -> SafeString:
        """The same as HTML with the found words marked; everything from the page is escaped."""
        escaped = escape(" ".join(self.raw_snippet.split()))
        return mark_safe(escaped.replace(START, "<mark>").replace(STOP, "</mark>"))  # noqa: S308  (escaped above)


def search_text(documents: QuerySet[Document], text: str, *, limit: int = SHOWN_HITS) -> list[Hit]:
    """Pages of the current versions of `documents` on which the words stand, newest document first.

    Ordered by date, not by rank: ranking reads every hit. Snippets are made for the pages shown only.
    """
    asked = question(text)
    found = list(
        Page.objects.filter(text_vector=asked, of__in=documents.values("current"))
        .order_by("-of__document__service_date", "-of__document_id", "number")
        .values_list("id", flat=True)[:limit]
    )
    headline = SearchHeadline(
        "text",
        asked,
        config=TEXT_CONFIGURATION,
        start_sel=START,
        stop_sel=STOP,
        max_words=24,
        min_words=10,
        max_fragments=2,
        fragment_delimiter=" … ",
    )
    rows = (
        Page.objects.filter(id__in=found)
        .annotate(snippet=headline)
        .select_related("of__document__type", "of__document__patient")
        .defer("text", "packed_words")
        .in_bulk()
    )
    return [Hit(rows[key].of.document, rows[key].number, rows[key].snippet) for key in found if key in rows]


_pages_of = Kept(
    lambda version: (
        Page.objects.filter(of=version).order_by("number").only("number", "width", "height", "error", "of_id")
    )
)


def pages_of(version: DocumentVersion) -> Sequence[Page]:
    """Every page of a version in order, without text and words."""
    return _pages_of(version.pk)


def page_of(version: DocumentVersion, number: int) -> Page | None:
    """One page with its text; its words are fetched if somebody asks for them, the index never."""
    try:
        return Page.objects.defer("text_vector", "packed_words").get(of=version, number=number)
    except Page.DoesNotExist:
        return None


def found_boxes(page: Page, text: str) -> list[tuple[int, int, int, int]]:
    """Where the words of the question stand on the page's picture, in ten-thousandths of its size."""
    words = page.words
    if not words or not text.strip():
        return []
    distinct = sorted({str(word[0]) for word in words})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select word from unnest(%(words)s::text[]) as word
            where tsvector_to_array(to_tsvector(%(how)s::regconfig, word))
               && tsvector_to_array(to_tsvector(%(how)s::regconfig, %(asked)s))
            """,
            {"words": distinct, "how": TEXT_CONFIGURATION, "asked": clean_question(text)},
        )
        hits = {row[0] for row in cursor.fetchall()}
    return [(word[1], word[2], word[3], word[4]) for word in words if word[0] in hits]


def same_content(patient: Patient, sha256: str) -> DocumentVersion | None:
    """The version in this chart, if any, that has exactly this content."""
    versions = DocumentVersion.objects.filter(patient=patient, blob_id=sha256)
    return (
        versions.exclude(document__status="entered-in-error")
        .select_related("document", "document__type")
        .order_by("filed_at")
        .first()
    )


def filed_since(user: User, since: datetime, ids: Sequence[Any]) -> list[Document]:
    """Those among `ids` that `user` filed since then and that are still part of their charts."""
    rows = access.visible_to(user).filter(pk__in=ids, filed_by=user, filed_at__gte=since)
    return list(rows.exclude(status=DocumentStatus.ENTERED_IN_ERROR).order_by("pk"))


LOOKS = ("view", "copy", "print", "export")


def seen_by_others(document: Document, user: User) -> int:
    """How many people other than `user` have looked at the document, by the access log."""
    looks = Event.objects.filter(
        patient_id=document.patient_id,
        object_id=str(document.pk),
        action__in=LOOKS,
        outcome="success",
        at__gte=document.filed_at,
    )
    people: int = looks.exclude(actor_id=user.pk).values("actor_id").distinct().count()
    return people


def filed_by(user: User) -> QuerySet[Document]:
    """What `user` filed, of charts that she may still open; page it with `ordering=("-filed_at", "-id")`."""
    return (
        access.visible_to(user)
        .filter(filed_by=user)
        .select_related("patient", "type", "current", "current__blob")
        .order_by(F("filed_at").desc(), F("id").desc())
    )


def patients_shown(rows: Sequence[Any]) -> set[UUID]:
    """The patients that a list of documents or hits shows, for its event."""
    return {getattr(row, "document", row).patient_id for row in rows}
