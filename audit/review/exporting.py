"""The access log as CSV: written piece by piece, and harmless in a spreadsheet."""

import csv
import json
from collections.abc import Iterator

from audit.models import Event
from audit.review.describing import role_words
from audit.review.services import Export, may_read_detail
from audit.review.sifting import Explained, explained
from common.sheets import safe_cell

PIECE = 500
HEAD = (
    "id at actor roles patient mrn patient_name patients event action what object purpose reason outcome channel "
    "ip request_id detail standing explanation"
).split()


class _Echo:
    """Gives the csv writer's line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def _cells(export: Export, event: Event, whole: Explained | None) -> list[str]:
    patient = export.patients.get(event.patient_id) if event.patient_id else None
    kind = f"{event.object_type}:{event.object_id}" if event.object_id else ""
    values = [
        event.pk,
        event.at.isoformat(),
        event.actor,
        role_words(event),
        event.patient_id,
        patient.mrn if patient else "",
        patient.display_name if patient else "",
        " ".join(str(key) for key in event.patient_ids or []),
        event.event,
        event.action,
        event.words,
        kind,
        event.purpose,
        event.reason,
        event.outcome,
        event.channel,
        event.ip,
        event.request_id,
        json.dumps(event.detail) if event.detail and may_read_detail(event, export.closed) else "",
        whole.standing if whole else "",
        "; ".join(one.words for one in whole.explanations) if whole else "",
    ]
    return [safe_cell(value) for value in values]


def csv_lines(export: Export) -> Iterator[str]:
    """The file, line by line: a head, a row an event, and, when it was cut, a last row that says so."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(HEAD)
    for start in range(0, len(export.ids), PIECE):
        piece = export.ids[start : start + PIECE]
        rows = {row.pk: row for row in Event.objects.filter(pk__in=piece)}
        wholes = explained(list(rows.values()))
        for key in piece:
            yield writer.writerow(_cells(export, rows[key], wholes.get(key)))
    if export.is_cut:
        yield writer.writerow([cut_text(len(export.ids))])


def cut_text(rows: int) -> str:
    """What is said about a file that does not hold everything."""
    return (
        f"This file ends after {rows:,} events; more answer the question. Narrow the dates and export again."
    )
