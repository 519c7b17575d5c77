"""Dask workers compute blocks, and the process that started the run commits them.  The only importer of dask.

A worker receives the sweep once, then block numbers.  If a worker is lost, its block is given to another one,
until the block has killed four workers (Dask's ``distributed.scheduler.allowed-failures`` is 3).
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
"""For the scheduler's first answer."""

LOOK_SECONDS, SILENT = 0.05, 30.0
"""For a later answer, so that a stop is heard meanwhile, and after which it is taken to be lost."""

CLOSE_SECONDS = 0.5
"""For a farewell, which a scheduler that is lost does not hear."""

IN_HAND = 2
"""Blocks for each thread of the cluster: when one is done the next is there."""

LOCAL = r"local:([1-9][0-9]{0,3})"
REMOTE = r"(tcp|tls)://\S+"


class ClusterError(SaddlescapeError):
    """The cluster cannot be reached or used."""


@dataclass(frozen=True)
class Job:
    """All that a worker needs of a sweep, told by the digest of its plan."""

    digest: str
    text: str = field(compare=False)
    overrides: tuple[str, ...] = field(compare=False)
    data: dict[str, bytes] = field(compare=False)
    versions: dict[str, str] = field(compare=False)


def job(plan: Plan) -> Job:
    """What is sent of a plan, the contents of its data files included."""
    sweep = plan.sweep
    data = {name: (sweep.folder / name).read_bytes() for name in sweep.data}
    return Job(plan.digest, sweep.text, sweep.overrides, data, {**versions(), "code": code()})


@lru_cache(maxsize=4)
def plan_of(sent: Job) -> Plan:
    """The plan of a job, made again by a worker.

    Raises
    ------
    ClusterError
        If the worker's bits might be others: its packages or the plan differ.
    """
    here = {**versions(), "code": code()}
    others = [f"{name} {here.get(name)} and not {its}" for name, its in sent.versions.items() if here.get(name) != its]
    if others:
        raise ClusterError(f"a worker has {', '.join(others)}; give all workers the packages of this machine")
    plan = Plan(parse(sent.text, Path(), sent.overrides, sent.data, begun=True))
    if plan.digest != sent.digest:
        raise ClusterError("a worker has another plan of the sweep; a data file has changed, or saddlescape itself")
    return plan


@ieee()
def work(sent: Job, number: int) -> tuple[bytes, int]:
    """The file of a block and its network-steps, on a worker; given up between slices if nobody waits for it."""
    worker = get_worker()
    task, taken = worker.state.tasks[worker.get_current_task()], []

    def after_slice(steps: int) -> None:
        taken.append(steps)
        if task.state == "cancelled":
            raise CancelledError

    plan = plan_of(sent)
    block = plan.block(number)
    return encode(plan, block, compute(plan, block, after_slice)), sum(taken)


def _same(sent: Job) -> Job:
    """A job as the result of a task, which Dask makes again where it is lost."""
    return sent


class Cluster:
    """The workers of a cluster, for `run` and `resume`."""

    def __init__(self, client: Client) -> None:
        self._client, self._executor = client, client.get_executor(pure=False)
        self._id, self._number = uuid.uuid4().hex, itertools.count()
        self._jobs: dict[str, Remote[Job]] = {}
        self._known, self._answer, self._asked = -1, self._ask(), time.monotonic()

    def threads(self) -> int:
        """Of all workers, as the scheduler told last; 0 where none have come yet.

        Raises
        ------
        ClusterError
            If the scheduler has not answered for long; until then nobody waits for it.
        """
        try:
            self._known = sum(map(int, self._answer.result(LOOK_SECONDS if self._known >= 0 else SILENT).values()))
        except TimeoutError:
            if time.monotonic() - self._asked < SILENT:
                return self._known
            raise ClusterError("the scheduler does not answer; go on with saddlescape resume") from None
        self._answer, self._asked = self._ask(), time.monotonic()
        return self._known

    def _ask(self) -> Future[dict[str, int]]:
        client: Any = self._client  # whose loop and scheduler are not None, once it is connected
        return asyncio.run_coroutine_threadsafe(client.scheduler.ncores(), client.loop.asyncio_loop)

    def room(self) -> int:
        return 1 + IN_HAND * self.threads()

    def submit(self, plan: Plan, block: Block, after_slice: Callable[[int], None]) -> Future[tuple[bytes, int]]:
        if plan.digest not in self._jobs:
            with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
                self._jobs[plan.digest] = self._client.submit(_same, job(plan), key=self._key("sweep"))
        key = self._key(f"block-{block.number}")
        found: Future[tuple[bytes, int]] = self._executor.submit(work, self._jobs[plan.digest], block.number, key=key)
        return found

    def _key(self, what: str) -> str:
        """A name for a task that no other has, be it for the same block: Dask keeps what became of a name."""
        return f"{what}-{self._id}-{next(self._number)}"


@contextmanager
def connect(where: str, threads: int | None = None) -> Iterator[Cluster]:
    """Connect to the scheduler at an address, or start ``"local:N"``: N processes of `threads` threads (default 1).

    Raises
    ------
    ClusterError
        If no scheduler responds at the address; inside the context also if the scheduler is lost, or all workers
        that have tried a block.
    """
    with _client(where, threads) as client:
        try:
            yield Cluster(client)
        except KilledWorker as killed:
            ended, last = killed.allowed_failures + 1, killed.last_worker.address
            message = f"a block was the end of {ended} workers, the last {last}; have they enough memory?"
            raise ClusterError(message) from None
        except ModuleNotFoundError as missing:
            raise ClusterError(f"a worker has no {missing.name}; give all the packages of this machine") from None
        except (CancelledError, CommClosedError):
            raise ClusterError(f"the scheduler at {where} is lost; go on with saddlescape resume") from None


@contextmanager
def _client(where: str, threads: int | None) -> Iterator[Client]:
    for name in filter(re.compile(r"(distributed|tornado)\b").match, logging.root.manager.loggerDict):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is raised
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

    It is made aside, as its own time-out ends only some of the waits for a scheduler that takes calls and is silent.
    """
    found: Future[Client] = Future()

    def connect() -> None:
        try:
            found.set_result(Client(where, timeout=WAIT_SECONDS, set_as_default=False))
        except BaseException as failure:
            found.set_exception(failure)

    threading.Thread(target=connect, daemon=True).start()
    try:
        return found.result(WAIT_SECONDS + LOOK_SECONDS)
    except (OSError, ValueError) as failure:  # a TimeoutError is an OSError
        why = failure if str(failure) else f"it is silent for {WAIT_SECONDS} seconds"
        raise ClusterError(f"no Dask scheduler answers at {where} ({why})") from None


def dask_setup(worker: Worker) -> None:
    """Called by the workers of ``local:N``: Ctrl-C, which the terminal sends to them too, is for the run to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
