"""GET /audit/fhir/AuditEvent: the log as FHIR R4 AuditEvents. GET /audit/export/: the answers as a file."""

from typing import Any

from django.http import StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import me
from audit.archiving.ledger import Archived
from audit.feeds import fhir
from audit.models import Event
from audit.review import absent, exporting, services
from audit.review.api import EventQuery, question_in
from audit.review.feeds import services as feeds
from audit.review.feeds.asking import AuditEventQuery, asked_in
from common.api import Endpoint
from common.errors import NotFound

FHIR_JSON = "application/fhir+json"


class FhirRenderer(JSONRenderer):
    """FHIR's JSON."""

    media_type = FHIR_JSON
    format = "fhir"


class FileRenderer(BaseRenderer):
    """For answers that are files: they are not rendered, only negotiated."""

    media_type = "*/*"
    format = "file"

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        """A refusal instead of the file."""
        return JSONRenderer().render(data)


def to_do(row: Archived) -> str:
    """What an archived month means for somebody who asked about it."""
    return (
        f"{row.events:,} events of {row.month.words} are archived in {row.name} and were not looked into."
        f" An administrator brings them back: audit_attach --month {row.month}"
    )


@extend_schema(tags=["audit.review"])
class AuditEventsView(Endpoint):
    """The access log as FHIR."""

    renderer_classes = [FhirRenderer, JSONRenderer]
    queries = {"get": AuditEventQuery}
    repeated = frozenset({"date"})

    @extend_schema(operation_id="audit_fhir_search", responses={(200, FHIR_JSON): OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """A searchset Bundle of AuditEvents, newest first unless `_sort` says otherwise; the look is an event.

        Where archived months would have to be looked into, an OperationOutcome in the Bundle names them.
        """
        given = [(name, value) for name, values in request.query_params.lists() for value in values]
        asked = asked_in(self.query, given)
        found = feeds.search_as_fhir(
            by=me(request), asked=asked, cursor=self.query.get("cursor", ""), size=self.query["_count"]
        )
        links = {
            "self": request.query_params.get("cursor", ""),
            "next": found.page.next_cursor,
            "previous": found.page.previous_cursor,
        }
        entries = [self._entry(row, found) for row in found.page.rows]
        entries += [_outcome(row) for row in found.archived]
        bundle: dict[str, Any] = {
            "resourceType": "Bundle",
            "type": "searchset",
            "timestamp": timezone.now().isoformat(),
            "link": [
                {"relation": relation, "url": self._link(cursor)}
                for relation, cursor in links.items()
                if cursor or relation == "self"
            ],
        }
        response = Response({**bundle, "entry": entries} if entries else bundle)
        absent.mark(response, found.archived)
        return response

    def _entry(self, row: Event, found: feeds.Found) -> dict[str, Any]:
        resource = fhir.audit_event(row, is_closed=not services.may_read_detail(row, found.closed))
        address = reverse("audit-fhir-event", kwargs={"resource_id": resource["id"]})
        return {
            "fullUrl": self.request.build_absolute_uri(address),
            "resource": resource,
            "search": {"mode": "match"},
        }

    def _link(self, cursor: str) -> str:
        query = self.request.query_params.copy()
        query.pop("cursor", None)
        if cursor:
            query["cursor"] = cursor
        return self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")


def _outcome(row: Archived) -> dict[str, Any]:
    issue = {"severity": "warning", "code": "incomplete", "diagnostics": to_do(row)}
    return {"resource": {"resourceType": "OperationOutcome", "issue": [issue]}, "search": {"mode": "outcome"}}


@extend_schema(tags=["audit.review"])
class AuditEventView(Endpoint):
    """One event as FHIR."""

    renderer_classes = [FhirRenderer, JSONRenderer]

    @extend_schema(
        operation_id="audit_fhir_read",
        parameters=[OpenApiParameter("resource_id", str, OpenApiParameter.PATH)],
        responses={(200, FHIR_JSON): OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, resource_id: str) -> Response:
        """One AuditEvent; the look is an event (`log.event_viewed`)."""
        number = fhir.event_id(resource_id)
        if number is None:
            raise NotFound
        event, patients, _ = services.view_event(by=me(request), event_id=number)
        closed = services.patients_of(event) - set(patients)
        return Response(fhir.audit_event(event, is_closed=bool(closed)))


class ExportQuery(EventQuery):
    """The same conditions as for events, and the form of the file."""

    form = serializers.ChoiceField(
        required=False,
        choices=["jsonl", "csv"],
        default="jsonl",
        help_text="JSON lines, or CSV for a spreadsheet.",
    )


@extend_schema(tags=["audit.review"])
class ExportView(Endpoint):
    """The access log as a file."""

    renderer_classes = [JSONRenderer, FileRenderer]
    queries = {"get": ExportQuery}

    @extend_schema(
        operation_id="audit_export",
        responses={
            (200, "application/x-ndjson"): OpenApiResponse(
                OpenApiTypes.BINARY, description="An event a line."
            ),
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.BINARY, description="An event a row."),
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The events that meet all conditions, in the order asked for, as a file.

        It ends after a stated number of events, and then says so in its last line. Where archived months would have had
        to be looked into, the header `X-Archived-Months` and the file's name say so, and JSON lines end with an object
        `archived`. Taking it is an event (`log.exported`) with the ids of everybody in it.
        """
        prepared = services.start_export(by=me(request), question=question_in(self.query))
        return exporting.as_file(prepared, self.query["form"])
