"""`saddlescape explore`: move through a map of starts in the browser, while they are trained."""

import os
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saddlescape_cli.leaving import leaving

if TYPE_CHECKING:
    from saddlescape.explorer.server import Explorer

REDIRECT = '<!doctype html><meta http-equiv="refresh" content="0; url={0}"><a href="{0}">saddlescape explore</a>\n'


@click.command()
@click.argument("source", metavar="[SPEC|RESULT]", default="xor-slice")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def explore(source: str, no_browser: bool) -> None:
    """\b
    Examples:
      saddlescape explore
      saddlescape explore mine.toml
      saddlescape explore my-run

    Move through a map of starts in the browser, while they are trained.  SPEC is a TOML file or the name of a bundled
    sweep, by default xor-slice; RESULT is the folder of a run, or its result.h5, whose spec is opened.  The address is
    printed; only this machine can open it.  Ctrl-C ends the explorer.
    """
    from saddlescape.explorer.opened import opened

    sweep = opened(source)  # before the compiler is loaded, so that an error appears at once
    from saddlescape.explorer.document import document
    from saddlescape.explorer.server import explore as serve

    shown = document(sweep)
    with ExitStack() as stack:

        def ready(explorer: "Explorer", stop: Callable[[], None]) -> None:
            leaving.install()
            stack.enter_context(leaving.asking(lambda number: stop(), "\n"))
            click.echo(explorer.address)
            if not no_browser and _has_screen():
                stack.callback(open_page(explorer.address).unlink, missing_ok=True)

        serve(shown, ready)
    sys.exit(leaving.exit_code)


def _has_screen() -> bool:
    """Whether a browser can open a window; without one, a text browser would take the terminal."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_page(address: str) -> Path:
    """Open an address in the browser through a file that only the user can read, as others see commands' arguments."""
    descriptor, name = tempfile.mkstemp(prefix="saddlescape-", suffix=".html")
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(REDIRECT.format(address))
    webbrowser.open(Path(name).as_uri())
    return Path(name)
