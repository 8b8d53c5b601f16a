"""What the viewer's template needs of an open document."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.templatetags.static import static
from django.urls import reverse

from records.documents.services import OpenDocument

STRIP = 100  # thumbnails in the strip at most; a long document's strip moves along with the page


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
    version_part = {} if version.pk == document.current_id else {"version": str(version.number)}
    asked = {"q": question} if question else {}

    def page_url(page: int) -> str:
        return "?" + urlencode({**(keep or {}), "page": page, **asked, **version_part})

    def address(name: str, page: int, **more: str) -> str:
        if page in failed and name == "page-image":
            return static("img/page-unreadable.svg")
        query = urlencode({**version_part, **more})
        return reverse(f"documents:{name}", args=[document.pk, page]) + (f"?{query}" if query else "")

    at = numbers.index(number) if number in numbers else 0
    first = max(0, min(at - STRIP // 2, len(numbers) - STRIP))
    strip = numbers[first : first + STRIP]
    page = opened.page
    return {
        "pages": [
            (
                each,
                page_url(each),
                address("page-image", each, **asked),
                address("page-image", each, size="thumbnail"),
                address("page-text", each),
            )
            for each in strip
        ],
        "number": number,
        "count": version.page_count or len(numbers),
        "image_url": address("page-image", number, **asked),
        "text": (page.error or page.text) if page else "",
        "text_of": number if page else "",
        "previous_url": page_url(numbers[at - 1]) if at > 0 else "",
        "next_url": page_url(numbers[at + 1]) if at + 1 < len(numbers) else "",
        "label": document.title,
        "show_text": show_text,
    }
