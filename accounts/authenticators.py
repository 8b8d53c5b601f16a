"""Second factors: codes of an authenticator app, security keys, recovery codes.

Rows and ceremonies are django-allauth's. Two things are done otherwise than there: secrets are sealed under the master
keys, and the last time step an app's code was taken for is kept with the secret, in the row that is locked meanwhile.
So no code is good twice on any web process, the one that activated the app included.
"""

import json
import time
from typing import Any

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.models import User
from common.sealing import seal, unseal

TYPES = Authenticator.Type
LAST_STEP = "last_step"
COUNTER = "counter"
BOUND_TO = "mfa"


class Adapter(DefaultMFAAdapter):
    """How allauth seals what it stores, and under which names apps and keys know us (MFA_ADAPTER)."""

    def encrypt(self, text: str) -> str:
        """Under the current master key."""
        return seal(text, bound_to=BOUND_TO)

    def decrypt(self, encrypted_text: str) -> str:
        """Under whichever master key it was."""
        return unseal(encrypted_text, bound_to=BOUND_TO)

    def _get_user_identifier(self, user: Any) -> str:
        return str(user.username)

    def _get_site_name(self) -> str:
        return settings.MFA_TOTP_ISSUER


def normal(code: str) -> str:
    """The code as it is compared: people type spaces where an app shows them."""
    return "".join(code.split()).replace("-", "")


def _step_of(secret: str, code: str) -> int | None:
    """The time step for which this is the code, within the tolerance; None when it is no such code."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    now = int(time.time()) // 30
    for step in range(now - settings.MFA_TOTP_TOLERANCE, now + settings.MFA_TOTP_TOLERANCE + 1):
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
            return step
    return None


def new_secret() -> str:
    """A secret for an authenticator app."""
    from allauth.mfa.totp.internal.auth import generate_totp_secret

    return str(generate_totp_secret())


def picture(user: User, secret: str) -> str:
    """The secret as a QR code for the app's camera: an SVG."""
    adapter = Adapter()
    return str(adapter.build_totp_svg(adapter.build_totp_url(user, secret)))


def app_with(user: User, secret: str, code: str) -> Authenticator | None:
    """A new app, not saved yet; None when `code` is not its code now. That code has been used by this."""
    step = _step_of(secret, normal(code))
    if step is None:
        return None
    data = {"secret": Adapter().encrypt(secret), LAST_STEP: step}
    return Authenticator(user=user, type=TYPES.TOTP, data=data)


def takes_code(user: User, code: str) -> str | None:
    """The method (`totp`, `recovery_codes`) that takes this code now, or None; it takes it no second time.

    Call inside the transaction of what the code is for: the rows are locked until it ends.
    """
    code = normal(code)[:20]
    rows = {
        row.type: row
        for row in Authenticator.objects.select_for_update()
        .filter(user=user, type__in=[TYPES.TOTP, TYPES.RECOVERY_CODES])
        .order_by("pk")
    }
    app = rows.get(TYPES.TOTP)
    if app is not None:
        step = _step_of(Adapter().decrypt(app.data["secret"]), code)
        if step is not None and step > app.data.get(LAST_STEP, 0):
            app.data[LAST_STEP] = step
            app.save(update_fields=["data"])
            app.record_usage()
            return str(TYPES.TOTP)
    codes = rows.get(TYPES.RECOVERY_CODES)
    if codes is not None and len(rows) and codes.wrap().validate_code(code):
        codes.refresh_from_db()
        codes.record_usage()
        return str(TYPES.RECOVERY_CODES)
    return None


def new_recovery_codes(user: User) -> list[str]:
    """Ten codes for the day the phone is lost; those there were are void."""
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    Authenticator.objects.filter(user=user, type=TYPES.RECOVERY_CODES).delete()
    return list(RecoveryCodes.activate(user).generate_codes())


def recovery_codes_left(user: User) -> int:
    """How many are not used yet."""
    row = Authenticator.objects.filter(user=user, type=TYPES.RECOVERY_CODES).first()
    return len(row.wrap().get_unused_codes()) if row else 0


# -- Security keys: the challenge lies in the browser's session, where allauth keeps it --------------------------


def begin_key(user: User) -> dict[str, Any]:
    """What a browser needs to make a new key's credential."""
    from allauth.mfa.webauthn.internal import auth

    return _plain(auth.begin_registration(user, passwordless=False))


def new_key(user: User, name: str, credential: Any) -> Authenticator | None:
    """The key that answered the challenge, not saved yet; None when it did not."""
    from allauth.mfa.webauthn.internal import auth

    try:
        auth.parse_registration_response(credential)
        auth.complete_registration(credential)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return Authenticator(user=user, type=TYPES.WEBAUTHN, data={"name": name, "credential": credential})


def ask_key(user: User) -> dict[str, Any] | None:
    """What a browser needs to ask one of this person's keys; None for somebody without."""
    if not Authenticator.objects.filter(user=user, type=TYPES.WEBAUTHN).exists():
        return None
    from allauth.mfa.webauthn.internal import auth

    return _plain(auth.begin_authentication(user))


def takes_key(user: User, credential: Any) -> Authenticator | None:
    """The key of this person that answered the challenge, or None; a challenge is answered once."""
    from allauth.mfa.webauthn.internal import auth

    try:
        counter = auth.parse_authentication_response(credential).response.authenticator_data.counter
        key = auth.complete_authentication(user, credential)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError):
        return None
    finally:
        auth.clear_state()
    key = Authenticator.objects.select_for_update().get(pk=key.pk)
    if counter and counter <= key.data.get(COUNTER, 0):
        return None  # a copy of the key has been used since: WebAuthn 7.2, step 22
    key.data[COUNTER] = counter
    key.save(update_fields=["data"])
    key.record_usage()
    return key


def _plain(options: Any) -> dict[str, Any]:
    """The options as JSON holds them."""
    plain: dict[str, Any] = json.loads(json.dumps(options, default=dict))
    return plain
