"""How a rule is declared, and how one declaration becomes both a check of one chart and a filter on many.

A rule says which rows are its evidence. Django writes the SQL of these rows once, for nobody in particular; what is
kept is the text with places for the user and the patient. So a check is one statement and a list costs no time to
write, and the two cannot disagree: they ask for the same rows.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection
from django.db.models import BooleanField, Expression, F, QuerySet, TextField, Value
from django.db.models.functions import Cast

from accounts.models import User
from common import prepared
from patients.access.decisions import Verdict
from patients.models import Patient

# They stand for the user and the patient while Django writes a rule's SQL.
SOMEBODY = UUID("5f0e5f0e-0000-4000-8000-000000000001")
SOME_CHART = UUID("5f0e5f0e-0000-4000-8000-000000000002")
SOME_NUMBER = UUID("5f0e5f0e-0000-4000-8000-000000000003")
NOTHING = Value("")
HERE = '"patients_patient"."id"'  # how a rule over the index itself speaks of the patient


@dataclass(frozen=True, eq=False)
class Rule:
    """What openers and closers have in common: a name for the log, and the rows that are its evidence.

    `rows` gets the user's id and returns a queryset; `patient` says where a row tells whose chart it is about.
    Rows of Patient itself (`patient="id"`) may speak of the patient by her id only. Times are compared with the
    database's clock (`Now()`), for the SQL is written once. `told` is a field or expression of the row that goes
    into the log as evidence, in the frame of `words`; of several rows the first by `order` is told.
    """

    name: str
    rows: Callable[[UUID], QuerySet[Any]]
    patient: str = "patient_id"
    told: Any = NOTHING
    words: Callable[[User, str], str] = field(default=lambda user, text: text)
    order: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Opener(Rule):
    """Its evidence opens the chart to whoever has `permission`."""

    permission: str = "patients.view_chart"


@dataclass(frozen=True, eq=False)
class Closer(Rule):
    """Its evidence closes the chart, whatever opens it, save the openers named in `yields_to`.

    `verdict` says whether a stated need would open it; `message` tells the person what to do. It is not asked
    of whoever has the permission `unless`.
    """

    verdict: Verdict = Verdict.DENIED
    message: str = ""
    yields_to: tuple[str, ...] = ()
    unless: str = ""


Text = tuple[str, tuple[Any, ...]]


def _written(rows: QuerySet[Any]) -> Text | None:
    """The SQL of these rows; None when there can be none."""
    try:
        sql, values = rows.query.sql_with_params()
    except EmptyResultSet:
        return None
    return _with_own_names(sql), tuple(values)


def _with_own_names(sql: str) -> str:
    """The same with names for its tables that no other query uses.

    Django calls the tables of every subquery U0, V0 and so on. The query around ours may be one too, and `{patient}`
    then stands for its U0: inside a subquery of ours it would mean our own U0, and the rule would ask of nobody.
    """
    return re.sub(r"\b([T-Z]\d+)\b", r"policy_\1", sql)


def _filled(values: Iterable[Any], user_id: UUID, chart: UUID | None = None) -> list[Any]:
    known = {SOMEBODY: user_id, SOME_CHART: chart}
    return [known.get(value, value) if isinstance(value, UUID) else value for value in values]


def _is_over_index(rows: QuerySet[Any], rule: Rule) -> bool:
    return rows.model is Patient and rule.patient == "id"


@dataclass(frozen=True)
class Asked:
    """The rules that concern one person: who has these rights is asked so, and no other way."""

    openers: tuple[Opener, ...]
    closers: tuple[Closer, ...]

    def of_chart(self, user_id: UUID, patient_id: UUID) -> list[tuple[Rule, str]]:
        """Every rule that has evidence about this chart, with what is told of it. One statement."""
        text = _chart_statement(self)
        if text is None:
            return []
        rules: tuple[Rule, ...] = (*self.openers, *self.closers)
        with connection.cursor() as cursor:
            prepared.execute(cursor, *text, {SOMEBODY: user_id, SOME_CHART: patient_id})
            return [(rules[number], told) for number, told in cursor.fetchall()]

    def among(self, user_id: UUID, patient_ids: Sequence[UUID]) -> set[UUID]:
        """Those of these charts that `over_charts` opens. One statement, whose plan is kept."""
        sql, values = _list_condition(self, is_walked=False)
        condition = sql.replace("{patient}", "asked.id")
        statement = f"select asked.id from unnest(%s::uuid[]) as asked(id) where {condition}"  # noqa: S608
        with connection.cursor() as cursor:
            places = {SOME_CHART: list(patient_ids), SOMEBODY: user_id}
            prepared.execute(cursor, statement, (SOME_CHART, *values), places)
            return {row[0] for row in cursor.fetchall()}

    def over_charts(self, user_id: UUID, column: str, *, is_walked: bool = False) -> "Condition":
        """True of rows whose `column` is the id of a chart that these rules open.

        As it is, PostgreSQL starts from the charts: right for a few. When `is_walked` it goes through the rows in the
        order of the list, looking each up in a hash table of her charts, until the page is full: right for many.
        """
        sql, values = _list_condition(self, is_walked=is_walked)
        return Condition(sql, _filled(values, user_id), patient=column)

    def count(self, user_id: UUID, most: int) -> int:
        """How many charts these rules open, counted up to `most`; no chart is fetched. The plan is kept."""
        sql, values = _count_statement(self)
        with connection.cursor() as cursor:
            asks = prepared.ready(cursor, sql, values, {SOMEBODY: user_id, SOME_NUMBER: most})
            # Lists ask it once in a while, for no page in particular: it is not counted among a page's questions.
            with connection.wrap_database_errors:
                cursor.cursor.execute(*asks)
                return int(cursor.cursor.fetchone()[0])


@lru_cache(maxsize=256)
def check_can_be_asked(rule: Rule) -> None:
    """Raises whatever the rule raises when it is asked for its rows; one that did not is not tried again."""
    _written(rule.rows(SOMEBODY).filter(**{rule.patient: SOME_CHART}))


@lru_cache(maxsize=256)
def _chart_statement(asked: Asked) -> Text | None:
    """One branch a rule; each stops at its first row."""
    branches: list[str] = []
    values: list[Any] = []
    for number, rule in enumerate((*asked.openers, *asked.closers)):
        rows = rule.rows(SOMEBODY).filter(**{rule.patient: SOME_CHART}).order_by(*rule.order)
        rows = rows.annotate(policy_told=Cast(rule.told, TextField()))
        text = _written(rows.values_list(Value(number), "policy_told")[:1])
        if text is not None:
            branches.append(f"({text[0]})")
            values.extend(text[1])
    return (" union all ".join(branches), tuple(values)) if branches else None


@lru_cache(maxsize=256)
def _list_condition(asked: Asked, *, is_walked: bool) -> Text:
    """A condition on `{patient}`, the id of a chart: opened by some rule that no closer beats."""
    ways, by_rows = _ways(asked)
    if is_walked and by_rows:
        # `case` keeps PostgreSQL from making joins of it, which would start from the charts again, and from asking
        # what closes a chart of each row that nothing opens.
        cases: list[Text] = []
        for opened, closers in by_rows:
            closed = _not_closed(closers, "{patient}", by_row=True)
            cases.append(
                (f"when {{patient}} in ({opened[0]}){closed[0]} then true ", (*opened[1], *closed[1]))
            )
        chosen = _joined("", cases)
        ways.append((f"case {chosen[0]}else false end", chosen[1]))
    elif by_rows:
        union = _open_charts(by_rows)
        ways.append((f"{{patient}} in ({union[0]})", union[1]))
    return _joined(" or ", ways) if ways else ("false", ())


@lru_cache(maxsize=256)
def _count_statement(asked: Asked) -> Text:
    """How many charts are open, up to a number."""
    over_index, by_rows = _ways(asked)
    if over_index or not by_rows:
        condition = _list_condition(asked, is_walked=False)
        rows = f"select from patients_patient where {condition[0].replace('{patient}', HERE)}", condition[1]
    else:
        union = _open_charts(by_rows)
        rows = f"select distinct patient_id from ({union[0]}) as chart(patient_id)", union[1]  # noqa: S608
    return f"select count(*) from ({rows[0]} limit %s) as counted", (*rows[1], SOME_NUMBER)  # noqa: S608


Opened = tuple[Text, tuple[Closer, ...]]


def _ways(asked: Asked) -> tuple[list[Text], list[Opened]]:
    """What opens charts: conditions on `{patient}`, closers and all; selects of ids, each with what may close them."""
    groups: dict[tuple[Closer, ...], list[Opener]] = {}
    for opener in asked.openers:
        beaten_by = tuple(closer for closer in asked.closers if opener.name not in closer.yields_to)
        groups.setdefault(beaten_by, []).append(opener)
    conditions: list[Text] = []
    selects: list[Opened] = []
    for closers, openers in groups.items():
        over_index, by_rows = _sorted_out(openers)
        if over_index:
            closed = _not_closed(closers, "{patient}")
            opened = _joined(" or ", over_index)
            conditions.append((f"(({opened[0]}){closed[0]})", (*opened[1], *closed[1])))
        if by_rows:
            selects.append((_joined(" union all ", by_rows), closers))
    return conditions, selects


def _open_charts(by_rows: list[Opened]) -> Text:
    """A select of the ids of all charts that are opened and not closed; one stands there once for each way."""
    sources: list[Text] = []
    for opened, closers in by_rows:
        closed = _not_closed(closers, "opened.patient_id")
        where = f" where true{closed[0]}" if closed[0] else ""
        sql = f"select opened.patient_id from ({opened[0]}) as opened(patient_id){where}"  # noqa: S608
        sources.append((sql, (*opened[1], *closed[1])))
    return _joined(" union all ", sources)


def _joined(word: str, texts: list[Text]) -> Text:
    return word.join(sql for sql, _ in texts), tuple(value for _, values in texts for value in values)


def _sorted_out(openers: list[Opener]) -> tuple[list[Text], list[Text]]:
    """Conditions on the patient, and selects of patient ids."""
    over_index: list[Text] = []
    by_rows: list[Text] = []
    for opener in openers:
        rows = opener.rows(SOMEBODY)
        if _is_over_index(rows, opener):
            compiler = rows.query.get_compiler(using="default")
            try:
                sql, values = compiler.compile(rows.query.where)
            except FullResultSet:
                sql, values = "true", ()
            except EmptyResultSet:
                continue
            over_index.append((_with_own_names(sql).replace(HERE, "{patient}"), tuple(values)))
        else:
            text = _written(rows.order_by().values(opener.patient))
            if text is not None:
                by_rows.append(text)
    return over_index, by_rows


def _not_closed(closers: Iterable[Closer], column: str, *, by_row: bool = False) -> Text:
    """` and …`: nothing closes the chart. With `by_row` each chart is looked up, not all found beforehand."""
    parts: list[Text] = []
    end = " offset 0" if by_row else ""
    for closer in closers:
        text = _written(closer.rows(SOMEBODY).order_by().values(closer.patient))
        if text is not None:
            closed = f"select from ({text[0]}) as closed(patient_id) where closed.patient_id = {column}{end}"
            parts.append((f" and not exists ({closed})", text[1]))
    return _joined("", parts)


class Condition(Expression):
    """A condition that is written already, with places like `{patient}` for the columns it speaks of."""

    conditional = True

    def __init__(self, sql: str, values: Iterable[Any], **columns: str) -> None:
        super().__init__(output_field=BooleanField())
        self.sql, self.values = sql, tuple(values)
        self.columns: dict[str, Any] = {place: F(name) for place, name in columns.items()}

    def get_source_expressions(self) -> list[Any]:
        """The columns, which Django resolves to the table they stand in."""
        return list(self.columns.values())

    def set_source_expressions(self, exprs: Any) -> None:
        """Take the resolved columns."""
        self.columns = dict(zip(self.columns, exprs, strict=True))

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """The text with the columns put in."""
        sql = self.sql
        for place, column in self.columns.items():
            name, values = compiler.compile(column)
            assert not values  # noqa: S101  (a column has no values)
            sql = sql.replace(f"{{{place}}}", name)
        return f"({sql})", self.values


def forget() -> None:
    """Have the statements written anew: a setting that a rule reads was changed."""
    check_can_be_asked.cache_clear()
    _chart_statement.cache_clear()
    _list_condition.cache_clear()
    _count_statement.cache_clear()
