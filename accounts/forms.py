"""Shapes of what people type about themselves and about users. Rules are the services'."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group

from accounts import rights, rolebook
from accounts.models import User
from accounts.password_rules import LEAST, LONGEST
from accounts.rights import Right, all_rights
from accounts.roles import PURPOSES, words_for
from common.errors import RuleBroken
from common.fields import day_field
from common.reasons import said

CHOOSING = f"At least {LEAST} characters. A sentence is easier to remember than a riddle."


def new_password(label: str, help_text: str) -> forms.CharField:
    """A field in which a password is chosen; `static/js/password.js` helps while it is typed, the service decides."""
    attrs = {"autocomplete": "new-password", "data-meter": "", "data-least": LEAST, "data-longest": LONGEST}
    return forms.CharField(
        label=label,
        max_length=256,
        strip=False,
        help_text=help_text,
        widget=forms.PasswordInput(attrs=attrs),
    )


class SignInForm(forms.Form):
    """User name and password, nothing else."""

    username = forms.CharField(
        label="User name",
        max_length=60,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "username",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )
    password = forms.CharField(
        label="Password",
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


CODE = forms.TextInput(
    attrs={
        "autocomplete": "one-time-code",
        "inputmode": "numeric",
        "autocapitalize": "none",
        "spellcheck": "false",
        "autofocus": True,
    }
)


class CredentialForm(forms.Form):
    """What a security key answered, filled in by static/js/security-key.js."""

    credential = forms.JSONField(required=False, widget=forms.HiddenInput)

    def clean_credential(self) -> Any:
        """An object, or nothing: a challenge is answered with nothing else."""
        given = self.cleaned_data["credential"]
        return given if isinstance(given, dict) else None


class CodeForm(CredentialForm):
    """The second step of signing in: a code, or a key's answer."""

    code = forms.CharField(
        label="Code",
        max_length=20,
        help_text="The six digits that your authenticator app shows now, or one of your recovery codes.",
        widget=CODE,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].required = not self.data.get("credential")

    def clean(self) -> dict[str, Any]:
        """One of the two."""
        given = super().clean() or {}
        if not self.errors and not given.get("code") and not given.get("credential"):
            self.add_error("code", "Type the code.")
        return given


class ConfirmForm(CredentialForm):
    """The password once more, or a second factor."""

    use_required_attribute = False  # one of the three is enough

    password = forms.CharField(
        label="Password",
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    code = forms.CharField(
        label="Or the code of your authenticator app",
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].required = not (self.data.get("code") or self.data.get("credential"))

    def clean(self) -> dict[str, Any]:
        """One of the three."""
        given = super().clean() or {}
        if not self.errors and not any(given.get(name) for name in ("password", "code", "credential")):
            self.add_error("password", "Type your password.")
        return given


class AppForm(forms.Form):
    """The first code that a new authenticator app shows."""

    code = forms.CharField(
        label="Code that the app shows now", max_length=20, help_text="Six digits.", widget=CODE
    )


class KeyForm(CredentialForm):
    """A new security key: what people call it, and its answer."""

    name = forms.CharField(
        label="What do you call this key?",
        max_length=60,
        help_text="So that you know which one to remove when it is lost.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


LIVES = [
    (0, f"{settings.TOKEN_HOURS} hours"),
    (1, "A day"),
    (30, "30 days"),
    (90, "90 days"),
    (365, "A year"),
]


class TokenForm(forms.Form):
    """A new API token: what it is for, how long it lives, and what it may do of what its owner may."""

    label = forms.CharField(
        label="What is it for?",
        max_length=80,
        help_text="For instance the name of the program that will use it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(
        label="How long does it live?", choices=LIVES, coerce=int, initial=0, required=False, empty_value=None
    )
    scopes = forms.MultipleChoiceField(
        label="What may it do?",
        required=False,
        help_text="Choose nothing, and it may do everything that its owner may.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, owner: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.MultipleChoiceField, self.fields["scopes"])
        field.choices = [(right.name, right.words) for right in all_rights() if right.name in owner.rights]

    def asked(self) -> dict[str, Any]:
        """For the verb."""
        given = self.cleaned_data
        return {
            "label": given["label"],
            "hours": 24 * (given["days"] or 0) or None,
            "scopes": given["scopes"] or None,
        }


class ProgramForm(forms.Form):
    """The account of an interface."""

    username = forms.CharField(
        label="User name",
        max_length=60,
        help_text="Events name it so. Letters, digits and . @ + - _ only, for instance lab.feed",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    name = forms.CharField(label="What is it?", max_length=120)
    roles = forms.MultipleChoiceField(
        label="Roles",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one role."},
    )
    reason = forms.CharField(
        label="Why does it need them?",
        max_length=300,
        required=False,
        help_text="For the second person who has to agree, if a role is a sensitive one.",
    )

    def __init__(self, *args: Any, roles: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.MultipleChoiceField, self.fields["roles"]).choices = roles

    def clean_username(self) -> Any:
        """The same characters that the table takes, said at the field."""
        from accounts.models import User

        username = self.cleaned_data["username"]
        for check in User._meta.get_field("username").validators:
            check(username)
        return username


class PasswordForm(forms.Form):
    """Replace one's own password."""

    old = forms.CharField(
        label="Present password",
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = new_password("New password", CHOOSING)


class GivenPasswordForm(forms.Form):
    """A password that an administrator gives somebody."""

    password = new_password(
        "Password to sign in with once",
        f"At least {LEAST} characters. Give it to the person herself, not by mail.",
    )


class _PersonForm(forms.Form):
    """A person's name, address and roles."""

    name = forms.CharField(label="Name", max_length=120, help_text="As colleagues write it, with the title.")
    email = forms.EmailField(label="E-mail", required=False)
    roles = forms.MultipleChoiceField(
        label="Roles",
        choices=rolebook.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one role."},
    )
    manager = forms.ModelChoiceField(
        User.objects.none(),
        label="Manager",
        required=False,
        empty_label="Nobody yet",
        help_text="Confirms this person's rights each quarter.",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    field_order = ["name", "email", "manager", "roles", "reason"]

    def __init__(self, *args: Any, person: User | None = None, **kwargs: Any) -> None:
        """`person` is whom it is about, if she is there already."""
        super().__init__(*args, **kwargs)
        field = self.fields["manager"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  (declared so above)
        field.queryset = rolebook.possible_managers(person)
        field.label_from_instance = lambda user: user.display_name  # type: ignore[assignment]


class EmergencyForm(forms.Form):
    """Open the house in an emergency; `roles` are those that it can be opened to."""

    reason = forms.CharField(
        label="What has happened?",
        max_length=400,
        help_text="Everybody who confirms or reviews it reads this: “network down in the east wing, wards on paper”.",
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
    )
    roles = forms.MultipleChoiceField(
        label="Who opens every chart meanwhile?",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one role."},
    )
    hours = forms.IntegerField(label="For how many hours?", min_value=1)
    is_drill = forms.BooleanField(label="This is a drill: nothing is opened by it", required=False)

    def __init__(self, *args: Any, roles: Iterable[Group], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chooser = self.fields["roles"]
        assert isinstance(chooser, forms.MultipleChoiceField)  # noqa: S101  (for the types)
        chooser.choices = [(group.name, words_for(group.name)) for group in roles]

    def clean_reason(self) -> str:
        """Junk comes back before anybody has to say who she is."""
        try:
            return said(self.cleaned_data["reason"])
        except RuleBroken as refused:
            raise forms.ValidationError(refused.message) from refused


class UserForm(_PersonForm):
    """Somebody who is there already: a change of roles is kept with its reason."""

    reason = forms.CharField(
        label="Why the roles change",
        max_length=300,
        required=False,
        help_text="Kept with the change. A role that reads the log or gives rights needs a second person's agreement.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class NewUserForm(_PersonForm):
    """The same for somebody new, with the name to sign in with. The password is her own from the start."""

    field_order = ["username", "name", "email", "manager", "roles"]
    username = forms.CharField(
        label="User name",
        max_length=60,
        help_text="Letters, digits and . @ + - _ only.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def clean_username(self) -> Any:
        """The same characters that the table takes, said at the field."""
        username = self.cleaned_data["username"]
        for check in User._meta.get_field("username").validators:
            check(username)
        return username


class RoleForm(forms.Form):
    """A role that the hospital makes itself."""

    label = forms.CharField(
        label="Name",
        max_length=60,
        help_text="As people will read it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    description = forms.CharField(label="What its work is", max_length=300, widget=forms.TextInput)
    purpose = forms.ChoiceField(
        label="Purpose of use",
        choices=list(PURPOSES.items()),
        help_text="What the log says of looks in this role when nothing else is stated.",
    )
    needs_second_factor = forms.BooleanField(label="A second factor is required to sign in", required=False)
    rights = forms.MultipleChoiceField(
        label="What it may do",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one right."},
    )
    reason = forms.CharField(
        label="Why it changes",
        max_length=300,
        required=False,
        help_text="Kept with the change.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["rights"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  (declared so above)
        field.choices = [(right.name, right.words) for right in rights.all_rights()]
        if is_new:
            del self.fields["reason"]

    def groups(self) -> list[tuple[str, list[tuple[Right, bool]]]]:
        """The rights as the screen shows them: by group, each with whether it is chosen."""
        chosen = set(self["rights"].value() or [])
        return [
            (group, [(right, right.name in chosen) for right in found]) for group, found in rights.by_group()
        ]


class DeclineForm(forms.Form):
    """Why a change of rights is refused."""

    reason = forms.CharField(
        label="Why you decline", max_length=300, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class LeaveForm(forms.Form):
    """Somebody leaves."""

    last_day = day_field(
        "Last day", help_text="The person can work until the end of it. A day that is past acts at once."
    )
    reason = forms.CharField(
        label="Why", max_length=300, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class StopForm(forms.Form):
    """An emergency."""

    username = forms.CharField(
        label="User name",
        max_length=60,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    reason = forms.CharField(
        label="What has happened", max_length=300, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class WelcomeForm(forms.Form):
    """Somebody's own first password."""

    password = new_password("Your password", CHOOSING)
    again = forms.CharField(
        label="Once more",
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "data-same-as": "password"}),
    )

    def clean_again(self) -> str:
        """The same twice: nobody else knows it, so a slip would lock the person out."""
        again = str(self.cleaned_data["again"])
        if again != self.cleaned_data.get("password", again):
            raise forms.ValidationError("The two differ. Type the same twice.")
        return again


class ReviewForm(forms.Form):
    """Why roles are taken away in a review; the roles themselves are ticks on the page."""

    reason = forms.CharField(label="Why", max_length=300, required=False)
