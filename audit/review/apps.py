from django.apps import AppConfig


class ReviewConfig(AppConfig):
    name = "audit.review"
    label = "review"

    def ready(self) -> None:
        from audit import catalogue
        from audit.review import proof  # noqa: F401  (registers the job's handler)
        from audit.review.events import EVENTS

        catalogue.register(EVENTS)
