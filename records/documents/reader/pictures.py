"""Pictures: opening frames of TIFF, JPEG and PNG safely, and writing what the viewer shows."""

from pathlib import Path

from PIL import Image

from records.documents.reader.refusals import Unreadable

Image.MAX_IMAGE_PIXELS = None  # our own limit below speaks in sentences
MAX_PIXELS = 250_000_000
OCR_SIDE = 3_600  # A4 at 300 dpi
OCR_PIXELS = 12_000_000
VIEW_LONG_SIDE = 1_800  # A4 and Letter at about 150 dpi
VIEW_SHORT_SIDE = 1_275
THUMBNAIL = (160, 220)
_TURNS = {  # what the camera's orientation mark asks for (Exif 2.32, tag 0x0112)
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_image(path: Path) -> Image.Image:
    """The file as a picture. Raises Unreadable."""
    try:
        picture = Image.open(path, formats=("TIFF", "JPEG", "PNG"))
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError) as error:
        raise Unreadable("This picture is damaged: it cannot be opened. Scan or save it again.") from error
    return picture


def frames(picture: Image.Image) -> int:
    """How many pages the picture has. Raises Unreadable."""
    try:
        return int(getattr(picture, "n_frames", 1))
    except (OSError, ValueError, SyntaxError, EOFError, TypeError) as error:
        raise Unreadable("This picture is damaged: its pages cannot be counted.") from error


def frame(picture: Image.Image, number: int) -> tuple[Image.Image, int]:
    """Page `number` (from 1), upright by its own mark, in grey or RGB, with its resolution in dpi.

    Raises Unreadable for a damaged frame and for one of more than 250 megapixels.
    """
    try:
        picture.seek(number - 1)
        if picture.width * picture.height > MAX_PIXELS:
            megapixels = picture.width * picture.height // 1_000_000
            raise Unreadable(
                f"This picture has {megapixels:,} megapixels, more than {MAX_PIXELS // 1_000_000} that Chartroom"
                " opens. Scan it at a lower resolution."
            )
        picture.draft("RGB" if picture.mode != "L" else "L", (OCR_SIDE, OCR_SIDE))
        dpi = _dpi(picture)
        turn = _TURNS.get(picture.getexif().get(0x0112, 1)) if picture.format != "TIFF" else None
        plain = _plain(picture)  # Pillow turns TIFF frames itself while it loads them
    except Unreadable:
        raise
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        TypeError,
        KeyError,
        IndexError,
        ArithmeticError,
    ) as error:
        raise Unreadable("The picture of this page is damaged or cut off.") from error
    return (plain.transpose(turn) if turn is not None else plain), dpi


def _plain(picture: Image.Image) -> Image.Image:
    """Grey or RGB on white paper, without palettes, transparency or 16-bit samples."""
    mode = picture.mode
    if mode in {"I;16", "I;16L", "I;16B", "I", "F"}:
        low, high = picture.getextrema()
        span = max(float(high) - float(low), 1.0)  # type: ignore[arg-type]
        plain = picture.convert("F").point(lambda value: (value - float(low)) * 255.0 / span).convert("L")  # type: ignore[arg-type]
    elif mode in {"RGBA", "LA", "PA"} or (mode == "P" and "transparency" in picture.info):
        layered = picture.convert("RGBA")
        plain = Image.new("RGB", layered.size, "white")
        plain.paste(layered, mask=layered.getchannel("A"))
    elif mode in {"1", "L"}:
        plain = picture.convert("L")
    else:
        plain = picture.convert("RGB")
    return plain


def _dpi(picture: Image.Image) -> int:
    """Dots per inch as the file says, if it can be true, or as if the picture were a Letter sheet."""
    given = picture.info.get("dpi", (0, 0))
    try:
        dpi = round(float(max(given)))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        dpi = 0
    if 70 <= dpi <= 2400:
        return dpi
    return max(70, min(600, round(max(picture.size) / 11)))


def for_reading(picture: Image.Image, dpi: int) -> tuple[Image.Image, int]:
    """A grey copy no larger than the text engine needs, and its resolution."""
    grey = picture if picture.mode == "L" else picture.convert("L")
    ratio = min(1.0, OCR_SIDE / max(grey.size), (OCR_PIXELS / (grey.width * grey.height)) ** 0.5)
    if dpi > 330:
        ratio = min(ratio, 300 / dpi)
    if ratio < 1.0:
        size = (max(1, round(grey.width * ratio)), max(1, round(grey.height * ratio)))
        grey = grey.resize(size, Image.Resampling.BOX if ratio <= 0.5 else Image.Resampling.BILINEAR)
        dpi = max(70, round(dpi * ratio))
    return grey, dpi


def view_ratio(width: float, height: float) -> float:
    """By how much a picture of this size is made smaller for the viewer; never more than 1."""
    long, short = max(width, height), min(width, height)
    return min(1.0, VIEW_LONG_SIDE / long, max(VIEW_SHORT_SIDE / short, VIEW_LONG_SIDE / 2 / long))


def for_view(picture: Image.Image) -> Image.Image:
    """The picture as the viewer shows it: grey unless it has colour, about 150 dpi for a page of paper."""
    ratio = view_ratio(*picture.size)
    size = (max(1, round(picture.width * ratio)), max(1, round(picture.height * ratio)))
    small = picture if ratio == 1.0 else picture.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    if small.mode == "RGB" and not _has_colour(small):
        return small.convert("L")
    return small


def _has_colour(picture: Image.Image) -> bool:
    """Whether more than a thousandth of the picture is visibly coloured (a stamp, a marker, a photograph)."""
    probe = picture.copy()
    probe.thumbnail((300, 300), Image.Resampling.BOX)
    saturation = probe.convert("HSV").split()
    vivid = sum(
        1
        for colour, value in zip(saturation[1].getdata(), saturation[2].getdata(), strict=True)
        if colour > 60 and value > 60
    )
    return vivid * 1000 > probe.width * probe.height


def save(picture: Image.Image, path: Path) -> None:
    """As WebP, the smallest that every browser shows. Written whole or not at all."""
    part = path.with_suffix(".part")
    picture.save(part, "WEBP", quality=75, method=2)
    part.replace(path)


def thumbnail(picture: Image.Image) -> Image.Image:
    """A small copy for the strip beside the page."""
    small = picture.copy()
    small.thumbnail(THUMBNAIL, Image.Resampling.BOX, reducing_gap=2.0)
    return small
