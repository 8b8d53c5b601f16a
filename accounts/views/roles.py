"""Roles: which there are, what each may do, who can do what; and those that the hospital makes itself."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import access, rights, rolebook, services
from accounts.forms import RoleForm
from accounts.rolebook import RoleSheet
from accounts.views import me
from common.errors import allows
from common.once import once
from common.sheets import csv_file
from common.web import rule_errors_on


@require_GET
def roles(request: HttpRequest) -> HttpResponse:
    """Every role; those of the hospital's own that are retired last."""
    access.check_may_view_rights(me(request))
    sheets = rolebook.all_roles(with_retired=True)
    context = {
        "house": [sheet for sheet in sheets if sheet.own is None],
        "own": [sheet for sheet in sheets if sheet.own and not sheet.retired_at],
        "retired": [sheet for sheet in sheets if sheet.retired_at],
        "can_manage": allows(access.check_may_manage_roles, me(request)),
    }
    return render(request, "accounts/roles.html", context)


def _by_group(sheet: RoleSheet) -> list[tuple[str, list[rights.Right]]]:
    groups = [
        (group, [right for right in found if right.name in sheet.rights])
        for group, found in rights.by_group()
    ]
    return [(group, held) for group, held in groups if held]


@require_GET
def role(request: HttpRequest, name: str) -> HttpResponse:
    """One role: its rights, who holds it, how it changed."""
    user = me(request)
    sheet, holders = services.view_role(by=user, name=name)
    may_change = (
        sheet.own is not None
        and sheet.retired_at is None
        and allows(access.check_may_manage_roles, user)
        and allows(access.check_does_not_hold, user, name)
    )
    context = {
        "role": sheet,
        "groups": _by_group(sheet),
        "holders": holders,
        "changes": rolebook.changes_of_role(sheet.own) if sheet.own else [],
        "can_change": may_change,
        "can_copy": allows(access.check_may_manage_roles, user),
    }
    return render(request, "accounts/role.html", context)


@once
def new_role(request: HttpRequest) -> HttpResponse:
    """Make a role, empty or like another."""
    access.check_may_manage_roles(me(request))
    source = request.GET.get("copy", "")
    start: dict[str, Any] = {"purpose": "RECORDMGT"}
    if source:
        like = rolebook.role_named(source)
        start = {"rights": sorted(like.rights), "purpose": like.purpose}
    form = RoleForm(request.POST or None, initial=start, is_new=True)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            values = {name: value for name, value in form.cleaned_data.items() if name != "version"}
            made = services.make_role(by=me(request), **values)
            messages.success(request, f"{made.label} is made. Give it to people on their pages.")
            return redirect(made)
    context = {"form": form, "sources": rolebook.all_roles(), "source": source}
    return render(request, "accounts/role_form.html", context, status=422 if form.errors else 200)


@once
def change_role(request: HttpRequest, name: str) -> HttpResponse:
    """Change one of the hospital's own roles."""
    user = me(request)
    access.check_may_manage_roles(user)
    sheet = rolebook.own_role_named(name)
    access.check_does_not_hold(user, name)
    start = {
        "label": sheet.label,
        "description": sheet.description,
        "purpose": sheet.purpose,
        "needs_second_factor": sheet.needs_second_factor,
        "rights": sorted(sheet.rights),
        "version": sheet.own.version if sheet.own else 1,
    }
    form = RoleForm(request.POST or None, initial=start, is_new=False)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            values = dict(form.cleaned_data)
            changed, change = services.change_role(
                by=user, name=name, seen_version=values.pop("version"), **values
            )
            if change is not None and change.is_waiting:
                messages.info(request, "The new rights wait until a second person has agreed.")
                return redirect("accounts:role-change", change.pk)
            messages.success(request, f"{changed.label} is changed, for everybody who holds it.")
            return redirect(changed)
    context = {"form": form, "role": sheet}
    return render(request, "accounts/role_form.html", context, status=422 if form.errors else 200)


@require_POST
def retire_role(request: HttpRequest, name: str) -> HttpResponse:
    """Take one of the hospital's own roles out of use."""
    retired = services.retire_role(by=me(request), name=name)
    messages.success(request, f"{retired.label} is retired. It stays in the log.")
    return redirect("accounts:roles")


@require_GET
def matrix(request: HttpRequest) -> HttpResponse:
    """Who can do what: a line for each right, a column for each role."""
    sheets = services.view_rights(by=me(request))
    lines = [
        (group, [(right, [right.name in sheet.rights for sheet in sheets]) for right in found])
        for group, found in rights.by_group()
    ]
    context = {"roles": sheets, "lines": lines, "now": timezone.now(), "count": len(rights.all_rights())}
    return render(request, "accounts/matrix.html", context)


@require_GET
def export_matrix(request: HttpRequest) -> HttpResponse:
    """The same as CSV."""
    sheets = services.export_rights(by=me(request))
    rows: list[list[str]] = [["Group", "Right", "Name", "Sensitive", *(sheet.label for sheet in sheets)]]
    for right in rights.all_rights():
        marks = ["yes" if right.name in sheet.rights else "" for sheet in sheets]
        rows.append([right.group, right.words, right.name, "yes" if right.is_sensitive else "", *marks])
    rows.append(["", "People who hold it now", "", "", *(str(sheet.holders) for sheet in sheets)])
    return csv_file("who-can-do-what.csv", rows)
