from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "common.jobs"
    label = "jobs"

    def ready(self) -> None:
        from common.jobs import worker  # noqa: F401  (connects to the worker's start)
