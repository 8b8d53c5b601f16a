from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "records.documents"

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from accounts import rights
        from audit import catalogue, explaining
        from audit.archiving import places
        from records.documents import (
            jobs,  # noqa: F401  (registers the job's handler)
            models,
            sealed,
            storage,
        )
        from records.documents.events import EVENTS
        from records.documents.explainers import EXPLAINERS
        from records.documents.rights import RIGHTS

        catalogue.register(EVENTS)
        # Archived months of the log lie in a vault of their own.
        places.opened_by(storage.vault_at, errors=sealed.VaultError)
        rights.register(RIGHTS)
        explaining.register(*EXPLAINERS)
        machinery = ["created_at", "updated_at", "version"]
        auditlog.register(models.Document, exclude_fields=machinery)
        auditlog.register(models.DocumentVersion, exclude_fields=machinery)
        auditlog.register(models.LabelRule, exclude_fields=machinery)
        auditlog.register(models.LabelNeed, exclude_fields=machinery)
