"""How API calls say who they are: a bearer token, or the browser's session with its CSRF token."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import services
from accounts.models import ApiToken, User


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer TOKEN`."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The user and token; None when there is no bearer header. Raises AuthenticationFailed."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = services.usable_token(value.strip())
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked.")
        if token.last_used_at is None or (timezone.now() - token.last_used_at).total_seconds() > 60:
            services.note_token_use(token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """What makes DRF answer 401 rather than 403."""
        return 'Bearer realm="chartroom"'


class BrowserAuthentication(SessionAuthentication):
    """The signed-in browser, for pages that call the API."""

    def authenticate_header(self, request: Request) -> str:
        """What makes DRF answer 401 rather than 403."""
        return 'Bearer realm="chartroom"'
