"""The link by which somebody sets her password, sent by mail where mail is configured.

It is kept sealed in the job that sends it, and whoever made it is told when that fails: the link itself still works.
"""

from smtplib import SMTPException, SMTPRecipientsRefused, SMTPSenderRefused

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, User
from audit import context as audit_context
from audit.services import record
from common.jobs.handlers import JobFailed, handler
from common.jobs.models import Job
from common.jobs.services import Running, enqueue, latest_about
from common.notices.models import Tone
from common.notices.services import notify
from common.sealing import seal, unseal

KIND = "accounts.mail_link"
REFUSED = "The mail server refuses the address {to}. Correct it, or hand over a link yourself."
AWAY = "The mail server does not answer. Hand over a link yourself, or make another one later."
TEXT = """{name},

with this link you set the password of your Chartroom account, {username}:

{address}

It works once, until {end}. If you do not expect it, tell the administrator.
"""


def goes_by_mail(user: User) -> bool:
    """Whether a link for this person can be mailed."""
    return bool(settings.EMAIL_HOST and user.email)


def mail_link(by: User, invitation: Invitation, text: str, site: str) -> None:
    """Have the link mailed by a job, in the caller's transaction, to the address that stands in the account now."""
    address = site + reverse("accounts:welcome", args=[text])
    enqueue(
        KIND,
        by_id=by.pk,
        about=invitation,
        args={"link": seal(address, bound_to=bound_to(invitation.pk)), "to": invitation.user.email},
        context=audit_context.current().as_json(),
    )


def bound_to(invitation_id: object) -> str:
    """Whose link it is: it opens with that only."""
    return f"mailed link:{invitation_id}"


def latest_mail(user: User) -> Job | None:
    """How the mail with this person's newest link is getting on; None when it was not mailed."""
    newest = Invitation.objects.filter(user=user).order_by("-created_at").first()
    return latest_about(newest, KIND) if newest else None


@handler(KIND)
def send_link(job: Running) -> None:
    """The job: send it, once as far as anyone can see. A link that has ended meanwhile is not sent."""
    with audit_context.use(audit_context.Context.from_json(job.context), channel="job"):
        invitation = _usable(job)
        if invitation is None:
            return
        try:
            job.step("sent", lambda: _send(invitation, job.args))
        except (SMTPRecipientsRefused, SMTPSenderRefused) as refused:
            _give_up(job, invitation, REFUSED.format(to=job.args["to"]), refused)
        except (OSError, SMTPException) as away:
            if job.attempts < settings.JOB_ATTEMPTS:
                raise
            _give_up(job, invitation, AWAY, away)
        with transaction.atomic():
            job.fence()
            record("user.link_mailed", by=invitation.made_by, about=invitation.user)


def _usable(job: Running) -> Invitation | None:
    mailed = Job.objects.get(pk=job.id)
    rows = Invitation.objects.usable().select_related("user", "made_by")
    return rows.filter(pk=mailed.about_id).first()


def _send(invitation: Invitation, args: dict[str, str]) -> bool:
    address = unseal(args["link"], bound_to=bound_to(invitation.pk))
    end = timezone.localtime(invitation.expires_at)
    text = TEXT.format(
        name=invitation.user.display_name,
        username=invitation.user.username,
        address=address,
        end=f"{end:%d %b %Y %H:%M %Z}",
    )
    send_mail("Your Chartroom account", text, None, [args["to"]])
    return True


def _give_up(job: Running, invitation: Invitation, why: str, fault: Exception) -> None:
    """Say it in the log and to whoever made the link, and end the job with the same sentence."""
    user = invitation.user
    with transaction.atomic():
        job.fence()
        record("user.link_not_mailed", by=invitation.made_by, about=user, outcome="failed", reason=why)
        notify(
            [invitation.made_by_id],
            kind="user.link_not_mailed",
            tone=Tone.BAD,
            text=f"The link for {user.display_name} was not mailed. {why}",
            url=user.get_absolute_url(),
        )
    raise JobFailed(why) from fault
