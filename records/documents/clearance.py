"""What a document's sensitivity labels let whom see: conditions asked of one document and of many alike.

The rules are rows (`LabelRule`), read anew by every statement: a change acts on the next question. Law that no row
can change: psychotherapy notes are for who wrote them (45 CFR 164.508(a)(2); PSY-01).
"""

from uuid import UUID

from patients.access.registry import Condition

# The labels that the user's roles see (or may ask for); worked out once a statement.
_HELD = """select r.label from documents_labelrule r
    join accounts_user_groups held on held.group_id = r.role_id
    where held.user_id = %s group by r.label having not bool_or(r.verdict = 'denied')"""
_ASKABLE = f"array({_HELD})"
_CLEARED = f"array({_HELD} and bool_or(r.verdict = 'allowed'))"
_OWN_NOTE = "(l.label = 'psychotherapy' and {written_by} is not distinct from %s)"
_NEED_STATED = f"""(l.label = any({_ASKABLE}) and exists (
    select from documents_labelneed n where n.user_id = %s and n.document_id = {{document}} and l.label = any(n.labels)
        and n.since <= statement_timestamp() and n.until > statement_timestamp()))"""

# 42 CFR 2.51(a): medical personnel, for a bona fide medical emergency. A glass broken for emergency treatment says so,
# under her name (P2-08); another reason does not, and no other label is opened by it.
_MEDICAL_EMERGENCY = """(l.label = 'part2' and exists (
    select from patients_glassbreak g where g.user_id = %s and g.patient_id = {patient} and g.reason_code = 'emergency'
        and not g.is_drill and g.ended_at is null
        and g.opened_at <= statement_timestamp() and g.expires_at > statement_timestamp()))"""


def _every_label(*ways: str) -> str:
    """Each label is open in one of these ways."""
    return f"not exists (select from unnest({{labels}}) as l(label) where ({' or '.join(ways)}) is not true)"


_IN_CLEARED = f"l.label = any({_CLEARED})"
_IN_ASKABLE = f"l.label = any({_ASKABLE})"
_BY_ROLE = _every_label(_IN_CLEARED, _OWN_NOTE)
_WITH_NEEDS = _every_label(_IN_CLEARED, _OWN_NOTE, _NEED_STATED)
_SHOWN = f"{{labels}} = '{{}}' or {_every_label(_IN_CLEARED, _OWN_NOTE, _NEED_STATED, _MEDICAL_EMERGENCY)}"
_MAY_ASK = _every_label(_IN_ASKABLE, _OWN_NOTE)


def _condition(sql: str, user_id: UUID) -> Condition:
    values = [user_id] * sql.count("%s")
    return Condition(
        sql, values, labels="labels", written_by="written_by", document="pk", patient="patient_id"
    )


def shown_to(user_id: UUID) -> Condition:
    """True of documents whose labels are all open to the user: by role, as their writer, by a stated need, or in a
    medical emergency.
    """
    return _condition(_SHOWN, user_id)


def open_by_role(user_id: UUID) -> Condition:
    """The same without what a stated need opens."""
    return _condition(_BY_ROLE, user_id)


def open_with_needs(user_id: UUID) -> Condition:
    """The same with what a stated need opens, without what only a medical emergency does."""
    return _condition(_WITH_NEEDS, user_id)


def may_be_asked_for(user_id: UUID) -> Condition:
    """True of documents that the user's roles let her see once she has said why."""
    return _condition(_MAY_ASK, user_id)
