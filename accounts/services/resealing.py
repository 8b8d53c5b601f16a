"""After a change of master keys: what this room keeps sealed moves to the current one, so that the old one can go.

Second factors' secrets, drafts, links that wait to be mailed. What lies in a browser's session stays: it ends with the
session.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import models, transaction

from accounts import authenticators
from accounts.models import Draft
from accounts.services import drafts, mailing
from audit.services import record
from common.jobs.models import Job
from common.keyring import KeyringError
from common.sealing import resealed


@dataclass
class Resealed:
    """What came of it: how many there are, how many were moved, and those that no key opens."""

    checked: int = 0
    moved: int = 0
    bad: list[str] = field(default_factory=list)


def reseal() -> Resealed:
    """Seal anew whatever lies under an earlier master key, a row a transaction. Safe to run twice."""
    done = Resealed()
    _each(done, Authenticator.objects.exclude(type=authenticators.TYPES.WEBAUTHN), _factor)
    _each(done, Draft.objects.select_related("user"), _draft)
    _each(done, Job.objects.unfinished().filter(kind=mailing.KIND), _mail)
    return done


def _each(done: Resealed, rows: models.QuerySet[Any], move: Callable[[Any], bool]) -> None:
    for key in list(rows.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            row = rows.select_for_update(of=("self",)).filter(pk=key).first()
            if row is None:  # used up meanwhile
                continue
            done.checked += 1
            try:
                if move(row):
                    about = {"kind": row._meta.label_lower, "id": str(row.pk)}
                    record("secret.resealed", by=None, actor="system:command", detail=about)
                    done.moved += 1
            except KeyringError as error:
                done.bad.append(f"{row._meta.label_lower} {row.pk}: {error}")


def _factor(row: Authenticator) -> bool:
    """The secret of an app; of recovery codes the seed, or the codes themselves where they came from elsewhere."""
    data, is_moved = dict(row.data), False
    for name in ("secret", "seed", "migrated_codes"):
        kept = data.get(name) or []
        texts = kept if isinstance(kept, list) else [kept]
        anew = [resealed(text, bound_to=authenticators.BOUND_TO) for text in texts]
        if any(anew):
            moved = [new or old for new, old in zip(anew, texts, strict=True)]
            data[name] = moved if isinstance(kept, list) else moved[0]
            is_moved = True
    if is_moved:
        row.data = data
        row.save(update_fields=["data"])
    return is_moved


def _draft(row: Draft) -> bool:
    anew = resealed(row.sealed, bound_to=drafts.bound_to(row.user, row.path))
    if anew is None:
        return False
    row.sealed = anew
    row.save(update_fields=["sealed"])
    return True


def _mail(row: Job) -> bool:
    anew = resealed(row.args["link"], bound_to=mailing.bound_to(row.about_id))
    if anew is None:
        return False
    row.args = {**row.args, "link": anew}
    row.save(update_fields=["args"])
    return True
