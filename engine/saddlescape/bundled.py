"""The data that ship with the package, in a source tree as in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def folder() -> Path:
    """The folder `data`: inside the installed package, else at the root of the source tree."""
    inside = _PACKAGE / "data"
    return inside if inside.is_dir() else _PACKAGE.parents[1] / "data"


def sweeps() -> dict[str, Path]:
    """The bundled sweeps: name to TOML file."""
    return {path.stem: path for path in sorted((folder() / "sweeps").glob("*.toml"))}
