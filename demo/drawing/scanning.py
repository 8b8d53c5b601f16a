"""A sheet as it comes out of a scanner: a little askew, speckled, on grey or black-and-white paper.

Repeatable for one version of Pillow: every random choice comes from the generator that is passed in.
"""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import pikepdf
from PIL import Image, ImageDraw, ImageFont, TiffImagePlugin

from .sheet import FONT_FOLDER, HEIGHT, WIDTH, PageDrawing, Text

DPI = 200
_SCALE = DPI / 72
_SIZE = (int(WIDTH * _SCALE), int(HEIGHT * _SCALE))
_FILES = {"Vera": "Vera.ttf", "VeraBd": "VeraBd.ttf", "VeraIt": "VeraIt.ttf"}
_ROWS_PER_STRIP = 278


@cache
def _font(name: str, pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT_FOLDER / _FILES.get(name, "Vera.ttf")), pixels)


@cache
def _grain(number: int) -> Image.Image:
    """Paper: a tile of faint noise, made once and turned about for each page."""
    rng = random.Random(number)
    tile = Image.frombytes("L", (256, 256), bytes(rng.choices(range(232, 256), k=256 * 256)))
    paper = Image.new("L", _SIZE)
    for x in range(0, _SIZE[0], 256):
        for y in range(0, _SIZE[1], 256):
            paper.paste(tile, (x, y))
    return paper


@dataclass(frozen=True)
class Scan:
    """A scanned page and by how much it lay askew, counter-clockwise."""

    image: Image.Image
    degrees: float


def scanned_page(page: PageDrawing, rng: random.Random, *, is_grey: bool) -> Scan:
    """The page at 200 dpi: mode L when grey, mode 1 otherwise."""
    image = _grain(rng.randrange(4)).copy() if is_grey else Image.new("L", _SIZE, 255)
    draw = ImageDraw.Draw(image)
    ink = rng.randint(20, 70)
    for stroke in page.strokes:
        points = [(x * _SCALE, (HEIGHT - y) * _SCALE) for x, y in stroke.points]
        draw.line(points, fill=ink, width=max(2, round(stroke.width * _SCALE)), joint="curve")
    for text in page.texts:
        if text.by_hand:
            _write(draw, text, rng, ink)
        else:
            place = (text.x * _SCALE, (HEIGHT - text.y) * _SCALE)
            draw.text(
                place, text.text, fill=ink, font=_font(text.font, round(text.size * _SCALE)), anchor="ls"
            )
    degrees = rng.uniform(-0.9, 0.9)
    image = image.rotate(degrees, Image.Resampling.BILINEAR, fillcolor=250 if is_grey else 255)
    draw = ImageDraw.Draw(image)
    _dirt(draw, rng)
    return Scan(image if is_grey else image.point(lambda value: 255 if value > 140 else 0, "1"), degrees)


def _write(draw: ImageDraw.ImageDraw, text: Text, rng: random.Random, ink: int) -> None:
    """Letters that dance: each a little higher, lower, larger or smaller than the one before."""
    x, y = text.x * _SCALE, (HEIGHT - text.y) * _SCALE
    slope = rng.uniform(-0.025, 0.01)
    for letter in text.text:
        font = _font("VeraIt", round(text.size * _SCALE * rng.choice((0.92, 1.0, 1.06))))
        draw.text((x, y + rng.uniform(-2.2, 2.2)), letter, fill=ink, font=font, anchor="ls")
        x += font.getlength(letter) * rng.uniform(0.86, 0.98)
        y += slope * font.size


def _dirt(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    wide, high = _SIZE
    specks = [(rng.randrange(wide), rng.randrange(high)) for _ in range(rng.randint(60, 260))]
    draw.point(specks, fill=30)
    for x, y in specks[:: rng.randint(9, 15)]:
        draw.ellipse((x, y, x + rng.randint(1, 3), y + rng.randint(1, 3)), fill=40)
    if rng.random() < 0.35:  # the shadow of a staple or of punched holes
        for y in (high * 3 // 10, high * 7 // 10) if rng.random() < 0.5 else (40,):
            draw.ellipse((24, y, 50, y + 26), outline=60, width=3)
    if rng.random() < 0.25:  # dust on the glass draws a thin line down the page
        x = rng.randrange(wide)
        draw.line((x, 0, x + rng.randint(-2, 2), high), fill=120, width=1)


def as_tiff(pages: Sequence[Image.Image]) -> bytes:
    """Black-and-white pages as a G4 TIFF, each frame in one strip, as scanners write them."""
    made = io.BytesIO()
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[_ROWS_PER_STRIP] = _SIZE[1]
    first, *others = pages
    first.save(
        made, "TIFF", compression="group4", dpi=(DPI, DPI), save_all=True, append_images=others, tiffinfo=info
    )
    return made.getvalue()


def as_pdf(pages: Sequence[Image.Image]) -> bytes:
    """Scanned pages as PDF: G4 inside for black and white, JPEG inside for grey."""
    with pikepdf.Pdf.new() as pdf:
        for image in pages:
            xobject = pikepdf.Stream(pdf, _g4(image) if image.mode == "1" else _jpeg(image))
            xobject.Type, xobject.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
            xobject.Width, xobject.Height = image.size
            xobject.ColorSpace = pikepdf.Name.DeviceGray
            if image.mode == "1":
                xobject.BitsPerComponent = 1
                xobject.Filter = pikepdf.Name.CCITTFaxDecode
                # Pillow writes black as 0, which fax coding calls white: PDF must turn it round.
                xobject.DecodeParms = pikepdf.Dictionary(
                    K=-1, Columns=image.width, Rows=image.height, BlackIs1=True
                )
            else:
                xobject.BitsPerComponent = 8
                xobject.Filter = pikepdf.Name.DCTDecode
            page = pikepdf.Dictionary(
                Type=pikepdf.Name.Page,
                MediaBox=[0, 0, WIDTH, HEIGHT],
                Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(Scan=xobject)),
                Contents=pdf.make_stream(f"q {WIDTH:.0f} 0 0 {HEIGHT:.0f} 0 0 cm /Scan Do Q".encode()),
            )
            pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
        pdf.docinfo["/Producer"] = pikepdf.String("Document scanner")
        made = io.BytesIO()
        pdf.save(made, deterministic_id=True)
    return made.getvalue()


def _g4(image: Image.Image) -> bytes:
    tiff = as_tiff([image])
    with Image.open(io.BytesIO(tiff)) as again:
        tags = again.tag_v2  # type: ignore[attr-defined]
        start, size = tags[273][0], tags[279][0]
    return tiff[start : start + size]


def _jpeg(image: Image.Image) -> bytes:
    made = io.BytesIO()
    image.save(made, "JPEG", quality=55, dpi=(DPI, DPI))
    return made.getvalue()
