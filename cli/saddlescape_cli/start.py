"""The entry point of the command `saddlescape`: handle signals before anything else is imported."""

import io
import os
import signal
import sys


def main() -> None:
    """Run the command line; after a signal it ends soon, with the exit code of the signal and without a traceback."""
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(128 + number))
    open_streams()
    from saddlescape_cli.leaving import TIME_IS_UP, leaving

    leaving.install()
    try:
        from saddlescape.system.arithmetic import ieee

        with ieee():  # numbers in Python sources, compiled at import, are rounded, too
            from saddlescape_cli.main import main as command

        command()
    except KeyboardInterrupt:
        leaving.end(leaving.exit_code)
    except SystemExit as done:
        if leaving.exit_code or done.code == TIME_IS_UP:
            leaving.end(done.code if isinstance(done.code, int) else 1)
        raise
    finally:
        leaving.ask = lambda number: None  # only the interpreter is left to end


def open_streams() -> None:
    """Open /dev/null as stdin, stdout and stderr if they are closed, so that no other file gets their descriptors.

    Characters that the encoding of stdout lacks, as those of Windows do, become question marks; stderr escapes them.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
