"""A report on paper."""

from django.utils import timezone
from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Spacer

from audit.review import pictures
from audit.review.paper import INK, RULE, WIDTH, Sheet
from audit.review.reports import Report, text_of
from records.release.packaging.cover import drawable

BAR = colors.HexColor("#0a5aa8")


def _picture(report: Report) -> Flowable | None:
    picture = pictures.bars(report.bars)
    if picture is None:
        return None
    drawing = Drawing(WIDTH, WIDTH * picture.height / picture.width)
    factor = WIDTH / picture.width

    def up(y: float) -> float:
        return float((picture.height - y) * factor)

    for line in picture.lines:
        drawing.add(
            Line(picture.left * factor, up(line.y), WIDTH, up(line.y), strokeColor=RULE, strokeWidth=0.5)
        )
        drawing.add(String(0, up(line.y) - 2, line.text, fontName="Vera", fontSize=6.5, fillColor=INK))
    for bar in picture.bars:
        drawing.add(
            Rect(
                bar.x * factor, up(bar.y + bar.height), bar.width * factor, bar.height * factor,
                fillColor=BAR, strokeColor=None,
            )
        )  # fmt: skip
        if bar.shown:
            drawing.add(
                String(
                    bar.middle * factor, up(picture.height - 10), drawable(bar.shown), fontName="Vera",
                    fontSize=6.5, textAnchor="middle", fillColor=INK,
                )
            )  # fmt: skip
    return drawing


def state_text(report: Report) -> str:
    """Until when the numbers are whole."""
    if report.complete_until is None:
        return "No day is counted yet."
    if not report.is_complete:
        return f"NOT COMPLETE: the days are counted until {report.complete_until:%d %b %Y}."
    return f"Complete: every day of the period is counted (until {report.complete_until:%d %b %Y})."


def make(report: Report, *, made_for: str) -> bytes:
    """The report as PDF."""
    made = f"Chartroom, {timezone.localtime():%d %b %Y %H:%M %Z}, for {made_for}"
    sheet = Sheet(report.title, "Chartroom", made)
    say, small, head = sheet.say, sheet.small, sheet.bold
    right = ParagraphStyle("right", parent=small, alignment=2)

    story: list[Flowable] = [
        say(report.title, sheet.top),
        say(report.what),
        say(f"{report.since:%d %b %Y} to {report.until:%d %b %Y}, both days included."),
        say(state_text(report)),
    ]
    if report.short_days:
        story.append(
            say(f"On {report.short_days} of these days the log holds fewer events now than were counted.")
        )
    if report.more:
        story.append(say(report.more))
    picture = _picture(report)
    if picture:
        story += [Spacer(1, 8), say(report.bars_of, head), picture]
    rows = [
        [
            say(text_of(cell, column), right if column.is_number else small)
            for cell, column in zip(row, report.columns, strict=True)
        ]
        for row in report.rows
    ]
    first = 0.34 * WIDTH
    widths = [first, *[(WIDTH - first) / (len(report.columns) - 1)] * (len(report.columns) - 1)]
    table = sheet.table([column.head for column in report.columns], rows, widths)
    story += (
        [Spacer(1, 8), table]
        if report.rows
        else [Spacer(1, 8), say("Nothing of this happened in the period.")]
    )
    return sheet.pdf(story)
