"""Every event name the house may write, with the action it counts as and plain words for people.

Rooms register theirs when they load; a name nobody registered cannot be written.
"""

from dataclasses import dataclass

ACTIONS = frozenset(
    "view search create update retract print copy export disclose link merge unmerge sign sign-in sign-out "
    "sign-in-failed break-glass privilege-change config-change verify review".split()
)


@dataclass(frozen=True)
class Kind:
    """One kind of event: its dotted name, its action (API.md) and what happened in past-tense words."""

    name: str
    action: str
    words: str


_kinds: dict[str, Kind] = {}


def register(events: dict[str, tuple[str, str]]) -> None:
    """Add a room's `{name: (action, words)}`. Raises ValueError for an unknown action or a name taken."""
    for name, (action, words) in events.items():
        if action not in ACTIONS:
            raise ValueError(f"{name}: there is no action {action!r}.")
        kind = Kind(name, action, words)
        if _kinds.setdefault(name, kind) != kind:
            raise ValueError(f"{name} is registered twice.")


def kind_of(name: str) -> Kind:
    """The registered kind. Raises LookupError for a name nobody registered."""
    try:
        return _kinds[name]
    except KeyError:
        raise LookupError(f"No room has registered the event {name!r}.") from None


def all_kinds() -> list[Kind]:
    """Every registered kind, by name."""
    return [_kinds[name] for name in sorted(_kinds)]
