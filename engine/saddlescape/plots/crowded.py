"""Tick labels that would lie on each other, or be cut at the edge of a figure, and so are not drawn."""

from itertools import pairwise

from matplotlib.axis import Axis, XAxis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FixedLocator, Formatter, Locator

from saddlescape.plots.text import points_of

GAP = 0.3
"""Least distance of tick labels in font sizes."""

Ticks = tuple[Locator, Formatter]


def thin(figure: Figure) -> dict[Axis, Ticks]:
    """Keep only tick labels within the figure that do not lie on each other; return what the thinned axes had before.

    The first label stays, as it may be that of an isolated zero.
    """
    before: dict[Axis, Ticks] = {}
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        whole = _level_labels(axis)
        labels = [(x, text) for x, text in whole if _is_within(axis, text, figure)]
        spans = [_span(axis, text) for _, text in labels]
        ways = (way for step in range(1, len(labels) + 1) for way in _ways(len(labels), step))
        kept = next((way for way in ways if _are_apart([spans[i] for i in way])), [])
        if len(kept) < len(whole):
            before[axis] = axis.get_major_locator(), axis.get_major_formatter()
            formatter = FixedFormatter([labels[i][1].get_text() for i in kept])
            formatter.set_offset_string(axis.get_offset_text().get_text())
            axis.set_major_locator(FixedLocator([labels[i][0] for i in kept]))
            axis.set_major_formatter(formatter)
    return before


def restore(before: dict[Axis, Ticks]) -> None:
    """Undo `thin`."""
    for axis, (locator, formatter) in before.items():
        axis.set_major_locator(locator)
        axis.set_major_formatter(formatter)


def _level_labels(axis: Axis) -> list[tuple[float, Text]]:
    """Positions and labels of the ticks in sight, along the axis; none if they slope."""
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    axis.get_ticklabels()  # which updates the ticks
    ticks = [tick for tick in axis.get_major_ticks() if low - slack <= tick.get_loc() <= high + slack]
    pairs = [(tick.get_loc(), text) for tick in ticks for text in (tick.label1, tick.label2) if text.get_visible()]
    shown = [(x, text) for x, text in pairs if text.get_text()]
    level = all(text.get_rotation() % 90 == 0 for _, text in shown)
    return sorted(shown, key=lambda pair: _span(axis, pair[1])) if level else []


def _is_within(axis: Axis, text: Text, figure: Figure) -> bool:
    """Whether a label is whole in the direction of its axis; across it, a color bar has no place before it is drawn."""
    box = text.get_window_extent()
    return bool(not isinstance(axis, XAxis) or (figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1))


def _span(axis: Axis, text: Text) -> tuple[float, float]:
    """Where a label begins and ends along its axis, with the gap to the next one, in pixels."""
    box = text.get_window_extent()
    if not isinstance(axis, XAxis):
        return box.y0, box.y1
    return box.x0, box.x1 + GAP * points_of(text.get_fontsize()) * axis.axes.figure.dpi / 72


def _ways(number: int, step: int) -> list[list[int]]:
    """Every `step`-th of the labels from the first one, or the first one and those from the second one."""
    return [list(range(0, number, step)), [0, *range(1, number, step)]]


def _are_apart(spans: list[tuple[float, float]]) -> bool:
    return all(one[1] <= other[0] for one, other in pairwise(spans))
