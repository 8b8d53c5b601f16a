"""Pages: signing in and out, my account, the administrator's users."""

from typing import cast

from django.http import HttpRequest

from accounts.models import User


def me(request: HttpRequest) -> User:
    """The person signed in; SignInRequiredMiddleware let nobody else through."""
    return cast(User, request.user)
