"""The access review of one's own people; and for whoever oversees it, how far everybody is and what stands out."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts import access, reviewing, rolebook, services
from accounts.forms import ReviewForm
from accounts.views import me
from common.errors import allows
from common.sheets import csv_file
from common.web import paginate, rule_errors_on


def _review_page(
    request: HttpRequest, refused: ReviewForm | None = None, item_id: UUID | None = None
) -> HttpResponse:
    user = me(request)
    words = dict(rolebook.words())
    items = list(reviewing.open_items(user).prefetch_related("person__groups"))
    lines = [
        (
            item,
            [(name, words.get(name, name)) for name in item.person.role_names],
            refused if item.pk == item_id else None,
        )
        for item in items
    ]
    decided = [
        (
            item,
            [words.get(name, name) for name in item.before],
            [words.get(name, name) for name in item.after],
        )
        for item in reviewing.decided_items(user)
    ]
    oversees = allows(access.check_may_oversee, user)
    context = {
        "lines": lines,
        "decided": decided,
        "left_out": reviewing.left_out(user),
        "page": paginate(request, reviewing.reviews(), ordering=("-quarter_on", "due_on", "pk"))
        if oversees
        else None,
        "oversees": oversees,
        "without_manager": reviewing.without_manager() if oversees else 0,
    }
    return render(request, "accounts/review.html", context, status=422 if refused else 200)


@require_GET
def review(request: HttpRequest) -> HttpResponse:
    """Whom I have to decide about, and what I decided."""
    return _review_page(request)


@require_POST
def decide(request: HttpRequest, item_id: UUID) -> HttpResponse:
    """Confirm the roles that are ticked; the others end at once."""
    form = ReviewForm(request.POST)
    if form.is_valid():
        with rule_errors_on(form):
            item = services.decide_item(
                by=me(request),
                item_id=item_id,
                keep=request.POST.getlist("keep"),
                reason=form.cleaned_data["reason"],
            )
            messages.success(request, f"{item.person.display_name}: {item.get_decision_display().lower()}.")
            return redirect("accounts:review")
    return _review_page(request, form, item_id)


@require_GET
def report(request: HttpRequest) -> HttpResponse:
    """Dormant people, rights that nobody uses, combinations that should not be."""
    context = {"findings": services.view_report(by=me(request)), "days": settings.DORMANT_DAYS}
    return render(request, "accounts/report.html", context)


@require_GET
def export_report(request: HttpRequest) -> HttpResponse:
    """The same as CSV."""
    rows = [["User name", "Name", "Roles", "Kind", "Finding"]]
    for found in services.export_report(by=me(request)):
        person = found.person
        rows.append(
            [person.username, person.display_name, ", ".join(person.role_labels), found.kind, found.words]
        )
    return csv_file("dormant-and-excessive.csv", rows)
