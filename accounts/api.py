"""Tokens and "who am I" for programs."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.models import ApiToken
from accounts.views import me
from common.api import Endpoint, valid


class CredentialsSerializer(serializers.Serializer[Any]):
    """A person's name and password, and the code of her second factor if she has one."""

    username = serializers.CharField(max_length=60)
    password = serializers.CharField(max_length=256, trim_whitespace=False, style={"input_type": "password"})
    otp = serializers.CharField(
        max_length=20,
        required=False,
        allow_blank=True,
        default="",
        help_text="The code that the authenticator app shows now, or a recovery code. Only for accounts that have one.",
    )


class TokenSerializer(serializers.Serializer[Any]):
    """A new token; its text is told this once."""

    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class MeSerializer(serializers.Serializer[Any]):
    """Who the caller is and what she may do."""

    username = serializers.CharField()
    name = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(child=serializers.CharField())


def token_answer(text: str, expires_at: datetime) -> dict[str, Any]:
    """What POST /tokens/ answers."""
    return dict(TokenSerializer({"token": text, "expires_at": expires_at}).data)


class BadCredentials(AuthenticationFailed):
    """One refusal for everything that can be wrong, so that nobody learns which part was right."""

    default_code = "credentials_or_otp"


WITHOUT_CODE = (
    "This user name and password do not belong together, or the account has a second factor:"
    " then send its code as otp."
)
WITH_CODE = (
    "This user name, password and code do not belong together, or the code was used already. If codes keep being"
    " refused, the clock of the phone is wrong: let it set its time by itself."
)


class TokensView(Endpoint):
    """Sign in with name and password. Too many failures are refused for a while (429 with Retry-After)."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    keeps_answers = False  # the token's text is kept nowhere

    @extend_schema(
        operation_id="tokens_create", request=CredentialsSerializer, responses={201: TokenSerializer}
    )
    def post(self, request: Request) -> Response:
        """A bearer token for this person.

        401 does not tell whether the name, the password or the code was wrong or missing: `code` is
        `credentials_or_otp` for all of them. 403 says what must be done on a page first.
        """
        given = valid(CredentialsSerializer, request.data)
        signed_in = services.sign_in_program(**given)
        if signed_in is None:
            raise BadCredentials(WITH_CODE if given["otp"] else WITHOUT_CODE)
        text, token = signed_in
        return Response(
            token_answer(text, token.expires_at), status=201, headers={"Cache-Control": "no-store"}
        )

    def get_authenticate_header(self, request: Request) -> str:
        """Bad credentials are 401 here too, though nobody has to be signed in."""
        return 'Bearer realm="chartroom"'


class CurrentTokenView(Endpoint):
    """The token this call came with."""

    @extend_schema(
        operation_id="tokens_current_destroy", responses={204: OpenApiResponse(description="It is ended.")}
    )
    def delete(self, request: Request) -> Response:
        """End it at once: a program's sign-out."""
        token = request.auth
        if not isinstance(token, ApiToken):
            raise ValidationError({"token": ["This call came with a browser's session, not with a token."]})
        services.revoke_token(by=me(request), token=token)
        return Response(status=204)


class MeView(Endpoint):
    """The caller."""

    @extend_schema(operation_id="me_retrieve", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """User name, name, roles and permissions."""
        user = me(request)
        body = {
            "username": user.username,
            "name": user.display_name,
            "roles": user.role_names,
            "permissions": sorted(user.get_all_permissions()),
        }
        return Response(MeSerializer(body).data)
