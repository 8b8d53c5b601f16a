"""HTTP answers with bytes from the vault: originals and page pictures."""

from collections.abc import Iterator

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

from records.documents.models import DocumentVersion
from records.documents.names import download_name
from records.documents.sealed import Stored

# Whatever is inside an original, a browser that shows it runs nothing and loads nothing.
SANDBOX = "sandbox; default-src 'none'"


def _harmless(response: HttpResponse | StreamingHttpResponse) -> None:
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = SANDBOX


def original(version: DocumentVersion, stored: Stored) -> StreamingHttpResponse:
    """The file as it was filed, to be saved under its own name, some bytes at a time."""

    def pieces() -> Iterator[bytes]:
        with stored:
            yield from stored.chunks()

    response = StreamingHttpResponse(pieces(), content_type=version.blob.media_type)
    response["Content-Length"] = str(stored.size_bytes)
    name = download_name(version.filename, version.blob.media_type)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    _harmless(response)
    return response


def picture(data: bytes) -> HttpResponse:
    """A page's picture."""
    response = HttpResponse(data, content_type="image/webp")
    _harmless(response)
    return response


def plain_text(text: str) -> HttpResponse:
    """A page's text."""
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    _harmless(response)
    return response
