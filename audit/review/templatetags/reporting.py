"""What the pages of reports need to write numbers."""

from django import template

from audit.review.reports import Report, text_of

register = template.Library()


@register.filter
def plain(value: float) -> str:
    """A number as SVG reads it, whatever the language of the page."""
    return f"{value:g}"


@register.filter
def cells(report: Report) -> list[list[tuple[str, str, bool]]]:
    """Rows of (head, text, whether it is a number)."""
    return [
        [
            (column.head, text_of(cell, column), column.is_number)
            for cell, column in zip(row, report.columns, strict=True)
        ]
        for row in report.rows
    ]
