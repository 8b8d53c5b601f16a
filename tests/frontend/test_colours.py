"""Text is readable on every ground it stands on, in light and in dark (WCAG 2.2 AA: 4.5 to 1; fields' edges
3 to 1).
"""

import re
from pathlib import Path

import pytest
from django.conf import settings

CSS = (Path(settings.BASE_DIR) / "static/css/tokens.css").read_text()
GROUNDS = ["desk", "paper", "raised", "hover", "chosen"]
PAIRS = [(ink, ground) for ink in ("ink", "ink-2", "act") for ground in GROUNDS]
PAIRS += [
    ("ink-3", "paper"),
    ("ink-3", "raised"),
    ("ink-3", "desk"),
    ("on-act", "act"),
    ("on-act", "act-strong"),
    ("on-glass", "glass"),
]
PAIRS += [(kind, f"{kind}-soft") for kind in ("act", "bad", "due", "good", "glass")]
PAIRS += [(kind, ground) for kind in ("bad", "due", "good", "glass") for ground in ("paper", "desk")]
PAIRS += [("bar-ink", "bar"), ("bar-ink-2", "bar"), ("bar-ink-2", "bar-2"), ("ink", "mark")]


def colours(block):
    """The hexadecimal colours that a rule of tokens.css sets."""
    return dict(re.findall(r"--([\w-]+):\s*#([0-9a-f]{6});", block))


LIGHT = colours(CSS.split("[data-bs-theme", 1)[0])
DARK = LIGHT | colours(CSS.split('[data-bs-theme="dark"] {', 1)[1].split("}", 1)[0])


def luminance(colour):
    """Relative luminance of WCAG 2.2, 0 for black to 1 for white."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Contrast ratio of WCAG 2.2, 1 to 21."""
    lighter, darker = sorted([luminance(one), luminance(other)], reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_scale_is_that_of_the_standard():
    assert contrast("000000", "ffffff") == pytest.approx(21)
    assert contrast("777777", "ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_is_readable(theme, ink, ground):
    assert contrast(theme[ink], theme[ground]) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "desk", "raised"])
def test_the_edge_of_a_field_is_seen(theme, ground):
    assert contrast(theme["line-strong"], theme[ground]) >= 3
