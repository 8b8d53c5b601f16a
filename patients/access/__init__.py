"""Who may open which chart. `rules` declares what opens and what closes one; ask through the functions here."""

from patients.access.charts import (
    allows,
    check_may_add_location,
    check_may_edit,
    check_may_edit_encounters,
    check_may_open,
    check_may_register,
    check_may_search,
    decide,
    get_encounter_for,
    get_for,
    get_survivor_for,
    get_to_ask,
    open_among,
    open_to,
    visible_to,
)
from patients.access.decisions import OPEN_CHARTS, Decision, Verdict

__all__ = [
    "OPEN_CHARTS",
    "Decision",
    "Verdict",
    "allows",
    "check_may_add_location",
    "check_may_edit",
    "check_may_edit_encounters",
    "check_may_open",
    "check_may_register",
    "check_may_search",
    "decide",
    "get_encounter_for",
    "get_for",
    "get_survivor_for",
    "get_to_ask",
    "open_among",
    "open_to",
    "visible_to",
]
