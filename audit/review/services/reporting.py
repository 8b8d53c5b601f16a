"""Reports, looked at and taken out: both are events."""

from datetime import date

from django.db import transaction

from accounts.models import User
from audit.review import access, reports
from audit.services import record

WHY = "compliance review"


@transaction.atomic
def view_report(*, by: User, name: str, since: date, until: date) -> reports.Report:
    """One report over a period, both days included. Raises Denied; KeyError for a name there is not."""
    access.check_may_view_log(by)
    report = reports.make(name, since, until)
    record("report.viewed", by=by, reason=WHY, detail={"report": name, "since": since, "until": until})
    return report


@transaction.atomic
def take_report(*, by: User, name: str, since: date, until: date) -> bytes:
    """The same as PDF. Raises Denied; KeyError."""
    from audit.review import report_pdf  # reportlab is heavy

    access.check_may_export_log(by)
    report = reports.make(name, since, until)
    record("report.taken", by=by, reason=WHY, detail={"report": name, "since": since, "until": until})
    return report_pdf.make(report, made_for=by.display_name)
