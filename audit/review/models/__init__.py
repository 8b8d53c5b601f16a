"""What the compliance office has to look at and to decide."""

from audit.review.models.alerts import (
    Alert,
    AlertQuerySet,
    AlertState,
    DecoyChart,
    StaffWeek,
    WatchRule,
    WatchRun,
)
from audit.review.models.glass import GlassReview, GlassReviewQuerySet, Outcome
from audit.review.models.log import AccessLog

__all__ = [
    "AccessLog",
    "Alert",
    "AlertQuerySet",
    "AlertState",
    "DecoyChart",
    "GlassReview",
    "GlassReviewQuerySet",
    "Outcome",
    "StaffWeek",
    "WatchRule",
    "WatchRun",
]
