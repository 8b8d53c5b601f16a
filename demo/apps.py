from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "demo"
    label = "demo"

    def ready(self) -> None:
        from audit import catalogue
        from demo import tasks  # noqa: F401  (registers the job's handler)
        from demo.events import EVENTS

        catalogue.register(EVENTS)
