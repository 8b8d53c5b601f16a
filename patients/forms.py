"""Shapes of what is typed about a person and her encounters. Rules are the services'."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from accounts.models import User
from common.errors import RuleBroken
from common.reasons import said
from common.templatetags.chartroom import day_text
from patients import dates, editing
from patients.models import (
    SSN,
    SYSTEM_LABELS,
    EncounterKind,
    GlassReason,
    Location,
    NameUse,
    PatientStatus,
    Sex,
    TelecomSystem,
)

SYSTEMS = {
    SSN: SYSTEM_LABELS[SSN],
    "us:medicare": "Medicare number",
    "us:medicaid": "Medicaid number",
    "us:drivers-license": "Driver's license",
    "passport": "Passport",
    "external": SYSTEM_LABELS["external"],
}
OFF = {"autocomplete": "off"}


class DayField(forms.CharField):
    """A day typed in one box: 02/29/1980, 1980-02-29 or 29 Feb 1980. Never guessed from a two-digit year."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={**OFF, "placeholder": "MM/DD/YYYY"}))
        super().__init__(max_length=20, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """A day as it cannot be misread: 29 Feb 1980."""
        if isinstance(value, str) and len(value) == 10 and value[4] == "-":
            found = dates.readings(value)
            return day_text(found[0]) if found else value
        return day_text(value) if isinstance(value, date) else value

    def clean(self, value: Any) -> Any:
        """The day, or None when empty is allowed."""
        text = super().clean(value)
        if not text:
            return None
        found = dates.readings(text) or dates.run_together(text)
        if not found:
            raise ValidationError("Type a date as 02/29/1980, 1980-02-29 or 29 Feb 1980.")
        if len(found) > 1:
            raise ValidationError("Type the year with four digits.")
        return found[0]


class IdentityForm(forms.Form):
    """Who the person is."""

    family = forms.CharField(
        label="Family name", max_length=80, widget=forms.TextInput(attrs={**OFF, "autofocus": True})
    )
    given = forms.CharField(label="Given name", max_length=80, widget=forms.TextInput(attrs=OFF))
    middle = forms.CharField(
        label="Middle name", max_length=80, required=False, widget=forms.TextInput(attrs=OFF)
    )
    suffix = forms.CharField(label="Suffix", max_length=20, required=False, widget=forms.TextInput(attrs=OFF))
    birth_date = DayField(label="Birth date")
    sex = forms.ChoiceField(label="Sex", choices=[("", "Choose"), *Sex.choices])


class RegisterForm(IdentityForm):
    """The same of somebody new."""

    override_duplicates = forms.CharField(
        label="Why is this another person?",
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs=OFF),
        help_text="For instance: twins, father and son. What you write stays in the log.",
    )


class EditForm(IdentityForm):
    """The same of somebody in the index, with what may have happened since."""

    deceased_on = DayField(label="Date of death", required=False)
    status = forms.ChoiceField(
        label="Status",
        choices=[(value, label) for value, label in PatientStatus.choices if value != PatientStatus.MERGED],
    )
    version = forms.IntegerField(widget=forms.HiddenInput)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, may_lack: tuple[str, ...] = (), **kwargs: Any) -> None:
        """`may_lack` names what an old entry never had and need not be made up now."""
        super().__init__(*args, **kwargs)
        for name in may_lack:
            self.fields[name].required = False


class OtherNameForm(forms.Form):
    """A name beside the official one."""

    use = forms.ChoiceField(
        label="Kind", choices=[choice for choice in NameUse.choices if choice[0] != NameUse.OFFICIAL]
    )
    family = forms.CharField(
        label="Family name", max_length=80, required=False, widget=forms.TextInput(attrs=OFF)
    )
    given = forms.CharField(
        label="Given name", max_length=80, required=False, widget=forms.TextInput(attrs=OFF)
    )
    middle = forms.CharField(max_length=80, required=False, widget=forms.HiddenInput)
    suffix = forms.CharField(max_length=20, required=False, widget=forms.HiddenInput)
    from_on = DayField(label="From", required=False)
    until_on = DayField(label="Until", required=False)
    says = ("family", "given")


class IdentifierForm(forms.Form):
    """A number from some authority."""

    system = forms.CharField(label="Kind of number", max_length=120, required=False, widget=forms.Select)
    value = forms.CharField(label="Number", max_length=60, required=False, widget=forms.TextInput(attrs=OFF))
    is_current = forms.BooleanField(label="Still valid", required=False, initial=True)
    says = ("value",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        present = self["system"].value() or ""
        choices = dict(SYSTEMS)
        if present:
            choices.setdefault(present, present)
        select = self.fields["system"].widget
        if isinstance(select, forms.Select):
            select.choices = list(choices.items())
        if self.initial.get("value"):
            self.fields["value"].widget.attrs["readonly"] = True


class TelecomForm(forms.Form):
    """A telephone number or e-mail address."""

    system = forms.ChoiceField(label="Kind", choices=TelecomSystem.choices)
    value = forms.CharField(
        label="Number or address", max_length=120, required=False, widget=forms.TextInput(attrs=OFF)
    )
    says = ("value",)


class AddressForm(forms.Form):
    """Where the person lives."""

    line = forms.CharField(label="Street", max_length=160, required=False, widget=forms.TextInput(attrs=OFF))
    city = forms.CharField(label="City", max_length=80, required=False, widget=forms.TextInput(attrs=OFF))
    state = forms.CharField(label="State", max_length=40, required=False, widget=forms.TextInput(attrs=OFF))
    postal_code = forms.CharField(
        label="ZIP code", max_length=20, required=False, widget=forms.TextInput(attrs=OFF)
    )
    country = forms.CharField(
        label="Country", max_length=60, required=False, widget=forms.TextInput(attrs=OFF)
    )
    says = ("line", "city", "state", "postal_code", "country")


ROW_FORMS: dict[str, Any] = {
    "names": OtherNameForm,
    "identifiers": IdentifierForm,
    "telecoms": TelecomForm,
    "addresses": AddressForm,
}
ROW_SETS = {
    name: forms.formset_factory(form, extra=1, max_num=40, absolute_max=60)
    for name, form in ROW_FORMS.items()
}


class Editor:
    """The identity form with its lists; one empty row at the end of each takes something further."""

    def __init__(self, form: IdentityForm, data: QueryDict | None, start: editing.State | None) -> None:
        self.form = form
        self.rows: dict[str, Any] = {}
        for name, made in ROW_SETS.items():
            initial = editing.as_items(start[name], editing.LISTS[name]) if start else None
            self.rows[name] = made(data, prefix=name, initial=initial)

    def __getattr__(self, name: str) -> Any:
        if name in ROW_SETS:
            return self.rows[name]
        raise AttributeError(name)

    def is_valid(self) -> bool:
        """Whether everything has the shape it must have; faults stand at their fields."""
        faulty = [name for name, rows in self.rows.items() if not rows.is_valid()]
        is_valid = self.form.is_valid()
        for name in faulty:
            self.form.add_error(None, f"{editing.LABELS[name]}: correct the row that is marked below.")
        return is_valid and not faulty

    def lists(self) -> dict[str, list[dict[str, Any]]]:
        """The rows that say something, as the verbs take them."""
        return {
            name: [
                {field: row.cleaned_data.get(field) for field in editing.LISTS[name]}
                for row in rows
                if any(row.cleaned_data.get(field) for field in ROW_FORMS[name].says)
            ]
            for name, rows in self.rows.items()
        }

    def state(self) -> editing.State:
        """What was typed, comparable with `editing.state_of`."""
        given = {field: self.form.cleaned_data.get(field) for field in editing.PARTICULARS}
        state = {
            field: value.isoformat() if isinstance(value, date) else (value or "")
            for field, value in given.items()
        }
        lists = {name: editing.as_rows(items, editing.LISTS[name]) for name, items in self.lists().items()}
        return {**state, **lists}


def register_editor(request: HttpRequest, start: dict[str, Any] | None = None) -> Editor:
    """For somebody new."""
    data = request.POST if request.method == "POST" else None
    return Editor(RegisterForm(data, initial=start), data, None)


def edit_editor(
    state: editing.State, version: int, *, data: QueryDict | None = None, seen: editing.State | None = None
) -> Editor:
    """For somebody in the index: `state` fills the form, `seen` (the same, unless told) is what it is based on."""
    base = seen or state
    start = {**{field: state[field] for field in editing.PARTICULARS}, "version": version}
    lacking = tuple(field for field in ("given", "birth_date") if not base[field])
    form = EditForm(data, initial={**start, "seen": editing.sealed(base)}, may_lack=lacking)
    return Editor(form, data, None if data is not None else state)


class LocalMomentField(forms.DateTimeField):
    """Day and time in the hospital's zone, in the browser's own control."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, **kwargs)


class _ClinicianField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.display_name} ({obj.username})"


class _LocationField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} · {obj.facility.name}"


class GlassForm(forms.Form):
    """Why the chart is needed; `reasons` are the kinds with which a glass would open it."""

    reason_code = forms.ChoiceField(
        label="Why do you need this chart?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose the kind of reason."},
    )
    reason = forms.CharField(
        label="In your own words",
        max_length=400,
        help_text="The privacy office reads it: “called to bed 12, chest pain”.",
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
        error_messages={"required": "Say in a few words why."},
    )

    def __init__(
        self, *args: Any, reasons: Iterable[GlassReason], is_drill: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        chooser = self.fields["reason_code"]
        assert isinstance(chooser, forms.ChoiceField)  # noqa: S101  (for the types)
        chooser.choices = [(kind.value, kind.label) for kind in (GlassReason if is_drill else reasons)]

    def clean_reason(self) -> str:
        """Junk comes back before anybody has to say who she is."""
        try:
            return said(self.cleaned_data["reason"])
        except RuleBroken as refused:
            raise forms.ValidationError(refused.message) from refused


class EncounterForm(forms.Form):
    """One visit or stay."""

    kind = forms.ChoiceField(label="Kind", choices=EncounterKind.choices)
    location = _LocationField(
        label="Location",
        queryset=Location.objects.none(),
        required=False,
        error_messages={"required": "Choose a location."},
    )
    new_location = forms.CharField(
        label="Or a new location",
        max_length=80,
        required=False,
        help_text="Only when it is not in the list: it is added for everybody.",
        widget=forms.TextInput(attrs=OFF),
    )
    attending = _ClinicianField(label="Attending", queryset=User.objects.none())
    started_at = LocalMomentField(label="Start")
    ended_at = LocalMomentField(label="End", required=False)
    number = forms.CharField(
        label="Number",
        max_length=30,
        required=False,
        help_text="Chartroom gives one when this is empty.",
        widget=forms.TextInput(attrs=OFF),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        is_new: bool,
        may_add_location: bool,
        attending: User | None = None,
        **kwargs: Any,
    ) -> None:
        """`attending` is whoever attends now, offered even when she has left."""
        super().__init__(*args, **kwargs)
        if not may_add_location:
            del self.fields["new_location"]
            self.fields["location"].help_text = "Not in the list? A supervisor adds wards and clinics."
            self.fields["location"].required = True
        clinicians = User.objects.holding("patients.attend_patients")
        if attending is not None:
            clinicians = clinicians | User.objects.filter(pk=attending.pk)
        places = Location.objects.filter(is_active=True).select_related("facility")
        for name, rows in (
            ("attending", clinicians.order_by("name")),
            ("location", places.order_by("facility__name", "name")),
        ):
            chooser = self.fields[name]
            if isinstance(chooser, forms.ModelChoiceField):
                chooser.queryset = rows
                chooser.empty_label = "Choose"
        if not is_new:
            del self.fields["number"]
        elif not self.is_bound:
            self.initial.setdefault("started_at", _now_to_the_minute())

    def clean(self) -> dict[str, Any]:
        """A location from the list or a new one."""
        values = super().clean() or {}
        if not values.get("location") and not values.get("new_location") and "location" not in self.errors:
            or_new = ", or name a new one" if "new_location" in self.fields else ""
            self.add_error("location", f"Choose a location{or_new}.")
        return values

    def changes(self) -> dict[str, Any]:
        """As the verbs take it."""
        values = {name: self.cleaned_data[name] for name in ("kind", "attending", "started_at", "ended_at")}
        added = self.cleaned_data.get("new_location")
        return {**values, "location": added or self.cleaned_data["location"], "new_location": bool(added)}


def _now_to_the_minute() -> datetime:
    return timezone.localtime().replace(second=0, microsecond=0)


class NeedForm(forms.Form):
    """Why somebody needs what is restricted."""

    reason = forms.CharField(
        label="Why do you need it?",
        max_length=300,
        widget=forms.Textarea(attrs={**OFF, "rows": 3}),
        help_text="What you are doing for this patient, in your own words.",
    )
