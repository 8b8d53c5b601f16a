"""Pages of the person index: finding and registering, one identity, encounters."""
