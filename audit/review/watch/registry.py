"""The rules that the watch knows, and how the compliance office has set them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.review.models import WatchRule


@dataclass(frozen=True)
class Parameter:
    """A number of a rule that the compliance office may change, within bounds."""

    name: str
    words: str
    default: float
    least: float
    most: float

    def check(self, value: Any) -> float:
        """The number. Raises ValueError with words for whoever typed it."""
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not self.least <= value <= self.most:
            raise ValueError(f"{self.words}: a number from {self.least:g} to {self.most:g}.")
        return float(value)


@dataclass(frozen=True)
class Rule:
    """One thing to look for.

    `sql` is one SELECT of (actor_id, patient_id, strength 0 to 1, words, event ids) over the tables of
    `audit.review.watch.gathering`, with the rule's parameters and the week's as `%(name)s`. A row without a patient is
    about how somebody worked at all. What is explained sinks, unless the rule says that no explanation counts.
    """

    code: str  # in the table and in alerts for ever: never renamed
    words: str
    looks_for: str
    weight: int  # points of a full hit
    sql: str
    parameters: tuple[Parameter, ...] = ()
    sinks: bool = True

    @property
    def defaults(self) -> dict[str, float]:
        """Every parameter as it is when nobody changed it."""
        return {one.name: one.default for one in self.parameters}

    def checked(self, given: Mapping[str, Any]) -> dict[str, float]:
        """Every parameter: what is given, the rest by default. Raises ValueError for a wrong or unknown one."""
        unknown = set(given) - set(self.defaults)
        if unknown:
            raise ValueError(f"{self.words} has no {', '.join(sorted(unknown))}.")
        return {one.name: one.check(given.get(one.name, one.default)) for one in self.parameters}


@dataclass(frozen=True)
class Setting:
    """A rule as it is in force."""

    rule: Rule
    is_on: bool
    weight: int
    parameters: dict[str, float] = field(default_factory=dict)
    row: WatchRule | None = None

    def as_data(self) -> dict[str, Any]:
        """What a run keeps and an event tells."""
        return {"is_on": self.is_on, "weight": self.weight, "parameters": self.parameters}


_rules: dict[str, Rule] = {}


def register(rules: Iterable[Rule]) -> None:
    """Add rules. ValueError: a code taken."""
    for rule in rules:
        if _rules.setdefault(rule.code, rule) is not rule:
            raise ValueError(f"{rule.code} is registered twice.")


def rule_of(code: str) -> Rule | None:
    """The rule of this code; None for one that a former version had."""
    return _rules.get(code)


def settings_in_force() -> list[Setting]:
    """Every rule as the compliance office has set it, in the order of registration. One query.

    A row that a former version wrote may name parameters that are gone: they are left out.
    """
    rows = {row.code: row for row in WatchRule.objects.all()}
    found = []
    for rule in _rules.values():
        row = rows.get(rule.code)
        if row is None:
            found.append(Setting(rule, True, rule.weight, rule.defaults))
            continue
        known = {name: value for name, value in row.parameters.items() if name in rule.defaults}
        found.append(Setting(rule, row.is_on, row.weight, {**rule.defaults, **known}, row))
    return found
