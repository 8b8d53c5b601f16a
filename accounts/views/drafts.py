"""What somebody had typed when her screen went blank. The script of the idle screen sends it and asks for it."""

import json
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts import services
from accounts.sessions import DRAFTS
from accounts.views import me
from accounts.views.signing_in import next_path


def _forget(request: HttpRequest, draft_id: UUID) -> None:
    known = request.session.get(DRAFTS, {})
    request.session[DRAFTS] = {path: pk for path, pk in known.items() if pk != str(draft_id)}


@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keep it."""
    try:
        given = json.loads(request.body)
        path, forms = str(given["path"]), list(given["forms"])
    except (ValueError, TypeError, KeyError):
        return HttpResponse(status=400)
    services.keep_draft(by=me(request), path=path, forms=forms)
    return HttpResponse(status=204)


@require_POST
def take(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give it back, once."""
    forms = services.take_draft(by=me(request), draft_id=pk)
    _forget(request, pk)
    return JsonResponse({"forms": forms})


@require_POST
def discard(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Forget it."""
    services.discard_draft(by=me(request), draft_id=pk)
    _forget(request, pk)
    return redirect(next_path(request))
