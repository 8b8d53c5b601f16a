"""Form fields that every room needs."""

from django import forms


class DayInput(forms.DateInput):
    """A day, picked or typed; the browser shows it the reader's way and sends it as 2026-01-31."""

    def __init__(self) -> None:
        super().__init__(attrs={"type": "date"}, format="%Y-%m-%d")


def day_field(label: str, *, required: bool = True, help_text: str = "") -> forms.DateField:
    """A field for a day."""
    return forms.DateField(label=label, required=required, help_text=help_text, widget=DayInput())
