"""The page of one's notices."""

from typing import cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from common.ids import as_uuid
from common.notices import queries, services
from common.web import Chip, paginate


def _my_id(request: HttpRequest) -> UUID:
    """The person signed in; the middleware let nobody else through."""
    return cast(UUID, request.user.pk)


@require_GET
def notices(request: HttpRequest) -> HttpResponse:
    """What one was told, newest first."""
    me = _my_id(request)
    only_unread = request.GET.get("show") == "unread"
    page = paginate(request, queries.notices_of(me, only_unread=only_unread), ordering=queries.ORDERING)
    context = {
        "page": page,
        "newest": page.rows[0].pk if page.rows else "",
        "only_unread": only_unread,
        "unread": queries.count_unread(me),
        "chips": [
            Chip("All", "?", current=not only_unread),
            Chip("Not read", "?show=unread", current=only_unread),
        ],
    }
    return render(request, "notices/list.html", context)


@require_GET
def open_notice(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Read a notice by going where it leads."""
    notice = services.read(by_id=_my_id(request), notice_id=notice_id)
    return redirect(notice.url or "notices:list")


@require_POST
def read(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Mark one as read, without going anywhere."""
    services.read(by_id=_my_id(request), notice_id=notice_id)
    return redirect("notices:list")


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark all as read; what arrived after the page was drawn stays unread."""
    services.read_all(by_id=_my_id(request), until=as_uuid(request.POST.get("until", "")))
    return redirect("notices:list")
