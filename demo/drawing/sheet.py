"""A paper with words on it, before anybody decides whether it is printed or scanned.

Positions are points from the lower left corner of a letter page, as in PDF. What is drawn is kept in lists,
so that the same sheet becomes a born-digital PDF (`printing`) or a scan of paper (`scanning`), and so that
its text is known without reading it back.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import reportlab
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

WIDTH, HEIGHT = 612.0, 792.0
LEFT, RIGHT, TOP, FOOT = 58.0, 554.0, 690.0, 66.0
FONT_FOLDER = Path(reportlab.__file__).parent / "fonts"


@dataclass(frozen=True)
class Typeface:
    regular: str
    bold: str
    italic: str


SERIF = Typeface("Times-Roman", "Times-Bold", "Times-Italic")
SANS = Typeface("Helvetica", "Helvetica-Bold", "Helvetica-Oblique")
TYPED = Typeface("Courier", "Courier-Bold", "Courier-Oblique")
PAPER = Typeface(
    "Vera", "VeraBd", "VeraIt"
)  # drawn by Pillow on scans, from the fonts that come with reportlab


@cache
def register_fonts() -> None:
    for name in ("Vera", "VeraBd", "VeraIt"):
        pdfmetrics.registerFont(TTFont(name, str(FONT_FOLDER / f"{name}.ttf")))


@dataclass(frozen=True)
class Text:
    x: float
    y: float
    text: str
    font: str
    size: float
    by_hand: bool = False


@dataclass(frozen=True)
class Stroke:
    """A line through points; `grey` 0 is black."""

    points: tuple[tuple[float, float], ...]
    width: float = 0.6
    grey: float = 0.0


@dataclass
class PageDrawing:
    texts: list[Text] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)

    def words(self) -> str:
        """What the page says: its lines from top to bottom, each from left to right."""
        lines: dict[float, list[Text]] = {}
        for text in self.texts:
            lines.setdefault(round(text.y, 1), []).append(text)
        return "\n".join(
            "  ".join(text.text for text in sorted(lines[y], key=lambda text: text.x))
            for y in sorted(lines, reverse=True)
        )

    def boxes(self, degrees: float = 0.0) -> list[list[Any]]:
        """[text, left, top, right, bottom] of each word, in ten-thousandths of the page turned by
        `degrees`.
        """
        found: list[list[Any]] = []
        turn = math.radians(degrees)
        for text in self.texts:
            x = text.x
            space = pdfmetrics.stringWidth(" ", text.font, text.size)
            for word in text.text.split(" "):
                wide = pdfmetrics.stringWidth(word, text.font, text.size)
                if word:
                    # Turned about the middle of the page; the slope of one word is too small to see.
                    across, up = x + wide / 2 - WIDTH / 2, text.y + text.size * 0.3 - HEIGHT / 2
                    middle_x = WIDTH / 2 + across * math.cos(turn) - up * math.sin(turn)
                    middle_y = HEIGHT / 2 - across * math.sin(turn) - up * math.cos(turn)
                    edges = (
                        (middle_x - wide / 2) / WIDTH,
                        (middle_y - text.size * 0.6) / HEIGHT,
                        (middle_x + wide / 2) / WIDTH,
                        (middle_y + text.size * 0.6) / HEIGHT,
                    )
                    found.append([word, *(min(max(round(edge * 10_000), 0), 10_000) for edge in edges)])
                x += wide + space
        return found


class Sheet:
    """Pages filled from top to bottom; `furniture` draws what stands on each page around the text."""

    def __init__(self, face: Typeface, furniture: Callable[[Sheet, int], None], size: float = 10.0) -> None:
        register_fonts()
        self.face, self.size, self.furniture = face, size, furniture
        self.pages: list[PageDrawing] = []
        self.y = 0.0
        self.new_page()

    @property
    def page(self) -> PageDrawing:
        return self.pages[-1]

    def new_page(self) -> None:
        self.pages.append(PageDrawing())
        self.y = TOP
        self.furniture(self, len(self.pages))

    def need(self, height: float) -> None:
        if self.y - height < FOOT:
            self.new_page()

    def at(
        self, x: float, y: float, text: str, *, font: str = "", size: float = 0.0, by_hand: bool = False
    ) -> None:
        self.page.texts.append(Text(x, y, text, font or self.face.regular, size or self.size, by_hand))

    def right(self, x: float, y: float, text: str, *, font: str = "", size: float = 0.0) -> None:
        width = pdfmetrics.stringWidth(text, font or self.face.regular, size or self.size)
        self.at(x - width, y, text, font=font, size=size)

    def line(self, *points: tuple[float, float], width: float = 0.6, grey: float = 0.0) -> None:
        self.page.strokes.append(Stroke(points, width, grey))

    def box(self, x: float, y: float, wide: float, high: float) -> None:
        self.line((x, y), (x + wide, y), (x + wide, y + high), (x, y + high), (x, y))

    def heading(self, text: str) -> None:
        self.need(self.size * 4)
        self.y -= self.size * 0.7
        self.at(LEFT, self.y, text, font=self.face.bold, size=self.size + 1)
        self.y -= self.size * 1.5

    def paragraph(self, text: str, *, indent: float = 0.0, font: str = "") -> None:
        font = font or self.face.regular
        for words in wrapped(text, font, self.size, RIGHT - LEFT - indent):
            self.need(self.size * 1.35)
            self.at(LEFT + indent, self.y, words, font=font)
            self.y -= self.size * 1.35
        self.y -= self.size * 0.35

    def bullets(self, texts: Sequence[str]) -> None:
        for text in texts:
            self.need(self.size * 1.4)
            self.at(LEFT + 6, self.y, "-")
            self.paragraph(text, indent=16)

    def table(
        self, columns: Sequence[float], rows: Sequence[Sequence[str]], *, bold: Sequence[int] = ()
    ) -> None:
        """Rows at fixed columns (offsets from the left edge); the first row is the head; `bold` rows stand
        out.
        """
        for number, row in enumerate(rows):
            self.need(self.size * 1.6)
            font = self.face.bold if number == 0 or number in bold else self.face.regular
            for offset, cell in zip(columns, row, strict=True):
                self.at(LEFT + offset, self.y, cell, font=font, size=self.size - 0.5)
            self.line(
                (LEFT, self.y - 3.5), (RIGHT, self.y - 3.5), width=0.7 if number == 0 else 0.3, grey=0.5
            )
            self.y -= self.size * 1.55
        self.y -= self.size * 0.5

    def field(self, label: str, value: str, *, x: float = LEFT, wide: float = RIGHT - LEFT) -> None:
        """A label over a line with a handwritten value; several may stand side by side at one height."""
        self.at(x, self.y, label, size=self.size - 2.5)
        self.line((x, self.y - 20), (x + wide - 10, self.y - 20))
        self.at(x + 4, self.y - 17, value, font=self.face.italic, size=self.size + 2, by_hand=True)

    def tick(self, label: str, is_ticked: bool, *, x: float = LEFT) -> None:
        self.box(x, self.y - 2, 9, 9)
        if is_ticked:
            self.line((x + 1, self.y + 3), (x + 4, self.y - 1), (x + 11, self.y + 10), width=1.4)
        self.at(x + 15, self.y, label)

    def signature(self, rng: random.Random, *, x: float, wide: float) -> None:
        """A scrawl: loops that run to the right and flatten."""
        at, points = x + 6, []
        for number in range(rng.randint(9, 14)):
            reach = 11.0 * (1 - number / 20)
            points += [
                (at, self.y - 16 + rng.uniform(-2, 3)),
                (at + rng.uniform(1, 5), self.y - 16 + reach * rng.uniform(0.5, 1.6)),
                (at + rng.uniform(3, 8), self.y - 16 - reach * rng.uniform(0.0, 0.5)),
            ]
            at += rng.uniform(4, wide / 18)
        self.line(*points, width=1.1)


def wrapped(text: str, font: str, size: float, width: float) -> list[str]:
    """The text in lines no wider than `width` points."""
    space = pdfmetrics.stringWidth(" ", font, size)
    lines: list[list[str]] = [[]]
    used = 0.0
    for word in text.split():
        wide = pdfmetrics.stringWidth(word, font, size)
        if lines[-1] and used + space + wide > width:
            lines.append([])
            used = 0.0
        used += wide + (space if lines[-1] else 0)
        lines[-1].append(word)
    return [" ".join(words) for words in lines]
