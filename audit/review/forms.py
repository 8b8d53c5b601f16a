"""The question bar of the access log, and what was typed there as a `Question`."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.utils import timezone

from accounts.models import User
from audit import catalogue
from audit.proof.eras import LARGEST_ID
from audit.review.keyset import SORTS, Order
from audit.review.models import Outcome
from audit.review.questions import Question
from audit.review.watch.registry import Setting
from common.fields import day_field
from common.ids import as_uuid
from patients import access as patient_access
from patients import mrn
from patients.models import Identifier, Patient

# "[anyone] [did this] to [any chart]"
ACTION_WORDS = {
    "view": "looked at anything",
    "search": "searched",
    "create": "added anything",
    "update": "changed anything",
    "retract": "retracted anything",
    "print": "printed",
    "copy": "copied or downloaded",
    "export": "took anything out",
    "disclose": "disclosed anything",
    "link": "linked anything",
    "merge": "merged",
    "unmerge": "undid a merge",
    "sign": "signed anything",
    "sign-in": "signed in",
    "sign-out": "signed out",
    "sign-in-failed": "failed to sign in",
    "break-glass": "broke the glass",
    "privilege-change": "changed a right",
    "config-change": "changed a setting",
    "verify": "verified the log",
    "review": "read the log",
}
PERIODS = {
    "day": ("the last 24 hours", timedelta(days=1)),
    "week": ("the last 7 days", timedelta(days=7)),
    "month": ("the last 30 days", timedelta(days=30)),
    "quarter": ("the last 90 days", timedelta(days=90)),
    "year": ("the last 12 months", timedelta(days=366)),
    "all": ("all time", None),
    "dates": ("the dates below", None),
}
EXPLAINED = [("", "explained or not"), ("unexplained", "only what nothing explains")]
OUTCOMES = [("", "any outcome"), ("success", "done"), ("denied", "refused"), ("failed", "failed")]
SORT_WORDS = {
    "at": "time",
    "actor": "who",
    "roles": "role",
    "patient": "patient",
    "action": "kind of deed",
    "event": "event",
    "object": "record",
    "purpose": "purpose of use",
    "reason": "why allowed",
    "outcome": "outcome",
    "channel": "way in",
    "ip": "address",
    "request_id": "reference",
}
SORTED_BY = [
    ("", "time, newest first"),
    ("at", "time, oldest first"),
    *((key, words) for key, words in SORT_WORDS.items() if key != "at"),
    *((f"-{key}", f"{words}, backwards") for key, words in SORT_WORDS.items() if key != "at"),
]
# What a kept question holds beside its chart and its person.
SAVED_FIELDS = (
    "action", "period", "event", "outcome", "since", "until", "object", "request", "explained", "sort",
)  # fmt: skip
# What the page can be sorted by (45 CFR 170.315(d)(3)); those of its columns by their heads.
PAGE_SORTS = tuple(key for key in SORTS if key not in {"id", "patients", "detail"})


def find_patient(user: User, text: str) -> Patient | None:
    """The patient that an MRN (a retired one too) or an id stands for, among the charts `user` may open."""
    visible = patient_access.visible_to(user)
    key = as_uuid(text)
    if key:
        return visible.filter(pk=key).first()
    number = mrn.normal(text)
    found = visible.filter(mrn=number).first()
    if found is None:
        owners = Identifier.objects.filter(value__in=[number, text.strip()]).values("patient")
        found = visible.filter(pk__in=owners).first()
    return found


class QuestionForm(forms.Form):
    """Who, did what, to which chart, when; and further conditions."""

    actor = forms.CharField(label="Who", required=False, max_length=150)
    action = forms.ChoiceField(label="Did what", required=False)
    patient = forms.CharField(label="To which chart", required=False, max_length=60)
    period = forms.ChoiceField(
        label="When", required=False, choices=[(key, words) for key, (words, _) in PERIODS.items()]
    )
    event = forms.ChoiceField(label="Event", required=False)
    outcome = forms.ChoiceField(label="Outcome", required=False, choices=OUTCOMES)
    since = day_field("From", required=False)
    until = day_field("To, that day included", required=False)
    object = forms.CharField(label="Record id", required=False, max_length=120)
    request = forms.CharField(label="Reference", required=False, max_length=64)
    explained = forms.ChoiceField(label="Explanation", required=False, choices=EXPLAINED)
    sort = forms.ChoiceField(label="Sorted by", required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.is_of_one_chart = False
        self.patient_found: Patient | None = None
        blank = {"autocomplete": "off", "spellcheck": "false"}
        self.fields["actor"].widget.attrs = {
            **blank,
            "placeholder": "anyone",
            "size": 12,
            "autocapitalize": "none",
            "data-key": "w",
            "data-key-label": "The question: who",
        }
        self.fields["patient"].widget.attrs = {**blank, "placeholder": "any chart (MRN)", "size": 16}
        actions = [("", "did anything"), *ACTION_WORDS.items()]
        self.fields["action"].choices = actions  # type: ignore[attr-defined]
        kinds = [(kind.name, f"{kind.words} ({kind.name})") for kind in catalogue.all_kinds()]
        self.fields["event"].choices = [("", "any event"), *kinds]  # type: ignore[attr-defined]
        self.fields["sort"].choices = SORTED_BY  # type: ignore[attr-defined]

    def clean_patient(self) -> str:
        """Finds the chart, or says that there is none."""
        text: str = self.cleaned_data["patient"].strip()
        if text:
            self.patient_found = find_patient(self.user, text)
            if self.patient_found is None:
                raise forms.ValidationError("No chart has this number.")
        return text

    def clean(self) -> dict[str, Any]:
        """The two days in their order."""
        data = super().clean() or self.cleaned_data
        since, until = data.get("since"), data.get("until")
        if since and until and until < since:
            self.add_error("until", "The last day lies before the first.")
        if (
            data.get("explained")
            and not self.is_of_one_chart
            and not (data.get("actor") or data.get("patient"))
        ):
            text = "Say whose chart, or who: explanations are looked for in one chart, or of one person, at a time."
            self.add_error("explained", text)
        return data

    def question(self, order: Order) -> Question:
        """What was asked; call on a valid form. Dates count before the period, which is 30 days if not chosen."""
        data = self.cleaned_data
        since, until = _start_of(data["since"]), _start_of(data["until"], days=1)
        if not (since or until):
            length = PERIODS[data["period"] or "month"][1]
            since = timezone.now() - length if length else None
        if data.get("explained") and order.key != "at":
            order = Order()  # it says how far back it has looked
        return Question(
            patient=self.patient_found.pk if self.patient_found else None,
            actor=data["actor"].strip(),
            action=data["action"],
            event=data.get("event", ""),
            outcome=data["outcome"],
            object=data.get("object", "").strip(),
            request_id=data.get("request", "").strip(),
            since=since,
            until=until,
            order=order,
            is_unexplained=bool(data.get("explained")),
        )

    def question_about(self, patient_id: UUID, order: Order) -> Question:
        """The same about one chart, whose tab the form stands on."""
        return replace(self.question(order), patient=patient_id)


class PersonForm(forms.Form):
    """Whose week."""

    who = forms.CharField(label="Who", max_length=150)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["who"].widget.attrs = {
            "autocomplete": "off",
            "spellcheck": "false",
            "autocapitalize": "none",
            "placeholder": "user name",
        }

    def clean_who(self) -> User:
        """Somebody who has or had an account here."""
        found = User.objects.filter(username__iexact=self.cleaned_data["who"].strip()).first()
        if found is None:
            raise forms.ValidationError("Nobody here has this user name.")
        return found

    def question(self, monday: date) -> Question:
        """Everything she did in the week that begins on this day; call on a valid form."""
        who: User = self.cleaned_data["who"]
        return Question(actor=who.username, since=_start_of(monday), until=_start_of(monday, days=7))


class CheckForm(forms.Form):
    """Which seals are checked: all, where nothing is said."""

    first = forms.IntegerField(label="From seal", required=False, min_value=1, max_value=LARGEST_ID)
    last = forms.IntegerField(
        label="To seal, that one included", required=False, min_value=1, max_value=LARGEST_ID
    )

    def clean(self) -> dict[str, Any]:
        """The two in their order."""
        data = super().clean() or self.cleaned_data
        first, last = data.get("first"), data.get("last")
        if first and last and last < first:
            self.add_error("last", "The last seal lies before the first.")
        return data


class PatientPrintForm(forms.Form):
    """Which days a patient is told of."""

    since = day_field("From", required=False)
    until = day_field("To, that day included", required=False)

    def clean(self) -> dict[str, Any]:
        """The two days in their order."""
        data = super().clean() or self.cleaned_data
        since, until = data.get("since"), data.get("until")
        if since and until and until < since:
            self.add_error("until", "The last day lies before the first.")
        return data

    def days(self) -> tuple[date, date]:
        """First and last day: those asked for, or the last twelve months where they make no sense."""
        data = self.cleaned_data if self.is_valid() else {}
        until = data.get("until") or timezone.localdate()
        return data.get("since") or until - timedelta(days=365), until


def _start_of(day: Any, *, days: int = 0) -> datetime | None:
    """The first instant of a day (or of one some days later) in the hospital's time zone."""
    if day is None:
        return None
    return timezone.make_aware(datetime.combine(day + timedelta(days=days), time.min))


class ReviewForm(forms.Form):
    """How it was."""

    outcome = forms.ChoiceField(
        label="How was it?",
        choices=Outcome.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how it was."},
    )
    note = forms.CharField(
        label="In words",
        required=False,
        max_length=2000,
        help_text="Needed unless it was appropriate: what was wrong, or what has to be found out.",
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
    )


class SetAsideForm(forms.Form):
    """Why nothing more is to be done about an alert."""

    note = forms.CharField(
        label="Why nothing more is to be done",
        max_length=2000,
        help_text="In a sentence: whom you asked, what explains it.",
        error_messages={"required": "Say in a sentence why it is set aside."},
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
    )


class WatchRuleForm(forms.Form):
    """One rule of the watch: on or off, its points, its numbers."""

    code = forms.CharField(widget=forms.HiddenInput)
    is_on = forms.BooleanField(label="Look for it", required=False)
    weight = forms.IntegerField(label="Points of a full hit", min_value=0, max_value=100)

    def __init__(self, data: Any = None, *, setting: Setting) -> None:
        rule = setting.rule
        initial = {"code": rule.code, "is_on": setting.is_on, "weight": setting.weight, **setting.parameters}
        super().__init__(data, initial=initial, auto_id=f"{rule.code}-%s")
        self.setting = setting
        for one in rule.parameters:
            self.fields[one.name] = forms.FloatField(
                label=one.words,
                min_value=one.least,
                max_value=one.most,
                help_text=f"{one.least:g} to {one.most:g}; {one.default:g} if nobody changes it",
                widget=forms.NumberInput(attrs={"step": "any"}),
            )

    def answer(self) -> dict[str, Any]:
        """What the verb takes; call on a valid form."""
        data = self.cleaned_data
        names = [one.name for one in self.setting.rule.parameters]
        return {
            "is_on": data["is_on"],
            "weight": data["weight"],
            "parameters": {name: data[name] for name in names},
        }


class DecoyForm(forms.Form):
    """A chart that nobody has a reason to open."""

    patient = forms.CharField(
        label="MRN", max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    why = forms.CharField(
        label="What it is for",
        max_length=300,
        help_text="Only the compliance office reads this.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_patient(self) -> UUID:
        """Finds the chart, or says that there is none."""
        found = find_patient(self.user, self.cleaned_data["patient"])
        if found is None:
            raise forms.ValidationError("No chart has this number.")
        return found.pk
