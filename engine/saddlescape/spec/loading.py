"""Load a sweep from a TOML file or text, with overrides; all its faults are reported at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from saddlescape.errors import Fault, SpecError
from saddlescape.spec.axes import offered, read
from saddlescape.spec.axis_overrides import named
from saddlescape.spec.checks import Idle
from saddlescape.spec.events import imply_tolerance, with_accuracy
from saddlescape.spec.files import DataFiles
from saddlescape.spec.keys import KEYS, is_number, rename
from saddlescape.spec.overrides import override
from saddlescape.spec.points import counts, shaping, structures
from saddlescape.spec.sweep import GENERATION, Sweep
from saddlescape.spec.toml import parse_toml
from saddlescape.spec.tree import put_default
from saddlescape.system import bundled as data
from saddlescape.system.arguments import ArgumentError
from saddlescape.system.arithmetic import ieee
from saddlescape.system.shell import quote
from saddlescape.words.suggest import nearest, similar_file

MAX_TEXT = 2**20
HDF5 = b"\x89HDF\r\n\x1a\n"
"""The first bytes of an HDF5 file."""


def bundled() -> dict[str, str]:
    """Names and titles of the bundled sweeps."""
    return {name: load(name).spec.title for name in data.sweeps()}


@ieee()
def load(source: str | Path, overrides: Sequence[str] = ()) -> Sweep:
    """Load a sweep from a TOML file, or a bundled sweep by its name.

    Parameters
    ----------
    source : path of the file (docs/spec.md describes it), or the name of a bundled sweep.
    overrides : such as ``"training.learning_rate=0.1"``; the value is TOML or a bare word; an empty value unsets the
        key, or removes its axis.  ``"axes.starts.scale=0,0.1,1"``, with ``log:1e-3:1:25`` or ``lin:0:1:5`` in place
        of the values, sets an axis.

    Returns
    -------
    Sweep : `spec`, `axes`, `shape`; ``at(index)`` is the spec of a point.

    Raises
    ------
    ArgumentError
        If an argument has the wrong type.
    SpecError
        Lists all errors of the spec.

    Examples
    --------
    >>> ss.load("xor", ["starts.count=100"]).shape  # doctest: +SKIP
    (11,)
    """
    if not isinstance(source, str | Path):
        shown = f"{type(source).__name__} {source!r:.80}" if isinstance(source, int | float) else type(source).__name__
        raise ArgumentError(f"source must be the path of a TOML file or the name of a bundled sweep; got {shown}")
    known = data.sweeps()
    path = known[source] if isinstance(source, str) and source in known else Path(source)
    if not path.exists() and path.suffix != ".toml" and not path.is_absolute():
        meant = _similar(path) or nearest(str(source), known)
        raise SpecError([Fault(str(source), f"is no file and no bundled sweep{meant}")])
    try:
        with path.open("rb") as file:
            content = file.read(MAX_TEXT + 1)
        if content.startswith(HDF5):
            remedy = f"if it is a result, print it with: saddlescape info {quote(str(path))}"
            raise SpecError([Fault(str(path), f"must be a spec, a TOML file; this is an HDF5 file; {remedy}")])
        if len(content) > MAX_TEXT:
            raise SpecError([Fault(str(path), f"must be at most {MAX_TEXT} bytes; it has more; put data into files")])
        text = content.decode("utf-8-sig")
    except IsADirectoryError:
        remedy = f"if it is the folder of a run, continue it with: saddlescape resume {quote(str(path))}"
        raise SpecError([Fault(str(path), f"must be a spec, a TOML file; this is a folder; {remedy}")]) from None
    except OSError as error:
        meant = _similar(path) if isinstance(error, FileNotFoundError) else ""
        raise SpecError([Fault(str(path), f"cannot be read: {error.strerror or error}{meant}")]) from None
    except UnicodeDecodeError as error:
        raise SpecError([Fault(str(path), f"must be UTF-8; byte {error.start} is not{_no_spec(path)}")]) from None
    return parse(text, path.parent, overrides, name=str(path))


def _similar(path: Path) -> str:
    """The spec in the same folder whose name is the most similar, as a suggestion."""
    return similar_file(path, path.parent.glob("*.toml"))


def _no_spec(path: Path) -> str:
    if path.suffix not in (".csv", ".npz", ".npy"):
        return ""
    remedy = f"; write one with: saddlescape init {quote(str(path))}" if path.suffix != ".npy" else ""
    return f"; a spec is a TOML file that names the data file{remedy}"


@ieee()
def parse(
    text: str,
    folder: str | Path,
    overrides: Sequence[str] = (),
    contents: Mapping[str, bytes] | None = None,
    name: str = "TOML",
    begun: bool = False,
    generation: int = GENERATION,
) -> Sweep:
    """Parse the TOML text of a sweep.

    Parameters
    ----------
    text : the content of the file.
    folder : the folder that relative paths of data files refer to.
    overrides : as of `load`.
    contents : the contents of data files that are not in `folder`, by their names in the spec.
    name : what error messages call the text.
    begun : whether the sweep is that of an existing run.  Keys that nothing uses are then accepted, as earlier versions
        did.
    generation : of the meaning of the spec, as of `Sweep`.

    Raises
    ------
    SpecError
        Lists all errors of the spec.
    ArgumentError
        If `overrides` is not a list of strings.
    """
    if not isinstance(overrides, list | tuple) or not all(isinstance(override, str) for override in overrides):
        example = 'such as ["training.steps=3"]'
        raise ArgumentError(f"overrides must be a list of KEY=VALUE strings, {example}; got {overrides!r:.80}")
    try:
        tree = parse_toml(text)
    except ValueError as error:
        raise SpecError([Fault(name, f"must be valid TOML; {error}{_no_spec(Path(name))}")]) from None
    renamed = list(rename(tree))
    overridden, override_faults = override(tree, overrides)
    axes, faulty, faults = read(tree.get("axes", []))
    faults = named(faults, tree, overrides)
    tree.pop("axes", None)
    key_faults = [*renamed, *override_faults, *shaping(tree, axes)]
    for axis in (axis for axis in axes if axis.key in KEYS):
        put_default(tree, axis.key, axis.values[0])
    files, faulty = DataFiles(Path(folder), contents), faulty.union(fault.path for fault in key_faults)
    chosen = dict.fromkeys(overridden, ()) | {
        axis.key: axis.extremes if is_number(axis.key) else axis.values for axis in axes
    }
    imply_tolerance(tree, axes)
    specs, spec_faults = structures(tree, files, axes, chosen, faulty)
    if begun:
        spec_faults = [fault for fault in spec_faults if not isinstance(fault, Idle)]
    if faults := [*faults, *key_faults, *spec_faults, *counts(specs.values())]:
        raise SpecError([offered(fault, tree) for fault in faults])
    if generation > 1:
        specs = {index: with_accuracy(spec) for index, spec in specs.items()}
    spec = next(iter(specs.values()))
    return Sweep(spec, tuple(axes), text, Path(folder), tuple(overrides), files.sha256, files.kept, generation, specs)
