"""Verbs of the compliance office, by flow of work."""

from audit.review.services.log import (
    EXPORT_LIMIT,
    PAGE_SIZE,
    Export,
    LogAnswer,
    charts_closed_to,
    may_read_detail,
    patients_of,
    rows_of,
    start_export,
    view_chart_access,
    view_event,
    view_log,
)
from audit.review.services.printing import LawyerPrint, PatientReport, print_for_patient, print_with_hashes
from audit.review.services.reviewing import (
    Reviewed,
    decide_review,
    list_reviews,
    open_review,
    tell_overdue,
)
from audit.review.services.saving import end_question, save_question
from audit.review.services.timeline import Timeline, view_chart_timeline, view_person
from audit.review.services.watch_rules import (
    end_decoy,
    list_decoys,
    mark_decoy,
    set_watch_rule,
    show_watch_rules,
)
from audit.review.services.watch_runs import run_lately, run_watch
from audit.review.services.watching import (
    Evidence,
    list_alerts,
    open_alert,
    set_aside_alert,
    take_into_case,
)

__all__ = [
    "EXPORT_LIMIT",
    "PAGE_SIZE",
    "Evidence",
    "Export",
    "LawyerPrint",
    "LogAnswer",
    "PatientReport",
    "Reviewed",
    "Timeline",
    "charts_closed_to",
    "decide_review",
    "end_decoy",
    "end_question",
    "list_alerts",
    "list_decoys",
    "list_reviews",
    "mark_decoy",
    "may_read_detail",
    "open_alert",
    "open_review",
    "patients_of",
    "print_for_patient",
    "print_with_hashes",
    "rows_of",
    "run_lately",
    "run_watch",
    "save_question",
    "set_aside_alert",
    "set_watch_rule",
    "show_watch_rules",
    "start_export",
    "take_into_case",
    "tell_overdue",
    "view_chart_access",
    "view_chart_timeline",
    "view_event",
    "view_log",
    "view_person",
]
