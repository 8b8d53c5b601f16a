"""Which database connection does what."""

from typing import Any


class OwnerOnlyMigrates:
    """Tables are made by the alias `owner`; everything else goes through `default`, the restricted role."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return db == "owner"

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool | None:
        return True
