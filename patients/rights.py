"""What one may be allowed to do with charts and the person index."""

from accounts.rights import CHARTS, OVERSIGHT, Right

RIGHTS = (
    Right("patients.search_patients", "Search the person index", CHARTS),
    Right(
        "patients.view_chart",
        "Open charts",
        CHARTS,
        hint="Of the patients in one's care; every chart with the right below.",
        traces=("patient.viewed",),
    ),
    Right(
        "patients.open_every_chart",
        "Open every chart, also outside one's care",
        CHARTS,
        hint="For those whose work is the whole record.",
    ),
    Right(
        "patients.restrict_chart",
        "Restrict charts, lift restrictions, say whose own chart it is",
        CHARTS,
        is_sensitive=True,
    ),
    Right("patients.grant_chart", "Let a colleague open a chart until a day", CHARTS, is_sensitive=True),
    Right(
        "patients.open_restricted_charts",
        "Open restricted charts without stating a need",
        CHARTS,
        hint="Of people in the public eye, colleagues and their families.",
        is_sensitive=True,
    ),
    Right(
        "patients.open_closed_charts",
        "Open charts closed by law or court order",
        CHARTS,
        is_sensitive=True,
    ),
    Right(
        "patients.break_glass",
        "Break the glass",
        CHARTS,
        hint="Open a chart outside one's care: for a reason, for a limited time, and the privacy office asks.",
    ),
    Right(
        "patients.search_outside_care",
        "Look for people outside one's care",
        CHARTS,
        hint="Name, birth date, sex and MRN, nothing of the chart: to find whose glass to break.",
    ),
    Right("patients.end_any_glass", "End a colleague's broken glass", OVERSIGHT),
    Right("patients.attend_patients", "Be the attending of a patient", CHARTS),
    Right("patients.register_patient", "Register patients", CHARTS, traces=("patient.registered",)),
    Right("patients.edit_patient", "Change a patient's identity", CHARTS, traces=("patient.updated",)),
    Right("patients.add_location", "Add wards and clinics", CHARTS),
    Right(
        "patients.edit_encounter",
        "Open, change and close encounters",
        CHARTS,
        traces=(
            "encounter.opened",
            "encounter.updated",
            "encounter.closed",
        ),
    ),
)
