"""Small helpers for pages: rule errors on forms, keyset paging."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.forms import BaseForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.http import url_has_allowed_host_and_scheme

from common.errors import BadFile, RuleBroken, RulesBroken, WrongMove

M = TypeVar("M", bound=Model)
PAGE_SIZE = 25


@contextmanager
def rule_errors_on(form: BaseForm) -> Iterator[None]:
    """Turn what a verb refuses into errors of `form`, at the field it names, so what was typed is kept."""
    try:
        yield
    except RulesBroken as refused:
        for code, text in refused.broken:
            form.add_error(None, f"{text} ({code})")
    except (RuleBroken, WrongMove, BadFile) as refused:
        field = refused.field if refused.field in form.fields else None
        form.add_error(field, refused.message)


_ANY = UUID(int=0)


def addresses(name: str) -> Callable[[UUID], str]:
    """The address called `name` of any row by its key: looked up once for a whole list."""
    before, after = reverse(name, args=[_ANY]).split(str(_ANY))
    return lambda key: f"{before}{key}{after}"


def own_path(address: str) -> str:
    """A path of this house that somebody may be sent back to, or nothing for any other address."""
    is_ours = address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_ours else ""


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter of a list as a link: what it says and where it leads; `removes`: it takes itself away."""

    text: str
    url: str
    current: bool = False
    removes: bool = False


@dataclass
class Page(Generic[M]):
    """One page of a list: its rows and the links around it."""

    rows: Sequence[M]
    next_url: str | None
    previous_url: str | None

    def __iter__(self) -> Iterator[M]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def clean(text: str) -> str:
    """Text that the database can hold: no NUL, no lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def encode_cursor(values: list[Any], *, backwards: bool) -> str:
    """Opaque text for the place in a list after (or before) the row with these key values."""
    text = json.dumps([backwards, [str(value) for value in values]])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(text: str, keys: int) -> tuple[bool, list[str]] | None:
    """The opposite of encode_cursor; None for anything that we did not make."""
    try:
        backwards, values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        return None
    if not isinstance(backwards, bool) or not isinstance(values, list) or len(values) != keys:
        return None
    return backwards, [str(value) for value in values]


def _beyond(ordering: Sequence[str], values: list[Any], *, backwards: bool) -> Q:
    """Rows strictly after `values` in `ordering` (strictly before, when going backwards)."""
    condition = Q()
    equal = Q()
    for key, value in zip(ordering, values, strict=True):
        name, descending = key.lstrip("-"), key.startswith("-")
        comparison = "lt" if descending != backwards else "gt"
        condition |= equal & Q(**{f"{name}__{comparison}": value})
        equal &= Q(**{name: value})
    # One plain bound on the first key, so that an index scan starts at the right place instead of at the top.
    first, descending = ordering[0].lstrip("-"), ordering[0].startswith("-")
    bound = "lte" if descending != backwards else "gte"
    return condition & Q(**{f"{first}__{bound}": values[0]})


def _value(row: Model, key: str) -> Any:
    value: Any = row
    for part in key.lstrip("-").split("__"):
        value = getattr(value, part)
    return value


def _field(model: type[Model], key: str) -> Any:
    """The field that a key of an ordering names, through relations. Raises for an annotation."""
    for part in key.split("__"):
        field: Any = model._meta.pk if part == "pk" else model._meta.get_field(part)
        model = getattr(field, "related_model", None) or model
    return field


def _typed(values: list[str], rows: QuerySet[Any], ordering: Sequence[str]) -> list[Any] | None:
    """Cursor texts as the fields' own types; None when one does not fit."""
    typed: list[Any] = []
    for text, key in zip(values, ordering, strict=True):
        if clean(text) != text:
            return None
        try:
            typed.append(_field(rows.model, key.lstrip("-")).to_python(text))
        except Exception:  # an annotation, or a cursor somebody made up: the first page answers that
            value = parse_datetime(text) or parse_date(text)
            if value is None:
                return None
            typed.append(value)
    return typed


def place_of(text: str, rows: QuerySet[Any], ordering: Sequence[str]) -> tuple[bool, list[Any]] | None:
    """Where a cursor points in `rows`: whether to go backwards, and the key values; None if it is not ours."""
    cursor = decode_cursor(text, len(ordering))
    values = _typed(cursor[1], rows, ordering) if cursor else None
    return None if cursor is None or values is None else (cursor[0], values)


def paginate(
    request: HttpRequest, rows: QuerySet[M], *, ordering: Sequence[str], size: int = PAGE_SIZE
) -> Page[M]:
    """One page by keyset: `ordering` must end in a unique field, and none of its keys may be null.

    A cursor that is not ours starts at the top. The links keep every other parameter.
    """
    place = place_of(request.GET.get("cursor", ""), rows, ordering)
    backwards = False
    started = place is not None
    found = rows.order_by(*ordering)
    if place:
        backwards, values = place
        found = found.filter(_beyond(ordering, values, backwards=backwards))
    if backwards:
        found = found.reverse()
    got = list(found[: size + 1])
    more = len(got) > size
    got = got[:size]
    if backwards:
        got.reverse()
    return _page(
        request,
        got,
        ordering,
        has_next=bool(got) and (more or backwards),
        has_previous=bool(got) and ((more and backwards) or (started and not backwards)),
    )


def first_page(
    request: HttpRequest, rows: Sequence[M], *, ordering: Sequence[str], size: int = PAGE_SIZE
) -> Page[M]:
    """What `paginate` gives without a cursor, of rows that are at hand: `size` of them, and one more if there is."""
    return _page(request, rows[:size], ordering, has_next=len(rows) > size, has_previous=False)


def _page(
    request: HttpRequest, rows: Sequence[M], ordering: Sequence[str], *, has_next: bool, has_previous: bool
) -> Page[M]:
    def link(row: M, *, back: bool) -> str:
        kept = [(key, value) for key, values in request.GET.lists() if key != "cursor" for value in values]
        cursor_text = encode_cursor([_value(row, key) for key in ordering], backwards=back)
        return "?" + urlencode([*kept, ("cursor", cursor_text)])

    return Page(
        rows=rows,
        next_url=link(rows[-1], back=False) if has_next else None,
        previous_url=link(rows[0], back=True) if has_previous else None,
    )
