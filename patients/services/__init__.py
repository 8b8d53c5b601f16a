"""Verbs on the person index, by flow of work."""

from patients.services.encounters import close_encounter, list_encounters, open_encounter, update_encounter
from patients.services.identity import register_patient, update_patient
from patients.services.looking import open_chart, search_patients, view_history

__all__ = [
    "close_encounter",
    "list_encounters",
    "open_chart",
    "open_encounter",
    "register_patient",
    "search_patients",
    "update_encounter",
    "update_patient",
    "view_history",
]
