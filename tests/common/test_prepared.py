"""Statements whose plan is kept: the same answers, values never mixed up, no more kept than said."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from common import prepared

pytestmark = pytest.mark.django_db
SOMEBODY, SOMETHING = uuid4(), uuid4()
SQL = "select %s::text, %s::uuid, %s::uuid, 'a%%b'"


def asked(one: UUID, other: UUID, constant: str = "it's") -> tuple[object, ...]:
    with connection.cursor() as cursor:
        prepared.execute(cursor, SQL, (constant, SOMEBODY, SOMETHING), {SOMEBODY: one, SOMETHING: other})
        return tuple(cursor.fetchone())


def names() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("select name from pg_prepared_statements where name like 'chartroom%%'")
        return {name for (name,) in cursor.fetchall()}


def test_each_value_comes_to_its_place_again_and_again() -> None:
    for _ in range(8):
        one, other = uuid4(), uuid4()
        assert asked(one, other) == ("it's", one, other, "a%b")


def test_one_statement_is_prepared_once(django_assert_num_queries: Any) -> None:
    asked(uuid4(), uuid4())
    before = names()
    with django_assert_num_queries(1):
        asked(uuid4(), uuid4())
    assert names() == before


def test_another_constant_is_another_statement() -> None:
    one, other = uuid4(), uuid4()
    assert asked(one, other, "first")[0] == "first"
    assert asked(one, other, "'; drop table x; --")[0] == "'; drop table x; --"
    assert asked(one, other, "first")[0] == "first"


def test_a_hostile_value_is_only_a_value() -> None:
    with connection.cursor() as cursor:
        for text in ("x", "'); drop table x; --", "%s $1 \\"):
            prepared.execute(cursor, "select %s::text", (SOMEBODY,), {SOMEBODY: text})
            assert cursor.fetchone() == (text,)


def test_no_more_are_kept_than_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MOST", 3)
    one, other = uuid4(), uuid4()
    for number in range(10):
        assert asked(one, other, f"constant {number}") == (f"constant {number}", one, other, "a%b")
        assert len(names()) <= 3


def test_a_statement_that_cannot_be_prepared_is_tried_anew() -> None:
    with connection.cursor() as cursor:
        for _ in range(2):
            with pytest.raises(DatabaseError), transaction.atomic():
                prepared.execute(
                    cursor, "select from no_such_table where id = %s", (SOMEBODY,), {SOMEBODY: 1}
                )


def test_a_rollback_leaves_it_usable() -> None:
    one, other = uuid4(), uuid4()
    with transaction.atomic():
        assert asked(one, other, "rolled back")[0] == "rolled back"
        transaction.set_rollback(True)
    assert asked(one, other, "rolled back")[0] == "rolled back"


def test_every_value_may_be_a_parameter() -> None:
    with connection.cursor() as cursor:
        for values in (["a", "a", 3], ["b'", "%", 5], ["b'", "%", 5]):
            prepared.execute_all(cursor, "select %s::text, %s::text, %s::int", values)
            assert cursor.fetchone() == tuple(values)
