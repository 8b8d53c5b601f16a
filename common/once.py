"""The same form or API call sent twice has one effect (double click, impatient client, lost answer)."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from common.errors import WrongMove
from common.models import Once

View = Callable[..., HttpResponse]


def claim(user_id: UUID, key: str, fingerprint: str) -> tuple[Once, bool]:
    """The row for this key, and whether it is new. Must run inside a transaction; waits for a twin under way.

    Raises WrongMove when the key was used before for something else.
    """
    row, is_new = Once.objects.get_or_create(
        user_id=user_id, key=key[:100], defaults={"fingerprint": fingerprint}
    )
    if not is_new and row.fingerprint != fingerprint:
        raise WrongMove("This key was already used for another request.", code="idempotency_key_reused")
    return row, is_new


def once(view: View) -> View:
    """Guard a POST page: a repeated `once` token redirects to where the first one led.

    Only a redirect (success) is kept. A form shown again with errors frees its token; what the refused verb had
    begun is rolled back by the verb's own transaction, and the event of the look at that page stays.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        token = request.POST.get("once", "") if request.method == "POST" else ""
        if not token:
            return view(request, *args, **kwargs)
        fingerprint = hashlib.sha256(request.path.encode()).hexdigest()
        with transaction.atomic():
            user_id = cast(UUID, request.user.pk)
            row, is_new = claim(user_id, token, fingerprint)
            if not is_new:
                return HttpResponseRedirect(row.answer or request.path)
            response = view(request, *args, **kwargs)
            if response.status_code not in {301, 302, 303}:
                row.delete()
                return response
            row.status, row.answer = response.status_code, response["Location"]
            row.save(update_fields=["status", "answer"])
            return response

    return guarded
