"""One page of a package: the copied page as it looks, and the stamp on a strip added below it.

The strip is added to the page, so that no stamp covers what was written there, and the copy keeps its true
size (an EKG is measured with a ruler). The old page becomes a form XObject: its own graphics state, crop
and rotation stay inside, whatever its content stream does.
"""

from __future__ import annotations

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Page, Pdf, Stream
from reportlab.pdfbase.pdfmetrics import stringWidth

LETTER = (612.0, 792.0)
STRIP_POINTS = 20.0  # at letter width; grows with the page, so that it can be read on a poster too
LEAST_WIDTH = 160.0  # a narrow page is set on a wider one, or the stamp would not fit
LARGEST = 14_400.0  # what readers accept in one direction, PDF 32000-1 Annex C
_FONT = "Helvetica"
_MAX_DEPTH = 64


def inherited(page: Object, key: str) -> Object | None:
    """A page attribute, looked up through the page tree. A tree that loops ends the search."""
    node = page
    for _ in range(_MAX_DEPTH):
        value = node.get(key)
        if value is not None:
            return value
        parent = node.get(Name.Parent)
        if not isinstance(parent, Dictionary):
            return None
        node = parent
    return None


def _box(value: Object | None) -> tuple[float, float, float, float] | None:
    if not isinstance(value, Array) or len(value) != 4:
        return None
    try:
        x0, y0, x1, y1 = (float(number) for number in value)
    except (TypeError, ValueError):
        return None
    x0, x1 = sorted((x0, x1))
    y0, y1 = sorted((y0, y1))
    return (x0, y0, x1, y1) if x1 - x0 > 0 and y1 - y0 > 0 else None


def visible_box(page: Object) -> tuple[float, float, float, float]:
    """What a reader shows of the page: its crop box inside its media box, in the page's own units."""
    media = _box(inherited(page, "/MediaBox")) or (0.0, 0.0, *LETTER)
    crop = _box(inherited(page, "/CropBox"))
    if crop is None:
        return media
    x0, y0 = max(media[0], crop[0]), max(media[1], crop[1])
    x1, y1 = min(media[2], crop[2]), min(media[3], crop[3])
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else media


def _quarter_turns(page: Object) -> int:
    try:
        return round(float(inherited(page, "/Rotate") or 0) / 90) % 4
    except (TypeError, ValueError):
        return 0


def upright(box: tuple[float, float, float, float], quarter_turns: int) -> tuple[list[float], float, float]:
    """The matrix that sets a page upright at the origin, and its width and height then."""
    x0, y0, x1, y1 = box
    wide, high = x1 - x0, y1 - y0
    if quarter_turns == 1:
        return [0, -1, 1, 0, -y0, x1], high, wide
    if quarter_turns == 2:
        return [-1, 0, 0, -1, x1, y1], wide, high
    if quarter_turns == 3:
        return [0, 1, -1, 0, y1, -x0], high, wide
    return [1, 0, 0, 1, -x0, -y0], wide, high


def as_form(
    source: Pdf, page: Object, used: set[tuple[int, int]], keys: frozenset[str]
) -> tuple[Stream, float, float, float]:
    """The page as a form XObject of `source`, upright at the origin: form, width, height, user unit.

    `keys` are the page's own: to ask for one that is not there takes three times as long as for one that is.
    A content stream is re-used as it is, undecoded; one that several pages share (`used`) or that comes in
    pieces is copied. Raises PdfError when pieces cannot be read.
    """
    box = visible_box(page)
    matrix, wide, high = upright(box, _quarter_turns(page))
    contents = page.get(Name.Contents)
    form: Stream
    if isinstance(contents, Stream) and contents.is_indirect and contents.objgen not in used:
        used.add(contents.objgen)
        form = contents
    elif isinstance(contents, Stream):
        form = Stream(source, contents.read_bytes())
    elif isinstance(contents, Array):
        pieces = [piece.read_bytes() for piece in contents if isinstance(piece, Stream)]
        form = Stream(source, b"\n".join(pieces))
    else:
        form = Stream(source, b"")
    resources = inherited(page, "/Resources")
    form[Name.Type] = Name.XObject
    form[Name.Subtype] = Name.Form
    form[Name.BBox] = Array([round(edge, 4) for edge in box])
    form[Name.Matrix] = Array(matrix)
    form[Name.Resources] = resources if isinstance(resources, Dictionary) else Dictionary()
    group = page.get(Name.Group) if "/Group" in keys else None
    if isinstance(group, Dictionary):
        form[Name.Group] = group
    try:
        unit = float(page.get(Name.UserUnit, 1)) if "/UserUnit" in keys else 1.0
    except (TypeError, ValueError):
        unit = 1.0
    return form, wide, high, unit if 0 < unit <= 75_000 else 1.0


def stamped_page(
    out: Pdf, form: Object, *, wide: float, high: float, unit: float, font: Object, left: str, right: str
) -> Page:
    """A new page of `out`: the form at its true size, and below it a strip with the two texts (ASCII)."""
    scale = max(min(wide, high) / LETTER[0], 0.8)
    strip = STRIP_POINTS * scale
    page_width = min(max(wide, LEAST_WIDTH), LARGEST)
    page_height = min(high + strip, LARGEST)
    margin = min(36.0, page_width * 0.06)
    size = 8.0 * scale
    needed = stringWidth(left + "   " + right, _FONT, size)
    size *= min(1.0, (page_width - 2 * margin) / needed)
    right_at = page_width - margin - stringWidth(right, _FONT, size)
    base = (strip - size) / 2 + size * 0.2
    shift = max((page_width - wide) / 2, 0.0)
    content = (
        f"q 1 0 0 1 {shift:.3f} {strip:.3f} cm /Copy Do Q\n"
        f"q 0.6 G {0.5 * scale:.3f} w {margin:.3f} {strip:.3f} m "
        f"{page_width - margin:.3f} {strip:.3f} l S Q\n"
        f"q BT 0 g /Stamp {size:.3f} Tf 1 0 0 1 {margin:.3f} {base:.3f} Tm ({_escaped(left)}) Tj\n"
        f"1 0 0 1 {right_at:.3f} {base:.3f} Tm ({_escaped(right)}) Tj ET Q\n"
    )
    page = Dictionary(
        Type=Name.Page,
        MediaBox=Array([0, 0, round(page_width, 3), round(page_height, 3)]),
        Resources=Dictionary(XObject=Dictionary(Copy=form), Font=Dictionary(Stamp=font)),
        Contents=out.make_stream(content.encode("ascii")),
    )
    if unit != 1.0:
        page[Name.UserUnit] = unit
    return Page(out.make_indirect(page))


def stamp_font(out: Pdf) -> Object:
    return out.make_indirect(
        pikepdf.Dictionary(
            Type=Name.Font, Subtype=Name.Type1, BaseFont=Name("/" + _FONT), Encoding=Name.WinAnsiEncoding
        )
    )


def _escaped(text: str) -> str:
    plain = text.encode("ascii", "replace").decode("ascii")
    return plain.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
