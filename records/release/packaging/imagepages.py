"""TIFF, JPEG and PNG as pages of a PDF, with the pixels as they are.

What PDF can hold as it stands is copied undecoded (JPEG, PNG's deflate rows, a CCITT G4 frame in one
strip); the rest is decoded and packed again without loss (G4 for black and white, deflate for the rest).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image, ImageOps, ImageSequence, TiffTags

from .stamping import LETTER

_COMPRESSION, _STRIP_OFFSETS, _STRIP_BYTES, _PHOTOMETRIC = 259, 273, 279, 262
_FILL_ORDER, _ORIENTATION, _T6_OPTIONS = 266, 274, 293
# JPEG segments that the picture needs: JFIF, colour profile (APP2), Adobe transform (APP14). Comments and
# EXIF stay behind: a telephone writes the place and the owner there.
_KEPT_APPS = {0xE0, 0xE2, 0xEE}
_COLOURS = {"1": Name.DeviceGray, "L": Name.DeviceGray, "RGB": Name.DeviceRGB, "CMYK": Name.DeviceCMYK}


def image_pages(out: Pdf, path: Path, media_type: str) -> Iterator[tuple[Stream, float, float, float]]:
    """Each frame as a form XObject of `out` with its width and height in points, and the user unit 1.

    Raises OSError, ValueError or PIL's errors when the file cannot be read to its end.
    """
    data = path.read_bytes()
    with Image.open(io.BytesIO(data), formats=["TIFF", "JPEG", "PNG"]) as image:
        if media_type == "image/jpeg" and image.format == "JPEG":
            yield _page(out, *_jpeg(out, image, data))
        elif image.format == "PNG" and (direct := _png(out, data)) is not None:
            yield _page(out, direct, image, 1)
        else:
            for frame in ImageSequence.Iterator(image):
                direct = _g4(out, frame, data) if image.format == "TIFF" else None
                if direct is not None:
                    yield _page(out, direct, frame, _orientation(frame))
                else:
                    upright = ImageOps.exif_transpose(frame)
                    yield _page(out, _packed(out, upright), upright, 1, frame)


def _orientation(frame: Image.Image) -> int:
    value = frame.getexif().get(_ORIENTATION, 1)
    return value if value in range(1, 9) else 1


def _points(size: tuple[int, int], frame: Image.Image) -> tuple[float, float]:
    """The size on paper: by the resolution in the file, or filling a letter page when there is none to
    believe.
    """
    width, height = size
    try:
        across, down = (float(number) for number in frame.info.get("dpi", (0, 0)))
    except (TypeError, ValueError, ZeroDivisionError):
        across = down = 0.0
    if not (50 <= across <= 4_800 and 50 <= down <= 4_800):
        paper = LETTER if height >= width else (LETTER[1], LETTER[0])
        scale = min(paper[0] / width, paper[1] / height)
        return width * scale, height * scale
    return width * 72 / across, height * 72 / down


def _page(
    out: Pdf, xobject: Stream, image: Image.Image, orientation: int, resolution: Image.Image | None = None
) -> tuple[Stream, float, float, float]:
    wide, high = _points(image.size, resolution or image)
    # EXIF orientation as a matrix on the unit square of the image.
    turned: dict[int, tuple[float, float, float, float, float, float]] = {
        1: (wide, 0, 0, high, 0, 0),
        2: (-wide, 0, 0, high, wide, 0),
        3: (-wide, 0, 0, -high, wide, high),
        4: (wide, 0, 0, -high, 0, high),
        5: (0, -wide, -high, 0, high, wide),
        6: (0, -wide, high, 0, 0, wide),
        7: (0, wide, high, 0, 0, 0),
        8: (0, wide, -high, 0, high, 0),
    }
    matrix = " ".join(f"{number:.4f}" for number in turned[orientation])
    if orientation >= 5:
        wide, high = high, wide
    form = Stream(out, f"q {matrix} cm /Image Do Q".encode("ascii"))
    form[Name.Type] = Name.XObject
    form[Name.Subtype] = Name.Form
    form[Name.BBox] = Array([0, 0, round(wide, 4), round(high, 4)])
    form[Name.Resources] = Dictionary(XObject=Dictionary(Image=xobject))
    return form, wide, high, 1.0


def _xobject(out: Pdf, data: bytes, size: tuple[int, int], colours: pikepdf.Object, bits: int) -> Stream:
    xobject = Stream(out, data)
    xobject[Name.Type] = Name.XObject
    xobject[Name.Subtype] = Name.Image
    xobject[Name.Width], xobject[Name.Height] = size
    xobject[Name.ColorSpace] = colours
    xobject[Name.BitsPerComponent] = bits
    return xobject


def _jpeg(out: Pdf, image: Image.Image, data: bytes) -> tuple[Stream, Image.Image, int]:
    if b"\xff\xd9" not in data[-64:]:
        image.load()  # refuses a picture that ends half way
    if image.mode not in ("L", "RGB", "CMYK"):
        raise ValueError(f"a JPEG of kind {image.mode} is not known here")
    xobject = _xobject(out, _without_metadata(data), image.size, _COLOURS[image.mode], 8)
    xobject[Name.Filter] = Name.DCTDecode
    if image.mode == "CMYK" and "adobe" in image.info:
        xobject[Name.Decode] = Array([1, 0] * 4)  # Adobe stores ink the other way round
    return xobject, image, _orientation(image)


def _without_metadata(data: bytes) -> bytes:
    kept, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker == 0xDA:  # the picture itself begins
            break
        size = 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        is_metadata = marker == 0xFE or (0xE0 <= marker <= 0xEF and marker not in _KEPT_APPS)
        if not is_metadata:
            kept.append(data[at : at + size])
        at += size
    return b"".join([*kept, data[at:]])


def _png(out: Pdf, data: bytes) -> Stream | None:
    """A PNG without transparency and interlacing, its deflate rows as they are; None when it has those.

    Raises ValueError when it ends half way.
    """
    at, rows, palette, header, is_whole = 8, [], b"", b"", False
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            header = body
        elif kind == b"PLTE":
            palette = body
        elif kind == b"tRNS":
            return None
        elif kind == b"IDAT":
            rows.append(body)
        elif kind == b"IEND":
            is_whole = True
            break
        at += 12 + size
    if not is_whole:
        raise ValueError("the PNG ends half way")
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if colour in (4, 6) or interlaced or bits == 16:
        return None
    colours: pikepdf.Object = {0: Name.DeviceGray, 2: Name.DeviceRGB}.get(colour, Name.DeviceRGB)
    if colour == 3:
        colours = Array([Name.Indexed, Name.DeviceRGB, len(palette) // 3 - 1, pikepdf.String(palette)])
    xobject = _xobject(out, b"".join(rows), (width, height), colours, bits)
    xobject[Name.Filter] = Name.FlateDecode
    xobject[Name.DecodeParms] = Dictionary(
        Predictor=15, Colors=3 if colour == 2 else 1, BitsPerComponent=bits, Columns=width
    )
    return xobject


def _g4(out: Pdf, frame: Image.Image, data: bytes) -> Stream | None:
    """A G4 frame that lies in one strip, as it is; None for any other."""
    tags = getattr(frame, "tag_v2", {})
    offsets, counts = tags.get(_STRIP_OFFSETS, ()), tags.get(_STRIP_BYTES, ())
    is_plain = (
        tags.get(_COMPRESSION) == 4
        and frame.mode == "1"
        and len(offsets) == len(counts) == 1
        and tags.get(_FILL_ORDER, 1) == 1
        and tags.get(_T6_OPTIONS, 0) == 0
        and tags.get(_PHOTOMETRIC) in (0, 1)
    )
    if not is_plain or offsets[0] + counts[0] > len(data):
        return None
    return _ccitt(
        out, data[offsets[0] : offsets[0] + counts[0]], frame.size, black_is_0=tags[_PHOTOMETRIC] == 1
    )


def _ccitt(out: Pdf, strip: bytes, size: tuple[int, int], *, black_is_0: bool) -> Stream:
    xobject = _xobject(out, strip, size, Name.DeviceGray, 1)
    xobject[Name.Filter] = Name.CCITTFaxDecode
    xobject[Name.DecodeParms] = Dictionary(K=-1, Columns=size[0], Rows=size[1], BlackIs1=black_is_0)
    return xobject


def _packed(out: Pdf, image: Image.Image) -> Stream:
    """Any picture that Pillow reads, packed again without loss; transparency lies on white paper."""
    if image.mode == "1":
        packed = io.BytesIO()
        image.save(packed, "TIFF", compression="group4", tiffinfo={TiffTags.lookup(278).value: image.height})
        with Image.open(io.BytesIO(packed.getvalue())) as again:
            tags = again.tag_v2  # type: ignore[attr-defined]
            offset, count = tags[_STRIP_OFFSETS], tags[_STRIP_BYTES]
            strip = packed.getvalue()[offset[0] : offset[0] + count[0]]
            if len(offset) == 1:
                return _ccitt(out, strip, image.size, black_is_0=tags[_PHOTOMETRIC] == 1)
    if image.mode.startswith("I") or image.mode == "F":
        image = _sixteen_to_eight(image)
    if "A" in image.getbands() or "transparency" in image.info:
        over = image.convert("RGBA")
        paper = Image.new("RGBA", over.size, "white")
        image = Image.alpha_composite(paper, over).convert("RGB")
    if image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    xobject = _xobject(out, zlib.compress(image.tobytes(), 6), image.size, _COLOURS[image.mode], 8)
    xobject[Name.Filter] = Name.FlateDecode
    return xobject


def _sixteen_to_eight(image: Image.Image) -> Image.Image:
    """A page image has at most 256 greys to the eye; the original keeps the rest."""
    white = 65_535.0 if image.mode.startswith("I;16") else float(image.getextrema()[1] or 1)  # type: ignore[arg-type]
    return image.convert("F").point(lambda value: value * (255.0 / white)).convert("L")
