"""What stands out in a week of the log: rules as data, each one statement over the week, scored and told why."""
