"""Pages about documents: the list, the document, its pictures and text, search in a chart, filing."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.views import me
from common.errors import BadFile, NotFound, Refusal, RuleBroken
from common.jobs.services import latest_about
from common.once import once
from common.web import addresses, rule_errors_on
from patients import access as patient_access
from patients import services as patient_services
from patients.access import allows
from patients.models import Patient
from records.documents import access, answers, held, queries, services, undoing, uploads, viewer
from records.documents.forms import FilterForm, UploadForm
from records.documents.lines import lines, page_of
from records.documents.models import Document
from records.documents.services.filing import READ_JOB
from records.documents.services.looking import THUMBNAIL, VIEW


def _number(request: HttpRequest, name: str) -> int | None:
    """A whole number of the query, or None for nothing or nonsense."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


@require_GET
def document_list(request: HttpRequest) -> HttpResponse:
    """Documents of one chart (`?patient=`), narrowed by the filters, newest first."""
    user = me(request)
    patient, decision = patient_access.get_for(user, request.GET.get("patient", ""))
    access.check_may_view_any(user)
    filters = FilterForm(request.GET).filters() if FilterForm.given(request.GET) else queries.Filters()
    page = page_of(request, user, patient, filters)
    services.note_list(by=user, shown=page.rows, filters=filters, patient=patient, decision=decision)
    kinds, asking = queries.types_in_chart(user, patient)
    return render(
        request,
        "records/documents/list.html",
        {
            "patient": patient,
            "page": page,
            "lines": lines(page.rows, url_of=addresses("documents:detail")),
            "filters": filters,
            "types": _types_to_choose(kinds, filters.type),
            "asking": asking,
            "can_file": allows(access.check_may_file_at_all, user),  # the chart is open
        },
    )


def _types_to_choose(kinds: list[tuple[str, str, int]], chosen: str) -> list[tuple[str, str]]:
    """(code, name) of the types this chart has, by name, and of the one chosen though there may be none."""
    types = sorted(((code, name) for code, name, _ in kinds), key=lambda row: row[1])
    if chosen and all(code != chosen for code, _ in types):
        types += queries.types_in_use().filter(code=chosen).values_list("code", "name")
    return types


@require_GET
def detail(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """The document: page in the middle, thumbnails left, text beside, facts right."""
    user = me(request)
    number = _number(request, "page") or 1
    question = queries.clean_question(request.GET.get("q", ""))
    opened = services.open_document(
        by=user, document_id=document_id, version=_number(request, "version"), page=number
    )
    if opened.page is None and opened.pages:
        number = opened.pages[0].number
        if request.GET.get("page"):
            raise NotFound("This document has no such page, or it is not read yet.")
    document, version = opened.document, opened.version
    needs_job = version.processing != "done"
    return render(
        request,
        "records/documents/detail.html",
        {
            "patient": document.patient,
            "document": document,
            "version": version,
            "opened": opened,
            "question": question,
            "viewer": viewer.context(
                opened, number=number, question=question, show_text=request.GET.get("text") == "1"
            ),
            "undo": undoing.offered(request, user),
            "can_correct": document.status != "entered-in-error"
            and allows(access.check_may_correct, user, document),
            "job": latest_about(version, READ_JOB) if needs_job else None,
            "can_download": allows(access.check_may_download, user, document),
            "can_print": allows(access.check_may_print, user, document),
            "can_retry": version.processing == "failed" and allows(access.check_may_retry, user, document),
        },
    )


@require_GET
def progress(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """How far the reading is: the piece that renews itself. Shows nothing of the document."""
    document, _ = access.get_for(me(request), document_id)
    if document.current is None:
        raise NotFound
    job = latest_about(document.current, READ_JOB)
    if job is None:
        raise NotFound
    response = render(
        request, "_job.html", {"job": job, "job_url": request.path, "job_title": "Reading the pages"}
    )
    if not job.is_unfinished:
        response["HX-Trigger"] = "job-done"
    return response


@require_GET
def page_image(request: HttpRequest, document_id: UUID, number: int) -> HttpResponse:
    """The picture of a page, or its thumbnail; with `?q=` the found words are marked on it."""
    size = THUMBNAIL if request.GET.get("size") == THUMBNAIL else VIEW
    data = services.look_at_page(
        by=me(request),
        document_id=document_id,
        number=number,
        size=size,
        version=_number(request, "version"),
        marking_words=request.GET.get("q", ""),
    )
    return answers.picture(data)


@require_GET
def page_text(request: HttpRequest, document_id: UUID, number: int) -> HttpResponse:
    """The text of a page."""
    page = services.read_page_text(
        by=me(request), document_id=document_id, number=number, version=_number(request, "version")
    )
    return answers.plain_text(page.error or page.text)


@require_GET
def content(request: HttpRequest, document_id: UUID) -> StreamingHttpResponse:
    """The original, to be saved."""
    version, stored = services.download_original(
        by=me(request), document_id=document_id, version=_number(request, "version")
    )
    return answers.original(version, stored)


@require_GET
def print_pages(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Every page below the other, for the printer."""
    opened = services.print_document(
        by=me(request), document_id=document_id, version=_number(request, "version")
    )
    context = {"patient": opened.document.patient, "document": opened.document, "opened": opened}
    return render(request, "records/documents/print.html", context)


@require_GET
def search(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Words in the text of one chart."""
    user = me(request)
    text = queries.clean_question(request.GET.get("q", "")).strip()
    context: dict[str, Any] = {"question": text, "hits": None, "message": ""}
    if text:
        try:
            context["hits"] = services.search_chart_text(by=user, text=text, patient_id=patient_id)
            context["patient"], _ = patient_access.get_for(user, patient_id)  # the search's event covers it
        except RuleBroken as refused:
            context["message"] = refused.message
    if context["hits"] is None:
        context["patient"] = patient_services.open_chart(by=user, patient_id=patient_id, part="text search")
    context["most"] = queries.SHOWN_HITS
    return render(request, "records/documents/search.html", context)


@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """File one or more files into a chart: all of them, or none and why."""
    user = me(request)
    patient = patient_services.open_chart(by=user, patient_id=patient_id, part="file a document")
    access.check_may_file(user, patient)
    if request.method == "POST":
        return _receive(request, patient)  # what it undoes does not undo the look at the chart
    return _upload_page(request, patient, UploadForm(patient=patient), [])


@once
def _receive(request: HttpRequest, patient: Patient) -> HttpResponse:
    user = me(request)
    refusal: Refusal | None = None
    received: list[uploads.VaultUpload] = []
    try:
        uploads.check(request)
        received = [held.take(text, user) for text in request.POST.getlist("held")[:100]]
    except Refusal as refused:
        refusal = refused
    is_drop = "only_files" in request.POST and refusal is None  # on the chart: the rest is asked for now
    form = UploadForm(None if is_drop else request.POST, None if is_drop else request.FILES, patient=patient)
    received += [each for each in request.FILES.getlist("file") if isinstance(each, uploads.VaultUpload)]
    if is_drop:
        return _upload_page(request, patient, form, received)
    if form.is_valid() and refusal is None:
        filed = _file(user, patient, form, received)
        if filed:
            return _after_filing(request, filed)
    elif form.has_error("encounter", "invalid_choice"):  # not one of those offered: a door like any other
        patient_access.get_encounter_for(user, form.data["encounter"])
    if refusal is not None:
        form.add_error("file", refusal.message)
    status = refusal.status if refusal is not None else 422
    return _upload_page(request, patient, form, received, status=status)


def _file(
    user: Any, patient: Patient, form: UploadForm, received: list[uploads.VaultUpload]
) -> list[Document]:
    """Every file filed, or the form's errors say why none was."""
    given = {name: value for name, value in form.cleaned_data.items() if name != "file"}
    given["type_code"], given["encounter_id"] = given.pop("type"), given.pop("encounter")
    filed: list[Document] = []
    with rule_errors_on(form):
        if not received:
            raise BadFile("Choose a file, or drop one on this page.", code="no_file", status=400)
        with transaction.atomic():
            for file in received:
                try:
                    filed.append(services.file_document(by=user, patient_id=patient.pk, file=file, **given))
                except Refusal as refused:
                    if len(received) > 1 and refused.field == "file":
                        refused.message = f"{file.name}: {refused.message}"
                    if isinstance(refused, BadFile):
                        received.remove(file)  # it can never be filed: not kept for the next try
                    raise
        return filed
    return []


def _after_filing(request: HttpRequest, filed: list[Document]) -> HttpResponse:
    undoing.remember(request, filed)  # the next page says that it is done, and offers to undo it
    return redirect(filed[0]) if len(filed) == 1 else redirect("capture:home")


def _upload_page(
    request: HttpRequest,
    patient: Patient,
    form: UploadForm,
    received: list[uploads.VaultUpload],
    *,
    status: int = 200,
) -> HttpResponse:
    kept = []
    for file in received:
        if file.staged.path.exists() and file.size:
            kept.append((held.hold(file, me(request)), file.name, file.size))
    asks_duplicate = form.is_bound and "already" in str(form.errors.get("file", ""))
    context = {"patient": patient, "form": form, "kept": kept, "asks_duplicate": asks_duplicate}
    return render(request, "records/documents/upload.html", context, status=status)


@require_POST
@once
def retry(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Have the failed pages read again."""
    document = services.retry_reading(by=me(request), document_id=document_id)
    messages.success(request, "Its pages are being read again.")
    return redirect(document)
