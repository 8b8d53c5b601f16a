"""GET /notices/ and POST /notices/{id}/read/: what somebody was told, for her own programs."""

from typing import Any, cast
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import Endpoint, Nothing, listed, valid
from common.notices import queries, services
from common.notices.models import Notice
from common.paging import Paging


class NoticeQuery(serializers.Serializer[Any]):
    """What to ask for."""

    unread = serializers.BooleanField(required=False, help_text="`true`: only those not read yet.")


class NoticeSerializer(serializers.ModelSerializer[Notice]):
    """A notice as its reader sees it."""

    at = serializers.DateTimeField(source="created_at", read_only=True, help_text="When it was left.")

    class Meta:
        model = Notice
        fields = ["id", "kind", "tone", "text", "url", "at", "read_at"]
        read_only_fields = fields
        extra_kwargs = {
            "kind": {"help_text": "A dotted name, such as `release.ready`."},
            "text": {"help_text": "A sentence. It names no patient."},
            "url": {"help_text": "The page it leads to, on this server; empty when there is none."},
            "read_at": {"help_text": "When it was first read; null until then."},
        }


class NewestFirst(Paging):
    """By the time they were left."""

    ordering = queries.ORDERING


class NoticesView(Endpoint):
    """The caller's notices."""

    queries = {"get": NoticeQuery}
    is_list = True
    serializer_class = NoticeSerializer

    @extend_schema(responses=listed(NoticeSerializer))
    def get(self, request: Request) -> Response:
        """The caller's notices, newest first."""
        rows = queries.notices_of(cast(UUID, request.user.pk), only_unread=self.query.get("unread", False))
        paging = NewestFirst()
        shown = paging.paginate_queryset(rows, request, view=self)
        return paging.get_paginated_response(NoticeSerializer(shown, many=True).data)


class NoticeReadView(Endpoint):
    """One notice."""

    @extend_schema(request=None, responses=NoticeSerializer)
    def post(self, request: Request, notice_id: str) -> Response:
        """Mark it as read. A second time changes nothing."""
        valid(Nothing, request.data)
        notice = services.read(by_id=cast(UUID, request.user.pk), notice_id=notice_id)
        return Response(NoticeSerializer(notice).data)
