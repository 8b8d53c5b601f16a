"""The floor that page times are measured against: a bare Django view with session, user, and 25 rows."""
