"""Separation of duties: what one person asks for, another decides, and neither decides about herself.

Held twice. The verb asks `check_second_person`, which says so in words; the table has the constraint that `two_persons`
makes, so that no other way in, no race and no slip of a verb gets round it:

    class Merge(BaseModel):
        asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
        decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

        class Meta:
            constraints = [two_persons("merge_takes_two", asked="asked_by", decided="decided_by")]
"""

from uuid import UUID

from django.db.models import CheckConstraint, F, Q

from common.errors import Denied


def two_persons(name: str, *, asked: str, decided: str, subject: str = "") -> CheckConstraint:
    """Whoever `decided` is not who `asked`; and the `subject`, where the row has one, is neither of them.

    The arguments name foreign keys to people. One that is empty is nobody yet and hinders nothing.
    """
    pairs = [(decided, asked)]
    if subject:
        pairs += [(subject, asked), (subject, decided)]
    condition = Q()
    for one, other in pairs:
        condition &= Q(**{f"{one}__isnull": True}) | Q(**{f"{other}__isnull": True}) | ~Q(**{one: F(other)})
    return CheckConstraint(name=name, condition=condition)


def check_second_person(by: UUID, *involved: UUID | None, words: str) -> None:
    """Raise Denied with `words` when whoever decides is one of those `involved`."""
    if by in involved:
        raise Denied(words, rule="separation of duties")
