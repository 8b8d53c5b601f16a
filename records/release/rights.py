"""What one may be allowed to do with requests and releases."""

from accounts.rights import RELEASES, Right

RIGHTS = (
    Right("release.view_request", "See requests for records", RELEASES),
    Right("release.log_request", "Log a request", RELEASES, traces=("request.logged",)),
    Right(
        "release.edit_request",
        "Work on requests and their evidence",
        RELEASES,
        hint="Requests can be given to whoever has this right.",
        traces=(
            "request.updated",
            "request.evidence_added",
            "request.documents_selected",
        ),
    ),
    Right("release.build_release", "Have a package built", RELEASES, traces=("release.started",)),
    Right(
        "release.approve_release",
        "Agree to a large package that somebody else prepared",
        RELEASES,
        is_sensitive=True,
        traces=("release.approved",),
    ),
    Right(
        "release.send_release",
        "Send a package",
        RELEASES,
        traces=(
            "release.package_downloaded",
            "release.mailed",
        ),
    ),
    Right("release.view_disclosures", "See what was disclosed from a chart", RELEASES),
    Right("release.view_wall", "See the department's queues and who has what", RELEASES),
)
