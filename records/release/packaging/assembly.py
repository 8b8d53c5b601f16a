"""From parts to one file: copy, clean, stamp, bind, save."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import pikepdf
from pikepdf import Object, Pdf, PdfError
from pikepdf.exceptions import PasswordError
from PIL import Image

from . import cleaning, stamping
from .cover import make_cover
from .facts import BadPart, CoverFacts, Package, Part
from .growing import Growing
from .imagepages import image_pages
from .manifest import make_manifest

Progress = Callable[[int, int, str], None]
_Drawn = tuple[Object, float, float, float]
IMAGES = frozenset({"image/tiff", "image/jpeg", "image/png"})
_ENOUGH_TRIES = 5
_WRITE_BYTES = 1024 * 1024


def _at_once(number: int) -> None:
    """Files that are there already, and nobody who reads along."""


def build_package(
    facts: CoverFacts,
    parts: Sequence[Part],
    out_path: Path,
    *,
    progress: Progress | None = None,
    until_whole: Callable[[int], None] = _at_once,
    tell_size: Callable[[int], None] = _at_once,
    cover_made: Callable[[], bytes] = bytes,
) -> Package:
    """Write the package to `out_path`. The same facts and files make the same bytes.

    Whoever brings the files has compared each with its hash, which stands in the manifest.
    `until_whole` is called with a part's number (from 0) before its file is read; `tell_size` with how many
    bytes of the package stand. `cover_made` is asked for the cover of the parts as they were filed, if somebody
    else makes it meanwhile; it is made here when that is empty.

    Raises BadPart, naming the document, when one cannot be read or has lost pages.
    """
    say = progress or (lambda done, total, text: None)
    with ExitStack() as open_files:
        out = open_files.enter_context(Pdf.new())
        drawn: list[list[_Drawn]] = []
        for number, part in enumerate(parts, 1):
            say(number - 1, len(parts), f"Adding document {number} of {len(parts)}")
            until_whole(number - 1)
            drawn.append(_copied(out, part, open_files))
        rows = [(part, len(pages)) for part, pages in zip(parts, drawn, strict=True)]
        cover = _cover(cover_made() or cover_of(facts, rows), out, open_files)
        total = len(cover) + sum(len(pages) for pages in drawn)
        say(len(parts), len(parts), f"Stamping {total} pages")
        font = stamping.stamp_font(out)
        number = 0
        for pages in [cover, *drawn]:
            for form, wide, high, unit in pages:
                number += 1
                page = stamping.stamped_page(
                    out,
                    form,
                    wide=wide,
                    high=high,
                    unit=unit,
                    font=font,
                    left=facts.number,
                    right=f"page {number} of {total}",
                )
                out.pages.append(page)
        _describe(out, facts, parts)
        say(len(parts), len(parts), "Saving the package")
        with io.BufferedWriter(Growing(out_path, tell_size), _WRITE_BYTES) as target:  # type: ignore[type-var]
            # A static second half of the ID: the first, set above, is this package's own.
            out.save(target, static_id=True, min_version="1.6")
    manifest = make_manifest(facts, rows, cover_pages=len(cover))
    return Package(size_bytes=out_path.stat().st_size, pages=total, manifest=manifest)


def _copied(out: Pdf, part: Part, open_files: ExitStack) -> list[_Drawn]:
    try:
        if part.media_type == "application/pdf":
            pages = _pdf_pages(out, part.path, open_files)
        elif part.media_type in IMAGES:
            pages = list(image_pages(out, part.path, part.media_type))
        else:
            raise BadPart(part, f"files of type {part.media_type} cannot be put on pages")
    except PasswordError as error:
        raise BadPart(part, "it is locked with a password") from error
    except (PdfError, OSError, ValueError, SyntaxError, RuntimeError, Image.DecompressionBombError) as error:
        raise BadPart(part, "its file is damaged and cannot be read") from error
    if not pages:
        raise BadPart(part, "it has no pages")
    if part.pages is not None and part.pages != len(pages):
        raise BadPart(part, f"{part.pages} pages were filed, but {len(pages)} can be read")
    return pages


def _pdf_pages(out: Pdf, path: Path, open_files: ExitStack) -> list[_Drawn]:
    # The source stays open until the package is saved: its streams are copied then, without passing through
    # memory.
    source = open_files.enter_context(pikepdf.open(path, suppress_warnings=True))
    used: set[tuple[int, int]] = set()
    pages: list[_Drawn] = []
    for page, keys in cleaning.flatten(source):
        form, wide, high, unit = stamping.as_form(source, page, used, keys)
        cleaning.clean_drawn(form)
        if not form.is_indirect:
            form = source.make_indirect(form)
        pages.append((out.copy_foreign(form), wide, high, unit))
    cleaning.carry_layers(source, out)
    return pages


def as_filed(parts: Sequence[Part]) -> list[tuple[Part, int]] | None:
    """The parts with the pages they were filed with, where all say so. One that has others now is refused, so a
    cover of these is right.
    """
    rows = [(part, part.pages) for part in parts if part.pages is not None]
    return rows if len(rows) == len(parts) else None


def cover_of(facts: CoverFacts, rows: Sequence[tuple[Part, int]]) -> bytes:
    """The cover as a PDF. It says how many pages there are in all, its own among them: make it until that is true."""
    guess = 1
    for _ in range(_ENOUGH_TRIES):
        data = make_cover(facts, rows, cover_pages=guess)
        with pikepdf.open(io.BytesIO(data)) as made:
            if len(made.pages) == guess:
                break
            guess = len(made.pages)
    return data


def _cover(data: bytes, out: Pdf, open_files: ExitStack) -> list[_Drawn]:
    made = open_files.enter_context(pikepdf.open(io.BytesIO(data)))
    used: set[tuple[int, int]] = set()
    pages: list[_Drawn] = []
    for page in made.pages:
        form, wide, high, unit = stamping.as_form(made, page.obj, used, frozenset(page.obj.keys()))
        pages.append((out.copy_foreign(form), wide, high, unit))
    return pages


def _describe(out: Pdf, facts: CoverFacts, parts: Sequence[Part]) -> None:
    """Title and time of the file; no patient's name, because file properties are shown in places one
    forgets.
    """
    out.docinfo["/Title"] = pikepdf.String(f"Copies for request {facts.number}")
    out.docinfo["/Producer"] = pikepdf.String("Chartroom")
    out.docinfo["/CreationDate"] = pikepdf.String(f"D:{facts.made_at:%Y%m%d%H%M%S}Z")
    named = "\n".join([facts.number, facts.made_at.isoformat(), *(part.sha256 for part in parts)])
    own = pikepdf.String(hashlib.sha256(named.encode()).digest()[:16])
    out.trailer.ID = pikepdf.Array([own, own])
    out.Root.Lang = pikepdf.String("en-US")
    out.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
