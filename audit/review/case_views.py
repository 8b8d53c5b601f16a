"""The pages of cases: the list, the file of one, and what is done in it."""

from dataclasses import fields
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.confirming import confirm_first
from accounts.views import me
from audit.review import access, case_access, case_forms, case_queries, describing, services
from audit.review.forms import QuestionForm
from audit.review.keyset import Order
from audit.review.models import CaseStatus, Finding
from audit.review.services import cases, deciding, evidence
from common.errors import RuleBroken
from common.once import once
from common.web import Chip, paginate, rule_errors_on
from patients.access import allows

CHOOSE_FROM = 100
LISTS = {"": "Not finished", "decided": "Decided, duties left", "closed": "Closed"}
ORDERS = {"closed": ("-closed_at", "-pk")}


@require_GET
def case_list(request: HttpRequest) -> HttpResponse:
    """Cases, the breach clock that ends first on top; or the closed ones, newest first."""
    user = me(request)
    case_access.check_may_work_cases(user)
    show = request.GET.get("show", "") if request.GET.get("show", "") in LISTS else ""
    is_mine = request.GET.get("mine") == "1"
    visible = case_access.visible_to(user)
    rows = case_queries.work_list(visible, show=show, mine=user if is_mine else None)
    page = paginate(request, rows, ordering=ORDERS.get(show, ("discovered_on", "pk")))
    cases.list_cases(by=user, rows=page.rows)
    mine = "&mine=1" if is_mine else ""
    chips = [Chip(text, f"?show={key}{mine}", current=key == show) for key, text in LISTS.items()]
    chips.append(Chip("Mine only", f"?show={show}" + ("" if is_mine else "&mine=1"), current=is_mine))
    context = {
        "page": page,
        "show": show,
        "counts": case_queries.counts(visible),
        "chips": chips,
        "without_case": case_queries.without_case(user)[:10],
    }
    return render(request, "audit/case_list.html", context)


@require_http_methods(["GET", "POST"])
@once
def case_new(request: HttpRequest) -> HttpResponse:
    """Open a case because somebody complained."""
    user = me(request)
    case_access.check_may_work_cases(user)
    form = case_forms.OpenForm(
        request.POST or None, user=user, initial={"discovered_on": timezone.localdate()}
    )
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            case = cases.open_case(by=user, **form.cleaned_data)
            messages.success(request, f"Case {case.number} is open.")
            return redirect("review:case", case.pk)
    return render(
        request, "audit/case_new.html", {"form": form}, status=422 if request.method == "POST" else 200
    )


@require_POST
@once
def case_from_glass(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Open the case of a review that needs one."""
    case = cases.open_case_of_glass_by_id(by=me(request), review_id=review_id)
    messages.success(request, f"Case {case.number} is open.")
    return redirect("review:case", case.pk)


@require_POST
@once
def case_from_alert(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Open a case from an alert."""
    case = cases.open_case_of_alert(by=me(request), alert_id=alert_id)
    messages.success(request, f"Case {case.number} is open.")
    return redirect("review:case", case.pk)


@require_GET
def case(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """The file of one case."""
    return _file(request, case_id)


def _file(request: HttpRequest, case_id: UUID, **forms: Form) -> HttpResponse:
    """The file, with a form that was refused shown again."""
    user = me(request)
    seen = cases.view_case(by=user, case_id=case_id)
    row = seen.case
    notice = row.told_by_breach
    told = {one.name: getattr(notice, one.name) for one in fields(deciding.Told)} if notice else {}
    context: dict[str, Any] = {
        "case": row,
        "file": seen,
        "evidence": [_frozen(one, seen) for one in seen.evidence],
        "notice": notice,
        "is_decided": row.status == CaseStatus.DECIDED,
        "at_fault": row.outcome in {Finding.VIOLATION, Finding.BREACH},
        "left": deciding.left_to_do(row) if row.status == CaseStatus.DECIDED else [],
        "factors": [(label, getattr(row, name)) for name, label in _FACTOR_LABELS],
        "can_export": allows(access.check_may_export_log, user),
        "can_decide": not row.is_decided and allows(case_access.check_may_decide, user, row),
        "assign_form": case_forms.AssignForm(case=row, prefix="assign"),
        "note_form": case_forms.NoteForm(prefix="note"),
        "sanction_form": case_forms.SanctionForm(
            prefix="sanction",
            initial={
                "sanction": row.sanction,
                "note": row.sanction_note,
                "on": row.sanction_on or timezone.localdate(),
            },
        ),
        "notices_form": case_forms.NoticesForm(prefix="told", initial=told),
    }
    refused = next(iter(forms.values()), None)
    return render(
        request, "audit/case.html", {**context, **forms, "refused": refused}, status=422 if refused else 200
    )


_FACTOR_LABELS = [
    ("factor_information", "The information"),
    ("factor_person", "The person"),
    ("factor_viewed", "Acquired or viewed"),
    ("factor_mitigated", "Mitigation"),
]


def _frozen(row: Any, seen: cases.CaseFile) -> dict[str, Any]:
    """A frozen event for the page: what was sealed, in words, and whether it proves itself."""
    return {
        "row": row,
        "fields": row.fields,
        "words": describing.words_of(row.fields.get("event") or ""),
        "patient": seen.named.get(row.patient_id),
        "holds": row.proven.holds,
    }


@require_POST
@once
def case_assign(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Give the case to somebody."""
    user = me(request)
    form = case_forms.AssignForm(request.POST, case=case_access.get_for(user, case_id), prefix="assign")
    if form.is_valid():
        with rule_errors_on(form):
            cases.assign_case(by=user, case_id=case_id, **form.cleaned_data)
            return redirect("review:case", case_id)
    return _file(request, case_id, assign_form=form)


@require_POST
@once
def case_note(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Write a note."""
    user = me(request)
    form = case_forms.NoteForm(request.POST, prefix="note")
    if form.is_valid():
        with rule_errors_on(form):
            cases.add_note(by=user, case_id=case_id, **form.cleaned_data)
            return redirect("review:case", case_id)
    return _file(request, case_id, note_form=form)


@require_http_methods(["GET", "POST"])
@once
def case_change(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Whom it is about, more patients, the day of discovery."""
    user = me(request)
    row = case_access.get_for(user, case_id)
    form = case_forms.ChangeForm(request.POST or None, user=user, case=row)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            cases.change_case(by=user, case_id=case_id, **form.cleaned_data)
            still = case_access.visible_to(user).filter(pk=case_id).exists()
            return redirect("review:case", case_id) if still else redirect("review:case-list")
    seen = cases.view_case(by=user, case_id=case_id)
    return render(
        request, "audit/case_change.html", {"case": seen.case, "file": seen, "form": form},
        status=422 if request.method == "POST" else 200,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@once
def case_evidence(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Ask the log, and freeze what is chosen from the answers."""
    user = me(request)
    row = case_access.get_for(user, case_id)
    access.check_may_view_log(user)
    problem = ""
    if request.method == "POST":
        chosen = [int(text) for text in request.POST.getlist("events") if text.isdecimal() and len(text) < 19]
        try:
            frozen = evidence.freeze_evidence(by=user, case_id=case_id, event_ids=chosen)
        except RuleBroken as refused:
            problem = refused.message
        else:
            words = "event is" if len(frozen) == 1 else "events are"
            messages.success(request, f"{len(frozen)} {words} frozen with proof.")
            return redirect("review:case", case_id)
    start = {"actor": row.subject.username if row.subject else "", "period": "quarter"}
    data = request.GET.copy()
    for name, value in start.items():
        data.setdefault(name, value)
    if data.get("since") or data.get("until"):
        data["period"] = "dates"
    form = QuestionForm(data, user=user)
    answer = None
    if form.is_valid():
        answer = services.view_log(
            by=user, question=form.question(Order()), cursor=request.GET.get("cursor", ""), size=CHOOSE_FROM
        )
    have = set(row.evidence.values_list("event_id", flat=True))
    found = answer.page.rows if answer else []
    context = {
        "case": row,
        "form": form,
        "lines": [
            (
                describing.Line(one, answer.patients.get(one.patient_id) if one.patient_id else None),
                one.pk in have,
            )
            for one in found
            if answer
        ],
        "total": answer.total if answer else 0,
        "limit": CHOOSE_FROM,
        "problem": problem,
        "chosen": set(request.POST.getlist("events")),
    }
    return render(
        request, "audit/case_evidence.html", context, status=422 if problem or answer is None else 200
    )


@require_GET
@confirm_first
def case_bundle(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """The frozen events with their proof, as a file that proves itself on any machine."""
    try:
        row, data = evidence.take_case_evidence(by=me(request), case_id=case_id)
    except RuleBroken as refused:
        messages.error(request, refused.message)
        return redirect("review:case", case_id)
    response = HttpResponse(data, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="evidence-{row.number}.zip"'
    return response


@require_http_methods(["GET", "POST"])
@confirm_first
@once
def case_decide(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """The outcome, with the four factors where they are needed."""
    user = me(request)
    row = case_access.get_for(user, case_id)
    case_access.check_may_decide(user, row)
    form = case_forms.DecideForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        outcome, conclusion = given.pop("outcome"), given.pop("conclusion")
        with rule_errors_on(form):
            deciding.decide_case(
                by=user, case_id=case_id, outcome=outcome, conclusion=conclusion,
                assessment=deciding.Assessment(**given),
            )  # fmt: skip
            messages.success(request, "Your decision is on record.")
            return redirect("review:case", case_id)
    if row.is_decided and request.method == "GET":
        return redirect("review:case", case_id)
    seen = cases.view_case(by=user, case_id=case_id)
    return render(
        request, "audit/case_decide.html", {"case": seen.case, "file": seen, "form": form},
        status=422 if request.method == "POST" else 200,
    )  # fmt: skip


@require_POST
@once
def case_sanction(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """What followed for the person."""
    user = me(request)
    form = case_forms.SanctionForm(request.POST, prefix="sanction")
    if form.is_valid():
        with rule_errors_on(form):
            deciding.record_sanction(by=user, case_id=case_id, **form.cleaned_data)
            return redirect("review:case", case_id)
    return _file(request, case_id, sanction_form=form)


@require_POST
@once
def case_notices(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Who was told of a breach."""
    user = me(request)
    form = case_forms.NoticesForm(request.POST, prefix="told")
    if form.is_valid():
        with rule_errors_on(form):
            deciding.record_notices(by=user, case_id=case_id, told=deciding.Told(**form.cleaned_data))
            return redirect("review:case", case_id)
    return _file(request, case_id, notices_form=form)


@require_POST
@once
def case_close(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Nothing is left to do."""
    row = None
    form = Form(request.POST)
    if form.is_valid():
        with rule_errors_on(form):
            row = deciding.close_case(by=me(request), case_id=case_id)
    if row is None:
        return _file(request, case_id, close_form=form)
    messages.success(request, f"Case {row.number} is closed.")
    return redirect("review:case-list")
