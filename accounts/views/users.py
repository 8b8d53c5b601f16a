"""The administrator's users."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from accounts import access, queries, rolebook, services
from accounts.forms import NewUserForm, UserForm
from accounts.views import me
from common.once import once
from common.web import rule_errors_on


@require_GET
def users(request: HttpRequest) -> HttpResponse:
    """Everybody who can sign in."""
    return render(request, "accounts/users.html", {"people": services.list_users(by=me(request))})


@sensitive_post_parameters("password")
@once
def new_user(request: HttpRequest) -> HttpResponse:
    """Add somebody."""
    access.check_may_manage_users(me(request))
    form = NewUserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            values = {name: value for name, value in form.cleaned_data.items() if name != "version"}
            user = services.create_user(by=me(request), **values)
            messages.success(request, f"{user.display_name} can sign in now as {user.username}.")
            return redirect("accounts:users")
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/user_form.html", {"form": form}, status=status)


@once
def user_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One user: change name, address and roles; switch off and on."""
    person = queries.user_for(me(request), pk)
    start = {
        "name": person.name,
        "email": person.email,
        "roles": person.role_names,
        "version": person.version,
    }
    form = UserForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            values = dict(form.cleaned_data)
            services.change_user(by=me(request), user_id=pk, seen_version=values.pop("version"), **values)
            if rolebook.change_waiting_for(person):
                messages.info(request, "The new roles wait until a second person has agreed.")
            else:
                messages.success(request, f"{person.username} is changed.")
            return redirect("accounts:user", pk)
    context = {
        "form": form,
        "person": person,
        "is_self": person.pk == me(request).pk,
        "waiting": rolebook.change_waiting_for(person),
    }
    return render(request, "accounts/user_form.html", context, status=422 if form.errors else 200)


@require_POST
def deactivate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Switch a user off: sessions and tokens end with their next request."""
    person = services.set_active(by=me(request), user_id=pk, is_active=False)
    messages.success(request, f"{person.username} can no longer sign in. What they did stays on record.")
    return redirect("accounts:user", pk)


@require_POST
def activate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a user sign in again."""
    person = services.set_active(by=me(request), user_id=pk, is_active=True)
    messages.success(request, f"{person.username} can sign in again.")
    return redirect("accounts:user", pk)
