"""Read files of `mutations` in all ways, in processes that may crash or hang, which is counted."""

import contextlib
import io
import os
import random
import resource
import select
import subprocess
import sys
from pathlib import Path

import mutations

SECONDS = 60
"""Timeout in seconds for one file, which takes hundredths of a second."""
ROOM = 2**30
"""Limit of memory in bytes."""
RARELY, SELDOM = 0.02, 0.1
"""Fractions of results that are also plotted, and of refused blocks that every command reads, which is slow."""


def deaths(way, source, many, seed, folder):
    """Number of refused files, and the files that crashed or blocked a process: (number, how)."""
    found, refused, first = [], 0, 0
    while first < many:
        command = [sys.executable, __file__, way, str(source), str(folder), *map(str, (first, many, seed))]
        told = Path(folder) / "stderr"
        with told.open("w") as stderr, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr) as child:
            last, more, how = _followed(child, first)
        refused += more
        if how is None:
            return refused, found
        found.append((last, f"{how} {told.read_text()[-2000:]}"))
        first = last + 1
    return refused, found


def _followed(child, last):
    """The last file that a process began, the number of files it refused, and how it ended (None: normally)."""
    lines, refused = b"", 0
    while True:
        if not select.select([child.stdout], [], [], SECONDS)[0]:
            child.kill()
            return last, refused, "hangs"
        if not (more := os.read(child.stdout.fileno(), 2**16)):
            return last, refused, f"exit {child.wait()}"
        *whole, lines = (lines + more).split(b"\n")
        refused += whole.count(b"refused")
        if b"done" in whole:
            return last, refused, None
        last = max([last, *(int(line) for line in whole if line.isdigit())])


def read_result(folder, draw):
    """A function that reads a result in all ways."""
    import saddlescape as ss
    from saddlescape import plots
    from saddlescape.results import outcome_table as table
    from saddlescape.results.export import FORMATS
    from saddlescape.store.verify import verify

    path = folder / "fuzzed.h5"

    def read(content, draw):
        path.write_bytes(content)
        opened, told = Told(), Told()
        with opened, ss.open(path) as result:
            for look in (
                lambda: dict(result),
                lambda: [result.stored(name) for name in result],
                lambda: (result.axes, result.labels, dict(result.coords), repr(result), result.title, result.attrs),
                lambda: result.spec_text,
                lambda: result.sweep,
                lambda: table.text(table.rows(result)),
                lambda: result.find("solved", "trapped"),
                lambda: result.trajectory([0] * (len(result.dims) - 1), 0),
                lambda: FORMATS["csv"](result, io.BytesIO()),
                lambda: FORMATS["npz"](result, io.BytesIO()),
            ):
                with told:
                    look()
            if draw.random() < RARELY:
                for kind in (None, "trajectories", "portrait"):
                    with told:
                        plots.plot(result, kind)
                plots_closed()
        with told:
            verify(path)
        return opened.refused

    def plots_closed():
        from matplotlib import pyplot

        pyplot.close("all")

    return read


def read_block(folder, draw):
    """A function that reads, verifies, merges and resumes a run with one changed block."""
    import saddlescape as ss
    from saddlescape.plan import plan
    from saddlescape.store import RunFolder, blocks
    from saddlescape.store.block_reader import check
    from saddlescape.store.folder import block_files
    from saddlescape.store.merge import merge
    from saddlescape.store.verify import verify

    os.fsync = lambda descriptor: None  # which takes most of the time
    plan.BLOCK_RUNS = int((folder / "block_runs").read_text())
    run, its = folder / "run", RunFolder.existing(folder / "run").plan
    (first,) = run.glob("blocks/000000-*.h5")
    first.unlink()

    def read(content, draw):
        path = run / "blocks" / blocks.name(0, content)
        path.write_bytes(content)
        told = Told()
        with told:
            check(its, path)
        if told.refused and draw.random() > SELDOM:
            path.unlink()
            return True
        with told, ss.open(run) as result:
            dict(result)
        with told:
            verify(run)
        with told:
            merge(its, block_files([run]), folder / "out.h5", lambda: None)
            with told, ss.open(folder / "out.h5") as result:
                dict(result)
        with told, RunFolder(run, its) as store:
            store.committed()
        for left in (*run.glob("blocks/000000-*"), folder / "out.h5"):
            left.unlink(missing_ok=True)
        return told.refused

    return read


class Told(contextlib.suppress):
    """Suppress refusals, and record that there was one."""

    def __init__(self):
        from saddlescape.errors import SaddlescapeError

        super().__init__(SaddlescapeError)
        self.refused = False

    def __exit__(self, kind, error, trace):
        refused = super().__exit__(kind, error, trace)
        self.refused |= bool(refused)
        return refused


def main(way, source, folder, first, last, seed):
    read = {"result": read_result, "block": read_block}[way](Path(folder), random.Random(seed))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM,) * 2)
    for content, draw in mutations.each(Path(source).read_bytes(), int(first), int(last), seed):
        if read(content, draw):
            print("refused", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
