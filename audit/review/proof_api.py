"""GET /audit/verify/ and /audit/checkpoints/: the proof of the log for programs. Compliance officers only."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import me
from audit.proof.eras import LARGEST_ID
from audit.review import proof
from common.api import Endpoint, listed

Body = serializers.Serializer[Any]


class VerifyQuery(Body):
    """Which part of the chain."""

    from_epoch = serializers.IntegerField(
        min_value=1, max_value=LARGEST_ID, required=False, help_text="Check from this epoch on."
    )
    to_epoch = serializers.IntegerField(
        min_value=1,
        required=False,
        help_text="Check up to this epoch; without it to the end, and what is not sealed.",
    )


class BadSerializer(Body):
    """The first thing that is not as it was sealed."""

    kind = serializers.CharField()
    text = serializers.CharField()
    epoch = serializers.IntegerField(allow_null=True)
    event = serializers.IntegerField(allow_null=True)


class VerifySerializer(Body):
    """What a check of the log found."""

    ok = serializers.BooleanField()
    checked = serializers.IntegerField(help_text="Events compared with what was sealed.")
    epochs = serializers.IntegerField()
    unsealed = serializers.IntegerField(help_text="Events not sealed yet.")
    sealed_through = serializers.DateTimeField(allow_null=True)
    archived = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Events that lie in the archive, by file: not in the table, not missed.",
    )
    stamps = serializers.IntegerField(help_text="Time-stamps of an outside authority (RFC 3161) that hold.")
    stamps_unchecked = serializers.IntegerField(
        help_text="Time-stamps that were not checked: nobody said whose certificates to trust."
    )
    first_bad = BadSerializer(allow_null=True)


class StampSerializer(Body):
    """What an outside authority answered about a seal (RFC 3161)."""

    authority = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True, help_text="The time it bears.")
    response = serializers.CharField(help_text="The TimeStampResp, base64 of DER: for `openssl ts -verify`.")
    holds = serializers.BooleanField(
        allow_null=True, help_text="What a check of it found just now; null when nobody said whom to trust."
    )
    problem = serializers.CharField(allow_blank=True, help_text="Why it does not hold, or was not checked.")


class CheckpointSerializer(Body):
    """A signed checkpoint, to be kept off this machine."""

    n = serializers.IntegerField()
    signature = serializers.CharField()
    root = serializers.CharField()  # type: ignore[assignment]  # the field, not the parent serializer
    total = serializers.IntegerField()
    sealed_at = serializers.DateTimeField()
    key_id = serializers.CharField()
    public_key = serializers.CharField()
    fingerprint = serializers.CharField(help_text="The signature in short, as it is printed.")
    stamp = StampSerializer(allow_null=True)


class VerifyView(Endpoint):
    """Is the log whole?"""

    queries = {"get": VerifyQuery}

    @extend_schema(responses=VerifySerializer)
    def get(self, request: Request) -> Response:
        """Check every event and every seal, and name the first bad one."""
        result = proof.verify_now(
            by=me(request), first=self.query.get("from_epoch", 1), last=self.query.get("to_epoch")
        )
        return Response(proof.as_detail(result))


class CheckpointsView(Endpoint):
    """The newest checkpoints."""

    @extend_schema(responses=listed(CheckpointSerializer))
    def get(self, request: Request) -> Response:
        """The last fifty checkpoints, newest first."""
        rows = proof.list_checkpoints(by=me(request))
        return Response({"next": None, "previous": None, "results": rows})
