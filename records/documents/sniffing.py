"""What kind of file this is, by its first bytes. The name and what the sender says of it count for nothing."""

from dataclasses import dataclass

from common.errors import BadFile


@dataclass(frozen=True)
class Kind:
    """A kind of file that a chart takes."""

    media_type: str
    ending: str
    words: str


PDF = Kind("application/pdf", "pdf", "PDF")
TIFF = Kind("image/tiff", "tif", "TIFF")
JPEG = Kind("image/jpeg", "jpg", "JPEG")
PNG = Kind("image/png", "png", "PNG")
KINDS = {kind.media_type: kind for kind in (PDF, TIFF, JPEG, PNG)}
TAKEN = "Chartroom takes PDF, TIFF, JPEG and PNG."

# What people send by mistake, with what to do about it.
_STRANGERS: list[tuple[bytes, int, str]] = [
    (b"PK\x03\x04", 0, "This is a ZIP archive or an office document. Save it as a PDF."),
    (b"PK\x05\x06", 0, "This is an empty ZIP archive."),
    (b"\xd0\xcf\x11\xe0", 0, "This is an old office document. Save it as a PDF."),
    (b"{\\rtf", 0, "This is a text document. Save it as a PDF."),
    (b"7z\xbc\xaf", 0, "This is an archive. Unpack it and send the documents inside."),
    (b"Rar!", 0, "This is an archive. Unpack it and send the documents inside."),
    (b"\x1f\x8b", 0, "This is a compressed file. Unpack it and send the document inside."),
    (b"GIF8", 0, "This is a GIF picture. Save it as PNG."),
    (b"BM", 0, "This is a bitmap picture. Save it as PNG."),
    (b"WEBP", 8, "This is a WebP picture. Save it as JPEG or PNG."),
    (b"ftyp", 4, "This is a picture or film of a telephone (HEIC, AVIF, MP4). Save pictures as JPEG."),
    (b"MZ", 0, "This is a program."),
    (b"\x7fELF", 0, "This is a program."),
    (b"DICM", 128, "This is a DICOM image, which belongs in the picture archive."),
]
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<?xml", b"<svg")
_IMAGES = [
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"II+\x00", TIFF),
    (b"MM\x00+", TIFF),
]


def kind_of(head: bytes, size_bytes: int) -> Kind:
    """The kind of a file of `size_bytes` that begins with `head` (1,024 bytes of it or more, if it has them).

    Raises BadFile: 400 for an empty file, 415 with a sentence for what a chart does not take. A PDF may have up
    to 1,024 bytes before its mark, as its readers allow (ISO 32000-1, annex H.3.4.1), unless they are the
    beginning of something else.
    """
    if size_bytes == 0:
        raise BadFile("This file is empty: it has 0 bytes. Send it again.", code="empty_file", status=400)
    for mark, kind in _IMAGES:
        if head.startswith(mark):
            return kind
    for mark, place, sentence in _STRANGERS:
        if head[place:].startswith(mark):
            raise BadFile(f"{sentence} {TAKEN}", code="unknown_kind")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_HTML):
        raise BadFile(f"This is a web page, whatever its name says. {TAKEN}", code="unknown_kind")
    if b"%PDF-" in head[:1029]:
        return PDF
    raise BadFile(f"Chartroom cannot tell what kind of file this is. {TAKEN}", code="unknown_kind")
