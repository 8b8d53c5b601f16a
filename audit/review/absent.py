"""What an answer that leaves the house says about archived months that its question reaches into.

A page says so above the list. A file is read elsewhere, by somebody who never saw the page: its name says it, the
answer's header does, and whatever part of it is not a bare table.
"""

from collections.abc import Sequence
from typing import Any

from django.http.response import HttpResponseBase
from django.utils import timezone

from audit.archiving.ledger import Archived

HEADER = "X-Archived-Months"


def suffix(absent: Sequence[Archived]) -> str:
    """For the end of a file's name: `-without-2015-03`, `-without-2015-03-to-2016-02`; empty when nothing is absent."""
    if not absent:
        return ""
    months = sorted({row.month for row in absent})
    return f"-without-{months[0]}" + (f"-to-{months[-1]}" if len(months) > 1 else "")


def mark(response: HttpResponseBase, absent: Sequence[Archived]) -> None:
    """Say it in the answer's header, for programs."""
    if absent:
        response[HEADER] = ", ".join(str(row.month) for row in absent)


def attach(response: HttpResponseBase, name: str, form: str, absent: Sequence[Archived] = ()) -> None:
    """Make the answer a file, named by what it is, the minute it was taken, and what is not in it."""
    taken = f"{timezone.localtime():%Y-%m-%d-%H%M}"
    response["Content-Disposition"] = f'attachment; filename="{name}-{taken}{suffix(absent)}.{form}"'
    mark(response, absent)


def as_data(absent: Sequence[Archived]) -> list[dict[str, Any]]:
    """For the part of a file that programs read."""
    return [
        {"month": str(row.month), "events": row.events, "file": row.name, "place": row.place}
        for row in absent
    ]


def on_paper(absent: Sequence[Archived]) -> str:
    """For paper; empty when nothing is absent."""
    if not absent:
        return ""
    months = ", ".join(row.month.words for row in absent)
    return f"What happened in {months} is kept in the archive and is not in this list."
