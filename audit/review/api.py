"""The log for programs: GET /audit/events/ and one event whole. Compliance officers only.

A records supervisor sees who looked at a chart on its page; the API stays closed to her, because an event of a list
carries the ids of everybody else's patients in it.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import me
from audit import catalogue
from audit.archiving import ledger
from audit.archiving.ledger import Archived
from audit.explaining import Standing, Verdict
from audit.models import Event
from audit.review import services
from audit.review.keyset import SORTS, Order, is_cursor
from audit.review.questions import Question
from common.api import Endpoint
from common.errors import NotFound

ORDERINGS = [sign + key for key in sorted(SORTS) for sign in ("", "-")]


@extend_schema_field({"type": "string", "format": "date-time"})
class Instant(serializers.Field[datetime, str, str, Any]):
    """A date, or a date and time; without a zone the hospital's."""

    def __init__(self, *, is_end: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_end = is_end

    def to_internal_value(self, data: str) -> datetime:
        """The instant; a day alone means its start, or for an end the start of the next."""
        try:
            day = parse_date(data)
            if day is not None:
                instant = datetime.combine(day + timedelta(days=self.is_end), time.min)
            else:
                parsed = parse_datetime(data)
                if parsed is None:
                    raise ValueError(data)
                instant = parsed
            whole = instant if timezone.is_aware(instant) else timezone.make_aware(instant)
            return whole.astimezone(UTC)  # the database takes no offset of sixteen hours
        except (ValueError, OverflowError) as error:
            raise serializers.ValidationError("Give a date (2026-05-03) or an RFC 3339 time.") from error

    def to_representation(self, value: datetime) -> str:
        """RFC 3339."""
        return value.isoformat()


class EventQuery(serializers.Serializer[Any]):
    """Which events; all conditions must hold."""

    patient = serializers.UUIDField(
        required=False, help_text="Events about this patient, lists that showed them too."
    )
    actor = serializers.CharField(required=False, max_length=150, help_text="A user name, or `system:NAME`.")
    action = serializers.ChoiceField(required=False, choices=sorted(catalogue.ACTIONS))
    event = serializers.CharField(required=False, max_length=80, help_text="A dotted name, `release.sent`.")
    outcome = serializers.ChoiceField(required=False, choices=["success", "denied", "failed"])
    object = serializers.CharField(required=False, max_length=120, help_text="An id, or `kind:id`.")
    request_id = serializers.CharField(required=False, max_length=64)
    ordering = serializers.ChoiceField(required=False, choices=ORDERINGS, default="-at")

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python's own, so the two ends of the time are added here."""
        return {
            **super().get_fields(),
            "from": Instant(required=False, help_text="First day or instant."),
            "to": Instant(
                required=False, is_end=True, help_text="Last day, included; or the first instant left out."
            ),
        }


class Paged(EventQuery):
    """The same with what cuts the list into pages."""

    page_size = serializers.IntegerField(required=False, min_value=1, max_value=200, default=25)
    cursor = serializers.CharField(required=False, max_length=30)

    explain = serializers.BooleanField(
        required=False, default=False, help_text="With `explanations` and `standing` of each event."
    )

    def validate_cursor(self, value: str) -> str:
        """Refuses a cursor that no page of ours has given out."""
        if not is_cursor(value):
            raise serializers.ValidationError("This cursor is none of ours.")
        return value


class ExplanationSerializer(serializers.Serializer[Any]):
    """Why somebody had a chart open, or what speaks against it."""

    kind = serializers.CharField()
    verdict = serializers.ChoiceField(choices=[str(verdict) for verdict in Verdict])
    words = serializers.CharField()
    evidence = serializers.CharField(help_text="`table:id`, or empty.")


class EventSerializer(serializers.ModelSerializer[Event]):
    """One event (API.md). `object` is `kind:id`."""

    id = serializers.CharField()
    patient = serializers.UUIDField(source="patient_id", allow_null=True)
    patients = serializers.ListField(child=serializers.UUIDField(), source="patient_ids", allow_null=True)
    object = serializers.SerializerMethodField()
    roles = serializers.ListField(child=serializers.CharField())
    detail = serializers.DictField(
        allow_null=True,
        help_text="What else was noted; null where it speaks of a chart that is closed to you.",
    )

    standing = serializers.SerializerMethodField(
        help_text="What the explanations come to; null for no access to one chart, and in lists without `explain`."
    )
    explanations = serializers.SerializerMethodField(help_text="Empty in lists without `explain`.")
    explanations_missing = serializers.SerializerMethodField(
        help_text="Kinds of explanation that could not be had: an access may be unexplained for want of them."
    )

    class Meta:
        model = Event
        fields = [
            "id",
            "at",
            "actor",
            "roles",
            "patient",
            "patients",
            "event",
            "action",
            "object",
            "purpose",
            "reason",
            "outcome",
            "channel",
            "ip",
            "request_id",
            "detail",
            "standing",
            "explanations",
            "explanations_missing",
        ]
        read_only_fields = fields

    def get_object(self, event: Event) -> str:
        """What it was done to."""
        return f"{event.object_type}:{event.object_id}" if event.object_id else ""

    @extend_schema_field(
        serializers.ChoiceField(choices=[str(standing) for standing in Standing], allow_null=True)
    )
    def get_standing(self, event: Event) -> str | None:
        """What the explanations come to."""
        whole = self.context.get("explained", {}).get(event.pk)
        return str(whole.standing) if whole else None

    @extend_schema_field(ExplanationSerializer(many=True))
    def get_explanations(self, event: Event) -> list[dict[str, Any]]:
        """Everything known of why it was."""
        whole = self.context.get("explained", {}).get(event.pk)
        rows = whole.explanations if whole else ()
        return list(ExplanationSerializer(rows, many=True).data)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_explanations_missing(self, event: Event) -> list[str]:
        """What could not be asked."""
        whole = self.context.get("explained", {}).get(event.pk)
        return list(whole.missing) if whole else []

    def to_representation(self, instance: Event) -> dict[str, Any]:
        """`patients` is always a list: the one patient, or all that a list showed."""
        data: dict[str, Any] = super().to_representation(instance)
        if not services.may_read_detail(instance, self.context["closed"]):
            data["detail"] = None
        data["patients"] = data["patients"] or ([data["patient"]] if data["patient"] else [])
        return data


class ArchivedSerializer(serializers.Serializer[Any]):
    """A month that is archived, so that nobody looked into it for this answer."""

    month = serializers.CharField(help_text="`2015-03`.")
    events = serializers.IntegerField()
    file = serializers.CharField(source="name")
    place = serializers.CharField()
    attach = serializers.SerializerMethodField(help_text="The command that brings it back.")

    def get_attach(self, row: Archived) -> str:
        """What an administrator types."""
        return f"audit_attach --month {row.month}"


def question_in(asked: dict[str, Any]) -> Question:
    """The question in checked parameters (`EventQuery`)."""
    return Question(
        **{name: asked[name] for name in ("patient", "actor", "action", "event", "outcome") if name in asked},
        object=asked.get("object", ""),
        request_id=asked.get("request_id", ""),
        since=asked.get("from"),
        until=asked.get("to"),
        order=Order.from_text(asked["ordering"]) or Order(),
    )


class EventPage(serializers.Serializer[Any]):
    """A page of events."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = EventSerializer(many=True)
    archived = ArchivedSerializer(
        many=True,
        help_text="Months that the question reaches into and that are archived: their events are not in `results`.",
    )


class EventsView(Endpoint):
    """The access log."""

    queries = {"get": Paged}

    @extend_schema(operation_id="audit_events_list", responses=EventPage)
    def get(self, request: Request) -> Response:
        """Events that meet all conditions, newest first unless `ordering` says otherwise.

        The look is itself an event (`log.viewed`) with the ids of the patients it showed.
        """
        asked = dict(self.query)
        question = question_in(asked)
        answer = services.view_log(
            by=me(request),
            question=question,
            cursor=asked.get("cursor", ""),
            size=asked["page_size"],
            whole=True,
            with_explanations=asked["explain"],
        )
        context: dict[str, Any] = {"closed": answer.closed}
        if asked["explain"]:
            context["explained"] = answer.explained
        return Response(
            {
                "next": self._link(answer.page.next_cursor),
                "previous": self._link(answer.page.previous_cursor),
                "results": EventSerializer(answer.page.rows, many=True, context=context).data,
                "archived": ArchivedSerializer(
                    ledger.between(question.since, question.until), many=True
                ).data,
            }
        )

    def _link(self, cursor: str) -> str | None:
        if not cursor:
            return None
        query = self.request.query_params.copy()
        query["cursor"] = cursor
        return self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")


class EventView(Endpoint):
    """One event of the access log."""

    @extend_schema(
        operation_id="audit_events_retrieve",
        parameters=[OpenApiParameter("event_id", str, OpenApiParameter.PATH)],
        responses=EventSerializer,
    )
    def get(self, request: Request, event_id: str) -> Response:
        """One event whole; the look is an event (`log.event_viewed`)."""
        if not (event_id.isascii() and event_id.isdigit() and len(event_id) <= 18):
            raise NotFound
        event, patients, whole = services.view_event(by=me(request), event_id=int(event_id))
        closed = services.patients_of(event) - set(patients)
        explained = {event.pk: whole} if whole else {}
        return Response(EventSerializer(event, context={"closed": closed, "explained": explained}).data)
