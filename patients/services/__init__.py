"""Verbs on the person index, by flow of work."""

from patients.services.duplicates import PossibleDuplicates, Twin, show_duplicates
from patients.services.encounters import (
    close_encounter,
    list_encounters,
    open_encounter,
    update_encounter,
    view_encounter,
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

__all__ = [
    "PossibleDuplicates",
    "Twin",
    "close_encounter",
    "list_encounters",
    "look_into_chart",
    "open_chart",
    "open_demographics",
    "open_encounter",
    "open_identity",
    "register_patient",
    "search_patients",
    "show_duplicates",
    "state_need",
    "update_encounter",
    "update_patient",
    "view_encounter",
    "view_history",
]
