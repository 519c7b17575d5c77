"""The explorer in a notebook, if anywidget is there."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from saddlescape.explorer.document import document
from saddlescape.explorer.opened import opened
from saddlescape.results import Results
from saddlescape.spec import Sweep, load
from saddlescape.system.arguments import ArgumentError
from saddlescape.system.arithmetic import ieee

if TYPE_CHECKING:
    from saddlescape.explorer.widget import Explorer


@ieee()
def explore(source: str | Path | Sweep | Results = "xor-slice", *, overrides: Sequence[str] = ()) -> "Explorer":
    """Move through a map of starts in a notebook, while they are trained.

    Parameters
    ----------
    source : a TOML file, the name of a bundled sweep, a loaded sweep, or a result, also its file or folder, whose spec
        is used.  Of axes, the first values count.
    overrides : of a file or a bundled sweep, such as ``["training.learning_rate=0.1"]``; see `load`.

    Returns
    -------
    Explorer : a widget, which the notebook shows if it is the value of a cell.  Its `sweep` is what the map shows, and
        its `start` the parameters of the start that was clicked last.

    Raises
    ------
    MissingExtraError
        If anywidget is not installed.
    ArgumentError, SpecError, RefusedError
        As `load`; also if a run depends on more than its start, as with noise.

    Examples
    --------
    >>> w = ss.explore("xor-slice")  # doctest: +SKIP
    >>> w  # zoom in, and click a start  # doctest: +SKIP
    >>> r = ss.run(w.sweep, "closer")  # doctest: +SKIP
    """
    from saddlescape.explorer.widget import Explorer

    if isinstance(source, Results):
        source = source.sweep
    if isinstance(source, Sweep):
        if overrides:
            raise ArgumentError("overrides must be given to load(), as the sweep is loaded already")
        return Explorer(document(source))
    is_name = isinstance(source, str | Path) and not overrides
    return Explorer(document(opened(source) if is_name else load(source, overrides)))
