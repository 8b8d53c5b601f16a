"""The alerts of the watch for programs: those of a week, one whole, and setting one aside. Compliance officers only."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import me
from audit.review import access, services
from audit.review.models import Alert, AlertState
from audit.review.watch import queries
from audit.review.watch.gathering import Week
from common.api import Endpoint, listed, valid
from common.paging import Paging


class AlertQuery(serializers.Serializer[Any]):
    """Which alerts."""

    week = serializers.DateField(required=False, help_text="Any day of the week; the newest when left out.")
    state = serializers.ChoiceField(required=False, choices=AlertState.choices)


class AlertHitSerializer(serializers.Serializer[Any]):
    """One thing that stands out."""

    rule = serializers.CharField(help_text="The rule's lasting name.")
    points = serializers.IntegerField(help_text="What it adds to the score, sunk where it is explained.")
    words = serializers.CharField(help_text="In words that name no patient.")


class AlertSerializer(serializers.ModelSerializer[Alert]):
    """One person and one chart in one week; without a patient, the person's whole week."""

    actor = serializers.CharField(source="subject.username", help_text="Whose looks.")
    patient = serializers.UUIDField(source="patient_id", allow_null=True)
    week = serializers.DateField(source="week_on", help_text="The Monday.")
    hits = AlertHitSerializer(many=True)
    events = serializers.ListField(
        child=serializers.CharField(),
        source="event_ids",
        help_text="Ids of the looks, oldest first, at most 200.",
    )
    explanations_missing = serializers.ListField(
        child=serializers.CharField(),
        source="missing",
        help_text="Kinds of explanation that could not be had when it was raised.",
    )
    decided_by = serializers.CharField(
        source="decided_by.username", allow_null=True, default=None, help_text="Who decided it."
    )

    class Meta:
        model = Alert
        fields = [
            "id",
            "actor",
            "patient",
            "week",
            "score",
            "is_explained",
            "hits",
            "accesses",
            "explanations_missing",
            "events",
            "state",
            "note",
            "decided_by",
            "decided_at",
        ]
        read_only_fields = fields


class SetAsideBody(serializers.Serializer[Any]):
    """Why nothing more is to be done."""

    note = serializers.CharField(max_length=2000, help_text="In a sentence.")


class Weightiest(Paging):
    """The weightiest first."""

    ordering = queries.ORDERING


class AlertsView(Endpoint):
    """What stands out in a week."""

    is_list = True
    queries = {"get": AlertQuery}

    @extend_schema(operation_id="audit_alerts_list", responses=listed(AlertSerializer))
    def get(self, request: Request) -> Response:
        """The alerts of a week, the weightiest first; those about yourself are left out.

        The look is itself an event (`watch.alerts_listed`) with the ids of the patients it showed.
        """
        user = me(request)
        access.check_may_work_alerts(user)
        day = self.query.get("week")
        week = Week.of(day) if day else queries.newest_week()
        rows = queries.alerts_of(access.alerts_visible_to(user), week, self.query.get("state", ""))
        paging = Weightiest()
        page = paging.paginate_queryset(rows, request, view=self)
        services.list_alerts(by=user, rows=page, week_on=week.week_on)
        return paging.get_paginated_response(AlertSerializer(page, many=True).data)


class AlertView(Endpoint):
    """One alert."""

    @extend_schema(operation_id="audit_alerts_read", responses=AlertSerializer)
    def get(self, request: Request, alert_id: str) -> Response:
        """One alert whole; the look is an event (`watch.alert_viewed`)."""
        seen = services.open_alert(by=me(request), alert_id=alert_id)
        return Response(AlertSerializer(seen.alert).data)


class SetAsideView(Endpoint):
    """Setting an alert aside."""

    @extend_schema(operation_id="audit_alerts_set_aside", request=SetAsideBody, responses=AlertSerializer)
    def post(self, request: Request, alert_id: str) -> Response:
        """Say why nothing more is to be done. It stays on the list of its week."""
        note = valid(SetAsideBody, request.data)["note"]
        alert = services.set_aside_alert(by=me(request), alert_id=alert_id, note=note)
        return Response(AlertSerializer(alert).data)
