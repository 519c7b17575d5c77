"""Which starts of a small neural network escape the saddle at zero, and how soon."""

import errno
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
  saddlescape claims                       why is zero dangerous? (a page)
  saddlescape sweeps                       what is there to run
  saddlescape run xor -o my-run            run a bundled sweep
  saddlescape run mine.toml --dry-run      what would it cost?
  saddlescape plot my-run/result.h5        draw what came out
"""
THREADS = "can't start new thread"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
COMMANDS = {
    "run": "Run a sweep; its result is DIR/result.h5.",
    "resume": "Go on with an interrupted run.",
    "status": "Say how far a run is.",
    "merge": "Make one result of the shards of a run.",
    "refine": "Make a map finer, running only the starts at its borders.",
    "info": "Say what a result file or a run's folder holds.",
    "export": "Write a result as CSV, NPZ or Parquet.",
    "verify": "Check a result or a run's folder to the last byte.",
    "plot": "Draw a result: an escape curve, a map or trajectories.",
    "claims": "Examine what is claimed of starts at zero; makes a page.",
    "gallery": "Draw what others have found, run again.",
    "sweeps": "List the bundled sweeps.",
    "bench": "Say how fast a sweep's networks train on this machine.",
}


class Commands(click.Group):
    """Commands that are imported when they are called, so that `--help` is quick."""

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


@click.group(cls=Commands, help=f"{EXAMPLES}\n{__doc__}")
@click.version_option(__version__)
def cli() -> None:
    pass


def warn(message: Warning | str, kind: type[Warning], *where: Any, **more: Any) -> None:
    """Print a warning of ours in a line, others as Python does."""
    from saddlescape.errors import SaddlescapeWarning

    if issubclass(kind, SaddlescapeWarning):
        click.echo(f"warning: {message}", err=True)
    else:
        SHOWN(message, kind, *where, **more)


SHOWN = warnings.showwarning


def _make_room(failure: OSError) -> str:
    """What helps where a file system is full: of bytes, or of files."""
    from saddlescape.system import resources

    files = failure.errno == errno.ENOSPC and failure.filename and not resources.files(Path(failure.filename))
    what = "no inodes are left there: remove other files" if files else "make room"
    return f"; {what} and give the command again: what is done is kept"


@ieee()
@cleaned()
def main() -> None:
    """Run the command line; a user's mistake ends in `error: ...` and an exit code, never in a traceback."""
    from saddlescape.errors import SaddlescapeError

    warnings.showwarning = warn  # type: ignore[assignment]
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
        click.echo(f"error: {str(failure) or 'out of memory'}{remedy}; what is done is kept", err=True)
        sys.exit(3)
    except SaddlescapeError as failure:
        for line in str(failure).splitlines():
            click.echo(f"error: {line}", err=True)
        sys.exit(failure.exit_code)
