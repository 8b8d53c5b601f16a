"""The API of requests, releases and disclosures: shapes in, verbs called, shapes out."""

from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.queries import active_user_named
from accounts.views import me
from common.api import Endpoint, listed, valid
from common.errors import RuleBroken
from common.paging import Paging
from patients import access as patient_access
from records.documents import uploads
from records.release import access, answers, queries, shapes
from records.release.models import RecordRequest
from records.release.services import building, intake, looking, selecting, sending
from records.release.services import evidence as evidence_services
from records.release.services.clearing import clearance


class _ByDueDay(Paging):
    ordering = ("due_on", "id")


class _Newest(Paging):
    ordering = ("-at", "-id")


def _whole(by: User, record_request: RecordRequest) -> dict[str, Any]:
    """A request just changed, as the verb's caller sees it."""
    release, job = looking.newest_release(record_request)
    return shapes.request_body(record_request, clearance(by, record_request), release, job)


class RequestList(Endpoint):
    """Requests for records, first due first; logging one."""

    is_list = True
    queries = {"get": shapes.ListQuery}
    serializer_class = shapes.LogRequestSerializer

    @extend_schema(responses=listed(answers.RequestListedOut))
    def get(self, request: Request) -> Response:
        """The work list. One event holds the charts shown."""
        by = me(request)
        access.check_may_list(by)
        if "patient" in self.query:
            patient_access.get_for(by, self.query["patient"])
        paging = _ByDueDay()
        with transaction.atomic():
            rows = queries.work_list(access.visible_to(by), filters=self.query)
            page = cast(list[RecordRequest], paging.paginate_queryset(rows, request, view=self))
            shown = [{**shapes.request_row(row), "waits_for": queries.waits_for(row)} for row in page]
            looking.note_list(
                by=by,
                patients=[row.patient_id for row in page],
                filters={k: str(v) for k, v in self.query.items()},
            )
        return paging.get_paginated_response(shown)

    @extend_schema(request=shapes.LogRequestSerializer, responses={201: answers.RequestOut})
    def post(self, request: Request) -> Response:
        """Log a request; the answer says what is missing before it can be released."""
        by, given = me(request), valid(shapes.LogRequestSerializer, request.data)
        delivery = given.pop("delivery")
        record_request = intake.log_request(
            by=by,
            patient_id=given.pop("patient"),
            delivery_method=delivery["method"],
            delivery_format=delivery["format"],
            **given,
        )
        return Response(_whole(by, record_request), status=201)


class RequestDetail(Endpoint):
    """One request."""

    serializer_class = shapes.ChangeRequestSerializer

    @extend_schema(responses=answers.RequestOut)
    def get(self, request: Request, request_id: str) -> Response:
        """Everything of a request: checklist, evidence, what goes, its release."""
        opened = looking.open_request(by=me(request), request_id=request_id)
        return Response(
            shapes.request_body(opened.record_request, opened.clearance, opened.release, opened.job)
        )

    @extend_schema(request=shapes.ChangeRequestSerializer, responses=answers.RequestOut)
    def patch(self, request: Request, request_id: str) -> Response:
        """Correct what was logged, or assign it."""
        by, given = me(request), valid(shapes.ChangeRequestSerializer, request.data, partial=True)
        delivery = given.pop("delivery", None) or {}
        given |= {f"delivery_{name}": value for name, value in delivery.items()}
        if given.get("assigned_to"):
            given["assigned_to"] = _user_named(given["assigned_to"])
        record_request = intake.update_request(
            by=by, request_id=request_id, seen_version=given.pop("version", None), **given
        )
        return Response(_whole(by, record_request))


def _user_named(username: str) -> User:
    user = active_user_named(username)
    if user is None:
        raise RuleBroken("assigned_to", "Nobody has that user name.", field="assigned_to")
    return user


class EvidenceList(Endpoint):
    """Evidence of a request."""

    serializer_class = shapes.EvidenceSerializer

    @extend_schema(request=shapes.EvidenceSerializer, responses={201: answers.EvidenceOut})
    def post(self, request: Request, request_id: str) -> Response:
        """Put evidence on file; 422 with each rule that it breaks."""
        uploads.check(request._request)
        given = valid(shapes.EvidenceSerializer, request.data)
        kept = evidence_services.add_evidence(
            by=me(request),
            request_id=request_id,
            kind=given.pop("kind"),
            file=given.pop("file", None),
            seen_version=given.pop("version", None),
            fields=given,
        )
        return Response(shapes.evidence_body(kept), status=201)


class SelectionView(Endpoint):
    """What goes."""

    serializer_class = shapes.SelectSerializer

    @extend_schema(request=shapes.SelectSerializer, responses=answers.SelectionOut)
    def post(self, request: Request, request_id: str) -> Response:
        """Choose documents, or `"scope"` for all that the request names; the answer lists what is kept
        back.
        """
        given = valid(shapes.SelectSerializer, request.data)
        selection = selecting.select_documents(
            by=me(request),
            request_id=request_id,
            document_ids=given["documents"],
            seen_version=given.get("version"),
        )
        return Response(shapes.selection_body(selection))


class ReleaseOrder(Endpoint):
    """Having a package built."""

    serializer_class = shapes.StartSerializer

    @extend_schema(request=shapes.StartSerializer, responses={202: answers.StartedOut})
    def post(self, request: Request, request_id: str) -> Response:
        """Start the job; 422 with everything that still forbids it."""
        given = valid(shapes.StartSerializer, request.data)
        release = building.start_release(
            by=me(request), request_id=request_id, seen_version=given.get("version")
        )
        status = shapes.release_status(release, looking.job_of(release))
        return Response({"id": str(release.pk), "status": status}, status=202)


class CancelView(Endpoint):
    """Closing a request that will not be answered."""

    serializer_class = shapes.CancelSerializer

    @extend_schema(request=shapes.CancelSerializer, responses=answers.RequestOut)
    def post(self, request: Request, request_id: str) -> Response:
        """Cancel, with the reason."""
        by, given = me(request), valid(shapes.CancelSerializer, request.data)
        record_request = intake.cancel_request(
            by=by, request_id=request_id, reason=given["reason"], seen_version=given.get("version")
        )
        return Response(_whole(by, record_request))


class ReleaseDetail(Endpoint):
    """One release."""

    @extend_schema(responses=answers.ReleaseOut)
    def get(self, request: Request, release_id: str) -> Response:
        """Progress, and once built the hash and the manifest."""
        return Response(shapes.release_body(*looking.open_release(by=me(request), release_id=release_id)))


class PackageView(Endpoint):
    """The bytes of a package."""

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    def get(self, request: Request, release_id: str) -> StreamingHttpResponse:
        """The package exactly as it was built. The first download delivers it and writes the disclosure."""
        return package_response(sending.download_package(by=me(request), release_id=release_id))


def package_response(package: sending.OpenPackage) -> StreamingHttpResponse:
    """The bytes as a download under the request's number."""
    response = StreamingHttpResponse(package.chunks(), content_type="application/pdf")
    response["Content-Length"] = str(package.size_bytes)
    response["Content-Disposition"] = content_disposition_header(True, package.filename) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


class ApproveView(Endpoint):
    """A second person's agreement to a large package."""

    @extend_schema(request=None, responses=answers.ReleaseOut)
    def post(self, request: Request, release_id: str) -> Response:
        """Agree that it goes out. Whoever had it built cannot."""
        by = me(request)
        sending.approve_release(by=by, release_id=release_id)
        return Response(shapes.release_body(*looking.open_release(by=by, release_id=release_id)))


class DeliverView(Endpoint):
    """Saying that a package went out another way than by download."""

    serializer_class = shapes.DeliverSerializer

    @extend_schema(request=shapes.DeliverSerializer, responses=answers.ReleaseOut)
    def post(self, request: Request, release_id: str) -> Response:
        """Mark it as mailed, faxed or handed over; writes the disclosure."""
        by, given = me(request), valid(shapes.DeliverSerializer, request.data)
        sending.mark_mailed(
            by=by,
            release_id=release_id,
            sent_on=given.get("sent_on") or timezone.localdate(),
            how=given.get("how", ""),
            tracking=given.get("tracking", ""),
        )
        return Response(shapes.release_body(*looking.open_release(by=by, release_id=release_id)))


class DisclosureList(Endpoint):
    """The ledger of one chart."""

    is_list = True
    queries = {"get": shapes.DisclosureQuery}

    @extend_schema(responses=listed(shapes.DisclosureSerializer))
    def get(self, request: Request, patient_id: UUID) -> Response:
        """What was disclosed, newest first; `for=accounting` leaves out what 45 CFR 164.528(a)(1) excludes."""
        paging = _Newest()
        _, rows = looking.list_disclosures(
            by=me(request),
            patient_id=patient_id,
            from_on=self.query.get("from"),
            to_on=self.query.get("to"),
            is_accounting=self.query.get("for") == "accounting",
        )
        page = paging.paginate_queryset(rows, request, view=self)
        return paging.get_paginated_response(shapes.DisclosureSerializer(page, many=True).data)
