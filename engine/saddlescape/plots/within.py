"""How many starts have escaped by a number of steps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from saddlescape.analysis import wilson_interval
from saddlescape.plots.common import RAMP, axis_names, clock_of, meaning_of, new_axes, place, values_of

if TYPE_CHECKING:
    from saddlescape.results import Results


def escaped_within(results: "Results", budgets: Sequence[float], ax: Axes | None = None) -> Axes:
    """Draw the fraction of starts escaped within each budget of steps (or time) against the first axis.

    With Wilson intervals (95 %); exact zero stands apart.  Other axes are pooled.
    """
    ax, name, clock = ax or new_axes(), axis_names(results)[0], clock_of(results)
    x, apart = place(ax, values_of(results, name))
    when = results[f"escape_{clock}"].reshape(len(x), -1)
    for budget, shade in zip(budgets, np.linspace(0.8, 0.1, len(budgets)), strict=True):
        escaped = np.count_nonzero((when >= 0) & (when <= budget), axis=1)
        low, high = wilson_interval(escaped, when.shape[1])
        label, colour, line = f"within {budget:,} {clock}s".replace(",", " "), RAMP(shade), ~apart
        fraction = escaped / when.shape[1]
        ax.plot(x[line], fraction[line], "o-", color=colour, markersize=4, label=label, gid=label)
        ax.fill_between(x[line], low[line], high[line], color=colour, alpha=0.2, linewidth=0)
        ax.plot(x[apart], fraction[apart], "o", color=colour, markersize=4, gid=f"{label} at zero")
    ax.set(xlabel=meaning_of(results, name), ylabel="fraction of starts escaped", ylim=(-0.02, 1.02))
    ax.set_title(results.title)
    ax.legend(frameon=False)
    return ax
