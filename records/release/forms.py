"""The shape of what people fill in about requests. Rules are in the services."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import User
from common.fields import day_field
from records.documents.models import Document, DocumentType
from records.release.kinds import Kind
from records.release.models import Channel, DeliveryFormat, DeliveryMethod, RecordRequest
from records.release.rules.identity import METHODS

NEWEST_FIRST = "newest"


class SeenForm(forms.Form):
    """A form about a row: `version` is the one that was on the screen."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def given(self) -> dict[str, Any]:
        """What was filled in, with the version under the name that verbs use."""
        facts = dict(self.cleaned_data)
        facts["seen_version"] = facts.pop("version")
        return facts


class RequestForm(SeenForm):
    """A request as it came in."""

    kind = forms.ChoiceField(
        label="On what ground",
        choices=Kind.choices,
        initial=Kind.PATIENT,
        widget=forms.Select(attrs={"autofocus": True}),
    )
    requester_name = forms.CharField(label="Name", max_length=120, required=False)
    requester_organization = forms.CharField(label="Organization", max_length=120, required=False)
    requester_address = forms.CharField(
        label="Address", max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    requester_phone = forms.CharField(label="Telephone", max_length=40, required=False)
    requester_email = forms.EmailField(label="E-mail", required=False)
    requester_fax = forms.CharField(label="Fax", max_length=40, required=False)
    purpose = forms.CharField(label="What for", max_length=300)
    received_on = day_field(
        "Received on", help_text="The day it reached the hospital: the due date is counted from it."
    )
    channel = forms.ChoiceField(label="Came by", choices=Channel.choices)
    everything = forms.BooleanField(label="The whole record", required=False)
    from_on = day_field("From", required=False)
    to_on = day_field("To", required=False)
    types = forms.MultipleChoiceField(
        label="Only these types", required=False, widget=forms.SelectMultiple(attrs={"size": 6})
    )
    delivery_method = forms.ChoiceField(label="Deliver by", choices=DeliveryMethod.choices)
    delivery_format = forms.ChoiceField(label="As", choices=DeliveryFormat.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = DocumentType.objects.filter(is_active=True).order_by("name")
        types = self.fields["types"]
        assert isinstance(types, forms.MultipleChoiceField)  # noqa: S101  (declared so above)
        types.choices = [(row.code, row.name) for row in rows]
        self.fields["received_on"].widget.attrs["max"] = timezone.localdate().isoformat()

    def given(self) -> dict[str, Any]:
        """As the verbs take it: requester and scope as wholes."""
        facts = super().given()
        requester = ("name", "organization", "address", "phone", "email", "fax")
        facts["requester"] = {name: facts.pop(f"requester_{name}") for name in requester}
        facts["scope"] = {
            "from": facts.pop("from_on"),
            "to": facts.pop("to_on"),
            "types": facts.pop("types"),
            "everything": facts.pop("everything"),
        }
        return facts

    @classmethod
    def initial_of(cls, row: RecordRequest) -> dict[str, Any]:
        """The form filled with a row."""
        same = [name for name in cls.base_fields if hasattr(row, name)]
        scope = row.scope
        return {name: getattr(row, name) for name in same} | {
            "from_on": scope.get("from"),
            "to_on": scope.get("to"),
            "types": scope.get("types", []),
            "everything": scope.get("everything", False),
        }


class IdentityForm(SeenForm):
    """How it was checked who asks."""

    method = forms.ChoiceField(label="How", choices=METHODS.items())
    seen_on = day_field("On")


class AuthorizationForm(SeenForm):
    """What the signed form says. Nothing is required here: the rules name whatever is missing."""

    description = forms.CharField(label="What may be released", max_length=1000, required=False)
    discloser = forms.CharField(label="Who may release it", max_length=250, required=False)
    recipient = forms.CharField(label="To whom", max_length=250, required=False)
    purpose = forms.CharField(label="Purpose", max_length=300, required=False)
    expires_on = day_field("Ends on", required=False)
    expires_event = forms.CharField(label="or with the event", max_length=250, required=False)
    signed_on = day_field("Signed on", required=False)
    signed_by = forms.ChoiceField(
        label="Signed by",
        required=False,
        choices=[("", "Nobody"), ("patient", "The patient"), ("representative", "A representative")],
    )
    authority = forms.CharField(label="Authority of the representative", max_length=250, required=False)
    right_to_revoke = forms.BooleanField(label="It says that it may be revoked in writing", required=False)
    no_conditioning = forms.BooleanField(label="It says that treatment does not depend on it", required=False)
    redisclosure = forms.BooleanField(label="It says that the recipient may pass it on", required=False)
    file = forms.FileField(label="Scan of the form", required=False, allow_empty_file=True)


class SelectForm(SeenForm):
    """Which documents go, and in which order."""

    documents = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    order = forms.ChoiceField(
        label="Order", choices=[("oldest", "Oldest first"), (NEWEST_FIRST, "Newest first")], required=False
    )

    def __init__(self, *args: Any, documents: Sequence[Document], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["documents"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  (declared so above)
        field.choices = [(str(row.pk), row.title) for row in documents]
        self._oldest_first = [str(row.pk) for row in documents]

    def not_offered(self) -> list[str]:
        """The ids that were sent and stand on no line of the form, at most a hundred."""
        sent = self["documents"].value() or []
        return [key for key in sent if key not in self._oldest_first][:100]

    def chosen(self) -> list[str]:
        """The ids in the order in which they go."""
        chosen = set(self.cleaned_data["documents"])
        ids = [key for key in self._oldest_first if key in chosen]
        return ids[::-1] if self.cleaned_data.get("order") == NEWEST_FIRST else ids


class CancelForm(SeenForm):
    """Why a request is closed without an answer."""

    reason = forms.CharField(label="Why", max_length=300)


class AssignForm(SeenForm):
    """Who works on it."""

    assigned_to = forms.ModelChoiceField(
        User.objects.none(), label="With", required=False, empty_label="Nobody"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.holding("release.edit_request")
        field = self.fields["assigned_to"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  (declared so above)
        field.queryset = people.order_by("name")
        field.label_from_instance = _shown  # type: ignore[assignment]


def _shown(user: User) -> str:
    return user.display_name


class MailedForm(forms.Form):
    """On which day and how a package went out."""

    how = forms.ChoiceField(
        label="How", choices=[choice for choice in DeliveryMethod.choices if choice[0] != "download"]
    )
    sent_on = day_field("On")
    tracking = forms.CharField(label="Tracking number", max_length=80, required=False)


class ListForm(forms.Form):
    """What narrows the list; nonsense narrows nothing."""

    status = forms.CharField(required=False, max_length=12)
    assigned_to = forms.CharField(required=False, max_length=60)
    due_before = forms.DateField(required=False)

    def filters(self) -> dict[str, Any]:
        self.is_valid()
        known = {"open", "overdue", "received", "building", "ready", "delivered", "canceled", "all"}
        found = {name: value for name, value in self.cleaned_data.items() if value}
        if found.get("status") not in known:
            found["status"] = "open"
        if found["status"] == "all":
            del found["status"]
        return found
