"""Verbs on the person index, by flow of work."""

from patients.services.duplicates import PossibleDuplicates, Twin, show_duplicates
from patients.services.encounters import (
    close_encounter,
    list_encounters,
    open_encounter,
    update_encounter,
    view_encounter,
)
from patients.services.glass import (
    Considered,
    Somebody,
    break_glass,
    consider_glass,
    end_glass,
    search_outside_care,
    see_glass,
    write_off_run_out,
)
from patients.services.identity import register_patient, update_patient
from patients.services.looking import (
    look_into_chart,
    open_chart,
    open_demographics,
    open_identity,
    search_patients,
    view_history,
)
from patients.services.needs import state_need
from patients.services.opening import (
    answer_consult,
    ask_consult,
    end_own_entry,
    grant_chart,
    join_care_team,
    leave_care_team,
    lift_restriction,
    restrict_chart,
    revoke_grant,
    set_own_entry,
    view_who_may_open,
)
from patients.services.workplaces import set_workplaces

__all__ = [
    "Considered",
    "PossibleDuplicates",
    "Somebody",
    "Twin",
    "answer_consult",
    "ask_consult",
    "break_glass",
    "close_encounter",
    "consider_glass",
    "end_glass",
    "end_own_entry",
    "grant_chart",
    "join_care_team",
    "leave_care_team",
    "lift_restriction",
    "list_encounters",
    "look_into_chart",
    "open_chart",
    "open_demographics",
    "open_encounter",
    "open_identity",
    "register_patient",
    "restrict_chart",
    "revoke_grant",
    "search_outside_care",
    "search_patients",
    "see_glass",
    "set_own_entry",
    "set_workplaces",
    "show_duplicates",
    "state_need",
    "update_encounter",
    "update_patient",
    "view_encounter",
    "view_history",
    "view_who_may_open",
    "write_off_run_out",
]
