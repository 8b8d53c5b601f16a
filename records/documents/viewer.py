"""What the viewer's template needs of an open document."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.templatetags.static import static
from django.urls import reverse

from records.documents.models import Document
from records.documents.services import OpenDocument
from records.documents.services.looking import THUMBNAIL

STRIP = 100  # thumbnails in the strip at most; a long document's strip moves along with the page


def _numbered(before: str, after: str) -> Callable[[int], str]:
    return lambda page: f"{before}{page}{after}"


def _address(document: Document, name: str, query: Mapping[str, str]) -> Callable[[int], str]:
    """Addresses of a document's pages by number: looked up once, not three times for each page of a long one."""
    before, after = reverse(f"documents:{name}", args=[document.pk, 0]).split("/0/")
    asked = urlencode(query)
    return _numbered(f"{before}/", f"/{after}?{asked}" if asked else f"/{after}")


def context(
    opened: OpenDocument,
    *,
    number: int,
    question: str = "",
    show_text: bool = False,
    keep: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """`viewer` for `_viewer.html`: the page shown, its neighbours, the strip of thumbnails.

    `keep` is what the links of the page that holds the viewer need besides (the chart: which document).
    """
    document, version = opened.document, opened.version
    numbers = [page.number for page in opened.pages]
    failed = {page.number: page.error for page in opened.pages if page.error}
    version_part: dict[str, str] = (
        {} if version.pk == document.current_id else {"version": str(version.number)}
    )
    asked = {"q": question} if question else {}

    before, after = urlencode(keep or {}), urlencode({**asked, **version_part})
    page_url = _numbered(f"?{before}&page=" if before else "?page=", f"&{after}" if after else "")
    view_url = _address(document, "page-image", {**version_part, **asked})
    thumbnail_url = _address(document, "page-image", {**version_part, "size": THUMBNAIL})
    text_url = _address(document, "page-text", version_part)

    def picture(page: int, url: Callable[[int], str]) -> str:
        return static("img/page-unreadable.svg") if page in failed else url(page)

    at = numbers.index(number) if number in numbers else 0
    first = max(0, min(at - STRIP // 2, len(numbers) - STRIP))
    strip = numbers[first : first + STRIP]
    page = opened.page
    return {
        "pages": [
            (
                each,
                page_url(each),
                picture(each, view_url),
                picture(each, thumbnail_url),
                text_url(each),
            )
            for each in strip
        ],
        "number": number,
        "count": version.page_count or len(numbers),
        "image_url": picture(number, view_url),
        "text": (page.error or page.text) if page else "",
        "text_of": number if page else "",
        "previous_url": page_url(numbers[at - 1]) if at > 0 else "",
        "next_url": page_url(numbers[at + 1]) if at + 1 < len(numbers) else "",
        "label": document.title,
        "show_text": show_text,
    }
