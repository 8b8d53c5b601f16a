"""When a request must be answered."""

from datetime import date, timedelta

from records.release.kinds import Kind

DAYS_TO_ACT = 30
ACCESS_KINDS = frozenset({Kind.PATIENT, Kind.REPRESENTATIVE, Kind.DIRECTIVE})


def due(kind: str, received_on: date) -> tuple[date, str]:
    """The last day to act and the rule that sets it.

    ACC-02: a request for access is acted on within 30 calendar days after receipt, 45 CFR 164.524(b)(2)(i).
    For the other kinds the law names no day; the hospital holds itself to the same thirty.
    """
    rule = "ACC-02" if kind in ACCESS_KINDS else "hospital policy"
    return received_on + timedelta(days=DAYS_TO_ACT), rule
