"""The cover sheet: who asks, for whom, on what ground, and what is in the package."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import reportlab
from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from common.words import counted

from .facts import CoverFacts, Part

CONFIDENTIAL = (
    "This package holds confidential health information about the person named above. It is meant only "
    "for the recipient named above and for the purpose stated. If it has reached you by mistake, do not "
    "read, copy or pass it on: tell the hospital at once, and keep it safe until you are told how to "
    "return or destroy it."
)
_INK = colors.HexColor("#1c2733")
_RULE = colors.HexColor("#b8c2cc")
_WIDTHS = [26, 208, 146, 66, 58]  # number, document, kind, date, pages
_PADDING = 12  # left and right of a cell


@cache
def _fonts() -> frozenset[int]:
    """Register the fonts that come with reportlab (Bitstream Vera); the letters they can draw."""
    folder = Path(reportlab.__file__).parent / "fonts"
    for name in ("Vera", "VeraBd"):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    return frozenset(pdfmetrics.getFont("Vera").face.charToGlyph)


def drawable(text: str) -> str:
    """The text with letters the font lacks replaced by their base letter, or `?` where there is none."""
    known = _fonts()

    def one(letter_: str) -> str:
        if ord(letter_) in known:
            return letter_
        base = "".join(part for part in unicodedata.normalize("NFKD", letter_) if ord(part) in known)
        return base or ("" if unicodedata.category(letter_).startswith("C") else "?")

    return "".join(one(letter_) for letter_ in unicodedata.normalize("NFC", text))


def make_cover(facts: CoverFacts, rows: Sequence[tuple[Part, int]], *, cover_pages: int) -> bytes:
    """The cover as PDF. `rows`: the parts and their pages; `cover_pages`: how long the cover will be."""
    _fonts()
    words = ParagraphStyle("words", fontName="Vera", fontSize=9, leading=12, textColor=_INK)
    small = ParagraphStyle("small", parent=words, fontSize=7.5, leading=10)
    head = ParagraphStyle(
        "head", parent=words, fontName="VeraBd", fontSize=10, leading=13, spaceBefore=10, spaceAfter=4
    )
    title = ParagraphStyle("title", parent=head, fontSize=17, leading=21, spaceBefore=6, spaceAfter=8)

    def say(text: str, style: ParagraphStyle = words) -> Paragraph:
        return Paragraph(escape(drawable(text)), style)

    def lines(texts: Sequence[str], style: ParagraphStyle = words) -> Paragraph:
        return Paragraph("<br/>".join(escape(drawable(text)) for text in texts if text), style)

    total = cover_pages + sum(pages for _, pages in rows)
    pairs = [
        ("Request", f"{facts.number}, received {facts.received_on}"),
        ("For", f"{facts.patient_name}\nborn {facts.patient_birth_date} · MRN {facts.patient_mrn}"),
        ("Sent to", "\n".join(facts.requester_lines)),
        ("Purpose", facts.purpose),
        ("Ground", facts.basis),
        ("Prepared", f"{facts.made_at:%d %b %Y %H:%M %Z}"),
        ("In all", f"{counted(len(rows), 'document')}, {total} pages with this cover"),
    ]
    story: list[Flowable] = [
        lines([facts.facility], head),
        lines(facts.facility_lines, small),
        say("Copies from the medical record", title),
        Table(
            [[say(label, small), lines(text.splitlines())] for label, text in pairs],
            colWidths=[70, 434],
            style=TableStyle(
                [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.4, _RULE)]
            ),
        ),
        say("What is in it", head),
        _contents(rows, cover_pages, say, small),
        Spacer(1, 10),
        say("Confidential", head),
        say(CONFIDENTIAL, small),
        *(say(notice, small) for notice in facts.notices),
    ]
    made = io.BytesIO()
    document = SimpleDocTemplate(
        made,
        pagesize=letter,
        leftMargin=54,
        rightMargin=54,
        topMargin=48,
        bottomMargin=42,
        title=f"Copies for request {facts.number}",
        author=drawable(facts.facility),
        invariant=1,
        lang="en-US",
    )
    document.build(story)
    return made.getvalue()


def _contents(rows: Sequence[tuple[Part, int]], first: int, say: Any, small: ParagraphStyle) -> Table:
    def cell(text: str, wide: float) -> Paragraph | str:
        """A text that fits on its line needs no setting of paragraphs, which takes most of the time of a cover."""
        plain = drawable(text)
        return (
            plain
            if stringWidth(plain, small.fontName, small.fontSize) < wide - _PADDING
            else say(text, small)
        )

    cells: list[list[Paragraph | str]] = [["#", "Document", "Kind", "Date", "Pages"]]
    at = first + 1
    for number, (part, pages) in enumerate(rows, 1):
        where = f"{at}" if pages == 1 else f"{at} to {at + pages - 1}"
        texts = (str(number), part.title, part.kind, part.dated, where)
        cells.append([cell(text, wide) for text, wide in zip(texts, _WIDTHS, strict=True)])
        at += pages
    return Table(
        cells,
        colWidths=_WIDTHS,
        repeatRows=1,
        style=TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), small.fontName, small.fontSize, small.leading),
                ("FONT", (0, 0), (-1, 0), "VeraBd", small.fontSize, small.leading),
                ("TEXTCOLOR", (0, 0), (-1, -1), _INK),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, _RULE),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
                ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#eef2f5")),
            ]
        ),
    )
