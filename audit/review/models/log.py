"""The access log as a thing with rights of its own."""

from django.db import models


class AccessLog(models.Model):
    """The access log as something one may be allowed to read. No table: the events are `audit.models.Event`."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("view_log", "Can read the access log"),
            ("export_log", "Can take the access log out as a file"),
            ("view_chart_access", "Can see who looked at a chart"),
        ]
