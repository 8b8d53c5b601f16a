"""What this room writes into the log."""

EVENTS = {
    "request.listed": ("view", "looked at the list of requests"),
    "request.logged": ("create", "logged a request for records"),
    "request.viewed": ("view", "looked at a request"),
    "request.updated": ("update", "changed a request"),
    "request.canceled": ("update", "canceled a request"),
    "request.evidence_added": ("create", "put evidence on file for a request"),
    "request.evidence_viewed": ("view", "looked at evidence of a request"),
    "request.documents_selected": ("update", "chose what goes for a request"),
    "release.started": ("create", "had a release package built"),
    "release.built": ("create", "built a release package"),
    "release.approved": ("review", "agreed to a large release package"),
    "release.failed": ("update", "could not build a release package"),
    "release.withdrawn": ("update", "withdrew a release package that had not gone out"),
    "release.viewed": ("view", "looked at a release"),
    "release.package_downloaded": ("disclose", "downloaded a release package to deliver it"),
    "release.package_copied": ("export", "downloaded a package that had gone out before"),
    "release.mailed": ("disclose", "marked a release package as mailed"),
    "disclosure.listed": ("view", "looked at the disclosures of the chart"),
}
