"""Processors that this process may use, and memory and disk space that are left."""

import ctypes
import math
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from mmap import PAGESIZE
from pathlib import Path
from typing import NamedTuple

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

ROOT = Path("/")
UNLIMITED = 2**62
"""Control groups without a limit report at least this number."""

VM_STAT = "/usr/bin/vm_stat"
GIVEN_UP = ("free", "speculative", "inactive")
"""Pages in the table of vm_stat that macOS gives to a process that needs them."""

MEMORY_STATUS = struct.Struct("<2I7Q")
"""MEMORYSTATUSEX of Windows: its size, a percentage, and bytes, among them (3, 5) those available and committable."""


class Room(NamedTuple):
    """Bytes that are left, and the limit in words."""

    bytes: int
    limit: str


def memory(root: Path = ROOT) -> Room:
    """The smallest of: available memory of the machine, limits of control groups, limit of the address space.

    `root` is the folder of ``proc`` and ``sys``.
    """
    return min((_machine(root), *_rooms(root), *_address_space(root)), key=lambda room: room.bytes)


def cores(root: Path = ROOT) -> int:
    """Processors that this process may use: its affinity mask, or the quota of control groups if that is smaller.

    A quota of 1.5 counts as 2, as in the JVM: one thread would leave a third of it unused.
    """
    mask = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min((mask, *_quotas(root)))))


def resident(root: Path = ROOT) -> int:
    """Bytes of memory that this process occupies (resident set size); 0 where only other systems than Linux know."""
    return int((_text(root / "proc/self/statm") or "0 0").split()[1]) * PAGESIZE


def disk(folder: Path) -> Room:
    """Free space on the file system of a folder, which need not exist."""
    existing = _existing(folder)
    return Room(shutil.disk_usage(existing).free, f"free at {existing}")


def files(folder: Path) -> bool:
    """Whether the file system of a folder has free inodes; True if it does not count inodes."""
    if not hasattr(os, "statvfs"):  # Windows
        return True
    file_system = os.statvfs(_existing(folder))
    return file_system.f_favail > 0 or file_system.f_files == 0


def _existing(folder: Path) -> Path:
    """A folder, or its first parent that exists."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _machine(root: Path) -> Room:
    """Memory of the machine that is free; if no system tells, all that is installed, or no limit."""
    free = _linux(root) or _macos() or _windows()
    if free is not None:
        return Room(free, "free on this machine")
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        return Room(PAGESIZE * os.sysconf("SC_PHYS_PAGES"), "installed in this machine")
    return Room(UNLIMITED, "the memory of this machine is unknown")


def _linux(root: Path) -> int | None:
    available = _fields(root / "proc/meminfo").get("MemAvailable:")
    return None if available is None else 1024 * available


def _macos() -> int | None:
    try:
        table = subprocess.run([VM_STAT], capture_output=True, text=True, check=True, encoding="utf-8").stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    pages = dict(re.findall(r"^Pages (\w+): +(\d+)\.$", table, re.MULTILINE))
    size = re.search(r"page size of (\d+) bytes", table)
    return int(size[1]) * sum(int(pages[kind]) for kind in GIVEN_UP) if size and pages.keys() >= {*GIVEN_UP} else None


def _windows() -> int | None:
    if not (system := getattr(ctypes, "windll", None)):
        return None
    size = MEMORY_STATUS.size
    status = ctypes.create_string_buffer(size.to_bytes(4, "little"), size)
    filled = system.kernel32.GlobalMemoryStatusEx(status)
    numbers = MEMORY_STATUS.unpack(status)
    return min(numbers[3], numbers[5]) if filled else None


def _groups(root: Path, controller: str) -> Iterator[tuple[Path, Path]]:
    """Folders in ``sys``, of versions 2 and 1, of the control groups of this process and of their parents."""
    lines = (line.split(":", 2) for line in _text(root / "proc/self/cgroup").splitlines() if line.count(":") > 1)
    for group in (group for _, names, group in lines if not names or controller in names.split(",")):
        for each in (Path(group), *Path(group).parents):
            relative = str(each).lstrip("/")
            yield root / "sys/fs/cgroup" / relative, root / "sys/fs/cgroup" / controller / relative


def _rooms(root: Path) -> Iterator[Room]:
    """Memory that control groups leave."""
    for version2, version1 in _groups(root, "memory"):
        yield from _group(version2, "memory.max", "memory.current", "inactive_file")
        yield from _group(version1, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _quotas(root: Path) -> Iterator[float]:
    """Processors that control groups allow; "max" and -1 mean no limit."""
    for version2, version1 in _groups(root, "cpu"):
        for paths in ((version2 / "cpu.max",), (version1 / "cpu.cfs_quota_us", version1 / "cpu.cfs_period_us")):
            microseconds = " ".join(map(_text, paths)).split()
            if len(microseconds) == 2 and all(word.isdecimal() and int(word) for word in microseconds):
                yield int(microseconds[0]) / int(microseconds[1])


def _group(folder: Path, maximum: str, used: str, cached: str) -> Iterator[Room]:
    limit, usage = _text(folder / maximum).strip(), _text(folder / used).strip()
    if limit.isdecimal() and usage.isdecimal() and int(limit) < UNLIMITED:
        reclaimable = _fields(folder / "memory.stat").get(cached, 0)
        yield Room(max(0, int(limit) - int(usage) + reclaimable), "left of the control group's limit")


def _address_space(root: Path) -> Iterator[Room]:
    if not resource:
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY:
        pages = int((_text(root / "proc/self/statm") or "0").split()[0])
        yield Room(max(0, limit - pages * PAGESIZE), "left of the limit of ulimit -v")


def _fields(path: Path) -> dict[str, int]:
    """Numbers by name, from a file with one of each on a line."""
    lines = (line.split() for line in _text(path).splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdecimal()}


def _text(path: Path) -> str:
    """The content of a file; "" if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
