"""One page after the other: its picture, its thumbnail, its text, written as files beside each other."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from PIL import Image

from records.documents.reader import pdf, pictures, refusals
from records.documents.reader.ocr import Engine, turned_by
from records.documents.reader.refusals import Unreadable
from records.documents.reader.words import PageText


@dataclass(frozen=True)
class Facts:
    """What is known of a file before its pages are read."""

    pages: int
    flags: list[str]


class Source(Protocol):
    """A file whose pages can be read one by one."""

    def read(self, number: int) -> tuple[Image.Image, PageText]:
        """The upright picture of page `number` (from 1) and its text. Raises Unreadable."""


class PdfSource:
    """Pages of a PDF."""

    def __init__(self, facts: pdf.Facts, engine: Engine) -> None:
        self.document = pdf.Document(facts)
        self.engine = engine

    def read(self, number: int) -> tuple[Image.Image, PageText]:
        page = self.document.page(number)
        try:
            looks = page.looks()
            layer = page.text_layer()
            if "xfa" in self.document.facts.flags and pdf.PLACEHOLDER in layer.text:
                raise Unreadable(refusals.FORM)
            if pdf.layer_counts(layer, looks):
                return page.draw(max(page.view_dpi(), 100))[0], layer
            picture, dpi = page.draw(min(max(looks.dpi, 200), 300))
        finally:
            page.close()
        grey, dpi = pictures.for_reading(picture, dpi)
        text, turn = self.engine.read(grey, dpi)
        return turned_by(picture, turn), text


class ImageSource:
    """Frames of a TIFF; the one picture of a JPEG or PNG."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.image = pictures.open_image(path)
        self.engine = engine

    def read(self, number: int) -> tuple[Image.Image, PageText]:
        picture, dpi = pictures.frame(self.image, number)
        grey, dpi = pictures.for_reading(picture, dpi)
        text, turn = self.engine.read(grey, dpi)
        return turned_by(picture, turn), text


def write(number: int, picture: Image.Image, text: PageText, folder: Path) -> None:
    """Leave page `number` in `folder`: picture, thumbnail, and last the text, which says that all is there."""
    view = pictures.for_view(picture)
    pictures.save(view, folder / f"{number:05}.view.webp")
    pictures.save(pictures.thumbnail(view), folder / f"{number:05}.thumbnail.webp")
    facts = {"number": number, "width": view.width, "height": view.height, **asdict(text)}
    facts["words"] = [list(word) for word in text.words]
    part = folder / f"{number:05}.part"
    part.write_text(json.dumps(facts), encoding="utf-8")
    part.replace(folder / f"{number:05}.json")
