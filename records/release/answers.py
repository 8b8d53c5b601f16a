"""What the API answers about requests and releases, described for the OpenAPI document.

`records.release.shapes` makes these answers; a test compares the two field by field.
"""

from typing import Any

from rest_framework import serializers

from records.release.kinds import Kind
from records.release.models import Channel, EvidenceKind, ReleaseStatus, RequestStatus
from records.release.shapes import DeliverySerializer, RequesterSerializer, ScopeSerializer

Answer = serializers.Serializer[Any]
RELEASE_WORDS = [*ReleaseStatus.values, "building", "failed"]


class RuleOut(Answer):
    """A rule that still forbids the release, and what to do about it."""

    rule = serializers.CharField()
    text = serializers.CharField()


class EvidenceOut(Answer):
    """One piece of evidence on file."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(EvidenceKind.choices)
    fields = serializers.DictField()  # type: ignore[assignment]  # API.md's name, not the serializer's own
    file = serializers.CharField()
    added_by = serializers.CharField()
    added_at = serializers.DateTimeField()


class ChosenOut(Answer):
    """A document that shall go, in the version that was looked at."""

    document = serializers.CharField()
    version = serializers.CharField()
    title = serializers.CharField()


class StartedOut(Answer):
    """A release and where it stands."""

    id = serializers.CharField()
    status = serializers.ChoiceField(list(dict.fromkeys(RELEASE_WORDS)))


class RequestRowOut(Answer):
    """A request in a list."""

    id = serializers.CharField()
    number = serializers.CharField()
    patient = serializers.CharField()
    kind = serializers.ChoiceField(Kind.choices)
    requester = RequesterSerializer()
    purpose = serializers.CharField()
    received_on = serializers.DateField()
    channel = serializers.ChoiceField(Channel.choices)
    scope = ScopeSerializer()
    delivery = DeliverySerializer()
    status = serializers.ChoiceField(RequestStatus.choices)
    due_on = serializers.DateField()
    due_rule = serializers.CharField()
    is_overdue = serializers.BooleanField()
    assigned_to = serializers.CharField(allow_null=True)
    version = serializers.IntegerField()


class RequestListedOut(RequestRowOut):
    """The same with what it waits for."""

    waits_for = serializers.CharField()


class RequestOut(RequestRowOut):
    """A request whole."""

    basis = serializers.CharField()
    missing = RuleOut(many=True)
    evidence = EvidenceOut(many=True)
    selection = ChosenOut(many=True)
    release = StartedOut(allow_null=True)


class ExcludedOut(RuleOut):
    """A document that a rule keeps back."""

    document = serializers.CharField()


class SelectionOut(Answer):
    """What goes, and what does not."""

    documents = serializers.ListField(child=serializers.CharField())
    pages = serializers.IntegerField()
    excluded = ExcludedOut(many=True)


class PartOut(Answer):
    """One document of a package."""

    document = serializers.CharField()
    version = serializers.CharField()
    title = serializers.CharField(
        help_text="“Not open to you”, and nothing in the next four, where it is not."
    )
    type = serializers.CharField()
    service_date = serializers.DateField(allow_null=True)
    media_type = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the original that went into the package.")
    pages = serializers.ListField(
        child=serializers.IntegerField(), min_length=2, max_length=2, help_text="First and last, stamped."
    )


class ReleaseOut(StartedOut):
    """A release: its progress, and once built what is in it."""

    request = serializers.CharField()
    number = serializers.CharField()
    progress = serializers.FloatField(help_text="0 to 1")
    text = serializers.CharField()
    job = serializers.CharField(allow_null=True)
    pages = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField(help_text="Of the whole package; empty until it is built.")
    manifest = PartOut(many=True)
    error = serializers.CharField()
    built_at = serializers.DateTimeField(allow_null=True)
    needs_approval = serializers.BooleanField(
        help_text="Whether it is so large that a second person has to agree before it goes out."
    )
    approved_at = serializers.DateTimeField(allow_null=True)
    approved_by = serializers.CharField(allow_null=True, help_text="The second person's user name.")
    delivered_at = serializers.DateTimeField(allow_null=True)
    delivered_how = serializers.CharField()
