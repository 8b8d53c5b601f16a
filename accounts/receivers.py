"""After a migration the groups hold what `accounts.roles` says."""

from typing import Any

from django.apps import apps as installed

from accounts.roles import PERMISSIONS


def write_roles(app_config: Any, using: str, **kwargs: Any) -> None:
    """Make each role's group and give it exactly its permissions.

    Runs after the last app's post_migrate, so that every permission row is there.
    """
    last = [config for config in installed.get_app_configs() if config.models_module is not None][-1]
    if app_config is not last:
        return
    from django.contrib.auth.models import Group, Permission

    ids = {
        f"{label}.{codename}": pk
        for pk, label, codename in Permission.objects.using(using).values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
    for role, names in PERMISSIONS.items():
        group, _ = Group.objects.using(using).get_or_create(name=role.value)
        wanted = {ids[name] for name in names if name in ids}
        if set(group.permissions.values_list("pk", flat=True)) != wanted:
            group.permissions.set(wanted)
