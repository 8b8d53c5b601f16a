"""What the patient banner says of the glass."""

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from common.templatetags.chartroom import clock, day
from patients.models import GlassBreak, Patient
from patients.queries import standing_glass

register = template.Library()


@register.simple_tag(takes_context=True)
def glass_of(context: dict[str, Any], patient: Patient) -> GlassBreak | None:
    """This person's glass on this chart, the real one before a drill.

    One short query a page of a chart, and none for those who may break no glass. It stands here because the banner
    does: a page of a chart that forgot to ask would show the chart without it.
    """
    user = context.get("user")
    if not isinstance(user, User) or not user.has_perm("patients.break_glass"):
        return None
    return standing_glass(user.pk, patient.pk)


@register.filter
def time_of_day(value: datetime) -> SafeString | str:
    """`23:39` when that is today, else the day with it; the tooltip gives both, seconds and the zone."""
    whole = clock(value)
    local = timezone.localtime(value)
    if local.date() != timezone.localdate():
        return whole
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        f"{day(value)} {local:%H:%M:%S %Z}",
        f"{local:%H:%M}",
    )


@register.filter
def seconds_left(glass: GlassBreak) -> int:
    """Whole seconds until it runs out; never less than none."""
    return max(0, int((glass.expires_at - timezone.now()).total_seconds()))


@register.filter
def time_left(glass: GlassBreak) -> str:
    """`3 h 59 min`, `12 min`, in the last minute `less than a minute`."""
    minutes = seconds_left(glass) // 60
    if minutes < 1:
        return "less than a minute"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
