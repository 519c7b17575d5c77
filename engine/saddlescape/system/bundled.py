"""The data that ship with the package, in a source tree as in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def folder() -> Path:
    """The folder `data`: inside the installed package, else at the root of the source tree."""
    inside = _PACKAGE / "data"
    return inside if inside.is_dir() else _PACKAGE.parents[1] / "data"


def sweeps() -> dict[str, Path]:
    """The bundled sweeps: name to TOML file; one in a folder is named with it, as ``claims/1-xor``."""
    root = folder() / "sweeps"
    found = sorted(root.rglob("*.toml"), key=lambda path: (len(path.parts), path))
    return {path.relative_to(root).with_suffix("").as_posix(): path for path in found}
