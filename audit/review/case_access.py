"""Who may work on which case: the compliance office, and nobody on a case about herself."""

from collections.abc import Iterable
from typing import Any

from accounts.models import User
from audit.review.models import Case, CaseQuerySet
from common.errors import Denied, NotFound, RuleBroken
from common.ids import as_uuid

RIGHT = "review.work_cases"
ONLY_ONE = (
    "You are the only one here who may work on cases, and nobody decides about herself. Ask an administrator to give"
    " a second person the role of compliance officer; that takes two people. She opens and decides this case."
)


def check_may_work_cases(user: User) -> None:
    """Compliance officers only."""
    if not user.has_perm(RIGHT):
        raise Denied("Only the compliance office works on cases.", rule="role")


def visible_to(user: User) -> CaseQuerySet:
    """The cases of the house without those about `user`."""
    if not user.has_perm(RIGHT):
        return Case.objects.none()
    return Case.objects.all().not_about(user)


def get_for(user: User, case_id: Any, *, lock: bool = False) -> Case:
    """One case. Raises Denied without the right; NotFound alike when absent and when it is about `user`."""
    check_may_work_cases(user)
    key = as_uuid(case_id)
    rows = visible_to(user).select_related(
        "subject", "opened_by", "assigned_to", "decided_by", "notice", "glass_review__glass"
    )
    rows = rows.select_for_update(of=("self",)) if lock else rows
    case = rows.filter(pk=key).first() if key else None
    if case is None:
        raise NotFound
    return case


def others_than(involved: Iterable[User | None]) -> Any:
    """Those who may work on a case in which these people are involved."""
    return User.objects.holding(RIGHT).exclude(pk__in=[user.pk for user in involved if user])


def check_somebody_else(involved: Iterable[User | None]) -> None:
    """Raise RuleBroken when nobody is left who may decide."""
    if not others_than(involved).exists():
        raise RuleBroken("second_officer", ONLY_ONE)


def check_may_decide(user: User, case: Case) -> None:
    """Nobody decides about what she did herself (MON-5); the tables refuse it too."""
    check_may_work_cases(user)
    if user.pk == case.subject_id or case.evidence.filter(actor_id=user.pk).exists():
        raise Denied(
            "What you did yourself is among the evidence. Somebody else must decide this case.",
            about=case,
            rule="one's own",
        )
