"""The access log for the compliance office, and the chart's tab of who looked."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.views import me
from audit.archiving import ledger
from audit.explaining import missing_words
from audit.review import access, describing, evidence_links, exporting, proof_views, services
from audit.review.forms import ACTION_WORDS, EXPLAINED, OUTCOMES, PAGE_SORTS, PERIODS, SORTED_BY, QuestionForm
from audit.review.keyset import Order
from audit.review.questions import COUNT_LIMIT
from common.web import Chip
from patients.access import allows

HEADS = {
    "at": "When",
    "actor": "Who",
    "event": "What",
    "patient": "Patient",
    "reason": "Why allowed",
    "explanation": "Explanation",
    "outcome": "Outcome",
}
CHART_HEADS = ("at", "actor", "event", "reason", "explanation", "outcome")  # the chart is given by the page
NARROWING = (
    "actor",
    "action",
    "patient",
    "event",
    "outcome",
    "since",
    "until",
    "object",
    "request",
    "explained",
)


def ask_order(request: HttpRequest) -> Order:
    """What the page is sorted by."""
    order = Order.from_text(request.GET.get("sort", ""))
    return order if order and order.key in PAGE_SORTS else Order()


def url_with(query: QueryDict, **changes: str) -> str:
    """This page's address with some parameters changed, the empty ones left out."""
    kept = {name: str(value) for name, value in query.items() if name != "cursor"}
    return "?" + urlencode({name: value for name, value in {**kept, **changes}.items() if value})


def _heads(
    request: HttpRequest, order: Order, names: tuple[str, ...], *, sorting: tuple[str, ...]
) -> list[dict[str, str]]:
    """Column heads; those of `sorting` are links that sort: a second click turns the direction round."""
    heads = []
    for name in names:
        if name not in sorting:
            heads.append({"name": name, "text": HEADS[name], "url": "", "sort": ""})
            continue
        is_current = order.key == name
        turned = Order(name, not order.is_descending if is_current else name == "at")
        direction = ("descending" if order.is_descending else "ascending") if is_current else ""
        url = url_with(request.GET, sort=str(turned))
        heads.append({"name": name, "text": HEADS[name], "url": url, "sort": direction})
    return heads


def _chips(request: HttpRequest, form: QuestionForm) -> list[Chip]:
    """What narrows the question, each with a link that takes it away."""
    words = {"action": ACTION_WORDS, "outcome": dict(OUTCOMES), "explained": dict(EXPLAINED)}
    chips = []
    for name in NARROWING:
        value = request.GET.get(name, "").strip()
        if value and name in form.fields:
            shown = words.get(name, {}).get(value, value)
            if name == "patient" and form.patient_found:
                shown = form.patient_found.mrn_display
            text = f"{form.fields[name].label}: {shown}"
            chips.append(Chip(text, url_with(request.GET, **{name: ""}), removes=True))
    return chips


def question_form(request: HttpRequest, user: User, *, period: str) -> QuestionForm:
    """The question as it stands in the address; `period` when it says none."""
    data = request.GET.copy()
    data["period"] = str(data["period"]) if data.get("period") in PERIODS else period
    if data.get("since") or data.get("until"):
        data["period"] = "dates"
    if data.get("sort") not in dict(SORTED_BY):
        data["sort"] = ""
    return QuestionForm(data, user=user)


def _total(total: int) -> str:
    return f"more than {COUNT_LIMIT:,}" if total > COUNT_LIMIT else f"{total:,}"


def _list_context(request: HttpRequest, form: QuestionForm, answer: services.LogAnswer) -> dict[str, Any]:
    page = answer.page
    context = {
        "form": form,
        "lines": describing.lines(page.rows, answer.patients, answer.titles, answer.explained),
        "shown": len(page.rows),
        "next_url": url_with(request.GET, cursor=page.next_cursor) if page.next_cursor else "",
        "previous_url": url_with(request.GET, cursor=page.previous_cursor) if page.previous_cursor else "",
        "chips": _chips(request, form),
        "unexplained_url": url_with(request.GET, explained="unexplained"),
        "missing_words": missing_words(answer.missing),
        "nobody_of_this_name": bool(form["actor"].value()) and answer.is_nobody,
    }
    if answer.sifted:
        context["total_words"] = context["total_text"] = describing.sifted_words(answer.sifted)
        context["is_sifted"] = True
    else:
        context["total_text"] = _total(answer.total)
        context["total_words"] = f"{_total(answer.total)} {'event' if answer.total == 1 else 'events'}"
    return context


@require_GET
def log(request: HttpRequest) -> HttpResponse:
    """Who did what to which chart: the question in words, the answers by page."""
    user = me(request)
    access.check_may_view_log(user)
    form, order = question_form(request, user, period="month"), ask_order(request)
    if not form.is_valid():
        return render(request, "audit/log.html", {"form": form}, status=422)
    question = form.question(order)
    answer = services.view_log(by=user, question=question, cursor=request.GET.get("cursor", ""))
    context = {
        "archived": ledger.between(question.since, question.until),
        **_list_context(request, form, answer),
        "heads": _heads(request, order, tuple(HEADS), sorting=PAGE_SORTS),
        "asked_patient": form.patient_found,
        "export_url": url_with(request.GET),
        "json_url": url_with(request.GET, form="jsonl"),
        "saved": list(access.saved_visible_to(user).select_related("owner").order_by("name", "pk")),
        "me": user,
        "can_export": allows(access.check_may_export_log, user),
        "is_cut": answer.total > services.EXPORT_LIMIT,
        "export_limit": f"{services.EXPORT_LIMIT:,}",
    }
    return render(request, "audit/log.html", context)


@require_GET
def event(request: HttpRequest, event_id: int) -> HttpResponse:
    """One event whole."""
    user = me(request)
    found, patients, explained = services.view_event(by=user, event_id=event_id)
    ids = [found.patient_id] if found.patient_id else []
    ids += [key for key in found.patient_ids or [] if key not in ids]
    context = {
        "event": found,
        "line": describing.Line(found, patients.get(found.patient_id) if found.patient_id else None),
        "people": [(key, patients.get(key)) for key in ids],
        # A chart that is closed to the reader keeps what was written about it closed too.
        "may_read_detail": all(key in patients for key in ids),
        "explained": explained,
        "missing_words": missing_words(explained.missing) if explained else "",
        "reasons": evidence_links.reasons(user, explained.explanations) if explained else [],
        "facts": describing.facts(found),
        "changes": describing.changes(found),
        "purpose": describing.PURPOSE_WORDS.get(found.purpose, ""),
        "channel": describing.CHANNEL_WORDS.get(found.channel, found.channel),
    }
    return render(request, "audit/event.html", context)


@require_GET
def export(request: HttpRequest) -> HttpResponseBase:
    """The answers to the question as CSV or JSON lines, newest first, cut at a stated number of rows."""
    user = me(request)
    access.check_may_export_log(user)
    form = question_form(request, user, period="month")
    if not form.is_valid():
        return render(request, "audit/log.html", {"form": form}, status=422)
    prepared = services.start_export(by=user, question=form.question(ask_order(request)))
    return exporting.as_file(prepared, "jsonl" if request.GET.get("form") == "jsonl" else "csv")


@require_GET
def evidence(request: HttpRequest) -> HttpResponse:
    """The answers to the question as an evidence bundle that proves itself."""
    user = me(request)
    access.check_may_export_log(user)
    return proof_views.evidence(request, question_form(request, user, period="month"), ask_order(request))


@require_GET
def chart(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The chart's tab "Access": who looked, what at, and why they might."""
    user = me(request)
    form = question_form(request, user, period="year")
    for name in ("patient", "event", "object", "request"):
        form.fields.pop(name)
    form.is_of_one_chart = True
    order = ask_order(request)
    question = form.question_about(patient_id, order) if form.is_valid() else None
    patient, answer = services.view_chart_access(
        by=user, patient_id=patient_id, question=question, cursor=request.GET.get("cursor", "")
    )
    context = _list_context(request, form, answer)
    context["heads"] = _heads(request, order, CHART_HEADS, sorting=PAGE_SORTS)
    on_top = answer.on_top
    if on_top and on_top.rows:
        context["on_top"] = describing.lines(on_top.rows, answer.patients, answer.titles, answer.explained)
        context["plain_heads"] = _heads(request, order, CHART_HEADS, sorting=())
        context["on_top_words"] = describing.sifted_words(on_top)
    context |= {
        "archived": ledger.between(question.since, question.until) if question else [],
        "patient": patient,
        "tab": "access",
        "can_view_events": allows(access.check_may_view_log, user),
        "can_print": allows(access.check_may_export_log, user),
    }
    return render(request, "audit/chart.html", context, status=200 if question else 422)
