"""The one statement behind a search: a UNION ALL of ways to match, each with an index, an order and a LIMIT.

An OR over two indexes reads every Smith before it shows fifty; a branch stops after its first fifty. It is SQL
by hand because a dozen branches cost the ORM more time to write than the database to run.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection
from django.db.models import QuerySet

from common import prepared
from patients.models import NAMESAKES, EncounterKind, Patient
from patients.typed import LIMIT, Typed

SHORTEST_PHONE = 7
AFTER_ALL = "\U0010ffff"  # no character: nothing that is typed or kept holds it
OTHER_NAMES = "join patients_patientname n on n.patient_id = p.id and n.use in ('alias', 'maiden', 'old')"
IDENTIFIERS = "join patients_identifier i on i.patient_id = p.id"
TELEPHONES = "join patients_telecom t on t.patient_id = p.id"
Branch = tuple[str, list[Any]]


def _begins(column: str) -> str:
    """A condition that takes `_range`. LIKE would say it too, but is planned anew for every text."""
    return f"({column} >= %s and {column} < %s)"


def _range(start: str) -> list[str]:
    """From where to where lies what starts so: keys sort by code point, and hold no letter that comes after all."""
    return [start, start + AFTER_ALL]


def _splits(typed: Typed) -> Iterator[tuple[str, str, float]]:
    """Ways to read the words as (start of the family name, start of the given names, score)."""
    words = typed.words
    everything = " ".join(words)
    if not typed.family_words:
        yield everything, "", 0.9
        yield "", everything, 0.85
    for at in range(1, len(words)):
        left, right = " ".join(words[:at]), " ".join(words[at:])
        is_said = at == typed.family_words
        yield left, right, 0.95 if is_said else 0.9
        yield right, left, 0.8 if typed.family_words else 0.9


def _policy(visible: QuerySet[Patient]) -> Branch:
    """The restriction of `visible` as a condition on `p`, asked of each row that a branch comes to.

    `is true` keeps PostgreSQL from joining every chart that is closed or open with every branch: planning that
    takes longer than all else, and a branch comes to fifty rows.
    """
    query = visible.order_by().query.clone()
    if len(query.alias_map) > 1:
        text, values = visible.order_by().values("pk").query.sql_with_params()
        return f"(p.id in ({text})) is true", list(values)
    query.change_aliases({query.get_initial_alias(): "p"})
    try:
        text, given = query.get_compiler(connection=connection).compile(query.where)
    except FullResultSet:
        return "true", []
    return f"({text}) is true", list(given)


class _Search:
    """What every branch of one search has in common: the policy, and conditions that hold beside it."""

    def __init__(self, visible: QuerySet[Patient], typed: Typed) -> None:
        self.typed = typed
        self.conditions: list[str] = []
        self.values: list[Any] = []
        if visible.query.where:
            allowed, values = _policy(visible)
            self.conditions.append(allowed)
            self.values.extend(values)
        if typed.days:
            self.conditions.append("p.birth_date = any(%s)")
            self.values.append(list(typed.days))
        beside = typed.numbers if typed.words else typed.numbers[1:]
        for key in beside:
            self.conditions.append(
                f"({_begins('p.mrn')} or exists (select from patients_identifier i where i.patient_id = p.id"  # noqa: S608
                f" and {_begins('i.value_key')}) or exists (select from patients_telecom t where t.patient_id = p.id"
                f" and length(%s) >= {SHORTEST_PHONE} and {_begins('t.digits_reversed')}))"
            )
            self.values += [*_range(key), *_range(key), key, *_range(key[::-1])]

    def branch(
        self, score: float, why: str, join: str, where: list[str], values: list[Any], order: str
    ) -> Branch:
        """One way to match, limited; every part but the values is text of this module."""
        conditions = " and ".join([*where, *self.conditions]) or "true"
        statement = (
            f"(select p.id, {score}::float, '{why}', p.family_key, p.given_key from patients_patient p {join} "  # noqa: S608
            f"where {conditions} order by {order} limit {LIMIT})"
        )
        return statement, [*values, *self.values]

    def by_name(self) -> Iterator[Branch]:
        """Official names and other ones, in each reading of the words."""
        for family, given, score in _splits(self.typed):
            given_first = not family
            for table, join, why, worth in (
                ("p", "", "name", score),
                ("n", OTHER_NAMES, "other name", score - 0.2),
            ):
                where, values = [], []
                for column, start in (("family_key", family), ("given_key", given)):
                    if start:
                        where.append(_begins(f"{table}.{column}"))
                        values += _range(start)
                columns = [f"{table}.family_key", f"{table}.given_key"]
                order = ", ".join(reversed(columns) if given_first else columns)
                yield self.branch(worth, why, join, where, values, order)

    def by_number(self, key: str) -> Iterator[Branch]:
        """MRN, other identifiers, retired ones among them, and the end of a telephone number."""
        start = _range(key)
        yield self.branch(1.0, "MRN", "", ["p.mrn = %s"], [key], "p.id")
        yield self.branch(0.98, "identifier", IDENTIFIERS, ["i.value_key = %s"], [key], "p.id")
        yield self.branch(0.9, "MRN", "", [_begins("p.mrn")], start, "p.mrn")
        yield self.branch(0.8, "identifier", IDENTIFIERS, [_begins("i.value_key")], start, "i.value_key")
        if key.isdigit() and len(key) >= SHORTEST_PHONE:
            national = key.removeprefix("1") if len(key) == 11 else key
            ending = _range(national[::-1])
            yield self.branch(
                0.85, "telephone", TELEPHONES, [_begins("t.digits_reversed")], ending, "t.digits_reversed"
            )

    def by_birth_date(self, days: list[Any], score: float) -> Branch:
        """Born on one of these days."""
        where = ["p.birth_date = any(%s)"]
        return self.branch(score, "birth date", "", where, [days], "p.birth_date, p.family_key, p.id")

    def branches(self) -> Iterator[Branch]:
        """Every way to match all of what was typed."""
        if self.typed.words:
            yield from self.by_name()
        elif self.typed.numbers:
            yield from self.by_number(self.typed.numbers[0])
            if self.typed.maybe_days:
                yield self.by_birth_date(list(self.typed.maybe_days), 0.7)
        elif self.typed.days:
            yield self.by_birth_date(list(self.typed.days), 0.8)
        else:
            yield self.branch(0.8, "", "", [], [], "p.family_key, p.given_key, p.id")


# The people themselves come with the matches, and on the search page what tells them apart: one round trip, not four.
_STATEMENT = """
with hit (id, score, why, family_key, given_key) as ({branches}),
best as (
    select id, max(score) as score, array_agg(why order by score desc, why) as reasons, family_key, given_key
    from hit group by id, family_key, given_key
    order by max(score) desc, family_key, given_key, id limit %s
)
select best.score, best.reasons, {recognition}, {columns}
from best join patients_patient p on p.id = best.id {joins}
order by best.score desc, best.family_key, best.given_key, best.id
"""
_LAST_ENCOUNTER = """
left join lateral (
    select e.kind, l.name as location, e.started_at
    from patients_encounter e join patients_location l on l.id = e.location_id
    where e.patient_id = p.id order by e.started_at desc limit 1
) last on true
"""
_RECOGNITION = (
    "last.kind, last.location, last.started_at, case when p.status = 'merged' then 1 else {} end".format(
        NAMESAKES.format(family="p.family_key", first="split_part(p.given_key, ' ', 1)")
    )
)
_NO_RECOGNITION = "null, null, null, 1"


@dataclass(frozen=True, slots=True)
class LastEncounter:
    """What the search page says of somebody's newest visit or stay."""

    kind: str
    location: str
    started_at: datetime

    @property
    def kind_label(self) -> str:
        """The kind in words."""
        return EncounterKind(self.kind).label


@dataclass(slots=True)
class Match:
    """Somebody who matches: how good (0 to 1), by what, and, where asked for, what tells her apart."""

    patient: Patient
    score: float
    matched_on: list[str]
    last_encounter: LastEncounter | None
    named_so: int


def _written(visible: QuerySet[Patient], readings: Iterable[Typed]) -> Branch | None:
    """All branches as one expression; None where nothing can match."""
    statements: list[str] = []
    values: list[Any] = []
    try:
        for reading in readings:
            for statement, given in _Search(visible, reading).branches():
                statements.append(statement)
                values.extend(given)
    except EmptyResultSet:  # a role that sees nobody
        return None
    return (" union all ".join(statements), values) if statements else None


def best_matches(
    visible: QuerySet[Patient], typed: Typed, limit: int, *, with_recognition: bool = False
) -> list[Match]:
    """The people in `visible` who match all that was typed, best first, then by name; at most `limit`.

    With nothing typed: everybody in `visible`, by name. `with_recognition` adds last encounter and namesakes.
    """
    readings = [typed]
    if len(typed.numbers) > 1 and not typed.words:  # "CHR-77 1234": two numbers, or one with a space in it
        readings.append(replace(typed, numbers=("".join(typed.numbers),)))
    branches = _written(visible, readings)
    if branches is None:
        return []
    names = [field.attname for field in Patient._meta.concrete_fields]
    statement = _STATEMENT.format(
        branches=branches[0],
        columns=", ".join(f"p.{field.column}" for field in Patient._meta.concrete_fields),
        recognition=_RECOGNITION if with_recognition else _NO_RECOGNITION,
        joins=_LAST_ENCOUNTER if with_recognition else "",
    )
    with connection.cursor() as cursor:
        if visible.query.where:
            cursor.execute(statement, [*branches[1], limit])
        else:  # one statement for all who type as many words
            prepared.execute_all(cursor, statement, [*branches[1], limit])
        return [
            Match(
                patient=Patient.from_db(connection.alias, names, values),
                score=score,
                matched_on=_told(reasons, typed),
                last_encounter=LastEncounter(kind, location, started_at) if kind else None,
                named_so=named_so,
            )
            for score, reasons, kind, location, started_at, named_so, *values in cursor.fetchall()
        ]


def _told(reasons: list[str], typed: Typed) -> list[str]:
    """What matched, without what goes without saying."""
    told = list(dict.fromkeys(reason for reason in reasons if reason))
    if "name" in told and "other name" in told:
        told.remove("other name")
    if "MRN" in told and "identifier" in told:  # our MRNs are kept as identifiers too
        told.remove("identifier")
    if typed.days and "birth date" not in told:
        told.append("birth date")
    if typed.words and typed.numbers:
        told.append("number")
    return told
