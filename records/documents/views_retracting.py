"""Pages that take a document out of the chart: at once after filing, or later with a reason."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.views import me
from common.errors import WrongMove
from common.ids import as_uuid
from common.once import once
from common.web import rule_errors_on
from records.documents import access, services
from records.documents.forms import RetractForm


@require_POST
@once
def undo(request: HttpRequest) -> HttpResponse:
    """Undo what was filed a moment ago."""
    user, ids = me(request), request.POST.getlist("document")[:100]
    try:
        undone = services.undo_filing(by=user, document_ids=ids)
    except WrongMove as refused:
        messages.warning(request, f"Not undone. {refused.message}")
        return redirect("documents:detail", as_uuid(ids[0]))
    words = "The document is" if len(undone) == 1 else f"{len(undone)} documents are"
    messages.success(request, f"Undone. {words} kept on record, and no part of the chart.")
    return redirect(undone[0].patient.get_absolute_url())


@require_http_methods(["GET", "POST"])
@once
def retract(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Why does it go? The page says what will happen."""
    user = me(request)
    document, _ = access.get_for(user, document_id)
    access.check_may_correct(user, document)
    opened = services.open_document(by=user, document_id=document_id)
    form = RetractForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            document = services.retract_document(
                by=user, document_id=document_id, reason=form.cleaned_data["reason"]
            )
            messages.success(request, "Retracted. The document is kept on record, and no part of the chart.")
            return redirect(document)
    context = {"patient": opened.document.patient, "document": opened.document, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "records/documents/retract.html", context, status=status)
