"""What the explorer is given: a spec, a bundled sweep, or a result, whose spec is opened."""

from pathlib import Path

from saddlescape.results import open as open_result
from saddlescape.spec import Sweep, load
from saddlescape.spec.loading import HDF5
from saddlescape.system import bundled


def opened(source: str | Path) -> Sweep:
    """The sweep of a spec, of a bundled sweep, or of a result, with its data and the meaning that it had then.

    Raises
    ------
    SaddlescapeError
        If it is none of them, or damaged.
    """
    path = Path(source)
    if source not in bundled.sweeps() and (path.is_dir() or _is_hdf5(path)):
        with open_result(path) as result:
            return result.sweep
    return load(source)


def _is_hdf5(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(HDF5)) == HDF5
    except OSError:
        return False
