"""The proof that the log is whole: settled events are sealed into a signed chain, and checked against it."""
