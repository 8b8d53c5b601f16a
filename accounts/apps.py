from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from accounts import openwork, queries, rights
        from accounts.events import EVENTS
        from accounts.models import (
            AccessReview,
            ApiToken,
            HospitalRole,
            HouseEmergency,
            Invitation,
            ReviewItem,
            RoleChange,
            User,
        )
        from accounts.receivers import write_roles
        from accounts.rights import RIGHTS
        from audit import catalogue

        openwork.register(queries.people_managed)
        openwork.register(queries.changes_proposed)
        catalogue.register(EVENTS)
        rights.register(RIGHTS)
        auditlog.register(User, exclude_fields=["password", "last_login", "version"], m2m_fields={"groups"})
        auditlog.register(HospitalRole, exclude_fields=["created_at", "updated_at", "version"])
        auditlog.register(RoleChange, exclude_fields=["created_at", "updated_at", "version"])
        auditlog.register(Invitation, exclude_fields=["digest", "created_at", "updated_at", "version"])
        for model in (AccessReview, ReviewItem):
            auditlog.register(model, exclude_fields=["created_at", "updated_at", "version"])
        auditlog.register(
            HouseEmergency, exclude_fields=["created_at", "updated_at", "version"], m2m_fields={"roles"}
        )
        auditlog.register(ApiToken, exclude_fields=["digest", "last_used_at", "updated_at", "version"])
        post_migrate.connect(write_roles, dispatch_uid="accounts.write_roles")
