"""The administrator's users, and their lives: invited, changed, leaving, stopped, let in again."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access, known, openwork, queries, rolebook, services
from accounts.forms import LeaveForm, NewUserForm, StopForm, UserForm, WelcomeForm
from accounts.models import User
from accounts.services import mailing
from accounts.views import me
from common.errors import allows
from common.keyring import KeyringError
from common.once import once
from common.sealing import seal, unseal
from common.web import rule_errors_on

LINK = "link_made"  # in the session, sealed, until it has been shown


@require_GET
def users(request: HttpRequest) -> HttpResponse:
    """Everybody who can sign in."""
    return render(request, "accounts/users.html", {"people": services.list_users(by=me(request))})


def _site(request: HttpRequest) -> str:
    """Scheme and host of these pages, for a link that is mailed."""
    return request.build_absolute_uri("/").rstrip("/")


def _keep_link(request: HttpRequest, person: User, text: str) -> HttpResponse:
    """To the page that shows the link, once."""
    request.session[LINK] = seal(text, bound_to=f"link:{me(request).pk}:{person.pk}")
    return redirect("accounts:user-link", person.pk)


@once
def new_user(request: HttpRequest) -> HttpResponse:
    """Invite somebody."""
    access.check_may_manage_users(me(request))
    form = NewUserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            values = {name: value for name, value in form.cleaned_data.items() if name != "version"}
            person, text = services.invite_user(by=me(request), site=_site(request), **values)
            return _keep_link(request, person, text)
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/user_form.html", {"form": form}, status=status)


@require_POST
def make_link(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Another link, for somebody who lost hers or forgot her password."""
    text = services.new_link(by=me(request), user_id=pk, site=_site(request))
    return _keep_link(request, queries.user_for(me(request), pk), text)


@never_cache
@require_GET
def link(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The link, this once, for whoever made it."""
    person = queries.user_for(me(request), pk)
    sealed, address = request.session.pop(LINK, ""), ""
    if sealed:
        try:
            text = unseal(sealed, bound_to=f"link:{me(request).pk}:{person.pk}")
            address = request.build_absolute_uri(reverse("accounts:welcome", args=[text]))
        except KeyringError:  # made for somebody else
            address = ""
    context = {
        "person": person,
        "address": address,
        "mail": mailing.latest_mail(person),
        "waiting": rolebook.change_waiting_for(person),
    }
    return render(request, "accounts/link.html", context)


def _person_page(
    request: HttpRequest,
    person: User,
    *,
    form: UserForm | None = None,
    leave_form: LeaveForm | None = None,
) -> HttpResponse:
    start = {
        "name": person.name,
        "email": person.email,
        "manager": person.manager_id,
        "roles": person.role_names,
        "version": person.version,
    }
    shown = [given for given in (form, leave_form) if given is not None]
    context: dict[str, Any] = {
        "form": form or UserForm(initial=start, person=person),
        "leave_form": leave_form or LeaveForm(),
        "person": person,
        "is_self": person.pk == me(request).pk,
        "waiting": rolebook.change_waiting_for(person),
        "changes": rolebook.changes().filter(subject=person)[:10],
        "work": openwork.of(person),
        "known": known.of(person),
        "is_invited": not person.has_usable_password(),
        "mail": mailing.latest_mail(person),
        "can_stop": allows(access.check_may_stop, me(request)),
    }
    status = 422 if any(given.errors for given in shown) else 200
    return render(request, "accounts/user_form.html", context, status=status)


@once
def user_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One user: change name, address, manager and roles; her way in and out."""
    person = queries.user_for(me(request), pk)
    form = UserForm(request.POST, person=person) if request.method == "POST" else None
    if form is not None and form.is_valid():
        with rule_errors_on(form):
            values = dict(form.cleaned_data)
            services.change_user(by=me(request), user_id=pk, seen_version=values.pop("version"), **values)
            if rolebook.change_waiting_for(person):
                messages.info(request, "The new roles wait until a second person has agreed.")
            else:
                messages.success(request, f"{person.username} is changed.")
            return redirect("accounts:user", pk)
    return _person_page(request, person, form=form)


@once
def leave(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Somebody leaves on a day."""
    person = queries.user_for(me(request), pk)
    if request.method == "GET":  # back after signing in again
        return redirect("accounts:user", pk)
    form = LeaveForm(request.POST)
    if form.is_valid():
        with rule_errors_on(form):
            gone = services.leave(by=me(request), user_id=pk, **form.cleaned_data)
            words = "can work until the end of that day" if gone.is_active else "can no longer sign in"
            messages.success(request, f"{gone.username} {words}. What they did stays on record.")
            return redirect("accounts:user", pk)
    return _person_page(request, person, leave_form=form)


@require_POST
def activate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a user sign in again, or stay beyond the day that was set."""
    person = services.let_in_again(by=me(request), user_id=pk)
    messages.success(request, f"{person.username} can sign in again.")
    if rolebook.change_waiting_for(person):
        messages.info(request, "Roles with sensitive rights wait until a second person has agreed.")
    return redirect("accounts:user", pk)


@once
def stop(request: HttpRequest) -> HttpResponse:
    """Emergency: switch somebody off at once."""
    user = me(request)
    access.check_may_stop(user)
    given = {"username": request.GET.get("user", "")[:60]}
    form = StopForm(request.POST) if request.method == "POST" else StopForm(initial=given)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            person = queries.person_named(form.cleaned_data["username"])
            services.stop_user(by=user, user_id=person.pk, reason=form.cleaned_data["reason"])
            messages.success(
                request, f"{person.display_name} is stopped. Everybody who answers for access is told."
            )
            return redirect("accounts:user-stop")
    return render(request, "accounts/stop.html", {"form": form}, status=422 if form.errors else 200)


@login_not_required
@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def welcome(request: HttpRequest, text: str) -> HttpResponse:
    """Set one's own password by the link that an administrator handed over."""
    person = services.invited(text)
    form = WelcomeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            services.accept_invitation(text=text, password=form.cleaned_data["password"])
            messages.success(request, f"Your password is set. Sign in as {person.username}.")
            return redirect("accounts:sign-in")
    context = {"form": form, "person": person}
    return render(request, "accounts/welcome.html", context, status=422 if form.errors else 200)
