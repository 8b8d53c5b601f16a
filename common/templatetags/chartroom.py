"""Filters and one tag that every page uses. Plain functions: a list of 25 rows calls them a hundred times."""

from datetime import date, datetime
from functools import cache

from django import template
from django.forms import BoundField, CheckboxInput, FileInput, Select, SelectMultiple
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SPRITE = "vendor/bootstrap-icons/icons.svg"


def day_text(value: date) -> str:
    """`03 May 2026`, the same in every list, letter and export."""
    return f"{value.day:02d} {MONTHS[value.month - 1]} {value.year:04d}"


@register.filter
def day(value: date | datetime | None) -> str:
    """A date, or an instant's date in the hospital's time zone, as `03 May 2026`; nothing for no date."""
    if not value:
        return ""
    if isinstance(value, datetime):
        value = timezone.localtime(value) if timezone.is_aware(value) else value
    return day_text(value)


@register.filter
def number(value: int | None) -> str:
    """A count with its thousands apart: `1,748`."""
    return "" if value is None else f"{value:,}"


@register.filter
def clock(value: datetime | None) -> SafeString | str:
    """An instant as `03 May 2026 14:05` in the hospital's time zone; the tooltip gives seconds and the zone."""
    if not value:
        return ""
    local = timezone.localtime(value)
    shown = f"{day_text(local)} {local:%H:%M}"
    # Every part is made of digits, month names and the zone's own abbreviation: nothing to escape.
    return mark_safe(  # noqa: S308
        f'<time datetime="{local.isoformat(timespec="seconds")}" title="{day_text(local)} {local:%H:%M:%S %Z}">'
        f"{shown}</time>"
    )


@register.filter
def ago(value: datetime | None) -> str:
    """How long ago, in the largest unit that is not a fraction: `5 min`, `3 h`, `12 days`."""
    if not value:
        return ""
    seconds = max(0, int((timezone.now() - value).total_seconds()))
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} days"


@register.filter
def control(field: BoundField) -> SafeString:
    """A form control with Bootstrap's class, marked invalid where it is, described by its help and its error."""
    widget = field.field.widget
    if field.use_fieldset:
        return field.as_widget()
    if isinstance(widget, CheckboxInput):
        css = "form-check-input"
    elif isinstance(widget, Select | SelectMultiple):
        css = "form-select"
    else:
        css = "form-control"
    given = widget.attrs.get("class", "")
    attrs: dict[str, str | bool] = {"class": f"{given} {css}{' is-invalid' if field.errors else ''}".strip()}
    described = [f"{field.auto_id}_helptext"] if field.help_text else []
    if field.errors:
        described.append(f"{field.auto_id}_error")
        attrs["aria-invalid"] = "true"
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if isinstance(widget, FileInput):
        attrs.pop("aria-invalid", None)
    return field.as_widget(attrs=attrs)


@cache
def _sprite_url() -> str:
    return str(static(SPRITE))


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A drawing from the sprite: decoration beside a word, or, with a label, the word itself."""
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}#{}"></use></svg>',
            label,
            _sprite_url(),
            name,
        )
    name = conditional_escape(name)
    return mark_safe(  # noqa: S308  (the name is escaped, the address is our own)
        f'<svg class="icon" aria-hidden="true"><use href="{_sprite_url()}#{name}"></use></svg>'
    )
