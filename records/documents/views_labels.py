"""Sensitivity labels: who sees what, and saying why one needs a labelled document."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.views import me
from common.once import once
from common.web import own_path, rule_errors_on
from patients.forms import NeedForm
from records.documents import access, services
from records.documents.forms import LabelRulesForm


@require_http_methods(["GET", "POST"])
@once
def label_rules(request: HttpRequest) -> HttpResponse:
    """Every label and every role: what the role may do with documents that carry the label."""
    user = me(request)
    table = services.show_label_rules(by=user)
    form = LabelRulesForm(request.POST if request.method == "POST" else None, table=table)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            changed = services.set_label_rules(by=user, answers=form.changes())
            words = "1 answer is" if changed == 1 else f"{changed} answers are"
            messages.success(request, f"{words} changed, from now on and for everybody.")
            return redirect("documents:labels")
    status = 422 if request.method == "POST" else 200
    return render(
        request, "records/documents/labels.html", {"form": form, "roles": table[0][2]}, status=status
    )


@require_GET
def asking(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The documents of a chart that open to this person once she has said why: label and day, no more."""
    patient, rows = services.list_asking(by=me(request), patient_id=patient_id)
    context = {"patient": patient, "tab": "timeline", "documents": rows}
    return render(request, "records/documents/asking.html", context)


@require_http_methods(["GET", "POST"])
@once
def state_need(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Why do you need this document? The page shows nothing of it but its labels."""
    user = me(request)
    document, asks = access.get_to_ask(user, document_id)
    back = own_path(request.GET.get("next", "")) or document.get_absolute_url()
    if not asks:
        return redirect(back)
    form = NeedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            need = services.state_document_need(
                by=user, document_id=document_id, reason=form.cleaned_data["reason"]
            )
            messages.success(request, f"The document is open to you until {need.until_words}.")
            return redirect(back)
    context = {
        "form": form,
        "what": "document",
        "labels": document.label_words,
        "need_hours": settings.NEED_HOURS,
    }
    return render(
        request, "patients/state_need.html", context, status=422 if request.method == "POST" else 200
    )
