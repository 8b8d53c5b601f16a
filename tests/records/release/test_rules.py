"""The law as functions: due days, authorizations, identity, the table of kinds."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.release.kinds import RULES, Kind
from records.release.rules import authorization, identity
from records.release.rules.due import due

DAY = date(2026, 3, 10)
FORM: dict[str, Any] = {
    "description": "notes of 2026",
    "discloser": "Test Hospital",
    "recipient": "Oakley & Partners",
    "purpose": "a claim",
    "expires_on": DAY,
    "signed_on": DAY - timedelta(days=30),
    "signed_by": "patient",
    "right_to_revoke": True,
    "no_conditioning": True,
    "redisclosure": True,
}
IN_API_ORDER = (
    "patient representative directive authorization treatment payment operations required_by_law public_health "
    "abuse_report oversight court_order subpoena law_enforcement coroner organ_procurement research threat "
    "government_function national_security correctional workers_compensation hhs business_associate "
    "limited_data_set family incidental impermissible"
)


def broken(**changes: Any) -> set[str]:
    """The rules that the form with these changes breaks, on its last day, received on that day too."""
    form = {**FORM, **changes}
    return {item.rule for item in authorization.defects(form, received_on=DAY, on=DAY)}


def test_the_table_has_the_28_rows_in_the_apis_order() -> None:
    assert list(Kind.values) == IN_API_ORDER.split() == list(RULES)


def test_the_accounting_leaves_out_what_the_law_leaves_out() -> None:
    """AOD-02: treatment, payment, operations; the individual; authorized; family; security; custody;
    limited sets.
    """
    left_out = {kind for kind, rule in RULES.items() if not rule.in_accounting}
    assert left_out == {
        "patient", "representative", "directive", "authorization", "treatment", "payment", "operations",
        "national_security", "correctional", "business_associate", "limited_data_set", "family", "incidental",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("received_on", "due_on"),
    [
        (date(2026, 1, 5), date(2026, 2, 4)),
        (date(2024, 2, 1), date(2024, 3, 2)),
        (date(2025, 12, 31), date(2026, 1, 30)),
    ],
)
def test_access_is_due_thirty_days_after_receipt(received_on: date, due_on: date) -> None:
    """ACC-02: calendar days, over leap days and the turn of the year."""
    assert due("patient", received_on) == (due_on, "ACC-02")


@given(st.dates(date(1900, 1, 1), date(2900, 1, 1)), st.sampled_from(Kind.values))
def test_a_request_is_never_due_before_it_came_nor_later_than_thirty_days(
    received_on: date, kind: str
) -> None:
    """ACC-02."""
    due_on, _ = due(kind, received_on)
    assert (due_on - received_on).days == 30


def test_a_form_with_everything_is_valid_on_its_last_day() -> None:
    assert broken() == set()


@pytest.mark.parametrize(
    ("field", "rule", "citation"),
    [
        ("description", "AUTH-1", "(c)(1)(i)"),
        ("discloser", "AUTH-2", "(c)(1)(ii)"),
        ("recipient", "AUTH-3", "(c)(1)(iii)"),
        ("purpose", "AUTH-4", "(c)(1)(iv)"),
        ("expires_on", "AUTH-5", "(c)(1)(v)"),
        ("signed_on", "AUTH-6", "(c)(1)(vi)"),
        ("signed_by", "AUTH-6", "(c)(1)(vi)"),
        ("right_to_revoke", "AUTH-7", "(c)(2)(i)"),
        ("no_conditioning", "AUTH-8", "(c)(2)(ii)"),
        ("redisclosure", "AUTH-9", "(c)(2)(iii)"),
    ],
)
def test_each_element_left_out_is_named_with_its_citation(field: str, rule: str, citation: str) -> None:
    """AUTH-D2 and the element's own rule; blank counts as left out."""
    for nothing in (
        (None, "", "   ") if field in {"description", "discloser", "recipient", "purpose"} else (None,)
    ):
        found = authorization.defects({**FORM, field: nothing}, received_on=DAY, on=DAY)
        assert [item.rule for item in found] == ["AUTH-D2", rule]
        assert f"164.508{citation}" in found[1].text


def test_an_empty_form_lists_everything_at_once() -> None:
    """AUTH-D2."""
    found = authorization.defects({}, received_on=DAY, on=DAY)
    assert [item.rule for item in found] == ["AUTH-D2", *(f"AUTH-{number}" for number in range(1, 10))]


def test_an_event_may_end_it_instead_of_a_day() -> None:
    """AUTH-5."""
    assert broken(expires_on=None, expires_event="end of the lawsuit") == set()


def test_it_ends_with_its_day() -> None:
    """AUTH-D1: valid on the day itself, not on the next."""
    found = authorization.defects(FORM, received_on=DAY, on=DAY + timedelta(days=1))
    assert [item.rule for item in found] == ["AUTH-D1"]


def test_a_representative_says_by_what_authority() -> None:
    """AUTH-6."""
    assert broken(signed_by="representative") == {"AUTH-D2", "AUTH-6"}
    assert broken(signed_by="representative", authority="court-appointed guardian") == set()


def test_a_signature_after_receipt_is_refused() -> None:
    assert broken(signed_on=DAY + timedelta(days=1), expires_on=DAY + timedelta(days=9)) == {"AUTH-6"}


def test_it_cannot_end_before_it_was_signed() -> None:
    assert broken(signed_on=DAY, expires_on=DAY - timedelta(days=1)) == {"AUTH-5", "AUTH-D1"}


def test_psychotherapy_notes_need_a_form_of_their_own() -> None:
    """AUTH-D4."""
    assert broken(psychotherapy=True) == {"AUTH-D4"}


@given(st.sets(st.sampled_from(sorted(FORM))))
def test_the_more_is_left_out_the_more_is_named(left_out: set[str]) -> None:
    """Every element left out breaks AUTH-D2; nothing left out breaks nothing."""
    found = broken(**dict.fromkeys(left_out))
    assert ("AUTH-D2" in found) == bool(left_out)


@pytest.mark.parametrize(
    ("recipient", "names", "is_other"),
    [
        ("Oakley & Partners", ["Corinne Oakley", "Oakley & Partners"], False),
        ("OAKLEY", ["", "Oakley and Partners"], False),
        ("the law office", ["the law office of Smith"], True),
        ("Keystone Life", ["Thackeray Injury Law"], True),
    ],
)
def test_the_recipient_is_the_one_who_asks(recipient: str, names: list[str], is_other: bool) -> None:
    """AUTH-3, 45 CFR 164.508(a)(1)."""
    assert authorization.is_for_somebody_else({"recipient": recipient}, names) is is_other


@pytest.mark.parametrize(
    "seen",
    [
        {},
        {"method": "photo_id"},
        {"method": " ", "seen_on": DAY},
        {"method": "known", "seen_on": DAY + timedelta(1)},
    ],
)
def test_identity_needs_a_method_and_a_day_that_has_come(seen: dict[str, Any]) -> None:
    """VER-01."""
    assert {item.rule for item in identity.defects(seen, on=DAY)} == {"VER-01"}


def test_identity_with_both_is_enough() -> None:
    """VER-01."""
    assert identity.defects({"method": "known", "seen_on": DAY}, on=DAY) == []
