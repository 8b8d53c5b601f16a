"""What one may be allowed to do with the access log."""

from accounts.rights import OVERSIGHT, Right

RIGHTS = (
    Right("review.view_chart_access", "See who looked at a chart", OVERSIGHT),
    Right("review.view_log", "Read the access log", OVERSIGHT, is_sensitive=True, traces=("log.viewed",)),
    Right(
        "review.export_log",
        "Take the access log out as a file",
        OVERSIGHT,
        is_sensitive=True,
        traces=("log.exported",),
    ),
    Right(
        "review.review_glass",
        "Review broken glass and decide whether it was appropriate",
        OVERSIGHT,
        is_sensitive=True,
    ),
    Right(
        "review.work_alerts",
        "Look at the alerts of the watch and decide them",
        OVERSIGHT,
        is_sensitive=True,
        traces=("watch.alerts_listed",),
    ),
    Right(
        "review.change_watch",
        "Change what the watch looks for, and mark decoy charts",
        OVERSIGHT,
        is_sensitive=True,
        traces=("watch.rule_changed",),
    ),
    Right(
        "review.work_cases",
        "Open, read and decide cases about colleagues",
        OVERSIGHT,
        hint="Never one's own: a case about her is closed to her.",
        is_sensitive=True,
        traces=("case.listed", "case.viewed"),
    ),
    Right(
        "review.sign_reviews",
        "Do and sign the review of activity",
        OVERSIGHT,
        is_sensitive=True,
        traces=("signoff.listed", "signoff.signed"),
    ),
)
