from django.apps import AppConfig


class ReleaseConfig(AppConfig):
    name = "records.release"
    label = "release"

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from accounts import openwork, rights
        from audit import catalogue, explaining
        from records.documents import leaving
        from records.release import models, queries
        from records.release.events import EVENTS
        from records.release.explainers import EXPLAINERS
        from records.release.rights import RIGHTS
        from records.release.services import building  # noqa: F401  (registers the job's handler)

        catalogue.register(EVENTS)
        openwork.register(queries.requests_of)
        rights.register(RIGHTS)
        leaving.register(queries.chosen_for)
        explaining.register(*EXPLAINERS)
        machinery = ["created_at", "updated_at", "version"]
        auditlog.register(models.RecordRequest, exclude_fields=machinery)
        auditlog.register(models.Evidence, exclude_fields=machinery)
        auditlog.register(models.SelectedDocument, exclude_fields=machinery)
        auditlog.register(models.Release, exclude_fields=[*machinery, "manifest"])
