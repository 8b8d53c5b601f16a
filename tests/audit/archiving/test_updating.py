"""A hospital updates: what was sealed under former forms of the table is still proven, and goes on."""

import pytest
from django.core.management import call_command
from django.db import connections

from audit.archiving.months import Month
from audit.models import Event
from audit.proof import verifying
from tests.audit.archiving.conftest import as_owner
from tests.audit.proof.waiting import seal_everything, write_events

pytestmark = pytest.mark.committed
BEFORE = "0009_stamps"  # roles as an array, every index with its instant


def _indexes() -> list[str]:
    with connections["owner"].cursor() as cursor:
        cursor.execute("select indexdef from pg_indexes where tablename = 'audit_event' order by indexname")
        return [definition for (definition,) in cursor.fetchall()]


def _migrate(*target: str) -> None:
    for connection in connections.all():
        connection.close()
    call_command("migrate", *target, database="owner", verbosity=0)


def test_what_was_sealed_before_the_update_is_proven_after_it(old_log: dict[Month, int]) -> None:
    expected = verifying.verify()
    roles = list(Event.objects.order_by("at", "id").values_list("roles", flat=True))
    indexes = _indexes()
    assert expected.ok
    assert any(len(names) == 4 for names in roles)

    _migrate("audit", BEFORE)
    former = verifying.verify()
    assert (former.ok, former.checked) == (True, expected.checked)
    with connections["owner"].cursor() as cursor:
        cursor.execute("select pg_typeof(roles)::text from audit_event limit 1")
        assert cursor.fetchone() == ("text[]",)
    _migrate()

    result = verifying.verify()
    assert (result.ok, result.checked, result.first_bad) == (True, expected.checked, None)
    assert list(Event.objects.order_by("at", "id").values_list("roles", flat=True)) == roles
    assert _indexes() == indexes
    write_events(2)
    seal_everything()
    assert verifying.verify().checked == expected.checked + 2


def test_an_update_goes_through_where_an_index_has_its_former_form(old_log: dict[Month, int]) -> None:
    """An installation that ran an earlier form of the step about indexes has one more, and another one by chart."""
    indexes = _indexes()
    _migrate("audit", BEFORE)
    as_owner(
        "create index audit_event_changes on audit_event (patient_id, at) where action in ('create', 'update')",
        "drop index audit_event_patient",
        "create index audit_event_patient on audit_event (patient_id) where patient_id is not null",
    )
    _migrate()
    assert _indexes() == indexes
    assert verifying.verify().ok
