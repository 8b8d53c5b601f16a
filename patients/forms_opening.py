"""Shapes of what decides who may open a chart. Rules are the services'."""

from datetime import datetime, time
from typing import Any, cast

from django import forms
from django.utils import timezone

from accounts.models import User
from common.fields import day_field
from patients import queries
from patients.forms import OFF
from patients.models import Facility, Location, Restriction
from patients.services.opening import LONGEST_GRANT


def _user_field(help_text: str = "", *, required: bool = True, label: str = "User name") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=60,
        required=required,
        help_text=help_text,
        widget=forms.TextInput(attrs=OFF),
    )


def _end_of(day: object) -> datetime | None:
    """The last instant of a day that was typed."""
    return timezone.make_aware(datetime.combine(day, time(23, 59, 59))) if day else None  # type: ignore[arg-type]


class RestrictForm(forms.Form):
    """A restriction of a chart."""

    kind = forms.ChoiceField(label="Why it is restricted", choices=Restriction.choices)
    user = _user_field("Only for a family member, or when it is closed to one person.", required=False)
    why = forms.CharField(
        label="What is behind it", max_length=300, widget=forms.TextInput(attrs=OFF),
        help_text="For instance the number and day of the order.",
    )  # fmt: skip
    until = day_field(label="Until", required=False, help_text="Empty: until somebody lifts it.")

    def clean_until(self) -> datetime | None:
        """The end of that day."""
        return _end_of(self.cleaned_data["until"])


class GrantForm(forms.Form):
    """One colleague may open the chart until a day."""

    user = _user_field()
    reason = forms.CharField(label="Why", max_length=300, widget=forms.TextInput(attrs=OFF))
    expires_at = day_field(label="Until", help_text=f"At most {LONGEST_GRANT.days} days from now.")

    def clean_expires_at(self) -> datetime | None:
        """The end of that day."""
        return _end_of(self.cleaned_data["expires_at"])


class OwnEntryForm(forms.Form):
    """The patient is a colleague."""

    user = _user_field("Nobody opens her own chart from the inside.", label="User name of the colleague")


class TeamForm(forms.Form):
    """Somebody for a care team."""

    user = _user_field()
    function = forms.CharField(
        label="Function",
        max_length=60,
        help_text="Nurse, resident, therapist.",
        widget=forms.TextInput(attrs=OFF),
    )


class ConsultForm(forms.Form):
    """A question to a colleague."""

    user = _user_field()
    question = forms.CharField(label="Question", max_length=200, widget=forms.TextInput(attrs=OFF))


class WorkplacesForm(forms.Form):
    """Where a colleague works: units, whole houses, or nothing for all of it."""

    units = forms.ModelMultipleChoiceField(
        Location.objects.none(),
        label="Units",
        required=False,
        help_text="Clinicians open the charts of patients who lie here.",
        widget=forms.CheckboxSelectMultiple,
    )
    facilities = forms.ModelMultipleChoiceField(
        Facility.objects.none(),
        label="Whole houses",
        required=False,
        help_text="Records staff open the charts of patients who have been here. A unit counts as its house too.",
        widget=forms.CheckboxSelectMultiple,
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, person: User) -> None:
        now = [] if data is not None else list(queries.workplaces_of(person))
        start = {
            "units": [row.location_id for row in now if row.location_id],
            "facilities": [row.facility_id for row in now if not row.location_id],
            "version": person.version,
        }
        super().__init__(data, initial=start)
        units = cast(forms.ModelMultipleChoiceField, self.fields["units"])
        units.queryset = queries.units_to_work_at(person)
        houses = cast(forms.ModelMultipleChoiceField, self.fields["facilities"])
        houses.queryset = queries.facilities()
        is_one_house = len(houses.queryset[:2]) < 2
        units.label_from_instance = lambda unit: (  # type: ignore[assignment]
            unit.name if is_one_house else f"{unit.name}, {unit.facility.name}"
        )
