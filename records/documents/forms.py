"""The shape of what people fill in about documents. Rules are in the services."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from common.fields import day_field
from patients.models import Patient
from records.documents.models import DocumentType, Label, LabelVerdict
from records.documents.queries import MAX_QUESTION, Filters, LabelTable
from records.documents.uploads import VaultUpload


class ManyFiles(forms.FileInput):
    """A file input that takes several at once."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of uploaded files; what is in them is judged by the verb, by content."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=ManyFiles, allow_empty_file=True, **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[VaultUpload]:
        """The files as a list, possibly empty."""
        return [each for each in (data if isinstance(data, list) else [data]) if each]


class UploadForm(forms.Form):
    """What a clerk says of the files she files: whose chart is already chosen."""

    file = FilesField(
        label="Files",
        required=False,
        help_text="PDF, TIFF, JPEG or PNG. Several files become several documents.",
    )
    type = forms.ChoiceField(label="Type")
    service_date = day_field("Service date", help_text="The day of the care it reports, not of filing.")
    encounter = forms.ChoiceField(label="Encounter", required=False)
    title = forms.CharField(
        label="Title", required=False, max_length=200, help_text="Left empty, the type is the title."
    )
    author = forms.CharField(label="Author", required=False, max_length=120)
    labels = forms.MultipleChoiceField(
        label="Sensitivity", required=False, choices=Label.choices, widget=forms.CheckboxSelectMultiple
    )
    allow_duplicate = forms.BooleanField(
        label="File it although this chart already has this very file", required=False
    )

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = DocumentType.objects.filter(is_active=True).order_by("name")
        choices: dict[str, Any] = {"type": [("", "Choose a type")], "encounter": [("", "None")]}
        choices["type"] += [(row.code, str(row)) for row in types]
        encounters = patient.encounters.select_related("location").order_by("-started_at")[:200]
        choices["encounter"] += [(str(row.pk), row.title) for row in encounters]
        for name, listed in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = listed
        self.fields["service_date"].widget.attrs["max"] = timezone.localdate().isoformat()
        self.fields["file"].widget.attrs |= {"data-key": "f", "data-key-label": "Choose files"}


class FilterForm(forms.Form):
    """What narrows a list of documents; everything may be left out, nonsense narrows nothing."""

    q = forms.CharField(required=False, max_length=MAX_QUESTION, label="Words in the text")
    type = forms.CharField(required=False, max_length=20, label="Type")
    since = day_field("From", required=False)
    until = day_field("To", required=False)
    author = forms.CharField(required=False, max_length=120, label="Author")
    label = forms.ChoiceField(required=False, choices=[("", "Any"), *Label.choices], label="Sensitivity")

    @classmethod
    def given(cls, query: QueryDict) -> dict[str, str]:
        """The filters in an address, as they were typed."""
        return {key: str(value) for key, value in query.items() if key in cls.base_fields and value}

    def filters(self) -> Filters:
        """The fields that are in order, as filters."""
        self.is_valid()
        given = self.cleaned_data
        return Filters(
            type=given.get("type", ""),
            since=given.get("since"),
            until=given.get("until"),
            author=given.get("author", ""),
            label=given.get("label", ""),
            text=given.get("q", ""),
        )


ANSWERS = [
    ("", "No"),
    (LabelVerdict.ALLOWED, "Sees"),
    (LabelVerdict.REASON, "Says why"),
    (LabelVerdict.DENIED, "Never"),
]


class LabelRulesForm(forms.Form):
    """An answer for each label and role; only those that were changed are taken, so two people may edit at once."""

    def __init__(self, *args: Any, table: LabelTable, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places: dict[str, tuple[str, str]] = {}
        self._table = table
        for label, words, roles in table:
            for role, role_words, verdict in roles:
                name = f"{label}:{role}"
                self._places[name] = (label, role)
                self.fields[name] = forms.ChoiceField(
                    label=f"{words}, {role_words}",
                    required=False,
                    initial=verdict,
                    choices=ANSWERS,
                    show_hidden_initial=True,
                    widget=forms.Select(attrs={"aria-label": f"{words}, {role_words}"}),
                )

    @property
    def rows(self) -> list[tuple[str, list[tuple[str, forms.BoundField]]]]:
        """(label in words, [(role in words, field)]) for the page."""
        return [
            (words, [(role_words, self[f"{label}:{role}"]) for role, role_words, _ in roles])
            for label, words, roles in self._table
        ]

    def changes(self) -> dict[tuple[str, str], str]:
        """The answers that differ from what the page showed."""
        return {self._places[name]: self.cleaned_data[name] for name in self.changed_data}


class RetractForm(forms.Form):
    """Why a document is taken out of the chart."""

    reason = forms.CharField(
        label="Why",
        max_length=400,
        help_text="For instance: filed into the wrong chart, the name on page 1 is another.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
