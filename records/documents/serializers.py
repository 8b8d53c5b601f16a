"""Documents as API.md shows them."""

from typing import Any

from rest_framework import serializers

from records.documents.models import Document, DocumentType, DocumentVersion, Label
from records.documents.queries import MAX_QUESTION, Filters, Hit


class TypeSerializer(serializers.ModelSerializer[DocumentType]):
    """A document type: LOINC code and name."""

    class Meta:
        model = DocumentType
        fields = ["code", "name"]
        read_only_fields = fields


class VersionSerializer(serializers.ModelSerializer[DocumentVersion]):
    """One version of a document's contents."""

    version = serializers.IntegerField(source="number", read_only=True)
    pages = serializers.IntegerField(source="page_count", read_only=True, allow_null=True)
    sha256 = serializers.CharField(source="blob_id", read_only=True)
    size_bytes = serializers.IntegerField(source="blob.size_bytes", read_only=True)
    media_type = serializers.CharField(source="blob.media_type", read_only=True)
    filed_by = serializers.CharField(source="filed_by.username", read_only=True)

    class Meta:
        model = DocumentVersion
        fields = [
            "version", "filed_at", "filed_by", "filename", "media_type", "size_bytes", "sha256", "pages",
            "processing", "error", "flags",
        ]  # fmt: skip
        read_only_fields = fields


class DocumentSerializer(serializers.ModelSerializer[Document]):
    """A document in a list."""

    patient = serializers.UUIDField(source="patient_id", read_only=True)
    type = TypeSerializer(read_only=True)
    pages = serializers.IntegerField(source="current.page_count", read_only=True, allow_null=True)
    version = serializers.IntegerField(source="current.number", read_only=True)
    processing = serializers.CharField(source="current.processing", read_only=True)

    class Meta:
        model = Document
        fields = [
            "id", "patient", "type", "title", "service_date", "author", "status", "labels", "pages", "version",
            "processing",
        ]  # fmt: skip
        read_only_fields = fields


class DocumentDetailSerializer(DocumentSerializer):
    """A document whole, with its versions."""

    error = serializers.CharField(source="current.error", read_only=True)
    versions = serializers.SerializerMethodField()
    encounter = serializers.UUIDField(source="encounter_id", read_only=True, allow_null=True)
    sha256 = serializers.CharField(source="current.blob_id", read_only=True)
    text_confidence = serializers.FloatField(
        source="current.text_confidence", read_only=True, allow_null=True
    )
    flags = serializers.ListField(source="current.flags", child=serializers.CharField(), read_only=True)

    class Meta(DocumentSerializer.Meta):
        fields = [
            *DocumentSerializer.Meta.fields, "error", "versions", "encounter", "source", "sha256",
            "text_confidence", "flags", "filed_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_versions(self, document: Document) -> list[dict[str, Any]]:
        """Every version, oldest first."""
        rows = document.versions.select_related("blob", "filed_by").order_by("number")
        return [dict(VersionSerializer(row).data) for row in rows]


class FiledSerializer(serializers.ModelSerializer[Document]):
    """The answer to filing."""

    version = serializers.IntegerField(source="current.number", read_only=True)
    processing = serializers.CharField(source="current.processing", read_only=True)

    class Meta:
        model = Document
        fields = ["id", "version", "processing"]
        read_only_fields = fields


class FileSerializer(serializers.Serializer[Document]):
    """What it takes to file a document (multipart/form-data)."""

    file = serializers.FileField(allow_empty_file=True, max_length=2000)
    patient = serializers.CharField(max_length=64)
    type = serializers.CharField(max_length=20)
    service_date = serializers.DateField()
    encounter = serializers.UUIDField(required=False, allow_null=True)
    title = serializers.CharField(required=False, allow_blank=True, max_length=200)
    author = serializers.CharField(required=False, allow_blank=True, max_length=120)
    labels = serializers.ListField(child=serializers.CharField(max_length=20), required=False)
    allow_duplicate = serializers.BooleanField(required=False, default=False)


class RetractSerializer(serializers.Serializer[Any]):
    """Why a document is taken out of the chart."""

    reason = serializers.CharField(max_length=400, help_text="It is kept with the document for ever.")


class ListQuery(serializers.Serializer[Any]):
    """What narrows the list of documents."""

    patient = serializers.CharField(required=False, max_length=64)
    q = serializers.CharField(required=False, max_length=MAX_QUESTION)
    type = serializers.CharField(required=False, max_length=20)
    author = serializers.CharField(required=False, max_length=120)
    encounter = serializers.UUIDField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Fields whose names mean something else in Python or in the framework are added by name."""
        fields = super().get_fields()
        fields["label"] = serializers.ChoiceField(required=False, choices=Label.choices)
        fields["from"] = serializers.DateField(required=False)
        fields["to"] = serializers.DateField(required=False)
        return fields


class SearchQuerySerializer(ListQuery):
    """What to look for in the text, and where."""

    q = serializers.CharField(max_length=MAX_QUESTION)


class VersionQuery(serializers.Serializer[Any]):
    """Which version; the current one when left out."""

    version = serializers.IntegerField(required=False, min_value=1, max_value=100_000)


class ImageQuery(VersionQuery):
    """How wide the caller wants the picture; the nearest size that is stored answers."""

    width = serializers.IntegerField(required=False, min_value=1, max_value=20_000)


class HitSerializer(serializers.Serializer[Hit]):
    """One page on which the words were found."""

    document = serializers.UUIDField(source="document.pk", read_only=True)
    patient = serializers.UUIDField(source="document.patient_id", read_only=True)
    page = serializers.IntegerField(read_only=True)
    snippet = serializers.CharField(read_only=True)
    service_date = serializers.DateField(source="document.service_date", read_only=True)


def filters_of(query: dict[str, Any], *, with_text: bool) -> Filters:
    """The checked query as filters."""
    return Filters(
        type=query.get("type", ""),
        since=query.get("from"),
        until=query.get("to"),
        author=query.get("author", ""),
        label=query.get("label", ""),
        encounter=query.get("encounter"),
        text=query.get("q", "") if with_text else "",
    )
