"""The law that a release must meet, as functions without a database: facts in, broken rules out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Broken:
    """A rule that forbids it: its ID, and what to do about it in words for the specialist."""

    rule: str
    text: str
