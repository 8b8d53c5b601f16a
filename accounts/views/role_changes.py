"""Changes of rights: what waits for a second person, and what was decided."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts import access, rights, rolebook, services
from accounts.forms import DeclineForm
from accounts.models import RoleChange
from accounts.views import me
from common.errors import allows
from common.web import paginate, rule_errors_on


@require_GET
def role_changes(request: HttpRequest) -> HttpResponse:
    """Those that wait, then the others, newest first."""
    access.check_may_see_changes(me(request))
    context = {
        "waiting": rolebook.changes().filter(status="proposed"),
        "page": paginate(
            request, rolebook.changes().exclude(status="proposed"), ordering=("-created_at", "-id")
        ),
    }
    return render(request, "accounts/role_changes.html", context)


def _page(request: HttpRequest, change: RoleChange, form: DeclineForm | None = None) -> HttpResponse:
    user = me(request)
    words = dict(rolebook.words())
    known = {right.name: right for right in rights.all_rights()}
    words.update({name: right.words for name, right in known.items()})
    context = {
        "change": change,
        "before": [words.get(name, name) for name in change.before],
        "after": [words.get(name, name) for name in change.after],
        "adds": [known[name] for name in change.adds if name in known],
        "can_decide": change.is_waiting and allows(access.check_may_decide, user, change),
        "can_withdraw": change.is_waiting and allows(access.check_may_withdraw, user, change),
        "form": form or DeclineForm(),
    }
    status = 422 if form is not None and form.errors else 200
    return render(request, "accounts/role_change.html", context, status=status)


@require_GET
def role_change(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """One change: before, after, who asked, who agreed."""
    return _page(request, rolebook.change_for(me(request), change_id))


@require_POST
def approve(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """Agree: the rights are in force."""
    services.approve_change(by=me(request), change_id=change_id)
    messages.success(request, "You agreed. The change is in force with the person's next page.")
    return redirect("accounts:role-change", change_id)


@require_POST
def decline(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """Refuse, with a reason."""
    form = DeclineForm(request.POST)
    if form.is_valid():
        with rule_errors_on(form):
            services.decline_change(by=me(request), change_id=change_id, **form.cleaned_data)
            messages.success(request, "You declined. Whoever proposed it is told.")
            return redirect("accounts:role-change", change_id)
    return _page(request, rolebook.change_for(me(request), change_id), form)


@require_POST
def withdraw(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """Take one's own proposal back."""
    services.withdraw_change(by=me(request), change_id=change_id)
    messages.success(request, "The proposal is withdrawn. Nothing has changed.")
    return redirect("accounts:role-change", change_id)
