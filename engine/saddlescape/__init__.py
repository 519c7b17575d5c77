"""Train many small neural networks from starts at and near zero, and find which escape the saddle and when.

Functions
---------
load : load a sweep from a TOML file, or a bundled sweep.
sweep : make a sweep from arrays in memory.
run : run a sweep in a folder, and open its results.
open : open the result of a run.
status : progress of a run.
merge : merge the shards of a run into one result.
more : extend a finished run by more starts or more values of axes.
start : the initial parameters of a run.
replay : compute one run again, and record its parameters.
run_starts : train from an array of starts.
trace : the paths of given starts.
evaluate : loss, gradient and outputs of networks.
hessian_vector : Hessians of networks times vectors.
outputs : outputs of networks at any inputs.
explore : a map of starts in a notebook that are trained while one looks.
prepare : runs of one point as one batch of the kernel, to time or to study it.
report : write results as one HTML page with a map to zoom into.

Modules
-------
analysis : fractions, times, boundaries, stationary points, theory.
plots : plots of results.

Examples
--------
>>> import saddlescape as ss
>>> r = ss.run("xor", out="my-run")  # doctest: +SKIP
>>> r.outcome, r.outcome_names  # doctest: +SKIP
>>> ss.plots.curve(r)  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from saddlescape.errors import MissingExtraError
from saddlescape.system.arithmetic import ieee

if TYPE_CHECKING:
    from saddlescape.explorer.notebook import explore
    from saddlescape.explorer.report import report
    from saddlescape.results import open
    from saddlescape.results.run import more, run
    from saddlescape.runs.evaluation import evaluate, hessian_vector
    from saddlescape.runs.from_array import run_starts
    from saddlescape.runs.one_batch import prepare
    from saddlescape.runs.outputs import outputs
    from saddlescape.runs.replay import replay, start
    from saddlescape.runs.runner import merge, status
    from saddlescape.runs.trace import trace
    from saddlescape.spec import load
    from saddlescape.spec.from_python import sweep

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "evaluate",
    "explore",
    "hessian_vector",
    "load",
    "merge",
    "more",
    "open",
    "outputs",
    "prepare",
    "replay",
    "report",
    "run",
    "run_starts",
    "start",
    "status",
    "sweep",
    "trace",
]

_HOME = {
    **{"load": "spec", "open": "results", "replay": "runs.replay", "run_starts": "runs.from_array"},
    **{"start": "runs.replay", "prepare": "runs.one_batch", "sweep": "spec.from_python"},
    **{"explore": "explorer.notebook", "outputs": "runs.outputs", "report": "explorer.report", "trace": "runs.trace"},
    **dict.fromkeys(("evaluate", "hessian_vector"), "runs.evaluation"),
    **{"more": "results.run", "run": "results.run", **dict.fromkeys(("merge", "status"), "runs.runner")},
}
_MODULES = ("analysis", "plots")
_MOVED = {"cluster": "runs.cluster", "reference": "network.reference"}
"""Modules that users import from here, and the packages that contain them."""


@ieee()
def __getattr__(name: str) -> Any:
    """Import a name on first use, so that `import saddlescape` is fast."""
    if name in _HOME:
        return getattr(import_module(f"saddlescape.{_HOME[name]}"), name)
    if name in _MOVED:
        return import_module(f"saddlescape.{_MOVED[name]}")
    if name not in _MODULES:
        hint = import_module("saddlescape.words.suggest").hint(name, [*__all__, *_MODULES])
        raise AttributeError(f"module 'saddlescape' has no attribute {name!r}{hint}")
    try:
        return import_module(f"saddlescape.{name}")
    except MissingExtraError as missing:  # help() and tab completion expect no other error
        raise AttributeError(f"saddlescape.{name}: {missing}") from missing


def __dir__() -> list[str]:
    """Public names, imported or not yet."""
    return sorted({*__all__, *_MODULES, "__doc__", "__file__", "__name__", "__path__"})
