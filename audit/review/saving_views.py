"""Questions that are kept: kept, asked again, taken off the list."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.views import me
from audit.review import access, services
from audit.review.forms import PERIODS, SAVED_FIELDS, QuestionForm
from common.errors import RuleBroken
from common.once import once

LONGEST_QUERY = 2_000


def _asked(user: User, text: str) -> QuestionForm:
    data = QueryDict(text[:LONGEST_QUERY], mutable=True)
    if data.get("period") not in PERIODS:
        data["period"] = "dates" if data.get("since") or data.get("until") else "month"
    return QuestionForm(data, user=user)


@require_POST
@once
def save(request: HttpRequest) -> HttpResponse:
    """Keep the question that stands in the address of the log."""
    user = me(request)
    access.check_may_view_log(user)
    form = _asked(user, request.POST.get("query", "").removeprefix("?"))
    name, is_shared = request.POST.get("name", ""), bool(request.POST.get("is_shared"))
    if form.is_valid():
        data = form.cleaned_data
        person = (
            User.objects.filter(username__iexact=data["actor"].strip()).first() if data["actor"] else None
        )
        try:
            if data["actor"] and person is None:
                raise RuleBroken(
                    "actor", "Nobody here has this user name: a question keeps a person by her account."
                )
            saved = services.save_question(
                by=user,
                name=name,
                patient_id=form.patient_found.pk if form.patient_found else None,
                person_id=person.pk if person else None,
                conditions={key: str(data[key]) for key in SAVED_FIELDS if data.get(key)},
                is_shared=is_shared,
            )
        except RuleBroken as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, f"Kept: {saved.name}.")
            return redirect(saved.get_absolute_url())
    return render(request, "audit/log.html", {"form": form}, status=422)


@require_GET
def ask(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """The log, asked a question that was kept."""
    return redirect(access.get_saved_for(me(request), question_id).get_absolute_url())


@require_POST
def end(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Take one off the list."""
    saved = services.end_question(by=me(request), question_id=question_id)
    messages.success(request, f"Taken off the list: {saved.name}.")
    return redirect(reverse("review:log"))
