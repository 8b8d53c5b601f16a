"""PDF: what is in it, pictures of its pages, and the text layer of pages that were born digital.

pikepdf judges the file, PDFium draws it. Nothing in the file is ever run: PDFium is built without JavaScript.
"""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
from PIL import Image
from pypdfium2 import raw

from records.documents.reader import refusals
from records.documents.reader.pictures import OCR_PIXELS, OCR_SIDE, view_ratio
from records.documents.reader.refusals import Unreadable
from records.documents.reader.words import PageText, Word, box, letters, looks_like_language, storable

POINTS_PER_INCH = 72
MAX_OBJECTS = 5_000
FEW_LINES = 100
PLACEHOLDER = "Please wait"  # what XFA forms show in every other program


@dataclass(frozen=True)
class Facts:
    """What a PDF holds. `flags` may be damaged, javascript, attachments, form, xfa, encrypted, signed."""

    pages: int
    flags: list[str]
    readable: Path


def inspect(path: Path, work: Path, max_pages: int) -> Facts:
    """Judge the file; a damaged one that can be mended is mended into `work`. Raises Unreadable."""
    try:
        with pikepdf.open(path) as pdf:
            pages = _page_count(pdf)
            flags = sorted(set(_flags(pdf)))
            if pages == 0:
                raise Unreadable(refusals.EMPTY)
            if pages > max_pages:
                raise Unreadable(refusals.too_many(pages, max_pages))
            readable = path
            if "damaged" in flags or _drawable_pages(path) != pages:
                readable = work / "mended.pdf"
                flags = sorted({*flags, "damaged"})
                pdf.remove_unreferenced_resources()
                pdf.save(readable)
    except pikepdf.PasswordError as error:
        raise Unreadable(refusals.LOCKED) from error
    except Unreadable:
        raise
    except (
        pikepdf.PdfError,
        RuntimeError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OSError,
    ) as error:
        drawable = _drawable_pages(path)
        if not drawable:
            raise Unreadable(refusals.DAMAGED) from error
        return Facts(min(drawable, max_pages), ["damaged"], path)
    drawable = _drawable_pages(readable)
    if not drawable:
        raise Unreadable(refusals.DAMAGED)
    return Facts(min(drawable, pages), flags, readable)


def _page_count(pdf: pikepdf.Pdf) -> int:
    return len(pdf.pages)


def _drawable_pages(path: Path) -> int:
    """How many pages PDFium finds; 0 when it cannot open the file."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError:
        return 0
    try:
        return len(document)
    finally:
        document.close()


def _flags(pdf: pikepdf.Pdf) -> Iterator[str]:
    """What else is in the file: kept in the original, never run."""
    root = pdf.Root
    if pdf.get_warnings():
        yield "damaged"
    if pdf.is_encrypted:
        yield "encrypted"
    names = root.get("/Names")
    if isinstance(names, pikepdf.Dictionary):
        if "/JavaScript" in names:
            yield "javascript"
        if "/EmbeddedFiles" in names:
            yield "attachments"
    action = root.get("/OpenAction")
    if isinstance(action, pikepdf.Dictionary) and action.get("/S") == "/JavaScript":
        yield "javascript"
    if "/AA" in root:
        yield "javascript"
    form = root.get("/AcroForm")
    if isinstance(form, pikepdf.Dictionary):
        yield "form"
        if "/XFA" in form:
            yield "xfa"
        if int(form.get("/SigFlags", 0)) & 1:
            yield "signed"


@dataclass(frozen=True)
class Looks:
    """What a page is drawn from: the part that pictures cover, the dpi of the largest, how many lines and shapes."""

    covered: float
    dpi: float
    lines: int


class Document:
    """An inspected PDF open for drawing."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.pdf = pypdfium2.PdfDocument(facts.readable)
        if "form" in facts.flags and "xfa" not in facts.flags:
            self.pdf.init_forms()  # draws what was typed into the form's fields

    def page(self, number: int) -> "Page":
        """Page `number`, from 1. Raises Unreadable."""
        try:
            return Page(self.pdf.get_page(number - 1))
        except pypdfium2.PdfiumError as error:
            raise Unreadable(refusals.BROKEN_PAGE) from error


class Page:
    """One page of a PDF."""

    def __init__(self, page: Any) -> None:
        self.page = page
        width, height = page.get_size()
        self.width = max(width, 1.0)
        self.height = max(height, 1.0)

    def close(self) -> None:
        self.page.close()

    def draw(self, dpi: float) -> tuple[Image.Image, int]:
        """A picture at `dpi`, or less for a page so large that nobody needs it; and the dpi it has."""
        scale = dpi / POINTS_PER_INCH
        scale = min(scale, OCR_SIDE / max(self.width, self.height))
        scale = min(scale, (OCR_PIXELS / (self.width * self.height)) ** 0.5)
        try:
            bitmap = self.page.render(scale=scale, rev_byteorder=True, limit_image_cache=True)
        except pypdfium2.PdfiumError as error:
            raise Unreadable(refusals.BROKEN_PAGE) from error
        picture = bitmap.to_pil().convert("RGB")
        bitmap.close()
        return picture, max(70, round(scale * POINTS_PER_INCH))

    def view_dpi(self) -> float:
        """The resolution at which the viewer's picture comes out without another resizing."""
        return 200 * view_ratio(self.width / POINTS_PER_INCH * 200, self.height / POINTS_PER_INCH * 200)

    def looks(self) -> "Looks":
        """What the page is drawn from: pictures, lines."""
        covered = dpi = largest = 0.0
        lines = 0
        kinds = [raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH]
        for number, thing in enumerate(self.page.get_objects(filter=kinds, max_depth=4)):
            if number > MAX_OBJECTS:
                break
            if thing.type == raw.FPDF_PAGEOBJ_PATH:
                lines += 1
                continue
            try:
                left, bottom, right, top = thing.get_bounds()
                pixels = max(thing.get_px_size())
            except pypdfium2.PdfiumError:
                continue
            area = max(0.0, right - left) * max(0.0, top - bottom) / (self.width * self.height)
            covered += min(area, 1.0)
            if area > largest:
                largest = area
                dpi = pixels * POINTS_PER_INCH / max(right - left, top - bottom, 1.0)
        return Looks(min(covered, 1.0), dpi, lines)

    def text_layer(self) -> PageText:
        """The text that the page itself carries, with the place of each word on the drawn page."""
        layer = self.page.get_textpage()
        try:
            return self._words(layer)
        finally:
            layer.close()

    def _words(self, layer: Any) -> PageText:
        count = min(layer.count_chars(), 60_000)
        edges = [ctypes.c_double() for _ in range(4)]
        left, right, bottom, top = edges
        characters: list[str] = []
        words: list[Word] = []
        letters_now: list[str] = []
        bounds: list[float] = []

        def end_word() -> None:
            if letters_now and bounds:
                words.append(Word(storable("".join(letters_now)), *self._place(bounds)))
            letters_now.clear()
            bounds.clear()

        for index in range(count):
            code = raw.FPDFText_GetUnicode(layer, index)
            letter = chr(code) if 0 < code < 0x110000 else ""
            if letter == "\x02":  # PDFium's mark for a hyphen at the end of a line
                letter = "-"
            characters.append(letter)
            if not letter or letter.isspace():
                end_word()
                continue
            letters_now.append(letter)
            if raw.FPDFText_GetCharBox(layer, index, left, right, bottom, top):
                box_now = (left.value, bottom.value, right.value, top.value)
                bounds[:] = (
                    [min(bounds[0], box_now[0]), min(bounds[1], box_now[1]),
                     max(bounds[2], box_now[2]), max(bounds[3], box_now[3])]
                    if bounds else box_now
                )  # fmt: skip
        end_word()
        text = "".join(characters).replace("\r\n", "\n").replace("\r", "\n")
        return PageText("layer", storable(text).strip(), words)

    def _place(self, bounds: list[float]) -> tuple[int, int, int, int]:
        """Page coordinates as a box of the drawn page, whatever its rotation and crop."""
        across, down = ctypes.c_int(), ctypes.c_int()
        corners = []
        for x, y in ((bounds[0], bounds[1]), (bounds[2], bounds[3])):
            raw.FPDF_PageToDevice(self.page, 0, 0, 20_000, 20_000, 0, x, y, across, down)
            corners.append((across.value / 20_000, down.value / 20_000))
        (a, b), (c, d) = corners
        return box(min(a, c), min(b, d), max(a, c), max(b, d))


def layer_counts(layer: PageText, looks: Looks) -> bool:
    """Whether the text layer is the text of the page, so that reading the picture would add nothing.

    A scan may carry a fax line or a stamp as text: little text over a picture of the whole page does not count.
    Letters may be drawn as lines; little text counts only where there is little else.
    """
    if not looks_like_language(layer.text):
        return False
    found = letters(layer.text)
    if looks.covered < 0.02 and looks.lines < FEW_LINES:
        return found > 0
    return found >= 200 or (found >= 20 and looks.covered < 0.5)
