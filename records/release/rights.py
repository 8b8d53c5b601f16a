"""What one may be allowed to do with requests and releases."""

from accounts.rights import RELEASES, Right

RIGHTS = (
    Right("release.view_request", "See requests for records", RELEASES),
    Right("release.log_request", "Log a request", RELEASES),
    Right(
        "release.edit_request",
        "Work on requests and their evidence",
        RELEASES,
        hint="Requests can be given to whoever has this right.",
    ),
    Right("release.build_release", "Have a package built", RELEASES),
    Right(
        "release.approve_release",
        "Agree to a large package that somebody else prepared",
        RELEASES,
        is_sensitive=True,
    ),
    Right("release.send_release", "Send a package", RELEASES),
    Right("release.view_disclosures", "See what was disclosed from a chart", RELEASES),
    Right("release.view_wall", "See the department's queues and who has what", RELEASES),
)
