"""What this room writes into the log."""

EVENTS = {
    "user.signed_in": ("sign-in", "signed in"),
    "user.signed_out": ("sign-out", "signed out"),
    "user.sign_in_failed": ("sign-in-failed", "tried to sign in"),
    "user.confirmed": ("sign-in", "confirmed who they are"),
    "user.timed_out": ("sign-out", "was signed out for idleness"),
    "user.created": ("privilege-change", "added a user"),
    "user.changed": ("privilege-change", "changed a user"),
    "user.deactivated": ("privilege-change", "deactivated a user"),
    "user.activated": ("privilege-change", "activated a user"),
    "user.password_changed": ("privilege-change", "changed a password"),
    "user.list_viewed": ("view", "looked at the list of users"),
    "token.issued": ("privilege-change", "issued an API token"),
    "token.revoked": ("privilege-change", "revoked an API token"),
}
