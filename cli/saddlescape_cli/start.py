"""The command `saddlescape`: what comes before anything else is loaded, as a signal may come at any time."""

import os
import signal
import sys


def main() -> None:
    """Run the command line; asked to stop, it ends soon, with an exit code that tells why, and without a traceback."""
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(128 + number))
    open_streams()
    from saddlescape_cli.leaving import leaving

    leaving.install()
    try:
        from saddlescape.system.arithmetic import ieee

        with ieee():  # numbers in sources are rounded, too, where no compiled ones are kept
            from saddlescape_cli.main import main as command

        command()
    except KeyboardInterrupt:
        leaving.end(leaving.exit_code)
    except SystemExit as done:
        if leaving.exit_code or done.code == os.EX_TEMPFAIL:
            leaving.end(done.code if isinstance(done.code, int) else 1)
        raise
    finally:
        leaving.ask = lambda number: None  # all that is left is the end of the interpreter


def open_streams() -> None:
    """Let stdin, stdout and stderr be /dev/null where they are closed, or the next file would take their place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
