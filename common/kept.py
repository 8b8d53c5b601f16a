"""Queries that Django writes once and PostgreSQL plans once a session: rows found by key, all day long.

Django takes longer to write `select … where id = …`, and PostgreSQL to plan it, than the answer takes. The queryset
says what is asked, as ever; its SQL and its plan are kept, and each question only puts its keys in.
"""

import inspect
from collections.abc import Callable
from copy import copy
from threading import Lock
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

from django.db import connections
from django.db.models import QuerySet

from common import prepared

T = TypeVar("T")


class Kept(Generic[T]):
    """`Kept(lambda key: Page.objects.filter(of=key))` called with a key: a list of its rows.

    `build` gets keys (UUID, or a list of them for `any`) and must build the same question whatever they are: no
    `if`, no rights of a user. What depends on rights is one `Kept` for each case, and who may see the rows is asked
    before or after.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, T]]) -> None:
        self.build = build
        self.lock = Lock()
        self.written: tuple[QuerySet[Any, T], Any, str, tuple[Any, ...], list[UUID]] | None = None

    def _write(self) -> tuple[QuerySet[Any, T], Any, str, tuple[Any, ...], list[UUID]]:
        stand_ins = [uuid4() for _ in inspect.signature(self.build).parameters]
        rows = self.build(*stand_ins)
        if rows.query.select_for_update:
            raise TypeError("A kept query takes no lock.")
        compiler = rows.query.get_compiler(using=rows.db)
        sql, values = compiler.as_sql()
        if not set(stand_ins) <= {value for value in values if isinstance(value, UUID)}:
            raise TypeError("A kept query asks for rows by keys, and by each that it is given.")
        return rows, compiler, sql, tuple(values), stand_ins

    def __call__(self, *keys: UUID | list[UUID]) -> list[T]:
        with self.lock:
            if self.written is None:
                self.written = self._write()
        rows, written, sql, values, stand_ins = self.written
        given = dict(zip(stand_ins, keys, strict=True))
        compiler = copy(written)  # what it says of the columns is read only
        compiler.connection = connections[rows.db]  # this thread's
        with compiler.connection.cursor() as cursor:
            asks = prepared.ready(cursor, sql, values, given)
        compiler.as_sql = lambda *_args, **_named: asks
        query: Any = copy(rows.query)
        query.get_compiler = lambda *_args, **_named: compiler
        asked = type(rows)(model=rows.model, query=query, using=rows.db)
        asked._iterable_class = rows._iterable_class
        return list(asked)

    def one(self, *keys: UUID) -> T | None:
        """The row of a question that has one at most."""
        return next(iter(self(*keys)), None)
