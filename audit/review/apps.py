from django.apps import AppConfig


class ReviewConfig(AppConfig):
    name = "audit.review"
    label = "review"

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from accounts import rights
        from audit import catalogue, explaining
        from audit.review import (
            proof,  # noqa: F401  (registers the job's handler)
            receivers,  # noqa: F401  (listens to the rooms below)
        )
        from audit.review.events import EVENTS
        from audit.review.explainers import EXPLAINERS
        from audit.review.models import Alert, DecoyChart, GlassReview, WatchRule
        from audit.review.rights import RIGHTS

        catalogue.register(EVENTS)
        rights.register(RIGHTS)
        explaining.register(*EXPLAINERS)
        auditlog.register(
            GlassReview, exclude_fields=["created_at", "updated_at", "version", "overdue_told_at"]
        )
        auditlog.register(
            Alert,
            exclude_fields=["created_at", "updated_at", "version", "event_ids", "hits", "score", "accesses"],
        )
        auditlog.register(DecoyChart, exclude_fields=["created_at", "updated_at", "version"])
        auditlog.register(WatchRule, exclude_fields=["created_at", "updated_at", "version"])
