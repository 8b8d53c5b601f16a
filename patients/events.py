"""What this room writes into the log."""

EVENTS = {
    "patient.searched": ("search", "searched for a patient"),
    "patient.duplicates_shown": ("search", "was shown people like the one to be registered"),
    "patient.viewed": ("view", "opened the chart"),
    "patient.history_viewed": ("view", "looked at the history of the identity"),
    "patient.registered": ("create", "registered the patient"),
    "patient.updated": ("update", "changed the patient's identity"),
    "encounter.listed": ("view", "looked at the encounters"),
    "encounter.viewed": ("view", "looked at an encounter"),
    "encounter.opened": ("create", "opened an encounter"),
    "encounter.updated": ("update", "changed an encounter"),
    "encounter.closed": ("update", "closed an encounter"),
    "access.rule_failed": ("view", "met an access rule that could not be asked"),
    "location.added": ("config-change", "added a ward or clinic"),
    "access.need_stated": ("view", "said why they need a restricted chart"),
    "home.viewed": ("view", "looked at the home page"),
}
