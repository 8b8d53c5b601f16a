"""What this room writes into the log: looking into the log is a look too."""

EVENTS = {
    "log.viewed": ("review", "looked into the access log"),
    "log.event_viewed": ("review", "looked at one event of the access log"),
    "log.chart_access_viewed": ("review", "looked at who had opened the chart"),
    "log.proof_viewed": ("review", "looked at the proof of the access log"),
    "log.verified": ("verify", "checked the access log against its seals"),
    "log.evidence_taken": ("export", "took evidence out of the access log"),
    "review.glass_opened": ("review", "made a task to review broken glass"),
    "review.glass_listed": ("review", "looked at the list of broken glass"),
    "review.glass_viewed": ("review", "looked at a review of broken glass"),
    "review.glass_decided": ("review", "decided a review of broken glass"),
    "review.glass_overdue": ("review", "wrote down that a review of broken glass is overdue"),
    "log.exported": ("export", "took the access log out as a file"),
}
