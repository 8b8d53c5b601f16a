from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit import catalogue
        from audit.events import EVENTS

        catalogue.register(EVENTS)
