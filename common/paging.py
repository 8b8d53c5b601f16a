"""How the API's lists are cut into pages."""

from rest_framework.pagination import CursorPagination


class Paging(CursorPagination):
    """Keyset paging; `page_size` up to 200. The view names an `ordering` that ends in a unique field."""

    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = 200
