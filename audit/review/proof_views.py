"""The page about the proof of the log, and the evidence that is taken out of it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.views import me
from audit.review import absent, proof
from audit.review.forms import CheckForm, QuestionForm
from audit.review.keyset import Order
from common.errors import RuleBroken
from common.once import once


@require_GET
def state(request: HttpRequest) -> HttpResponse:
    """How far the log is sealed, the last check, and the checkpoints to keep elsewhere."""
    return _page(request, CheckForm())


def _page(request: HttpRequest, form: CheckForm, status: int = 200) -> HttpResponse:
    context = {"state": proof.view_state(by=me(request)), "form": form}
    return render(request, "audit/proof.html", context, status=status)


@require_POST
@once
def check(request: HttpRequest) -> HttpResponse:
    """Have the whole log checked now, or some of its seals."""
    form = CheckForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    first, last = form.cleaned_data["first"] or 1, form.cleaned_data["last"]
    proof.ask_for_check(by=me(request), first=first, last=last)
    messages.success(request, "The log is being checked. What is found stands here and in the log itself.")
    return redirect("review:proof")


@require_GET
def evidence(request: HttpRequest, form: QuestionForm, order: Order) -> HttpResponse:
    """The answers to the question as an evidence bundle."""
    user = me(request)
    if not form.is_valid():
        return render(request, "audit/log.html", {"form": form}, status=422)
    try:
        taken = proof.take_evidence(by=user, question=form.question(order))
    except RuleBroken as refused:
        form.add_error(None, refused.message)
        return render(request, "audit/log.html", {"form": form}, status=422)
    response = HttpResponse(taken.data, content_type="application/zip")
    absent.attach(response, "access-log-evidence", "zip", taken.absent)
    return response
