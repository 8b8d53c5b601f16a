"""How API calls say who they are: a bearer token, or the browser's session with its CSRF token."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request

from accounts import services
from accounts.models import ApiToken, User
from audit import refusals
from common.errors import Denied


class FirstStep(APIException):
    """The token is good, and its owner must first do something on a page."""

    status_code = 403

    def __init__(self, refused: Denied) -> None:
        super().__init__(refused.message)
        self.default_code = refused.code


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer TOKEN`."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The user and token; None when there is no bearer header. Raises AuthenticationFailed, FirstStep."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = services.usable_token(value.strip())
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked.")
        try:
            services.check_token_may_work(token)
        except Denied as refused:
            refusals.note(refused, token.user, path=request.path)
            raise FirstStep(refused) from refused
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
