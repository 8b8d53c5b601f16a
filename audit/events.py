"""The events that belong to no room above."""

EVENTS = {
    "access.denied": ("view", "was refused"),
    "request.repeated": ("view", "was given an earlier answer again"),
    "job.failed": ("update", "a background job gave up"),
    "system.configured": ("config-change", "changed the system's configuration"),
}
