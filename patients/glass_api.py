"""The glass for other programs: a person's own program breaks, sees and ends her glass (API.md)."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.services import recently_confirmed
from accounts.views import me
from common.api import Endpoint, valid
from common.errors import Denied
from patients import services
from patients.glass import FRESH_SECONDS
from patients.models import GlassReason


class BreakGlassIn(serializers.Serializer[Any]):
    """Why the chart is needed."""

    reason_code = serializers.ChoiceField(choices=GlassReason.choices, help_text="The kind of reason.")
    reason = serializers.CharField(
        max_length=400,
        required=False,
        allow_blank=True,
        default="",
        help_text="A few words for whoever reviews it. Without them: 403 `reason_required`.",
    )
    drill = serializers.BooleanField(
        source="is_drill", required=False, default=False, help_text="Walk the way and open nothing."
    )


class GlassOut(serializers.Serializer[Any]):
    """A glass and when it runs out."""

    id = serializers.CharField(help_text="The glass.")
    patient = serializers.CharField(
        source="patient_id", help_text="Whose chart; of a merged id, the survivor's."
    )
    reason_code = serializers.ChoiceField(choices=GlassReason.choices, help_text="The kind of reason.")
    reason = serializers.CharField(help_text="The reason in words.")
    opened_at = serializers.DateTimeField(help_text="Since when it is broken.")
    expires_at = serializers.DateTimeField(help_text="From this instant on the chart is closed again.")
    drill = serializers.BooleanField(source="is_drill", help_text="Whether it opens nothing.")


def _check_it_is_still_her(request: Request) -> None:
    """A token is a sign-in of its own; a page's session has to be confirmed first. Raises Denied."""
    if request.auth is None and not recently_confirmed(request._request, within_seconds=FRESH_SECONDS):
        raise Denied("Sign in again first, then break the glass.", code="confirm", rule="not confirmed")


class BreakGlassView(Endpoint):
    """One's own glass on one chart."""

    serializer_class = GlassOut
    shows_chart = False  # when it ran out, of a glass that has run out

    @extend_schema(operation_id="glass_read", responses=GlassOut)
    def get(self, request: Request, patient_id: str) -> Response:
        """The glass that is open now; 404 when none is."""
        glass = services.see_glass(by=me(request), patient_id=patient_id)
        return Response(GlassOut(glass).data)

    @extend_schema(operation_id="glass_break", request=BreakGlassIn, responses={201: GlassOut})
    def post(self, request: Request, patient_id: str) -> Response:
        """Break it. While one is open, the answer is that one: nothing is extended."""
        values = valid(BreakGlassIn, request.data)
        _check_it_is_still_her(request)
        glass = services.break_glass(by=me(request), patient_id=patient_id, **values)
        return Response(GlassOut(glass).data, status=201)

    @extend_schema(operation_id="glass_end", responses={204: None})
    def delete(self, request: Request, patient_id: str) -> Response:
        """End it now; 404 when none is open."""
        glass = services.see_glass(by=me(request), patient_id=patient_id)
        services.end_glass(by=me(request), glass_id=glass.pk)
        return Response(status=204)
