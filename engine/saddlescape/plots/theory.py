"""Measured curves compared with theory."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from saddlescape.plots.common import RAMP, Values, new_axes
from saddlescape.plots.look import settings


@settings()
def beside_theory(
    x: Values, measured: Mapping[str, Values], theory: Mapping[str, Values], ax: Axes | None = None
) -> Axes:
    """Draw each `measured` curve over `x` as a solid line, and that of the same name in `theory` as a dashed one."""
    ax = ax or new_axes()
    for shade, (name, y) in zip(np.linspace(0, 0.8, len(measured)), measured.items(), strict=True):
        ax.plot(x, y, color=RAMP(shade), linewidth=3, alpha=0.5, label=name, gid=name)
        ax.plot(x, theory[name], "--", color="k", linewidth=1, gid=f"{name} in theory")
    ax.plot([], [], "--", color="k", linewidth=1, label="theory")
    ax.legend(frameon=False)
    return ax
