"""What is typed about a case."""

import re
from typing import Any

from django import forms

from accounts.models import User
from audit.review import case_access
from audit.review.forms import find_patient
from audit.review.models import Case, Delay, Finding, Ground, NoteKind, Sanction, Source
from common.fields import day_field
from patients.models import Patient

MOST_PATIENTS = 50
PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}


def _words(
    label: str, *, rows: int = 4, limit: int = 4000, required: bool = True, help_text: str = ""
) -> Any:
    return forms.CharField(
        label=label,
        required=required,
        max_length=limit,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": rows, "autocomplete": "off"}),
    )


class AboutForm(forms.Form):
    """Whom a case is about, and whose charts: shared by opening and changing one."""

    subject = forms.CharField(
        label="About whom",
        required=False,
        max_length=60,
        help_text="The colleague's user name. Leave it empty while nobody knows.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    patients = forms.CharField(
        label="Whose chart",
        required=False,
        max_length=1000,
        help_text="MRNs, parted by commas. Leave it empty while nobody knows.",
        widget=forms.TextInput(attrs=PLAIN),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_subject(self) -> User | None:
        """The colleague of that user name."""
        typed = str(self.cleaned_data["subject"]).strip()
        if not typed:
            return None
        found = User.objects.filter(username__iexact=typed).first()
        if found is None:
            raise forms.ValidationError("Nobody has this user name.")
        return found

    def clean_patients(self) -> list[Patient]:
        """The patients of these MRNs, among the charts that the officer may open."""
        typed = [text for text in re.split(r"[,;\s]+", str(self.cleaned_data["patients"])) if text]
        if len(typed) > MOST_PATIENTS:
            raise forms.ValidationError(f"At most {MOST_PATIENTS} at once.")
        found = []
        for text in typed:
            patient = find_patient(self.user, text)
            if patient is None:
                raise forms.ValidationError(
                    "No chart that you may open has the number %(typed)s.", params={"typed": text}
                )
            found.append(patient)
        return found


class OpenForm(AboutForm):
    """A complaint."""

    source = forms.ChoiceField(
        label="Who says so", choices=Source.choices, widget=forms.Select(attrs={"autofocus": True})
    )
    summary = _words(
        "What is supposed to have happened",
        rows=6,
        help_text="In their words where you can: what, when, how they know.",
    )
    discovered_on = day_field(
        "Discovered on",
        help_text="The first day anybody here but the offender knew, or could have known. The breach clock starts.",
    )

    field_order = ["source", "summary", "subject", "patients", "discovered_on"]


class ChangeForm(AboutForm):
    """What of a case changes."""

    discovered_on = day_field("Discovered on", help_text="The breach clock starts on this day.")
    why = _words("Why", rows=3, limit=2000, help_text="Kept in the case with what was before.")

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        start = {
            "subject": case.subject.username if case.subject else "",
            "discovered_on": case.discovered_on,
        }
        super().__init__(*args, initial=start, **kwargs)
        self.fields["patients"].label = "More patients"
        self.fields["patients"].help_text = "MRNs to add, parted by commas."


class AssignForm(forms.Form):
    """Who has the case."""

    to = forms.ModelChoiceField(label="Who works on it", queryset=User.objects.none(), empty_label=None)

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["to"]
        field.queryset = case_access.others_than([case.subject]).order_by("name")
        field.label_from_instance = lambda user: user.display_name
        field.initial = case.assigned_to_id


class NoteForm(forms.Form):
    """An interview, or another note."""

    kind = forms.ChoiceField(
        label="What it is",
        choices=[(kind.value, kind.label) for kind in (NoteKind.INTERVIEW, NoteKind.NOTE)],
    )
    with_whom = forms.CharField(
        label="With whom",
        required=False,
        max_length=200,
        help_text="Of an interview.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    text = _words(
        "What was said or found",
        limit=8000,
        help_text="It stays as you write it. What was wrong is said in another note.",
    )


class DecideForm(forms.Form):
    """The outcome, and why it is a breach or none."""

    outcome = forms.ChoiceField(
        label="What it came to",
        choices=Finding.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what the case came to."},
    )
    conclusion = _words("Found, and why you decide so", rows=5)
    ground = forms.ChoiceField(
        label="Why it is no breach",
        required=False,
        choices=[("", "—"), *((one.value, one.label) for one in Ground if one != Ground.PRESUMED)],
        help_text="Of a policy violation: a breach is presumed until one of these is shown (45 CFR 164.402).",
    )
    ground_why = _words(
        "In words", rows=3, limit=2000, required=False, help_text="Of every ground but the four factors."
    )
    factor_information = _words(
        "1. The information", rows=2, limit=2000, required=False,
        help_text="What kind it was, which identifiers, how easily it could be tied to somebody.",
    )  # fmt: skip
    factor_person = _words(
        "2. The person", rows=2, limit=2000, required=False, help_text="Who used it, or to whom it went."
    )
    factor_viewed = _words(
        "3. Acquired or viewed",
        rows=2,
        limit=2000,
        required=False,
        help_text="Whether it really was; the evidence shows it.",
    )
    factor_mitigated = _words(
        "4. Mitigation",
        rows=2,
        limit=2000,
        required=False,
        help_text="How far the risk was lessened, and how you know.",
    )


class SanctionForm(forms.Form):
    """What followed for the person."""

    sanction = forms.ChoiceField(label="What followed", choices=Sanction.choices)
    on = day_field("On")
    note = _words("By whom, by which rule", rows=3, limit=2000, help_text="If nothing followed: why.")


class NoticesForm(forms.Form):
    """How many a breach concerns, whether it may wait, and who was told."""

    affected = forms.IntegerField(label="People concerned", min_value=1, max_value=2_000_000_000)
    in_one_state = forms.IntegerField(
        label="Most of them in one state",
        min_value=0,
        max_value=2_000_000_000,
        help_text="More than 500: the media too.",
    )
    delay = forms.ChoiceField(
        label="Law enforcement asked to wait", required=False, choices=[("", "No"), *Delay.choices]
    )
    delay_asked_on = day_field("Asked on", required=False)
    delay_until = day_field("Until", required=False)
    delay_asked_by = forms.CharField(
        label="Asked by",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    individuals_told_on = day_field("People concerned told on", required=False)
    media_told_on = day_field("Media told on", required=False)
    hhs_told_on = day_field("HHS told on", required=False)
    how_told = _words("How, and where the proof is", rows=3, limit=2000, required=False)

    def clean_how_told(self) -> str:
        """Empty rather than None."""
        return str(self.cleaned_data.get("how_told") or "")
