"""Shapes of what people type about themselves and about users. Rules are the services'."""

from typing import Any

from django import forms

from accounts.roles import Role

ROLE_CHOICES = [(role.value, role.label) for role in Role if role is not Role.SERVICE]


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


class ConfirmForm(forms.Form):
    """The password once more."""

    password = forms.CharField(
        label="Password",
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class TokenForm(forms.Form):
    """A new API token."""

    label = forms.CharField(
        label="What is it for?",
        max_length=80,
        help_text="For instance the name of the program that will use it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class PasswordForm(forms.Form):
    """Replace one's own password."""

    old = forms.CharField(
        label="Present password",
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label="New password",
        max_length=256,
        strip=False,
        help_text="At least 12 characters. A sentence is easier to remember than a riddle.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class UserForm(forms.Form):
    """A user's name, address and roles."""

    name = forms.CharField(label="Name", max_length=120, help_text="As colleagues write it, with the title.")
    email = forms.EmailField(label="E-mail", required=False)
    roles = forms.MultipleChoiceField(
        label="Roles",
        choices=ROLE_CHOICES,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one role."},
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class NewUserForm(UserForm):
    """The same for somebody new, with the name and the password to sign in with."""

    field_order = ["username", "name", "email", "password", "roles"]
    username = forms.CharField(
        label="User name",
        max_length=60,
        help_text="Letters, digits and . @ + - _ only.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        label="First password",
        max_length=256,
        strip=False,
        help_text="At least 12 characters. The new user can change it under My account.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_username(self) -> Any:
        """The same characters that the table takes, said at the field."""
        from accounts.models import User

        username = self.cleaned_data["username"]
        for check in User._meta.get_field("username").validators:
            check(username)
        return username
