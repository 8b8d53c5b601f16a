"""Pictures of numbers as SVG: places and sizes only; colours come from the page's own style."""

from dataclasses import dataclass
from math import floor, log10

WIDTH, HEIGHT = 720, 220
LEFT, TOP, BOTTOM = 56, 8, 28
MOST_LABELS = 12


@dataclass(frozen=True)
class Bar:
    """One bar with what it says."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    label: str
    shown: str  # the label under it; empty where there is no room
    value: str


@dataclass(frozen=True)
class Line:
    """One line across, with its number at the left."""

    y: float
    text: str


@dataclass(frozen=True)
class Picture:
    """Bars over a scale."""

    bars: list[Bar]
    lines: list[Line]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    base: int = HEIGHT - BOTTOM


def scale_end(most: float) -> float:
    """The end of the scale: 1, 2 or 5 times a power of ten, not under the largest value."""
    if most <= 0:
        return 1
    power: float = 10.0 ** floor(log10(most))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= most)


def bars(values: list[tuple[str, float]]) -> Picture | None:
    """The picture of these; None when there is nothing to draw."""
    if not values or not any(value for _, value in values):
        return None
    end = scale_end(max(value for _, value in values))
    room, tall = (WIDTH - LEFT) / len(values), HEIGHT - TOP - BOTTOM
    every = -(-len(values) // MOST_LABELS)
    drawn = []
    for place, (label, value) in enumerate(values):
        height = tall * max(value, 0) / end
        x = LEFT + place * room
        drawn.append(
            Bar(
                x=round(x + room * 0.15, 2),
                y=round(TOP + tall - height, 2),
                width=round(room * 0.7, 2),
                height=round(height, 2),
                middle=round(x + room / 2, 2),
                label=label,
                shown=label[:14] if place % every == 0 else "",
                value=f"{value:,.0f}",
            )
        )
    lines = [Line(round(TOP + tall * (1 - part), 2), f"{end * part:,.10g}") for part in (0, 0.5, 1)]
    return Picture(drawn, lines)
