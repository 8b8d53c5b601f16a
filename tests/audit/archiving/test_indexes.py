"""Only the indexes that a question needs: the operators' page lists each with its question."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

pytestmark = pytest.mark.django_db


def test_the_page_and_the_database_know_the_same_indexes() -> None:
    text = Path(settings.BASE_DIR, "docs", "operators", "archive.md").read_text()
    listed = set(re.findall(r"^\| `(audit_event_\w+)`", text, re.MULTILINE))
    with connection.cursor() as cursor:
        cursor.execute(
            "select indexrelid::regclass::text from pg_index where indrelid = 'audit_event'::regclass"
        )
        assert listed == {name for (name,) in cursor.fetchall()}
