"""Compute blocks on Dask workers; the process that started the run commits them.  The only importer of Dask.

A worker receives the sweep once, then block numbers.  If a worker is lost, another worker computes its block, unless
four workers were lost with this block (Dask's ``distributed.scheduler.allowed-failures`` is 3).
"""

import asyncio
import itertools
import logging
import re
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from saddlescape.errors import SaddlescapeError
from saddlescape.kernels import announce
from saddlescape.plan import Block, Plan
from saddlescape.runs.compute import compute
from saddlescape.spec import parse
from saddlescape.store import encode, versions
from saddlescape.system.arithmetic import ieee
from saddlescape.system.extras import extra
from saddlescape.system.software import code

with extra("dask"):
    import dask.config
    from distributed import Client, KilledWorker, LocalCluster, Worker, get_worker
    from distributed import Future as Remote
    from distributed.comm.core import CommClosedError

WAIT_SECONDS = 10
"""Maximum wait for the scheduler's first answer."""

LOOK_SECONDS, SILENT = 0.05, 30.0
"""Maximum wait for a later answer, short so that a stop is noticed; seconds without one after which it is lost."""

CLOSE_SECONDS = 0.5
"""Maximum wait for the scheduler to confirm that the client leaves."""

IN_HAND = 2
"""Submitted blocks for each thread of the cluster, so that no thread waits for the next block."""

LOCAL = r"local:([1-9][0-9]{0,3})"
REMOTE = r"(tcp|tls)://\S+"


class ClusterError(SaddlescapeError):
    """The cluster cannot be reached or used."""


@dataclass(frozen=True)
class Job:
    """Everything that a worker needs of a sweep, identified by the digest of its plan."""

    digest: str
    text: str = field(compare=False)
    overrides: tuple[str, ...] = field(compare=False)
    data: dict[str, bytes] = field(compare=False)
    versions: dict[str, str] = field(compare=False)
    generation: int = field(compare=False)


def job(plan: Plan) -> Job:
    """The job of a plan, including the contents of its data files."""
    sweep = plan.sweep
    files = (name for name in sweep.data if name not in sweep.kept)
    data = {**sweep.kept, **{name: (sweep.folder / name).read_bytes() for name in files}}
    software = {**versions(), "code": code()}
    return Job(plan.digest, sweep.text, sweep.overrides, data, software, sweep.generation)


@lru_cache(maxsize=4)
def plan_of(sent: Job) -> Plan:
    """The plan of a job, created by a worker.

    Raises
    ------
    ClusterError
        If the worker could compute other bits, because its packages or its plan differ.
    """
    own = {**versions(), "code": code()}
    unequal = ((name, own.get(name), needed) for name, needed in sent.versions.items() if own.get(name) != needed)
    differ = [f"{name} {its} instead of {needed}" for name, its, needed in unequal]
    if differ:
        raise ClusterError(f"a worker has {', '.join(differ)}; install the packages of this machine on all workers")
    plan = Plan(parse(sent.text, Path(), sent.overrides, sent.data, begun=True, generation=sent.generation))
    if plan.digest != sent.digest:
        raise ClusterError("the plan of a worker differs; a data file has changed, or saddlescape itself")
    return plan


@ieee()
def work(sent: Job, number: int) -> tuple[bytes, int]:
    """The content of a block's file and its network-steps, on a worker; abandoned between slices if it was canceled."""
    worker = get_worker()
    task, done = worker.state.tasks[worker.get_current_task()], []

    def after_slice(steps: int) -> None:
        done.append(steps)
        if task.state == "cancelled":
            raise CancelledError

    plan = plan_of(sent)
    block = plan.block(number)
    return encode(plan, block, compute(plan, block, after_slice)), sum(done)


def _same(sent: Job) -> Job:
    """A job as the result of a task, so that Dask sends it again if it is lost."""
    return sent


class Cluster:
    """The workers of a cluster, for the argument `workers` of `run` and `resume`."""

    def __init__(self, client: Client) -> None:
        self._client, self._executor = client, client.get_executor(pure=False)
        self._id, self._number = uuid.uuid4().hex, itertools.count()
        self._jobs: dict[str, Remote[Job]] = {}
        self._known, self._answer, self._asked = -1, self._ask(), time.monotonic()

    def threads(self) -> int:
        """Number of threads of all workers, as of the scheduler's last answer; 0 before the first worker connects.

        Raises
        ------
        ClusterError
            If the scheduler has not answered for `SILENT` seconds.
        """
        try:
            self._known = sum(map(int, self._answer.result(LOOK_SECONDS if self._known >= 0 else SILENT).values()))
        except TimeoutError:
            if time.monotonic() - self._asked < SILENT:
                return self._known
            raise ClusterError("the scheduler does not answer; continue with saddlescape resume") from None
        self._answer, self._asked = self._ask(), time.monotonic()
        return self._known

    def _ask(self) -> Future[dict[str, int]]:
        client: Any = self._client  # its loop and scheduler are not None once it is connected
        return asyncio.run_coroutine_threadsafe(client.scheduler.ncores(), client.loop.asyncio_loop)

    def room(self) -> int:
        """Maximum number of submitted blocks."""
        return 1 + IN_HAND * self.threads()

    def submit(self, plan: Plan, block: Block, after_slice: Callable[[int], None]) -> Future[tuple[bytes, int]]:
        """Compute a block on a worker; `after_slice` is not called."""
        if plan.digest not in self._jobs:
            with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
                self._jobs[plan.digest] = self._client.submit(_same, job(plan), key=self._key("sweep"))
        key = self._key(f"block-{block.number}")
        future: Future[tuple[bytes, int]] = self._executor.submit(work, self._jobs[plan.digest], block.number, key=key)
        return future

    def _key(self, name: str) -> str:
        """A unique key of a task, even for the same block, as Dask remembers the outcome of each key."""
        return f"{name}-{self._id}-{next(self._number)}"


@contextmanager
def connect(where: str, threads: int | None = None) -> Iterator[Cluster]:
    """Connect to a Dask scheduler, or start workers on this machine, for the argument `workers` of `run`.

    Parameters
    ----------
    where : the address of the scheduler, ``"tcp://HOST:PORT"``, or ``"local:N"`` to start N processes here.
    threads : number of threads of each process of ``"local:N"``; by default 1.

    Raises
    ------
    ClusterError
        If no scheduler responds at the address; inside the context, if the scheduler is lost, or all workers that
        computed a certain block.

    Examples
    --------
    >>> with ss.cluster.connect("local:4") as workers:  # doctest: +SKIP
    ...     ss.run("xor", "my-run", workers=workers)
    """
    with _client(where, threads) as client:
        try:
            yield Cluster(client)
        except KilledWorker as killed:
            lost, last = killed.allowed_failures + 1, killed.last_worker.address
            remedy = "give them more memory, or lower the number of threads of each"
            message = f"{lost} workers were lost while they computed the same block, the last {last}; {remedy}"
            raise ClusterError(message) from None
        except ModuleNotFoundError as missing:
            remedy = "install the packages of this machine on all workers"
            raise ClusterError(f"a worker does not have {missing.name}; {remedy}") from None
        except (CancelledError, CommClosedError):
            raise ClusterError(f"the scheduler at {where} is lost; continue with saddlescape resume") from None


@contextmanager
def _client(where: str, threads: int | None) -> Iterator[Client]:
    for name in filter(re.compile(r"(distributed|tornado)\b").match, logging.root.manager.loggerDict):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # errors are raised
    if local := re.fullmatch(LOCAL, where):
        announce()
        with LocalCluster(
            n_workers=int(local[1]), threads_per_worker=threads or 1, host="127.0.0.1", dashboard_address=None,
            silence_logs=logging.CRITICAL, preload=[__name__],
        ) as cluster, Client(cluster, set_as_default=False) as client:  # fmt: skip
            yield client
        return
    if not re.fullmatch(REMOTE, where):
        raise ClusterError(f"workers must be tcp://HOST:PORT of a Dask scheduler, or local:N; got {where!r}")
    client = _connected(where)
    try:
        yield client
    finally:
        with suppress(TimeoutError):
            client.close(CLOSE_SECONDS)


def _connected(where: str) -> Client:
    """A client of the scheduler at an address.

    It connects on a thread of its own: its timeout does not cover a scheduler that accepts connections and is silent.
    """
    connected: Future[Client] = Future()

    def connect() -> None:
        try:
            connected.set_result(Client(where, timeout=WAIT_SECONDS, set_as_default=False))
        except BaseException as failure:
            connected.set_exception(failure)

    threading.Thread(target=connect, daemon=True).start()
    try:
        return connected.result(WAIT_SECONDS + LOOK_SECONDS)
    except (OSError, ValueError) as failure:  # a TimeoutError is an OSError
        why = failure if str(failure) else f"no answer for {WAIT_SECONDS} seconds"
        raise ClusterError(f"no Dask scheduler answers at {where} ({why})") from None


def dask_setup(worker: Worker) -> None:
    """Ignore Ctrl-C in the workers of ``local:N``: the terminal sends it to them, too, but the run handles it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
