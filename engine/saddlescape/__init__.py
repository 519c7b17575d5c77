"""Which starts of a small neural network escape the saddle at zero, and how soon.

>>> import saddlescape as ss
>>> ss.run("xor", out="my-run")  # doctest: +SKIP
>>> r = ss.open("my-run/result.h5")  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saddlescape.given import run_starts
    from saddlescape.rerun import replay, start
    from saddlescape.results import open
    from saddlescape.runner import merge, run, status
    from saddlescape.spec import load

__version__ = "0.1.0"
__all__ = ["__version__", "load", "merge", "open", "replay", "run", "run_starts", "start", "status"]

_HOME = {
    **{"load": "spec", "open": "results", "replay": "rerun", "run_starts": "given", "start": "rerun"},
    **dict.fromkeys(("merge", "run", "status"), "runner"),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: `import saddlescape` itself costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'saddlescape' has no attribute {name!r}")
    return getattr(import_module(f"saddlescape.{_HOME[name]}"), name)
