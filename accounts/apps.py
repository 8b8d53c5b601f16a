from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from accounts.events import EVENTS
        from accounts.models import ApiToken, User
        from accounts.receivers import write_roles
        from audit import catalogue

        catalogue.register(EVENTS)
        auditlog.register(User, exclude_fields=["password", "last_login", "version"], m2m_fields={"groups"})
        auditlog.register(ApiToken, exclude_fields=["digest", "last_used_at", "updated_at", "version"])
        post_migrate.connect(write_roles, dispatch_uid="accounts.write_roles")
