"""Words that several rooms write."""


def counted(count: int, thing: str) -> str:
    """`1 page`, `2 pages`."""
    return f"{count} {thing}{'' if count == 1 else 's'}"
