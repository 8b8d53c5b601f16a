"""Patients and encounters for other programs (API.md)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import me
from common.api import Endpoint, listed, problem_body, valid
from common.errors import RuleBroken
from common.paging import Paging
from patients import serializers as shapes
from patients import services
from patients.history import changes_of
from patients.typed import LIMIT


@contextmanager
def _fields_as_sent() -> Iterator[None]:
    """A rule that names a column of ours names the field of the API instead."""
    try:
        yield
    except RuleBroken as refused:
        refused.field = {"started_at": "start", "ended_at": "end"}.get(refused.field or "", refused.field)
        raise


def _identity(request: Request, patient_id: str) -> dict[str, Any]:
    patient, merged = services.open_identity(by=me(request), patient_id=patient_id)
    shown = shapes.identity_out(patient, [row.pk for row in merged])
    return dict(shapes.IdentityOut(shown).data)


class NewestFirst(Paging):
    """Lists by time."""

    ordering = ("-at", "-id")


class ByStart(Paging):
    """Encounters by their start."""

    ordering = ("-started_at", "-id")


class PatientsView(Endpoint):
    """Find people, and register them."""

    queries = {"get": shapes.SearchQuery}

    @extend_schema(operation_id="patients_search", responses=shapes.PatientHits)
    def get(self, request: Request) -> Response:
        """Search: best first, at most 50."""
        limit = min(int(self.query.get("page_size", LIMIT)), LIMIT)
        found = services.search_patients(
            by=me(request),
            text=self.query.get("q", ""),
            birth_date=self.query.get("birth_date"),
            identifier=self.query.get("identifier", ""),
            limit=limit,
        )
        rows = [shapes.hit_out(hit.patient, hit.score, hit.matched_on) for hit in found]
        shown = shapes.PatientHits({"next": None, "previous": None, "results": rows})
        return Response(shown.data)

    @extend_schema(
        operation_id="patients_register",
        request=shapes.RegisterIn,
        responses={201: shapes.IdentityOut, (409, "application/problem+json"): shapes.DuplicatesProblem},
    )
    def post(self, request: Request) -> Response:
        """Register. 409 with `possible_duplicates` unless `override_duplicates` says why this is another one."""
        values = valid(shapes.RegisterIn, request.data)
        try:
            patient = services.register_patient(by=me(request), **values)
        except services.PossibleDuplicates as refused:
            shown = services.show_duplicates(by=me(request), twins=refused.twins)
            body = problem_body(refused.status, refused.code, refused.message)
            return Response(
                {**body, "possible_duplicates": shown},
                status=refused.status,
                content_type="application/problem+json",
            )
        address = request.build_absolute_uri(reverse("api-patient", args=[patient.pk]))
        shown_patient = shapes.IdentityOut(shapes.identity_out(patient, [])).data
        return Response(shown_patient, status=201, headers={"Location": address})


class PatientView(Endpoint):
    """One identity."""

    @extend_schema(operation_id="patients_read", responses=shapes.IdentityOut)
    def get(self, request: Request, patient_id: str) -> Response:
        """The whole identity; a merged id answers with the survivor."""
        return Response(_identity(request, patient_id))

    @extend_schema(operation_id="patients_change", request=shapes.ChangeIn, responses=shapes.IdentityOut)
    def patch(self, request: Request, patient_id: str) -> Response:
        """Correct it; `version` guards against overwriting what somebody else wrote."""
        values = valid(shapes.ChangeIn, request.data)
        seen = values.pop("version", None)
        services.update_patient(by=me(request), patient_id=patient_id, seen_version=seen, **values)
        return Response(_identity(request, patient_id))


class HistoryView(Endpoint):
    """How an identity came to be what it is."""

    is_list = True
    pagination_class = NewestFirst
    serializer_class = shapes.HistoryOut

    @extend_schema(operation_id="patients_history", responses=shapes.HistoryOut(many=True))
    def get(self, request: Request, patient_id: str) -> Response:
        """Every change, newest first, from the log."""
        _, events = services.view_history(by=me(request), patient_id=patient_id)
        paging = NewestFirst()
        rows = paging.paginate_queryset(events, request, view=self) or []
        lines = [
            {
                "id": event.pk,
                "at": event.at,
                "actor": event.actor,
                "event": event.event,
                "action": event.action,
                "changes": changes_of(event),
            }
            for event in rows
        ]
        return paging.get_paginated_response(shapes.HistoryOut(lines, many=True).data)


class EncountersView(Endpoint):
    """Visits and stays."""

    is_list = True
    queries = {"get": shapes.EncountersQuery}

    @extend_schema(operation_id="encounters_list", responses=listed(shapes.EncounterOut))
    def get(self, request: Request) -> Response:
        """Those of one patient, newest first."""
        _, rows = services.list_encounters(by=me(request), patient_id=self.query["patient"])
        paging = ByStart()
        page = paging.paginate_queryset(rows, request, view=self) or []
        return paging.get_paginated_response(shapes.EncounterOut(page, many=True).data)

    @extend_schema(
        operation_id="encounters_open",
        request=shapes.EncounterIn,
        responses={201: shapes.EncounterOut, 409: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request) -> Response:
        """Open one."""
        values = valid(shapes.EncounterIn, request.data)
        with _fields_as_sent():
            encounter = services.open_encounter(by=me(request), patient_id=values.pop("patient"), **values)
        return Response(shapes.EncounterOut(encounter).data, status=201)


class EncounterView(Endpoint):
    """One visit or stay."""

    @extend_schema(operation_id="encounters_read", responses=shapes.EncounterOut)
    def get(self, request: Request, encounter_id: str) -> Response:
        """One encounter."""
        encounter = services.view_encounter(by=me(request), encounter_id=encounter_id)
        return Response(shapes.EncounterOut(encounter).data)

    @extend_schema(
        operation_id="encounters_change", request=shapes.EncounterChange, responses=shapes.EncounterOut
    )
    def patch(self, request: Request, encounter_id: str) -> Response:
        """Correct or end it."""
        values = valid(shapes.EncounterChange, request.data)
        seen = values.pop("version", None)
        with _fields_as_sent():
            encounter = services.update_encounter(
                by=me(request), encounter_id=encounter_id, seen_version=seen, **values
            )
        return Response(shapes.EncounterOut(encounter).data)


class StateNeedView(Endpoint):
    """A restricted chart."""

    @extend_schema(operation_id="patients_state_need", request=shapes.NeedIn, responses={201: shapes.NeedOut})
    def post(self, request: Request, patient_id: str) -> Response:
        """Say why you need a restricted chart; it is open to you until `expires_at`."""
        reason = valid(shapes.NeedIn, request.data)["reason"]
        need = services.state_need(by=me(request), patient_id=patient_id, reason=reason)
        return Response(shapes.NeedOut({"expires_at": need.until}).data, status=201)
