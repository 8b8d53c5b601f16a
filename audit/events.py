"""The events that belong to no room above."""

EVENTS = {
    "access.denied": ("view", "was refused"),
    "request.repeated": ("view", "was given an earlier answer again"),
    "job.failed": ("update", "a background job gave up"),
    "log.moved": ("config-change", "moved the log to another database cluster"),
    "log.archived": ("config-change", "took an old month out of the log's table into the archive"),
    "log.attached": ("config-change", "brought an archived month back into the log's table"),
    "log.archive_copied": ("copy", "copied an archived month of the log to another machine"),
    "log.months_moved": ("config-change", "moved months of the log to another tablespace"),
    "log.feed_started": ("config-change", "began to tell another system of the log"),
    "log.feed_set": ("config-change", "had another system told of the log again"),
    "explainer.failed": ("view", "could not ask one kind of explanation"),
    "clock.stepped": ("config-change", "the clock was set to another time"),
    "system.configured": ("config-change", "changed the system's configuration"),
}
