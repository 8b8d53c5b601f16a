"""The log in other systems' forms, for whoever may read it, and the alarms about feeds."""
