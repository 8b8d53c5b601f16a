"""Documents and pages are many, so no index of theirs is kept twice."""

import pytest
from django.db import connection

TWICE = """
select one.indexrelid::regclass::text, other.indexrelid::regclass::text from pg_index one
join pg_index other on other.indrelid = one.indrelid and other.indexrelid <> one.indexrelid
    and other.indkey::text = one.indkey::text and other.indclass::text = one.indclass::text
    and other.indoption::text = one.indoption::text
where one.indrelid::regclass::text like 'documents\\_%%' and not one.indisunique
    and one.indpred is null and other.indpred is null and one.indexprs is null and other.indexprs is null
"""


@pytest.mark.django_db
def test_no_index_is_kept_twice() -> None:
    with connection.cursor() as cursor:
        cursor.execute(TWICE)
        assert cursor.fetchall() == []
        cursor.execute("select indexdef from pg_indexes where tablename = 'documents_document'")
        columns = [row[0].partition(" USING ")[2] for row in cursor.fetchall()]
    assert "btree (filed_by_id)" not in columns
    assert "btree (filed_by_id, filed_at DESC)" in columns
    assert "btree (encounter_id)" in columns
