"""What somebody may be allowed to do. Each room registers the rights that its own verbs ask for, with words for people.

A right is a permission of Django's, so that `user.has_perm(...)` is the question everywhere. Nobody holds one by hand:
rights are bundled into roles, those of the house (`accounts.roles`) and those that a hospital makes itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass

# The order of a screen.
CHARTS = "Patients and charts"
DOCUMENTS = "Documents"
RELEASES = "Requests and releases"
OVERSIGHT = "Oversight"
PEOPLE = "People and roles"
GROUPS = (CHARTS, DOCUMENTS, RELEASES, OVERSIGHT, PEOPLE)


@dataclass(frozen=True)
class Right:
    """One right: the permission's name, a verb on a thing in words, and where it stands on a screen.

    A `is_sensitive` one lets its holder see or move what protects everybody else: giving it to somebody takes two
    people (`accounts.services.role_changes`). `traces` are the events that show it in use: who has written none for
    long holds more than she needs.
    """

    name: str
    words: str
    group: str
    hint: str = ""
    is_sensitive: bool = False
    traces: tuple[str, ...] = ()


RIGHTS = (
    Right(
        "accounts.manage_users",
        "Add, change and deactivate users",
        PEOPLE,
        is_sensitive=True,
        traces=("user.invited", "user.changed", "user.list_viewed"),
    ),
    Right(
        "accounts.stop_users",
        "Stop somebody's access at once",
        PEOPLE,
        hint="In an emergency. To let the person in again takes whoever manages users.",
    ),
    Right(
        "accounts.manage_roles",
        "Make, change and retire roles",
        PEOPLE,
        is_sensitive=True,
        traces=("role.made", "role.changed", "role.retired"),
    ),
    Right(
        "accounts.approve_role_change",
        "Agree to a role change that somebody else proposed",
        PEOPLE,
        is_sensitive=True,
    ),
    Right("accounts.view_rights", "See who can do what", PEOPLE),
    Right(
        "accounts.declare_emergency",
        "Declare, confirm and end emergency access for the house",
        OVERSIGHT,
        hint="It takes two who may.",
        is_sensitive=True,
    ),
    Right("accounts.view_system", "See the state of the system", PEOPLE),
)

_known: dict[str, Right] = {}


def register(rights: Iterable[Right]) -> None:
    """Add a room's rights. Raises ValueError for a name taken or a group there is not."""
    for right in rights:
        if right.group not in GROUPS:
            raise ValueError(f"{right.name}: there is no group {right.group!r}.")
        if _known.setdefault(right.name, right) != right:
            raise ValueError(f"{right.name} is registered twice.")


def all_rights() -> list[Right]:
    """Every right, in the order of a screen: by group, then as its room named them."""
    return sorted(_known.values(), key=lambda right: GROUPS.index(right.group))


def by_group() -> list[tuple[str, list[Right]]]:
    """The groups in the order of a screen, each with its rights."""
    return [(group, [right for right in _known.values() if right.group == group]) for group in GROUPS]


def known(names: Iterable[str]) -> frozenset[str]:
    """Those of `names` that are rights: Django's own permissions on tables are none."""
    return frozenset(name for name in names if name in _known)


def sensitive(names: Iterable[str]) -> frozenset[str]:
    """Those of `names` that take two people to be given."""
    return frozenset(name for name in names if name in _known and _known[name].is_sensitive)


def words_of(name: str) -> str:
    """A right in words; one that a later version does not know keeps its name."""
    return _known[name].words if name in _known else name
