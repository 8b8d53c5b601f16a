"""The roles of the house and what each may do: the one place where a role meets a right (`accounts.rights`).

After a migration the groups of these names hold exactly this. A hospital's own roles are rows beside it
(`accounts.models.HospitalRole`), so no code asks who holds a role: it asks for a right.
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


def words_for(name: str) -> str:
    """A role's lasting name in words, without asking the database: a hospital's own is made from its first label."""
    return Role(name).label if name in Role.values else name.replace("_", " ").capitalize()


# Purposes that a role's work can have, with words.
PURPOSES = {
    "TREAT": "Treatment",
    "HPAYMT": "Payment",
    "HOPERAT": "Hospital operations",
    "RECORDMGT": "Records management",
    "HCOMPL": "Compliance",
    "HLEGAL": "Legal",
    "HSYSADMIN": "System administration",
}

DESCRIPTIONS = {
    Role.RECORDS_CLERK: "Keeps charts complete: registers people, scans, files, corrects, logs requests.",
    Role.ROI_SPECIALIST: "Answers requests for records: checks the ground, chooses what goes, builds and sends.",
    Role.RECORDS_SUPERVISOR: "Leads the records department: all of its work, its queues, who looked at a chart.",
    Role.CLINICIAN: "Treats patients and reads the charts of those in their care.",
    Role.COMPLIANCE_OFFICER: "Reads the access log, answers who looked at what, agrees to changes of rights.",
    Role.ADMINISTRATOR: "Looks after people, roles and the system. Sees no chart.",
    Role.SERVICE: "What Chartroom itself and interfaces act as. No person holds it.",
}

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

_CHART = {"patients.view_chart", "patients.search_patients", "documents.view_document"}
_EVERY_CHART = {"patients.open_every_chart"}  # their work is the whole record
_CLOSED = {"patients.open_restricted_charts", "patients.open_closed_charts"}
_GLASS = {"patients.break_glass", "patients.search_outside_care"}
_COPY = {"documents.download_document", "documents.print_document"}
_REGISTER = {"patients.register_patient", "patients.edit_patient", "patients.edit_encounter"}
_PLACES = {"patients.add_location"}
_FILE = {"documents.file_document"}
_CORRECT = {"documents.correct_document"}
_REQUESTS = {"release.view_request", "release.log_request", "release.edit_request"}
_RELEASE = {"release.build_release", "release.send_release", "release.view_disclosures"}

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.RECORDS_CLERK: frozenset(
        _CHART
        | _EVERY_CHART
        | _COPY
        | _REGISTER
        | _FILE
        | _CORRECT
        | {"release.view_request", "release.log_request"}
    ),
    Role.ROI_SPECIALIST: frozenset(_CHART | _EVERY_CHART | _COPY | _FILE | _REQUESTS | _RELEASE),
    Role.RECORDS_SUPERVISOR: frozenset(
        _CHART
        | _EVERY_CHART
        | {"patients.open_closed_charts", "patients.restrict_chart", "patients.grant_chart"}
        | _COPY
        | _REGISTER
        | _PLACES
        | _FILE
        | _CORRECT
        | _REQUESTS
        | _RELEASE
        | {"release.approve_release", "release.view_wall", "review.view_chart_access", "accounts.view_rights"}
        | {"accounts.declare_emergency"}
    ),
    Role.CLINICIAN: frozenset(_CHART | _COPY | _GLASS | {"patients.attend_patients"}),
    Role.COMPLIANCE_OFFICER: frozenset(
        _CHART
        | _EVERY_CHART
        | _CLOSED
        | {"documents.change_label_rules", "patients.restrict_chart"}
        | {"release.view_request", "release.view_disclosures", "review.view_log", "review.export_log"}
        | {"review.view_chart_access", "accounts.view_rights", "accounts.approve_role_change"}
        | {"accounts.stop_users"}
        | {"review.review_glass", "patients.end_any_glass", "review.work_alerts", "review.change_watch"}
        | {"review.work_cases", "review.sign_reviews"}
    ),
    Role.ADMINISTRATOR: frozenset(
        {
            "accounts.manage_users",
            "accounts.manage_roles",
            "accounts.stop_users",
            "accounts.approve_role_change",
            "accounts.view_rights",
            "accounts.view_system",
            "accounts.declare_emergency",
        }
    ),
    Role.SERVICE: frozenset(
        _CHART | _EVERY_CHART | _CLOSED | _FILE | _RELEASE | _REQUESTS | _REGISTER | _PLACES
    ),
}
