"""Pages about requests: the list, a new one, the request with its five panes, the chart's tab."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.views import me
from common.once import once
from common.web import paginate, rule_errors_on
from patients import access as patient_access
from patients import services as patient_services
from patients.access import allows
from records.documents import access as document_access
from records.documents import uploads
from records.documents.names import download_name
from records.release import access, desk, queries
from records.release.api import package_response
from records.release.forms import (
    AssignForm,
    AuthorizationForm,
    CancelForm,
    IdentityForm,
    ListForm,
    MailedForm,
    RequestForm,
    SelectForm,
)
from records.release.services import building, intake, looking, selecting, sending
from records.release.services import evidence as evidence_services

SHOWN = ("due_on", "id")


@require_GET
def work_list(request: HttpRequest) -> HttpResponse:
    """Requests by due day, with what each waits for."""
    user = me(request)
    access.check_may_list(user)
    filters = ListForm(request.GET).filters()
    with transaction.atomic():
        rows = queries.work_list(access.visible_to(user), filters=filters)
        page = paginate(request, rows, ordering=SHOWN)
        looking.note_list(
            by=user,
            patients=[row.patient_id for row in page],
            filters={name: str(value) for name, value in filters.items()},
        )
    return render(
        request,
        "records/release/list.html",
        {
            "page": page,
            "rows": [(row, queries.waits_for(row)) for row in page],
            "chips": desk.chips(user, filters),
            "can_log": allows(access.check_may_log, user),
        },
    )


@require_http_methods(["GET", "POST"])
@once
def new(request: HttpRequest) -> HttpResponse:
    """Log a request: first whose record, then what came in."""
    user = me(request)
    access.check_may_log(user)
    chosen = request.POST.get("patient") or request.GET.get("patient", "")
    if not chosen:
        return _choose_patient(request, user)
    patient = patient_services.open_chart(by=user, patient_id=chosen, part="new request")
    form = RequestForm(request.POST or None, initial={"received_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        facts = form.given()
        facts.pop("seen_version")
        with rule_errors_on(form):
            row = intake.log_request(by=user, patient_id=patient.pk, **facts)
            messages.success(
                request, f"Logged as {row.number}. It is to be answered by {row.due_on:%d %b %Y}."
            )
            return redirect(row)
    status = 422 if form.is_bound else 200
    return render(request, "records/release/new.html", {"patient": patient, "form": form}, status=status)


def _choose_patient(request: HttpRequest, user: User) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    found = patient_services.search_patients(by=user, text=text) if text else None
    return render(request, "records/release/choose_patient.html", {"q": text, "found": found})


@require_GET
def detail(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """The request with its five panes."""
    return _detail(request, request_id)


def _detail(request: HttpRequest, request_id: UUID, status: int = 200, **forms: Form) -> HttpResponse:
    user = me(request)
    opened = looking.open_request(by=user, request_id=request_id)
    context = {
        "identity_form": IdentityForm(initial=desk.seen(opened) | {"seen_on": timezone.localdate()}),
        "authorization_form": AuthorizationForm(initial=desk.seen(opened)),
        "cancel_form": CancelForm(initial=desk.seen(opened)),
        "assign_form": AssignForm(
            initial=desk.seen(opened) | {"assigned_to": opened.record_request.assigned_to_id}
        ),
        "mailed_form": MailedForm(
            initial={"sent_on": timezone.localdate(), "how": desk.usual_way(opened.record_request)}
        ),
        **desk.panes(user, opened),
        **forms,
    }
    return render(request, "records/release/detail.html", context, status=status)


@require_http_methods(["GET", "POST"])
@once
def edit(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Correct what was logged."""
    user = me(request)
    opened = looking.open_request(by=user, request_id=request_id)
    row = opened.record_request
    access.check_may_edit(user, row)
    form = RequestForm(request.POST or None, initial=RequestForm.initial_of(row))
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            intake.update_request(by=user, request_id=request_id, **form.given())
            messages.success(request, "The request was changed.")
            return redirect("release:detail", request_id)
    status = 422 if form.is_bound else 200
    context = {"patient": row.patient, "record_request": row, "form": form}
    return render(request, "records/release/edit.html", context, status=status)


@require_POST
@once
def add_identity(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Put on file how it was checked who asks."""
    form = IdentityForm(request.POST)
    if form.is_valid():
        facts = form.given()
        with rule_errors_on(form):
            evidence_services.add_evidence(
                by=me(request),
                request_id=request_id,
                kind="identity",
                seen_version=facts.pop("seen_version"),
                fields=facts,
            )
            return redirect("release:detail", request_id)
    return _detail(request, request_id, 422, identity_form=form)


@require_POST
@once
def add_authorization(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Put the patient's authorization on file."""
    uploads.check(request)
    form = AuthorizationForm(request.POST, request.FILES)
    if form.is_valid():
        facts = form.given()
        with rule_errors_on(form):
            evidence_services.add_evidence(
                by=me(request),
                request_id=request_id,
                kind="authorization",
                seen_version=facts.pop("seen_version"),
                file=facts.pop("file"),
                fields=facts,
            )
            return redirect("release:detail", request_id)
    return _detail(request, request_id, 422, authorization_form=form)


@require_GET
def evidence_file(request: HttpRequest, request_id: UUID, evidence_id: UUID) -> StreamingHttpResponse:
    """The scan of one piece of evidence."""
    evidence, stored = looking.open_evidence(by=me(request), request_id=request_id, evidence_id=evidence_id)
    response = StreamingHttpResponse(desk.pieces(stored), content_type=desk.media_type(evidence))
    name = download_name(evidence.filename, desk.media_type(evidence))
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


@require_POST
@once
def choose(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Say which documents go."""
    user = me(request)
    row, _ = access.get_for(user, request_id)
    form = SelectForm(request.POST, documents=desk.chart_documents(user, row))
    if form.is_valid():
        with rule_errors_on(form):
            selection = selecting.select_documents(
                by=user,
                request_id=request_id,
                document_ids=form.chosen(),
                seen_version=form.cleaned_data["version"],
            )
            for kept_back in selection.excluded:
                messages.warning(request, f"Kept back: {kept_back.text} ({kept_back.rule})")
            return redirect("release:detail", request_id)
    for (
        document_id
    ) in form.not_offered():  # a door like any other: what is not hers is refused, and leaves its event
        document_access.get_for(user, document_id)
    return _detail(request, request_id, 422, select_form=form)


@require_POST
@once
def build(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Have the package built."""
    form = CancelForm(request.POST)
    with rule_errors_on(form):
        building.start_release(by=me(request), request_id=request_id)
        return redirect("release:detail", request_id)
    return _detail(request, request_id, 422, build_form=form)


@require_POST
@once
def cancel(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Close the request without an answer."""
    form = CancelForm(request.POST)
    if form.is_valid():
        with rule_errors_on(form):
            intake.cancel_request(by=me(request), request_id=request_id, **form.given())
            messages.success(request, "The request was canceled.")
            return redirect("release:detail", request_id)
    return _detail(request, request_id, 422, cancel_form=form)


@require_POST
@once
def assign(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Say who works on it."""
    form = AssignForm(request.POST)
    if form.is_valid():
        with rule_errors_on(form):
            intake.update_request(by=me(request), request_id=request_id, **form.given())
            return redirect("release:detail", request_id)
    return _detail(request, request_id, 422, assign_form=form)


@require_POST
def download(request: HttpRequest, release_id: UUID) -> StreamingHttpResponse:
    """The package for delivery; the first download writes the disclosure."""
    return package_response(sending.download_package(by=me(request), release_id=release_id))


@require_POST
@once
def approve(request: HttpRequest, release_id: UUID) -> HttpResponse:
    """Agree to a large package that somebody else prepared."""
    release = sending.approve_release(by=me(request), release_id=release_id)
    messages.success(request, "You agreed. Whoever prepared the package is told that it can go out.")
    return redirect("release:detail", release.request_id)


@require_POST
@once
def mailed(request: HttpRequest, release_id: UUID) -> HttpResponse:
    """Say that the package went out on paper or by fax."""
    user = me(request)
    release, _ = access.get_release_for(user, release_id)
    form = MailedForm(request.POST)
    if form.is_valid():
        with rule_errors_on(form):
            sending.mark_mailed(by=user, release_id=release_id, **form.cleaned_data)
            messages.success(request, "Recorded as sent. The disclosure is in the ledger.")
            return redirect("release:detail", release.request_id)
    return _detail(request, release.request_id, 422, mailed_form=form)


@require_GET
def chart(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The chart's tab: requests, and what was disclosed."""
    user = me(request)
    patient, _ = patient_access.get_for(user, patient_id)
    access.check_may_list(user)
    with transaction.atomic():
        rows = queries.of_patient(access.visible_to(user), patient)
        looking.note_list(by=user, patients=[patient.pk], filters={"patient": str(patient.pk)})
        can_see = allows(access.check_may_see_disclosures, user, patient)
        ledger = looking.list_disclosures(by=user, patient_id=patient_id)[1][:200] if can_see else None
    context = {
        "patient": patient,
        "tab": "requests",
        "rows": [(row, queries.waits_for(row)) for row in rows],
        "ledger": ledger,
        "can_log": allows(access.check_may_log, user),
    }
    return render(request, "records/release/chart.html", context)
