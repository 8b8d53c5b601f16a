"""What the demonstration writes into the log beside the events of the rooms' verbs."""

EVENTS = {
    "demo.charts_made": ("create", "made invented charts for measurements"),
}
