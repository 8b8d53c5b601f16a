"""The pages of the review of activity: what is due, what was signed, and one of them."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.confirming import confirm_first
from accounts.views import me
from audit.review import describing, signoff_queries
from audit.review.models import LookedAt, SignOffVerdict
from audit.review.services import signing
from common.once import once
from common.web import paginate, rule_errors_on


class DrawForm(forms.Form):
    """How many accesses to look at."""

    size = forms.TypedChoiceField(
        label="How many accesses",
        coerce=int,
        choices=[(size, str(size)) for size in signing.SAMPLE_SIZES],
        initial=25,
    )


class SignForm(forms.Form):
    """What is signed."""

    looked_at = forms.MultipleChoiceField(
        label="What was looked at", choices=LookedAt.choices, widget=forms.CheckboxSelectMultiple
    )
    found = forms.CharField(
        label="Found", max_length=8000, widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"})
    )
    decided = forms.CharField(
        label="Decided", max_length=8000, widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"})
    )


@require_GET
def signoff_list(request: HttpRequest) -> HttpResponse:
    """What is to be signed, and what was, newest first."""
    user = me(request)
    signing.check_may_sign(user)
    page = paginate(request, signoff_queries.signed(), ordering=("-starts_on", "kind", "pk"))
    due = list(signoff_queries.to_sign()[:50])
    signing.list_sign_offs(by=user, rows=[*due, *page.rows])
    context = {"page": page, "due": due, "counts": signoff_queries.count_due(timezone.localdate())}
    return render(request, "audit/signoff_list.html", context)


@require_GET
def signoff(request: HttpRequest, signoff_id: UUID) -> HttpResponse:
    """One review: its numbers, its sample, what was found; to be printed when it is signed."""
    return _page(request, signoff_id)


def _page(request: HttpRequest, signoff_id: UUID, **forms_given: Any) -> HttpResponse:
    seen = signing.view_sign_off(by=me(request), sign_off_id=signoff_id)
    row = seen.sign_off
    looked = set(row.looked_at)
    context = {
        "review": row,
        "numbers": seen.numbers,
        "lines": [
            {
                "row": one,
                "who": seen.people[one.actor_id].display_name if one.actor_id in seen.people else "",
                "patient": seen.patients.get(one.patient_id),
                "words": describing.words_of(one.event),
            }
            for one in seen.sample
        ],
        "verdicts": SignOffVerdict.choices,
        "unjudged": sum(1 for one in seen.sample if not one.verdict),
        "looked_at": [label for value, label in LookedAt.choices if value in looked],
        "draw_form": DrawForm(),
        "sign_form": SignForm(),
    }
    refused = next(iter(forms_given.values()), None)
    return render(
        request,
        "audit/signoff.html",
        {**context, **forms_given, "refused": refused},
        status=422 if refused else 200,
    )


@require_POST
@once
def draw(request: HttpRequest, signoff_id: UUID) -> HttpResponse:
    """Have the sample drawn."""
    form = DrawForm(request.POST)
    if form.is_valid():
        with rule_errors_on(form):
            signing.draw_sample(by=me(request), sign_off_id=signoff_id, size=form.cleaned_data["size"])
            return redirect("review:signoff", signoff_id)
    return _page(request, signoff_id, draw_form=form)


@require_POST
@once
def judge(request: HttpRequest, signoff_id: UUID) -> HttpResponse:
    """Say of each drawn access whether it is in order."""
    form = forms.Form(request.POST)
    verdicts = {
        int(name.removeprefix("verdict-")): (
            str(value),
            request.POST.get(name.replace("verdict", "note"), ""),
        )
        for name, value in request.POST.items()
        if name.startswith("verdict-") and name.removeprefix("verdict-").isdecimal() and len(name) < 16
    }
    if form.is_valid():
        with rule_errors_on(form):
            signing.judge_sample(by=me(request), sign_off_id=signoff_id, verdicts=verdicts)
            messages.success(request, "What you found is kept. It can be changed until the review is signed.")
            return redirect("review:signoff", signoff_id)
    return _page(request, signoff_id, judge_form=form)


@require_POST
@confirm_first
@once
def sign(request: HttpRequest, signoff_id: UUID) -> HttpResponse:
    """Sign the review."""
    form = SignForm(request.POST)
    if form.is_valid():
        with rule_errors_on(form):
            row = signing.sign(by=me(request), sign_off_id=signoff_id, **form.cleaned_data)
            messages.success(request, f"The review of {row.period} is signed.")
            return redirect("review:signoff", signoff_id)
    return _page(request, signoff_id, sign_form=form)
