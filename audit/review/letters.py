"""What goes out on paper, drawn as PDF: import this where it is needed, it loads the drawing library."""

import io
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any
from xml.sax.saxutils import escape

from django.utils import timezone
from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import (
    Flowable,
    LongTable,
    Paragraph,
    Preformatted,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)

from audit.models import Event
from audit.review.describing import role_words
from audit.review.services.printing import LawyerPrint, PatientReport
from common.templatetags.chartroom import day_text
from records.release.packaging.cover import drawable

INK, RULE = colors.HexColor("#1c2733"), colors.HexColor("#b8c2cc")
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


class _Sheet:
    """Paragraphs in the house's manner, and the pages they make."""

    def __init__(self, title: str, facility: str, footer: str) -> None:
        drawable("")  # the fonts are registered with the first text
        self.title, self.facility, self.footer = title, facility, footer
        self.words = ParagraphStyle("words", fontName="Vera", fontSize=9, leading=12, textColor=INK)
        self.small = ParagraphStyle("small", parent=self.words, fontSize=7.5, leading=10)
        self.hash = ParagraphStyle("hash", parent=self.small, fontName="Courier", fontSize=7, leading=9)
        self.head = ParagraphStyle("head", parent=self.words, fontName="VeraBd", fontSize=10, leading=14)
        self.top = ParagraphStyle(
            "top", parent=self.head, fontSize=17, leading=21, spaceBefore=6, spaceAfter=8
        )
        self.bold = ParagraphStyle("bold", parent=self.small, fontName="VeraBd")

    def say(self, text: object, style: ParagraphStyle | None = None) -> Paragraph:
        return Paragraph(escape(drawable(str(text))), style or self.words)

    def table(
        self, heads: Sequence[str], rows: Sequence[Sequence[Any]], widths: Sequence[int], *more: Any
    ) -> LongTable:
        cells = [[self.say(head, self.bold) for head in heads], *rows]
        style = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#eef2f5")),
            *more,
        ]
        return LongTable(cells, colWidths=list(widths), repeatRows=1, style=TableStyle(style))

    def pdf(self, story: list[Flowable]) -> bytes:
        made = io.BytesIO()
        document = SimpleDocTemplate(
            made,
            pagesize=letter,
            leftMargin=54,
            rightMargin=54,
            topMargin=48,
            bottomMargin=52,
            title=self.title,
            author=drawable(self.facility),
            lang="en-US",
        )

        def foot(canvas: Any, page: Any) -> None:
            canvas.setFont("Vera", 7)
            canvas.drawString(54, 34, drawable(self.footer))
            canvas.drawRightString(letter[0] - 54, 34, f"Page {page.page}")

        document.build(story, onFirstPage=foot, onLaterPages=foot)
        return made.getvalue()


def patient_pdf(report: PatientReport) -> bytes:
    """Who looked at my chart."""
    sheet = _Sheet("Who looked at my chart", report.facility, f"Reference {report.reference}")
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
    else:
        story.append(say("Nobody opened your chart in this time."))
    if report.is_cut:
        story.append(
            say("The list ends here because it is very long. Ask for a shorter time to see the rest.", small)
        )
    story += [Spacer(1, 10), say("If something seems wrong", sheet.head), say(HOW_TO_QUESTION)]
    return sheet.pdf(story)


def lawyer_pdf(made: LawyerPrint) -> bytes:
    """Events with their hashes."""
    sheet = _Sheet("Events of the access log", made.facility, f"Reference {made.reference}")
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
        say(f"{len(made.rows)} events. Times are UTC.", small),
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
