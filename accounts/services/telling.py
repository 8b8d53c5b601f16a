"""Whoever's account changes is told: by a notice in the house, and by mail where mail is configured."""

from functools import partial

from django.conf import settings
from django.db import transaction

from accounts.models import User
from common.notices.models import Tone
from common.notices.services import notify

ACCOUNT = "/account/"


def tell(user: User, kind: str, text: str, *, tone: Tone = Tone.NEWS) -> None:
    """Leave a notice, and send a mail after the commit. The text names no patient and holds no secret."""
    if user.is_program:
        return
    notify([user.pk], kind=kind, text=text, url=ACCOUNT, tone=tone)
    if settings.EMAIL_HOST and user.email:
        from accounts.tasks import mail

        transaction.on_commit(partial(mail.delay, user.email, "Your Chartroom account", text))
