"""Capture: choose the chart to file into, and see what became of one's own uploads."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from accounts.views import me
from common.web import paginate
from patients import services as patient_services
from records.capture import services
from records.documents import undoing

ORDERING = ("-filed_at", "-id")


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What I filed, newest first, with how far each is; and the way to a chart to file into."""
    user = me(request)
    rows = services.own_uploads(by=user)
    text = request.GET.get("chart", "").strip()[:200]
    context: dict[str, Any] = {"text": text, "found": None}
    if text:
        found = patient_services.search_patients(by=user, text=text)
        if len(found) == 1:
            return redirect("documents:upload", found[0].patient.pk)
        context["found"] = [hit.patient for hit in found]
    page = paginate(request, rows, ordering=ORDERING)
    services.note_own_uploads(by=user, shown=page.rows)
    context |= {
        "undo": undoing.offered(request, user),
        "page": page,
        "is_reading": any(row.current.is_being_read for row in page if row.current),
    }
    return render(request, "records/capture/home.html", context)
