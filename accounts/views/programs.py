"""Interfaces: accounts without a password, which work with tokens."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access, queries, rolebook, services
from accounts.confirming import confirm_first
from accounts.forms import ProgramForm, TokenForm
from accounts.models import User
from accounts.views import me
from common.once import once
from common.web import rule_errors_on


@require_GET
def programs(request: HttpRequest) -> HttpResponse:
    """Every interface."""
    return render(request, "accounts/programs.html", {"programs": services.list_programs(by=me(request))})


@once
@require_http_methods(["GET", "POST"])
def new_program(request: HttpRequest) -> HttpResponse:
    """Add one."""
    access.check_may_manage_users(me(request))
    form = ProgramForm(request.POST or None, roles=rolebook.choices())
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            program = services.make_program(by=me(request), **form.cleaned_data)
            if rolebook.change_waiting_for(program):
                messages.info(request, "Its roles wait until a second person has agreed.")
            return redirect("accounts:program", program.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/program_form.html", {"form": form}, status=status)


def _page(
    request: HttpRequest, program: User, form: TokenForm | None = None, new_token: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "program": program,
        "tokens": queries.own_tokens(program),
        "token_form": form or TokenForm(owner=program),
        "new_token": new_token,
        "change": rolebook.change_waiting_for(program),
    }
    return render(request, "accounts/program.html", context, status=status)


@require_GET
def program(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One interface: its roles and tokens."""
    return _page(request, queries.program_for(me(request), pk))


@confirm_first
@require_http_methods(["GET", "POST"])
def issue_token(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A token for it, shown once, in this answer only."""
    found = queries.program_for(me(request), pk)
    if request.method == "GET":  # back after confirming
        return redirect("accounts:program", pk)
    form = TokenForm(request.POST, owner=found)
    if form.is_valid():
        with rule_errors_on(form):
            text, _ = services.issue_program_token(by=me(request), program_id=pk, **form.asked())
            return _page(request, found, new_token=text)
    return _page(request, found, form, status=422)


@require_POST
def revoke_token(request: HttpRequest, pk: UUID, token_id: UUID) -> HttpResponse:
    """End one of its tokens at once."""
    found = queries.program_for(me(request), pk)
    services.revoke_token(by=me(request), token=queries.token_of(found, token_id))
    messages.success(request, "The token is revoked. Programs that use it are refused from now on.")
    return redirect("accounts:program", pk)


@require_POST
def switch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Off and on."""
    is_active = request.POST.get("is_active") == "1"
    found = services.switch_program(by=me(request), program_id=pk, is_active=is_active)
    messages.success(request, f"{found.username} is switched {'on' if is_active else 'off'}.")
    return redirect("accounts:program", pk)
