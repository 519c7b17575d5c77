"""What a figure of results tells about itself: digests, version, and the command that draws it."""

from pathlib import Path
from reprlib import repr as short
from shlex import quote
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from saddlescape import __version__
from saddlescape.plots.look import current
from saddlescape.plots.shown import ShownFigure

if TYPE_CHECKING:
    from saddlescape.results import Results


def made_of(results: "Results", kind: str, options: dict[str, Any]) -> dict[str, str]:
    """What a figure of results tells about itself, by name; `options` are the arguments of the function."""
    progress = "" if results.so_far is None else "{} of {} runs".format(*results.so_far)
    given = "".join(f", {name}={short(value)}" for name, value in options.items() if not _is_default(value))
    entries = {
        "title": results.title,
        "kind": kind,
        **results.digests,
        "so far": progress,
        "selection": results.selected,
        "version": __version__,
        "command": f"plots.{kind}(ss.open({relative(results.path)!r}){given})",
    }
    return {name: value for name, value in entries.items() if value or name == "title"}


def _is_default(value: Any) -> bool:
    """Whether an option is left out: None, or no names."""
    return value is None or (isinstance(value, tuple) and not value)


def note(figure: Figure, results: "Results", kind: str, command: str) -> None:
    """Note what a figure shows and the command that draws it, instead of what its functions have noted."""
    if isinstance(figure, ShownFigure):
        figure.made = {**made_of(results, kind, {}), "command": command}


def relative(path: Path) -> str:
    """A path that tells nothing of the machine: an absolute one is shortened to its last folder."""
    if not path.is_absolute() and ".." not in path.parts:
        return path.as_posix()
    return "/".join(part for part in path.parts[-2:] if part not in (path.anchor, ".."))


def command(results: "Results", kind: str, options: dict[str, Any]) -> str:
    """The command that draws a figure, with the options of `plots.plot` and of the current look."""
    words = ["saddlescape", "plot", relative(results.path), "--kind", kind]
    for name, value in (options.get("at") or {}).items():
        words += ["--at", f"{name}={','.join(map(str, value)) if isinstance(value, list | tuple) else value}"]
    for name in ("facet", "pool"):
        given = options.get(name) or ()
        words += [word for value in ([given] if isinstance(given, str) else given) for word in (f"--{name}", value)]
    if measures := options.get("measures"):
        words += ["--measures", ",".join(measures)]
    look = current()
    words += ["--style", look.style] * (look.style != "screen")
    words += ["--size", "x".join(f"{side:g}" for side in look.size)] if look.size else []
    words += ["--title", look.title] if look.title is not None else []
    return " ".join(quote(str(word)) for word in words)
