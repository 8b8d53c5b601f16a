"""docs/reference/watch-rules.md says what the code does."""

from pathlib import Path

from django.conf import settings

from audit.review.watch import rules

PAGE = Path(settings.BASE_DIR) / "docs/reference/watch-rules.md"


def table() -> str:
    """The rules as the page lists them."""
    lines = ["| rule | looks for | points | explained | numbers |", "| --- | --- | --- | --- | --- |"]
    for rule in rules.RULES:
        numbers = "; ".join(
            f"{one.words}: {one.default:g} ({one.least:g} to {one.most:g})" for one in rule.parameters
        )
        sinks = "sinks" if rule.sinks else "stays"
        lines.append(
            f"| {rule.words} (`{rule.code}`) | {rule.looks_for} | {rule.weight} | {sinks} | {numbers or 'none'} |"
        )
    return "\n".join(lines)


def test_the_page_lists_every_rule_as_it_is() -> None:
    assert table() in PAGE.read_text()
