"""Paper in the house's manner: paragraphs, and the pages they make. It loads the drawing library: import it late."""

import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, TableStyle

from records.release.packaging.cover import drawable

INK, RULE = colors.HexColor("#1c2733"), colors.HexColor("#b8c2cc")
MARGIN = 54  # left and right, points
WIDTH = letter[0] - 2 * MARGIN


class Sheet:
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
        """A paragraph of any text."""
        return Paragraph(escape(drawable(str(text))), style or self.words)

    def table(
        self, heads: Sequence[str], rows: Sequence[Sequence[Any]], widths: Sequence[float], *more: Any
    ) -> LongTable:
        """Rows under heads that every page repeats; `widths` in points, `more` are commands of a TableStyle."""
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
        """The finished file; each page has the footer and its number."""
        made = io.BytesIO()
        document = SimpleDocTemplate(
            made,
            pagesize=letter,
            leftMargin=MARGIN,
            rightMargin=MARGIN,
            topMargin=48,
            bottomMargin=52,
            title=self.title,
            author=drawable(self.facility),
            lang="en-US",
        )

        def foot(canvas: Any, page: Any) -> None:
            canvas.setFont("Vera", 7)
            canvas.drawString(MARGIN, 34, drawable(self.footer))
            canvas.drawRightString(letter[0] - MARGIN, 34, f"Page {page.page}")

        document.build(story, onFirstPage=foot, onLaterPages=foot)
        return made.getvalue()
