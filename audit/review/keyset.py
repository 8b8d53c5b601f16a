"""Keyset paging through the log by any column, over several disjoint branches of one question.

A cursor is the id of the row at the page's edge: events never change, so its values can be read again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy

from audit.models import Event

# What a list can be sorted by: the columns of each key. `id` makes every order whole.
SORTS: dict[str, tuple[str, ...]] = {
    "at": ("at",),
    "id": (),
    "actor": ("actor",),
    "roles": ("roles__names",),
    "patient": ("patient_id",),
    "patients": ("patient_ids",),
    "action": ("action",),
    "event": ("event",),
    "object": ("object_type", "object_id"),
    "purpose": ("purpose",),
    "reason": ("reason",),
    "outcome": ("outcome",),
    "channel": ("channel",),
    "ip": ("ip",),
    "request_id": ("request_id",),
    "detail": ("detail",),
}
NULLABLE = frozenset({"patient_id", "patient_ids", "ip", "detail"})
CURSOR = re.compile(r"([ab])([0-9]{1,18})\Z")


@dataclass(frozen=True)
class Order:
    """A column to sort by, in one direction; rows without a value come last either way."""

    key: str = "at"
    is_descending: bool = True

    @classmethod
    def from_text(cls, text: str) -> "Order | None":
        """`-at` or `actor`; None for a column there is not."""
        key = text.removeprefix("-")
        return cls(key, text.startswith("-")) if key in SORTS else None

    def __str__(self) -> str:
        return f"-{self.key}" if self.is_descending else self.key

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns compared, the last one unique."""
        return (*SORTS[self.key], "id")

    def terms(self, *, backwards: bool, is_merged: bool = False) -> list[OrderBy]:
        """ORDER BY, turned round when paging backwards. Says nothing of NULL where none can be: indexes serve.

        `is_merged`: of several branches put together, where a column is what was read of it.
        """
        terms = []
        for column in self.columns:
            nulls = {}
            if column in NULLABLE:
                nulls = {"nulls_first": True} if backwards else {"nulls_last": True}
            name = _attribute(column) if is_merged else column
            terms.append(OrderBy(F(name), descending=self.is_descending != backwards, **nulls))
        return terms

    def beyond(self, edge: Event, *, backwards: bool) -> Q:
        """Rows strictly after `edge` in this order (strictly before it, when going backwards)."""
        comparison = "lt" if self.is_descending != backwards else "gt"
        condition, equal = Q(pk__in=[]), Q()
        for column in self.columns:
            value = getattr(edge, _attribute(column))
            if value is None:
                past = Q(**{f"{column}__isnull": False}) if backwards else Q(pk__in=[])
                same = Q(**{f"{column}__isnull": True})
            else:
                past = Q(**{f"{column}__{comparison}": value})
                if column in NULLABLE and not backwards:
                    past |= Q(**{f"{column}__isnull": True})
                same = Q(**{column: value})
            condition |= equal & past
            equal &= same
        first = self.columns[0]
        if first not in NULLABLE:  # one plain bound lets an index start at the right place
            condition &= Q(**{f"{first}__{comparison}e": getattr(edge, _attribute(first))})
        return condition


def _attribute(column: str) -> str:
    """Where a row has the value of this column."""
    return column.partition("__")[0]


@dataclass
class LogPage:
    """Rows of one page, in order, and the cursors around it."""

    rows: list[Event]
    next_cursor: str = ""
    previous_cursor: str = ""


def is_cursor(text: str) -> bool:
    """Whether this text can be a cursor of ours."""
    return CURSOR.match(text) is not None


def fetch(
    branches: Sequence[QuerySet[Event]], order: Order, *, backwards: bool, edge: Event | None, limit: int
) -> list[Event]:
    """The first `limit` rows beyond `edge` over disjoint branches: each is cut by its own index, then merged."""
    terms = order.terms(backwards=backwards)
    if edge is not None:
        branches = [branch.filter(order.beyond(edge, backwards=backwards)) for branch in branches]
    cut = [branch.order_by(*terms)[:limit] for branch in branches]
    if len(cut) == 1:
        return list(cut[0])
    merged = order.terms(backwards=backwards, is_merged=True)
    return list(cut[0].union(*cut[1:], all=True).order_by(*merged)[:limit])


def page(branches: Sequence[QuerySet[Event]], order: Order, *, cursor: str, size: int) -> LogPage:
    """One page. A cursor that is not ours, or whose row is not there, starts at the top."""
    match = CURSOR.match(cursor)
    edge = Event.objects.filter(pk=int(match[2])).first() if match else None
    backwards = edge is not None and match is not None and match[1] == "b"
    rows = fetch(branches, order, backwards=backwards, edge=edge, limit=size + 1)
    has_more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    if not rows:
        return page(branches, order, cursor="", size=size) if edge else LogPage(rows)
    has_next = has_more or backwards
    has_previous = has_more if backwards else edge is not None
    return LogPage(
        rows,
        next_cursor=f"a{rows[-1].pk}" if has_next else "",
        previous_cursor=f"b{rows[0].pk}" if has_previous else "",
    )
