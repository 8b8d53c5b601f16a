"""What the compliance office has to look at and to decide."""

from audit.review.models.glass import GlassReview, GlassReviewQuerySet, Outcome
from audit.review.models.log import AccessLog

__all__ = ["AccessLog", "GlassReview", "GlassReviewQuerySet", "Outcome"]
