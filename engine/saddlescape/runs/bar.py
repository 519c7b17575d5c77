"""The progress bar of a run."""

import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tqdm import tqdm

from saddlescape.kernels import compiling
from saddlescape.runs.dispatch import Progress

Show = Callable[[Progress], None]


def in_notebook() -> bool:
    """Whether the process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


@contextmanager
def progress_bar(wanted: bool | None = None) -> Iterator[Show | None]:
    """Show finished runs, network-steps per second and remaining time; by default in a terminal and in a notebook.

    The bar appears with the first progress, hence not before an error; it tells when kernels are being compiled.  It is
    drawn by the calling thread, as a notebook shows what other threads write in another cell, or nowhere.
    """
    if not (sys.stderr.isatty() or in_notebook() if wanted is None else wanted):
        yield None
        return
    caller = threading.get_ident()
    with ExitStack() as stack:
        bars: list[Any] = []

        def show(progress: Progress) -> None:
            if threading.get_ident() != caller:
                return
            if not bars:
                bar = _kind()(total=progress.runs, unit="run", unit_scale=True, file=sys.stderr)
                bars.append(stack.enter_context(bar))
            (bar,) = bars
            bar.update(progress.runs_done - bar.n)
            rate = f"{progress.steps_done / max(progress.seconds, 1e-9):.3g} network-steps/s"
            waiting = "compiling kernels" if compiling() else "" if progress.steps_done else "starting"
            bar.set_postfix_str(waiting or rate)

        yield show


def _kind() -> Any:
    """The bar of a terminal; that of a notebook if it has ipywidgets."""
    if not in_notebook():
        return tqdm
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without ipywidgets, the bar is text
        from tqdm.auto import tqdm as auto
    return auto
