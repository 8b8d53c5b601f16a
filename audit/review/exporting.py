"""The access log as CSV, harmless in a spreadsheet, or as JSON lines: written piece by piece."""

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse

from audit.models import Event
from audit.review import absent
from audit.review.describing import role_words
from audit.review.services import Export, may_read_detail
from audit.review.sifting import Explained, explained
from common.sheets import safe_cell

PIECE = 500
HEAD = (
    "id at actor roles patient mrn patient_name patients event action what object purpose reason outcome channel "
    "ip request_id detail standing explanation explanations_missing"
).split()


class _Echo:
    """Gives the csv writer's line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def _whole(export: Export) -> Iterator[tuple[Event, Explained | None]]:
    """The events of the file in its order, read piece by piece, each with what explains it."""
    for start in range(0, len(export.ids), PIECE):
        piece = export.ids[start : start + PIECE]
        rows = {row.pk: row for row in Event.objects.filter(pk__in=piece)}
        wholes = explained(list(rows.values()))
        for key in piece:
            yield rows[key], wholes.get(key)


def _object(export: Export, event: Event, whole: Explained | None) -> dict[str, Any]:
    patient = export.patients.get(event.patient_id) if event.patient_id else None
    values = (
        event.pk,
        event.at.isoformat(),
        event.actor,
        event.roles,
        str(event.patient_id) if event.patient_id else None,
        patient.mrn if patient else None,
        patient.display_name if patient else None,
        [str(key) for key in event.patient_ids or []],
        event.event,
        event.action,
        event.words,
        f"{event.object_type}:{event.object_id}" if event.object_id else None,
        event.purpose,
        event.reason,
        event.outcome,
        event.channel,
        event.ip,
        event.request_id,
        event.detail if may_read_detail(event, export.closed) else None,
        str(whole.standing) if whole else None,
        [one.words for one in whole.explanations] if whole else [],
        list(whole.missing) if whole else [],
    )
    return dict(zip(HEAD, values, strict=True))


def _cells(export: Export, event: Event, whole: Explained | None) -> list[str]:
    """The same for a spreadsheet: lists as text, roles by their words."""
    one = _object(export, event, whole)
    one["roles"] = role_words(event)
    one["patients"] = " ".join(one["patients"])
    one["detail"] = json.dumps(one["detail"]) if one["detail"] else ""
    one["explanation"] = "; ".join(one["explanation"])
    one["explanations_missing"] = " ".join(one["explanations_missing"])
    return [safe_cell(value) for value in one.values()]


def csv_lines(export: Export) -> Iterator[str]:
    """The file, line by line: a head, a row an event, and, when it was cut, a last row that says so.

    Of archived months its name and the answer's header speak: a table has no place for it that no program trips over.
    """
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(HEAD)
    for event, whole in _whole(export):
        yield writer.writerow(_cells(export, event, whole))
    if export.is_cut:
        yield writer.writerow([cut_text(len(export.ids))])


def json_lines(export: Export) -> Iterator[str]:
    """The same as JSON lines: an object an event, plain ASCII.

    When it was cut, and where archived months are not in it, last ones say so.
    """
    for event, whole in _whole(export):
        yield json.dumps(_object(export, event, whole)) + "\n"
    if export.is_cut:
        yield json.dumps({"cut": cut_text(len(export.ids))}) + "\n"
    if export.absent:
        yield json.dumps({"archived": absent.as_data(export.absent)}) + "\n"


FORMS = {"csv": ("text/csv; charset=utf-8", csv_lines), "jsonl": ("application/x-ndjson", json_lines)}


def as_file(export: Export, form: str) -> StreamingHttpResponse:
    """The answer that sends it piece by piece; `form` is one of FORMS."""
    content_type, lines = FORMS[form]
    response = StreamingHttpResponse(lines(export), content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    absent.attach(response, "access-log", form, export.absent)
    return response


def cut_text(rows: int) -> str:
    """What is said about a file that does not hold everything."""
    return (
        f"This file ends after {rows:,} events; more answer the question. Narrow the dates and export again."
    )
