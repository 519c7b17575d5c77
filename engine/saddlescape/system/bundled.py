"""The data in the package, both in a source tree and in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def folder() -> Path:
    """The folder `data`: inside the installed package, or at the root of the source tree."""
    inside = _PACKAGE / "data"
    return inside if inside.is_dir() else _PACKAGE.parents[1] / "data"


def sweeps() -> dict[str, Path]:
    """TOML files of the bundled sweeps, by name; the name includes the folder, as in ``claims/1-xor``."""
    root = folder() / "sweeps"
    paths = sorted(root.rglob("*.toml"), key=lambda path: (len(path.parts), path))
    return {path.relative_to(root).with_suffix("").as_posix(): path for path in paths}


def schema() -> Path:
    """The JSON Schema of a spec."""
    return folder() / "spec.schema.json"
