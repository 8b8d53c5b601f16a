from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit import catalogue
        from audit.events import EVENTS
        from audit.refusals import note_replay
        from common.api import on_replay

        catalogue.register(EVENTS)
        on_replay(note_replay)
