"""Files made by code: good ones, and ones that somebody hostile or unlucky would send."""

import io
import zlib
from collections.abc import Callable, Sequence
from functools import cache

import pikepdf
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen import canvas

LETTER_TEXT = (
    "Discharge summary",
    "The patient was admitted with pneumonia and treated with amoxicillin",
    "Metformin 500 mg was continued twice daily throughout the stay",
    "Follow up with the pulmonary clinic in two weeks and repeat the radiograph",
)


def text_pdf(pages: Sequence[Sequence[str]] = (LETTER_TEXT,), **compression: int) -> bytes:
    """A PDF that was born digital: lines of text, one list a page."""
    out = io.BytesIO()
    sheet = canvas.Canvas(out, pagesize=letter, invariant=1)
    for lines in pages:
        for number, line in enumerate(lines):
            sheet.drawString(72, 700 - 24 * number, line)
        sheet.showPage()
    sheet.save()
    return out.getvalue()


def scan(lines: Sequence[str] = LETTER_TEXT, *, dpi: int = 150, turn: int = 0) -> Image.Image:
    """A grey sheet with printed text, as a scanner sees it, turned clockwise by `turn` degrees."""
    page = Image.new("L", (round(8.5 * dpi), 11 * dpi), 250)
    pen = ImageDraw.Draw(page)
    font = ImageFont.load_default(size=dpi * 0.16)
    for number, line in enumerate(lines):
        pen.text((dpi * 0.6, dpi * (1 + 0.4 * number)), line, font=font, fill=10)
    return page.rotate(-turn, expand=True, fillcolor=250) if turn else page


def as_file(picture: Image.Image, form: str, **options: object) -> bytes:
    """The picture as PNG, JPEG or TIFF."""
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def tiff(frames: Sequence[Image.Image], **options: object) -> bytes:
    """A TIFF of several pages."""
    return as_file(frames[0], "TIFF", save_all=True, append_images=list(frames[1:]), **options)


def scanned_pdf(pictures: Sequence[Image.Image]) -> bytes:
    """A PDF whose pages are pictures and nothing else."""
    out = io.BytesIO()
    pictures[0].save(out, "PDF", resolution=150, save_all=True, append_images=list(pictures[1:]))
    return out.getvalue()


def changed(pdf: bytes, change: Callable[[pikepdf.Pdf], None], **options: object) -> bytes:
    """The PDF after `change`, saved with pikepdf's options."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        change(opened)
        opened.save(out, **options)
    return out.getvalue()


def encrypted_pdf(user_password: str) -> bytes:
    """Opens with that password only; with an empty one, it opens and forbids things."""
    return changed(
        text_pdf(),
        lambda pdf: None,
        encryption=pikepdf.Encryption(user=user_password, owner="owner", R=6),
    )


def empty_pdf() -> bytes:
    """A PDF with no pages."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.save(out)
    return out.getvalue()


def long_pdf(pages: int) -> bytes:
    """Blank pages, any number."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page()
        pdf.save(out)
    return out.getvalue()


def huge_page_pdf(points: int = 20_000) -> bytes:
    """One page of `points` by `points`, with text on it."""
    out = io.BytesIO()
    sheet = canvas.Canvas(out, pagesize=(points, points), invariant=1)
    sheet.setFont("Helvetica", points / 25)
    for number, line in enumerate(("huge wall chart", "of the surgical ward")):
        sheet.drawString(points / 20, points * (0.8 - number / 10), line)
    sheet.save()
    return out.getvalue()


def active_pdf() -> bytes:
    """JavaScript that runs on opening, and a file inside."""

    def add(pdf: pikepdf.Pdf) -> None:
        pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert('gotcha')")
        pdf.attachments["evil.exe"] = b"MZ not a true program"

    return changed(text_pdf(), add)


def xfa_pdf() -> bytes:
    """A dynamic form as Adobe's programs make it: one placeholder page."""
    placeholder = text_pdf([["Please wait...", "If this message is not eventually replaced"]])

    def add(pdf: pikepdf.Pdf) -> None:
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[], XFA=pdf.make_stream(b"<xdp:xdp/>"))

    return changed(placeholder, add)


@cache
def bomb_png(side: int = 20_000) -> bytes:
    """A small file that unpacks to 400 megapixels."""
    out = io.BytesIO()
    Image.new("1", (side, side)).save(out, "PNG")
    return out.getvalue()


@cache
def bomb_pdf(megabytes: int = 3_000) -> bytes:
    """A page whose drawing unpacks to gigabytes of nothing."""
    packer = zlib.compressobj(1)
    piece = b"q Q " * 250_000
    packed = b"".join(packer.compress(piece) for _ in range(megabytes)) + packer.flush()

    def add(pdf: pikepdf.Pdf) -> None:
        stream = pdf.make_stream(b"")
        stream.write(packed, filter=pikepdf.Name.FlateDecode)
        pdf.pages[0].Contents = stream

    return changed(long_pdf(2), add)
