"""Drawing documents in processes of their own, into the vault, with page pictures and text: no OCR, no
database.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import pypdfium2
from PIL import Image, ImageSequence

from demo.drawing import draw
from demo.drawing.sheet import HEIGHT, WIDTH
from demo.facts import DocumentPlan, Drawn, EncounterFacts, PatientFacts
from records.documents.services.importing import KeptFile, ReadPage
from records.documents.storage import vault

VIEW_DPI = 120  # a little under what the reader makes of an upload: a thousand documents in a minute
THUMBNAIL = (160, 220)
ENDINGS = {"application/pdf": "pdf", "image/tiff": "tif"}


@dataclass(frozen=True)
class Finished:
    """A drawn document whose files are in the vault."""

    original: KeptFile
    filename: str
    pages: tuple[ReadPage, ...]


def finish(plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts) -> Finished:
    """Draw the document, keep it and its pages' pictures, and say where they are."""
    drawn = draw(plan, patient, encounter)
    pages = tuple(
        _page(image, text, words, drawn)
        for image, text, words in zip(_images(drawn), drawn.pages, drawn.words, strict=True)
    )
    stem = plan.title.split(":")[0].lower().replace(" ", "-")
    filename = f"{stem}-{plan.service_date:%Y%m%d}.{ENDINGS[drawn.media_type]}"
    return Finished(_keep(drawn.content, drawn.media_type), filename, pages)


def finish_all(
    tasks: list[tuple[DocumentPlan, PatientFacts, EncounterFacts]],
) -> list[Finished]:
    """Several documents of one chart, in order: what a process of the pool is given."""
    return [finish(*task) for task in tasks]


def _images(drawn: Drawn) -> list[Image.Image]:
    if drawn.media_type == "image/tiff":
        with Image.open(io.BytesIO(drawn.content)) as scan:
            return [_smaller(frame.convert("L")) for frame in ImageSequence.Iterator(scan)]
    pdf = pypdfium2.PdfDocument(drawn.content)
    try:
        return [page.render(scale=VIEW_DPI / 72, grayscale=True).to_pil() for page in pdf]
    finally:
        pdf.close()


def _smaller(image: Image.Image) -> Image.Image:
    size = (math.ceil(WIDTH / 72 * VIEW_DPI), math.ceil(HEIGHT / 72 * VIEW_DPI))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.5)


def _page(image: Image.Image, text: str, words: list[list[Any]], drawn: Drawn) -> ReadPage:
    small = image.copy()
    small.thumbnail(THUMBNAIL, Image.Resampling.BOX, reducing_gap=2.0)
    is_print = drawn.is_print
    return ReadPage(
        view=_keep(_webp(image, is_print=is_print), "image/webp"),
        thumbnail=_keep(_webp(small, is_print=False), "image/webp"),
        width=image.width,
        height=image.height,
        text=text,
        words=words,
        source="layer" if is_print else "supplied",
    )


def _webp(image: Image.Image, *, is_print: bool) -> bytes:
    made = io.BytesIO()
    if is_print:  # sixteen greys without loss: smaller, quicker and crisper than lossy for printed letters
        sixteen = image.point([round(value / 17) * 17 for value in range(256)])
        sixteen.save(made, "WEBP", lossless=True, quality=0, method=0)
    else:
        image.save(made, "WEBP", quality=55, method=0)
    return made.getvalue()


def _keep(content: bytes, media_type: str) -> KeptFile:
    store = vault()
    return KeptFile(store.put(content), len(content), media_type, store.keyring.current)
