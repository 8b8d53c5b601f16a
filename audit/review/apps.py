from django.apps import AppConfig


class ReviewConfig(AppConfig):
    name = "audit.review"
    label = "review"

    def ready(self) -> None:
        from accounts import rights
        from audit import catalogue
        from audit.review import proof  # noqa: F401  (registers the job's handler)
        from audit.review.events import EVENTS
        from audit.review.rights import RIGHTS

        catalogue.register(EVENTS)
        rights.register(RIGHTS)
