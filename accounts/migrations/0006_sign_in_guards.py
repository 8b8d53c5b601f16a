"""Second factors, identities and a token's scopes change only together with an event."""

from django.db import migrations

from audit.guards import guard


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_sign_in"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        guard("mfa_authenticator", None, columns=["user_id", "type", "data"]),
        guard("accounts_identity", None, columns=["user_id", "issuer", "subject"]),
        migrations.RunSQL("drop trigger accounts_apitoken_needs_event on accounts_apitoken"),
        guard("accounts_apitoken", None, columns=["user_id", "digest", "expires_at", "revoked_at", "scopes"]),
    ]
