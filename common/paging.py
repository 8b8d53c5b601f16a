"""How the API's lists are cut into pages."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from common.web import Page, paginate, place_of


class Paging(CursorPagination):
    """Keyset paging as the pages have it; `page_size` up to 200. `ordering` ends in a unique field.

    The framework's own cursors compare the first field alone and count rows within it: past a thousand rows with
    one value (a day's documents) they come round again. Only its description for OpenAPI is used.
    """

    page_size: int = 25
    page_size_query_param = "page_size"
    max_page_size: int = 200
    ordering: tuple[str, ...] = ("-id",)
    shown: Page[Any]

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        """The rows of the page that `request` asks for. Raises ValidationError for a bad size or cursor."""
        cursor = request.query_params.get("cursor", "")
        if cursor and place_of(cursor, queryset, self.ordering) is None:
            raise ValidationError({"cursor": ["This cursor is none of ours."]})
        self.request = request
        self.shown = paginate(
            request._request, queryset, ordering=self.ordering, size=self.get_page_size(request)
        )
        return list(self.shown.rows)

    def get_page_size(self, request: Request) -> int:
        """What `page_size` says, or 25."""
        text = request.query_params.get("page_size", "")
        if not text:
            return self.page_size
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= self.max_page_size):
            raise ValidationError({"page_size": [f"Give a number from 1 to {self.max_page_size}."]})
        return int(text)

    def get_next_link(self) -> str | None:
        """The address of the page after this one."""
        return self._link(self.shown.next_url)

    def get_previous_link(self) -> str | None:
        """The address of the page before this one."""
        return self._link(self.shown.previous_url)

    def _link(self, query: str | None) -> str | None:
        return None if query is None else self.request.build_absolute_uri(f"{self.request.path}{query}")
