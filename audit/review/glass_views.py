"""Glass to review: the list, and the page of one task."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.views import me
from audit.review import access, case_access, case_queries, describing, queries, services
from audit.review.forms import ReviewForm
from audit.review.models import GlassReview, Outcome
from common.once import once
from common.web import Chip, paginate, rule_errors_on
from patients.access import allows, check_may_end_any_glass


@require_GET
def glass_list(request: HttpRequest) -> HttpResponse:
    """What waits to be reviewed, the earliest due first; or what was decided, the newest first."""
    user = me(request)
    access.check_may_review_glass(user)
    is_decided = request.GET.get("show") == "decided"
    rows = queries.decided() if is_decided else queries.to_review()
    page = paginate(request, rows, ordering=("-decided_at", "-pk") if is_decided else ("due_on", "pk"))
    patients = services.list_reviews(by=user, rows=page.rows)
    context = {
        "page": page,
        "lines": [(row, patients.get(row.patient_id) if row.patient_id else None) for row in page],
        "is_decided": is_decided,
        "counts": queries.count_waiting(timezone.localdate()),
        "chips": [
            Chip("To review", "?", current=not is_decided),
            Chip("Decided", "?show=decided", current=is_decided),
        ],
    }
    return render(request, "audit/glass_list.html", context)


@require_http_methods(["GET", "POST"])
@once
def glass(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Who opened whose chart and why, what she did with it, and how it was."""
    user = me(request)
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            services.decide_review(by=user, review_id=review_id, **form.cleaned_data)
            messages.success(request, "Your decision is on record.")
            return redirect("review:glass-list")
    seen = services.open_review(by=user, review_id=review_id)
    return render(
        request,
        "audit/glass.html",
        {**_task(seen), "form": form, **_may(user, seen.review)},
        status=422 if request.method == "POST" else 200,
    )


def _may(user: Any, review: GlassReview) -> dict[str, Any]:
    may_work = allows(case_access.check_may_work_cases, user)
    case = case_queries.case_of_glass(case_access.visible_to(user), review) if may_work else None
    is_open = review.glass is not None and review.glass.ended_at is None and not review.glass.is_over
    return {
        "can_decide": not review.is_decided and allows(access.check_may_decide, user, review),
        "is_own": review.is_of(user),
        "is_open": is_open,
        "opened_case": case,
        "can_open_case": may_work
        and case is None
        and not review.is_drill
        and review.outcome == Outcome.CASE
        and not review.is_of(user),
        "can_end": is_open and allows(check_may_end_any_glass, user),
    }


def _task(seen: services.Reviewed) -> dict[str, Any]:
    review = seen.review
    return {
        "review": review,
        "glass": review.glass,
        "emergency": review.emergency,
        "patient": seen.patients.get(review.patient_id) if review.patient_id else None,
        "lines": describing.lines(seen.events, seen.patients, seen.titles),
        "looks": [(look, seen.patients.get(look.patient_id)) for look in seen.looks],
        "is_cut": seen.is_cut,
        "shown": queries.SHOWN,
    }
