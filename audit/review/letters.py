"""What goes out on paper, drawn as PDF: import this where it is needed, it loads the drawing library."""

from collections.abc import Callable
from datetime import UTC
from typing import Any

from django.utils import timezone
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import (
    Flowable,
    Paragraph,
    Preformatted,
    Spacer,
)

from audit.models import Event
from audit.review import absent
from audit.review.describing import role_words
from audit.review.paper import Sheet
from audit.review.services.printing import LawyerPrint, PatientReport
from common.templatetags.chartroom import day_text
from records.release.packaging.cover import drawable

HOW_TO_QUESTION = (
    "You may question any line. Write to the compliance office of the hospital, or ask for it at the desk, and give "
    "the reference above and the number of the line. Somebody who had nothing to do with it will look into it and "
    "answer you. Asking has no effect on your care."
)
WHAT_IT_IS = (
    "This list says who opened your medical record in this hospital's system, one line for each person and day. It is "
    "made from a log that cannot be changed. Lists in which your name stood among others, and the system's own work, "
    "are left out."
)
LEGEND = (
    "Leaf: SHA-256 over a zero byte and the event's canonical text, as the seal holds it. Seal: the number of the "
    "signed epoch whose Merkle root contains that leaf. The evidence file of the same events holds their texts and "
    "proofs, and a script that checks them on any machine."
)


def patient_pdf(report: PatientReport) -> bytes:
    """Who looked at my chart."""
    sheet = Sheet("Who looked at my chart", report.facility, f"Reference {report.reference}")
    say, small = sheet.say, sheet.small
    patient = report.patient
    born = f"born {day_text(patient.birth_date)}, " if patient.birth_date else ""
    story: list[Flowable] = [
        say(report.facility, sheet.head),
        say("Compliance office", small),
        say("Who looked at my chart", sheet.top),
        say(f"{patient.full_name}, {born}record number {patient.mrn_display}"),
        say(f"From {day_text(report.since)} to {day_text(report.until)}"),
        say(f"Reference {report.reference}, made on {day_text(timezone.localtime(report.made_at))}"),
        Spacer(1, 8),
        say(WHAT_IT_IS, small),
        Spacer(1, 8),
    ]
    if report.lines:
        rows = [
            [say(line.number, small), say(day_text(line.on), small), say(line.who, small), say(line.role, small),
             say(line.words, small)]
            for line in report.lines
        ]  # fmt: skip
        story.append(
            sheet.table(("Line", "Day", "Who", "Work", "What they did"), rows, (30, 66, 104, 92, 212))
        )
    elif not report.absent:
        story.append(say("Nobody opened your chart in this time."))
    if report.absent:
        story.append(say(f"{report.absent} Ask the compliance office for it."))
    if report.is_cut:
        story.append(
            say("The list ends here because it is very long. Ask for a shorter time to see the rest.", small)
        )
    story += [Spacer(1, 10), say("If something seems wrong", sheet.head), say(HOW_TO_QUESTION)]
    return sheet.pdf(story)


def lawyer_pdf(made: LawyerPrint) -> bytes:
    """Events with their hashes."""
    sheet = Sheet("Events of the access log", made.facility, f"Reference {made.reference}")
    say, small = sheet.say, sheet.small
    asked = ", ".join(f"{name} {value}" for name, value in made.asked.items())
    rows: list[list[Any]] = []
    spans: list[Any] = []
    for event in made.rows:
        rows.append(_event_cells(event, made, say, small))
        seal = made.sealed[event.pk]
        state = f"seal {seal.epoch}" if seal.epoch is not None else "not sealed yet"
        if seal.epoch is not None and not seal.is_same:
            state = f"DIFFERS from what seal {seal.epoch} holds"
        rows.append([say(f"leaf {seal.leaf}  {state}", sheet.hash), "", "", "", "", ""])
        spans.append(("SPAN", (0, len(rows)), (-1, len(rows))))
    story: list[Flowable] = [
        say(made.facility, sheet.head),
        say("Compliance office", small),
        say("Events of the access log, with their seals", sheet.top),
        say(f"Reference {made.reference}, made {made.made_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"),
        say(f"Asked for: {asked}", small),
        say(f"{len(made.rows)} events. Times are UTC. {absent.on_paper(made.absent)}", small),
        Spacer(1, 8),
        sheet.table(
            ("Event", "Time", "Who", "What", "Patient and record", "Why allowed, outcome"),
            rows,
            (46, 70, 84, 96, 124, 84),
            *spans,
        ),
        Spacer(1, 10),
        say(LEGEND, small),
        Spacer(1, 8),
    ]
    if made.checkpoint:
        story.append(
            Preformatted(drawable(made.checkpoint.replace("\n", "\x0b")).replace("\x0b", "\n"), sheet.hash)
        )
    return sheet.pdf(story)


def _event_cells(
    event: Event, made: LawyerPrint, say: Callable[..., Paragraph], small: ParagraphStyle
) -> list[Any]:
    patient = made.patients.get(event.patient_id) if event.patient_id else None
    who = f"{event.actor or 'nobody'} ({role_words(event) or 'no role'})"
    about = f"{patient.display_name}, {patient.mrn_display}" if patient else str(event.patient_id or "")
    if event.patient_ids:
        about += f" and a list of {len(event.patient_ids)}"
    thing = f"{event.object_type} {event.object_id}" if event.object_id else ""
    return [
        say(event.pk, small),
        say(f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}", small),
        say(who, small),
        say(f"{event.words} ({event.event})", small),
        say(f"{about} {thing}".strip(), small),
        say(f"{event.reason} · {event.outcome}", small),
    ]
