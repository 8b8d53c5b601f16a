from django.apps import AppConfig


class ReviewConfig(AppConfig):
    name = "audit.review"
    label = "review"

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from accounts import openwork, rights
        from audit import catalogue, explaining
        from audit.review import (
            case_queries,
            proof,  # noqa: F401  (registers the job's handler)
            receivers,  # noqa: F401  (listens to the rooms below)
        )
        from audit.review.events import EVENTS
        from audit.review.explainers import EXPLAINERS
        from audit.review.models import (
            Alert,
            BreachNotice,
            Case,
            CaseAlert,
            CasePatient,
            DecoyChart,
            GlassReview,
            SavedQuestion,
            SignOff,
            WatchRule,
        )
        from audit.review.rights import RIGHTS
        from audit.review.watch import registry, rules

        catalogue.register(EVENTS)
        rights.register(RIGHTS)
        explaining.register(*EXPLAINERS)
        registry.register(rules.RULES)
        auditlog.register(
            GlassReview, exclude_fields=["created_at", "updated_at", "version", "overdue_told_at"]
        )
        auditlog.register(
            Alert,
            exclude_fields=["created_at", "updated_at", "version", "event_ids", "hits", "score", "accesses"],
        )
        auditlog.register(DecoyChart, exclude_fields=["created_at", "updated_at", "version"])
        auditlog.register(WatchRule, exclude_fields=["created_at", "updated_at", "version"])
        auditlog.register(SavedQuestion, exclude_fields=["created_at", "updated_at", "version"])
        openwork.register(case_queries.cases_of)
        # The log is read by those who must not read a case about themselves: it is told that a case changed, not how.
        machinery = ["created_at", "updated_at", "version"]
        kept = {"number", "kind", "status", "discovered_on", "closed_at"}
        auditlog.register(Case, include_fields=sorted(kept))
        for link in (CasePatient, CaseAlert):
            auditlog.register(link, include_fields=["case"])
        auditlog.register(BreachNotice, exclude_fields=machinery)
        auditlog.register(
            SignOff, include_fields=["kind", "starts_on", "due_on", "seed", "signed_at", "digest"]
        )
