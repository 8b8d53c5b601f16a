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
    """A person's name and password. `otp` is for accounts with a second factor; none has one yet."""

    username = serializers.CharField(max_length=60)
    password = serializers.CharField(max_length=256, trim_whitespace=False, style={"input_type": "password"})
    otp = serializers.CharField(
        max_length=12,
        required=False,
        allow_blank=True,
        help_text="The code of the second factor. Leave it out: no account has a second factor yet.",
    )

    def validate_otp(self, value: str) -> str:
        """A code that nothing could check is refused rather than ignored: the caller relies on it."""
        if value:
            raise serializers.ValidationError("No account has a second factor yet. Leave this out.")
        return value


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


class TokensView(Endpoint):
    """Sign in with name and password. Too many failures are refused for a while (429 with Retry-After)."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    keeps_answers = False  # the token's text is kept nowhere

    @extend_schema(
        operation_id="tokens_create", request=CredentialsSerializer, responses={201: TokenSerializer}
    )
    def post(self, request: Request) -> Response:
        """A bearer token for this person. 401 does not tell whether the name or the password was wrong."""
        given = valid(CredentialsSerializer, request.data)
        signed_in = services.sign_in_program(username=given["username"], password=given["password"])
        if signed_in is None:
            raise AuthenticationFailed("This user name and password do not belong together.")
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
