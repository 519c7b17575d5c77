"""Train many small neural networks from starts at and near zero, and find which escape the saddle, and how soon."""

import errno
import os
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from saddlescape import __version__
from saddlescape.system.arithmetic import ieee
from saddlescape.words.suggest import nearest
from saddlescape_cli.leaving import leaving
from saddlescape_cli.printable import cleaned

EXAMPLES = """\b
Examples:
  saddlescape sweeps                       list the bundled sweeps
  saddlescape run xor -o my-run            run a bundled sweep
  saddlescape plot my-run                  plot its result
  saddlescape init mine.csv                write a spec for your own data
  saddlescape run mine.toml --dry-run      estimate the cost of your own sweep
  saddlescape claims                       explain why zero is dangerous (a page)
"""
THREADS = "can't start new thread"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
COMMANDS = {
    "init": "Write a spec for a data file.",
    "run": "Run a sweep; its result is DIR/result.h5.",
    "resume": "Continue an interrupted run.",
    "more": "Extend a finished run by starts or values of axes.",
    "status": "Print the progress of a run.",
    "ls": "List the runs and results in a folder.",
    "merge": "Merge the shards of a run into one result.",
    "refine": "Refine a map, running only starts near its boundaries.",
    "info": "Print a summary of a result.",
    "compare": "Compare two results: settings and fractions.",
    "export": "Export a result as CSV, NPZ or Parquet.",
    "verify": "Check every byte of a result or a run.",
    "plot": "Plot a result: an escape curve, a map or trajectories.",
    "report": "Write a result as one page with a map to zoom into.",
    "claims": "Test claims about starts at zero; write a page.",
    "explore": "Move through a map of starts in the browser.",
    "gallery": "Run the sweeps of the gallery and plot them.",
    "sweeps": "List the bundled sweeps.",
    "schema": "Print the JSON Schema of a spec, for editors.",
    "completion": "Print what makes a shell complete commands.",
    "bench": "Measure how fast a network trains on this machine.",
}


class Commands(click.Group):
    """Commands, each imported when it is called, so that `--help` is fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"saddlescape_cli.{name}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and args and not args[0].startswith("-") and args[0] not in COMMANDS:
            ctx.fail(f"No such command {args[0]!r}{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, help=f"{EXAMPLES}\n{__doc__}")
@click.version_option(__version__)
def cli() -> None:
    pass


def warn(message: Warning | str, kind: type[Warning], *args: Any, **kwargs: Any) -> None:
    """Print a warning of saddlescape in one line, and other warnings as Python does."""
    from saddlescape.errors import SaddlescapeWarning

    if issubclass(kind, SaddlescapeWarning):
        click.echo(f"warning: {message}", err=True)
    else:
        SHOW(message, kind, *args, **kwargs)


SHOW = warnings.showwarning


def _make_room(failure: OSError) -> str:
    """The remedy for a full file system: it has no bytes, or no inodes, left."""
    from saddlescape.system import resources

    files = failure.errno == errno.ENOSPC and failure.filename and not resources.files(Path(failure.filename))
    action = "no inodes are left: remove other files" if files else "free some space"
    return f"; {action} and give the command again: finished work is kept"


@ieee()
@cleaned()
def main() -> None:
    """Run the command line; a user's mistake leads to a line `error: ...` and an exit code, never to a traceback."""
    from saddlescape.errors import DeviceError, SaddlescapeError

    warnings.showwarning = warn  # type: ignore[assignment]
    if "_SADDLESCAPE_COMPLETE" in os.environ:
        import_module("saddlescape_cli.bash")
    try:
        sys.exit(cli(standalone_mode=False))
    except click.ClickException as mistake:
        mistake.show()
        sys.exit(mistake.exit_code)
    except click.Abort:
        sys.exit(leaving.exit_code or 130)
    except OSError as failure:
        remedy = _make_room(failure) if failure.errno in FULL else ""
        click.echo(f"error: {failure.filename or 'output'}: {failure.strerror or failure}{remedy}", err=True)
        sys.exit(3 if failure.errno in FULL else 1)
    except (MemoryError, RuntimeError) as failure:
        if isinstance(failure, RuntimeError) and str(failure) != THREADS:
            raise
        remedy = "; use fewer --threads, or raise the limit (ulimit -u, pids.max)" if str(failure) == THREADS else ""
        click.echo(f"error: {str(failure) or 'out of memory'}{remedy}; finished work is kept", err=True)
        sys.exit(3)
    except SaddlescapeError as failure:
        for line in str(failure).splitlines():
            click.echo(f"error: {line}", err=True)
        if isinstance(failure, DeviceError):  # Python would release the memory of a device that is lost
            leaving.end(failure.exit_code)
        sys.exit(failure.exit_code)
