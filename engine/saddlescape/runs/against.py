"""Time two sides in turn: two revisions of the code, or two specs.

Both train in processes of their own, one thread each, in rounds that alternate (ABBA).  The same code may be a tenth
slower in one process than in another, because of where its memory lies; so the unit of measurement is a pair of new
processes, and its result is the ratio of their median rates.
"""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from saddlescape.errors import RefusedError
from saddlescape.runs import timed
from saddlescape.system.arguments import ArgumentError

PAIRS, ROUNDS, SECONDS = 9, 4, 0.1
"""Pairs of processes, rounds of a pair, and processor time of a side in a round."""

FEW, MOST = 16, 1024
"""Runs of the first probe; maximum of runs."""

SOURCES = Path(__file__).parents[2]
"""The folder of the package."""


@dataclass(frozen=True)
class Side:
    """One of the two sides: a spec, and the code that trains it."""

    name: str
    spec: Path
    overrides: tuple[str, ...] = ()
    sources: Path = SOURCES
    environment: dict[str, str] = field(default_factory=dict)
    is_revision: bool = False


@dataclass(frozen=True)
class Contest:
    """Network-steps per second of processor time of both sides, one value per pair, and whether their bits agree."""

    rates: tuple[tuple[float, float], ...]
    same_bits: bool

    @property
    def ratios(self) -> list[float]:
        """The rate of the first side over that of the second."""
        return [a / b for a, b in self.rates]


def _git(*arguments: str) -> bytes:
    root = SOURCES.parent
    if not (root / ".git").exists() or SOURCES.name != "engine":
        raise RefusedError(
            "there are no revisions here, as saddlescape is not installed from a git checkout; compare two specs, or"
            " install a clone with pip install -e"
        )
    try:
        return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise RefusedError("git is not installed; it is needed to compare revisions") from None


@contextmanager
def revision(name: str, spec: Path, overrides: tuple[str, ...]) -> Iterator[Side]:
    """The spec with the code of a revision of the checkout that saddlescape is installed from, in a temporary folder.

    Raises
    ------
    ArgumentError
        If there is no such revision.
    RefusedError
        If saddlescape is not installed from a git checkout, git is missing, or the revision has no such package.
    """
    try:
        commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").decode().strip()
    except subprocess.CalledProcessError:
        raise ArgumentError(f"{name!r} is no spec, no bundled sweep and no revision of {SOURCES.parent}") from None
    with TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(_git("archive", commit))) as files:
            files.extractall(folder, filter="data")
        if not Path(folder, "engine/saddlescape/__init__.py").exists():  # this code would be imported in its place
            raise RefusedError(f"{name} ({commit[:7]}) is too old: it has no ss.prepare; give a later revision")
        own = {"NUMBA_CACHE_DIR": str(Path(folder, "cache"))}  # code of other sources is removed from a cache
        yield Side(f"{name} ({commit[:7]})", spec, overrides, Path(folder, "engine"), own, True)


class Worker:
    """A process of one side."""

    def __init__(self, side: Side) -> None:
        self._side = side
        path = {"PYTHONPATH": str(side.sources)}
        self._process = subprocess.Popen(
            [sys.executable, "-P", timed.__file__, str(side.spec), *side.overrides],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **path, **side.environment},
        )  # fmt: skip

    def train(self, runs: int, times: int = 1) -> tuple[float, int, str]:
        """(seconds, network-steps, digest of the bits) of training this many runs so many times."""
        into, out = self._process.stdin, self._process.stdout
        assert into
        assert out
        try:
            into.write(f"{runs} {times}\n")
            into.flush()
            seconds, steps, bits = out.readline().split()
        except (OSError, ValueError):
            raise RefusedError(f"{self._side.name} cannot train this spec: {self._reason()}") from None
        return float(seconds), int(steps), bits

    def _reason(self) -> str:
        """The last line of what the process said, and why a revision may fail."""
        said = self._process.communicate()[1].strip().splitlines() or ["it ended without a message"]
        return said[-1] + "; a revision is too old without ss.prepare, or without a key" * self._side.is_revision

    def rate(self, runs: int, times: int) -> float:
        """Network-steps per second."""
        seconds, steps, _ = self.train(runs, times)
        if not steps:
            raise RefusedError("no run of this spec takes a step, so there is nothing to measure; raise starts.scale")
        return steps / max(seconds, 1e-9)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def contest(
    a: Side, b: Side, count: int, pairs: int = PAIRS, rounds: int = ROUNDS, told: Callable[[int], None] = lambda _: None
) -> Contest:
    """Time both sides; `count` is the largest number of runs that both specs have, `told` is called after each pair."""
    rates, size, same = [], None, True
    for number in range(pairs):
        with ExitStack() as stack:
            workers = [stack.enter_context(Worker(side)) for side in (a, b)]
            size = size or _size(workers[0], min(count, MOST))
            bits = [worker.train(size[0])[2] for worker in workers]  # compiles
            same = same and len(set(bits)) == 1
            rates.append(_rates(workers, size, rounds))
        told(number + 1)
    return Contest(tuple(rates), same)


def _size(worker: Worker, most: int) -> tuple[int, int]:
    """Runs of a batch, and how often it is trained in a round."""
    runs = min(FEW, most)
    worker.train(runs)
    runs = max(runs, min(most, int(runs * SECONDS / max(worker.train(runs)[0], 1e-9))))
    worker.train(runs)
    return runs, max(1, round(SECONDS / max(worker.train(runs)[0], 1e-6)))


def _rates(workers: Sequence[Worker], size: tuple[int, int], rounds: int) -> tuple[float, float]:
    """The median rate of each of two workers over rounds in which they take turns in being first."""
    seen: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for k in (0, 1) if number % 2 == 0 else (1, 0):
            seen[k].append(workers[k].rate(*size))
    return median(seen[0]), median(seen[1])
