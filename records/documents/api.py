"""The API of documents (API.md)."""

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import me
from common.api import Endpoint, Nothing, listed, valid
from common.paging import Paging
from patients import access as patient_access
from patients.serializers import NeedIn, NeedOut
from records.documents import access, answers, services, uploads
from records.documents import queries as reads
from records.documents.models import Document, Source
from records.documents.serializers import (
    DocumentDetailSerializer,
    DocumentSerializer,
    FiledSerializer,
    FileSerializer,
    HitSerializer,
    ImageQuery,
    ListQuery,
    RetractSerializer,
    SearchQuerySerializer,
    TypeSerializer,
    VersionQuery,
    filters_of,
)
from records.documents.services.looking import THUMBNAIL, VIEW

THUMBNAIL_WIDTH = 160
_BYTES = OpenApiResponse(OpenApiTypes.BINARY)


class NewestFirst(Paging):
    """Documents by service date."""

    ordering = reads.NEWEST


class DocumentViewSet(Endpoint, viewsets.GenericViewSet[Document]):
    """Documents: file, list, look, download."""

    serializer_class = DocumentSerializer
    queryset = Document.objects.none()
    lookup_value_regex = "[^/]+"
    pagination_class = NewestFirst
    queries = {
        "list": ListQuery,
        "content": VersionQuery,
        "page_image": ImageQuery,
        "page_text": VersionQuery,
        "retrieve": VersionQuery,
    }

    @extend_schema(request={"multipart/form-data": FileSerializer}, responses={201: FiledSerializer})
    def create(self, request: Request) -> Response:
        """File a document into a chart; its pages are read in the background."""
        access.check_may_file_at_all(me(request))
        request.data  # noqa: B018  (parses the body: a refused file answers before a missing field)
        uploads.check(request._request)
        given = valid(FileSerializer, request.data)
        document = services.file_document(
            by=me(request),
            patient_id=given["patient"],
            file=given["file"],
            type_code=given["type"],
            service_date=given["service_date"],
            encounter_id=given.get("encounter"),
            title=given.get("title", ""),
            author=given.get("author", ""),
            labels=given.get("labels", ()),
            source=Source.API,
            allow_duplicate=given["allow_duplicate"],
        )
        return Response(FiledSerializer(document).data, status=201)

    @extend_schema(responses=DocumentSerializer(many=True))
    def list(self, request: Request) -> Response:
        """Documents of a chart, or of all charts one may open, newest first."""
        access.check_may_view_any(me(request))
        if "encounter" in self.query:
            patient_access.get_encounter_for(me(request), self.query["encounter"])
        filters = filters_of(self.query, with_text=True)
        rows = reads.narrowed(access.visible_to(me(request)), filters)
        patient = None
        if "patient" in self.query:
            patient, _ = patient_access.get_for(me(request), self.query["patient"])
            rows = rows.filter(patient=patient)
        page = self.paginate_queryset(rows) or []
        services.note_list(by=me(request), shown=page, filters=filters, patient=patient)
        return self.get_paginated_response(DocumentSerializer(page, many=True).data)

    @extend_schema(responses=DocumentDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One document with its versions."""
        opened = services.open_document(by=me(request), document_id=pk, version=self.query.get("version"))
        return Response(DocumentDetailSerializer(opened.document).data)

    @extend_schema(responses={(200, "application/octet-stream"): _BYTES})
    @action(detail=True, methods=["get"])
    def content(self, request: Request, pk: str) -> StreamingHttpResponse:
        """The original, byte for byte."""
        version, stored = services.download_original(
            by=me(request), document_id=pk, version=self.query.get("version")
        )
        return answers.original(version, stored)

    @extend_schema(responses={(200, "image/webp"): _BYTES})
    @action(detail=True, methods=["get"], url_path=r"pages/(?P<number>[0-9]{1,6})/image")
    def page_image(self, request: Request, pk: str, number: str) -> HttpResponse:
        """The picture of a page as WebP: the stored size nearest to `width` (thumbnail or full view)."""
        width = self.query.get("width")
        size = THUMBNAIL if width is not None and width <= THUMBNAIL_WIDTH else VIEW
        return answers.picture(
            services.look_at_page(
                by=me(request),
                document_id=pk,
                number=int(number),
                size=size,
                version=self.query.get("version"),
            )
        )

    @extend_schema(responses={(200, "text/plain"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"], url_path=r"pages/(?P<number>[0-9]{1,6})/text")
    def page_text(self, request: Request, pk: str, number: str) -> HttpResponse:
        """The text of a page."""
        page = services.read_page_text(
            by=me(request), document_id=pk, number=int(number), version=self.query.get("version")
        )
        return answers.plain_text(page.text)

    @extend_schema(request=RetractSerializer, responses=DocumentDetailSerializer)
    @action(detail=True, methods=["post"])
    def retract(self, request: Request, pk: str) -> Response:
        """Mark a document as entered in error: it stays on record and is no part of the chart any more."""
        reason = valid(RetractSerializer, request.data)["reason"]
        document = services.retract_document(by=me(request), document_id=pk, reason=reason)
        return Response(DocumentDetailSerializer(document).data)

    @extend_schema(request=None, responses=FiledSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Have the pages that could not be read read again."""
        valid(Nothing, request.data)
        return Response(FiledSerializer(services.retry_reading(by=me(request), document_id=pk)).data)

    @extend_schema(request=NeedIn, responses={201: NeedOut})
    @action(detail=True, methods=["post"], url_path="state-need", url_name="state-need")
    def state_need(self, request: Request, pk: str) -> Response:
        """Say why you need a sensitive document; it is open to you until `expires_at`."""
        reason = valid(NeedIn, request.data)["reason"]
        need = services.state_document_need(by=me(request), document_id=pk, reason=reason)
        return Response(NeedOut({"expires_at": need.until}).data, status=201)


class SearchView(Endpoint):
    """Search in the text of documents."""

    serializer_class = HitSerializer
    queries = {"get": SearchQuerySerializer}

    @extend_schema(responses=listed(HitSerializer))
    def get(self, request: Request) -> Response:
        """Pages on which the words stand, newest document first; at most 50, only of charts one may open."""
        if "encounter" in self.query:
            patient_access.get_encounter_for(me(request), self.query["encounter"])
        hits = services.search_chart_text(
            by=me(request),
            text=self.query["q"],
            patient_id=self.query.get("patient"),
            filters=filters_of(self.query, with_text=False),
        )
        found = [HitSerializer(hit).data for hit in hits]
        return Response({"next": None, "previous": None, "results": found})


class TypeListView(Endpoint):
    """The kinds of document."""

    serializer_class = TypeSerializer

    @extend_schema(responses=listed(TypeSerializer))
    def get(self, request: Request) -> Response:
        """Every document type in use, by name."""
        rows = reads.types_in_use()
        return Response({"next": None, "previous": None, "results": TypeSerializer(rows, many=True).data})
