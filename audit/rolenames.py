"""Names of roles in a row of the log: PostgreSQL's text of an array. The array itself is 24 bytes longer."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models


class RoleNames(models.Field):
    """A list, read as one. It is written by `audit.services.record` alone; `roles__names` sorts and compares."""

    def db_type(self, connection: Any) -> str:
        """Text."""
        return "text"

    def select_format(self, compiler: Any, sql: str, params: Any) -> Any:
        """Read as an array."""
        return f"({sql})::text[]", params


@RoleNames.register_lookup
class Names(models.Transform):
    """The array."""

    lookup_name = "names"
    template = "(%(expressions)s)::text[]"
    output_field = ArrayField(models.TextField())
