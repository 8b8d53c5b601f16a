"""The roles of the house and what each may do: the one place where a role meets a permission.

Names are verbs on things. Issue by issue this table grows; a hospital's own roles will be rows beside it.
"""

from django.db import models


class Role(models.TextChoices):
    """A job in the records department or beside it; each is a group of that name."""

    RECORDS_CLERK = "records_clerk", "Records clerk"
    ROI_SPECIALIST = "roi_specialist", "ROI specialist"
    RECORDS_SUPERVISOR = "records_supervisor", "Records supervisor"
    CLINICIAN = "clinician", "Clinician"
    COMPLIANCE_OFFICER = "compliance_officer", "Compliance officer"
    ADMINISTRATOR = "administrator", "Administrator"
    SERVICE = "service", "Service account"


# The purpose of use when a request names none (HL7 v3 ActReason).
PURPOSE = {
    Role.RECORDS_CLERK: "RECORDMGT",
    Role.ROI_SPECIALIST: "RECORDMGT",
    Role.RECORDS_SUPERVISOR: "RECORDMGT",
    Role.CLINICIAN: "TREAT",
    Role.COMPLIANCE_OFFICER: "HCOMPL",
    Role.ADMINISTRATOR: "HSYSADMIN",
    Role.SERVICE: "RECORDMGT",
}

# Roles whose work is the whole record: they see every chart that no other rule closes.
SEES_ALL_CHARTS = frozenset(
    {
        Role.RECORDS_CLERK,
        Role.ROI_SPECIALIST,
        Role.RECORDS_SUPERVISOR,
        Role.COMPLIANCE_OFFICER,
        Role.SERVICE,
    }
)

_CHART = {"patients.view_chart", "patients.search_patients", "documents.view_document"}
_COPY = {"documents.download_document", "documents.print_document"}
_REGISTER = {"patients.register_patient", "patients.edit_patient", "patients.edit_encounter"}
_FILE = {"documents.file_document"}
_REQUESTS = {"release.view_request", "release.log_request", "release.edit_request"}
_RELEASE = {"release.build_release", "release.send_release", "release.view_disclosures"}

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.RECORDS_CLERK: frozenset(
        _CHART | _COPY | _REGISTER | _FILE | {"release.view_request", "release.log_request"}
    ),
    Role.ROI_SPECIALIST: frozenset(_CHART | _COPY | _FILE | _REQUESTS | _RELEASE),
    Role.RECORDS_SUPERVISOR: frozenset(
        _CHART | _COPY | _REGISTER | _FILE | _REQUESTS | _RELEASE | {"review.view_chart_access"}
    ),
    Role.CLINICIAN: frozenset(_CHART | _COPY),
    Role.COMPLIANCE_OFFICER: frozenset(
        _CHART
        | {"release.view_request", "release.view_disclosures", "review.view_log", "review.export_log"}
        | {"review.view_chart_access"}
    ),
    Role.ADMINISTRATOR: frozenset({"accounts.manage_users", "accounts.view_system"}),
    Role.SERVICE: frozenset(_CHART | _FILE | _RELEASE | _REQUESTS | _REGISTER),
}
