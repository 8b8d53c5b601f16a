"""Users, their roles and their tokens change only together with an event."""

from django.db import migrations

from audit.guards import guard


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_users_and_tokens"), ("audit", "0001_event_table")]

    operations = [
        guard("accounts_user", None),
        guard("accounts_user_groups", None),
        guard("accounts_apitoken", None, columns=["user_id", "digest", "expires_at", "revoked_at"]),
    ]
