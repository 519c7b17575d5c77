"""Take from saddlescape what Windows lacks: for `make test-portable`, on Linux.

Every interpreter that has this folder in PYTHONPATH loads this file, as do processes that tests start.  It affects only
modules of saddlescape, as other packages have a Windows of their own.  They find no fcntl, resource, pwd, grp and
termios, an `os` and a `signal` without names of POSIX, a `select` for sockets only, and an `msvcrt` that locks bytes.
Folders cannot be opened, open files neither be renamed nor deleted, and a file that is not opened as binary is refused.
"""

import builtins
import contextlib
import errno
import importlib
import os
import pathlib
import signal
import stat
import sys
import types

OURS = ("saddlescape", "saddlescape_cli")
ABSENT = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog", "readline", "crypt", "nis"}
NOT_IN_OS = """
    O_ASYNC O_CLOEXEC O_DIRECT O_DIRECTORY O_DSYNC O_EXLOCK O_NDELAY O_NOATIME O_NOCTTY O_NOFOLLOW O_NONBLOCK
    O_PATH O_RSYNC O_SHLOCK O_SYNC O_TMPFILE chown chroot confstr confstr_names copy_file_range ctermid eventfd
    fchmod fchown fdatasync fork forkpty fpathconf fstatvfs get_blocking getegid geteuid getgid getgrouplist
    getgroups getloadavg getpgid getpgrp getpriority getresgid getresuid getsid getuid initgroups killpg lchown
    lockf major makedev memfd_create minor mkfifo mknod nice openpty pathconf pidfd_open pipe2 posix_fadvise
    posix_fallocate posix_spawn posix_spawnp pread preadv pwrite pwritev register_at_fork sched_getaffinity
    sched_getparam sched_getscheduler sched_setaffinity sched_yield sendfile set_blocking setegid seteuid setgid
    setgroups setpgid setpriority setregid setresgid setresuid setreuid setsid setuid splice statvfs sync sysconf
    sysconf_names tcgetpgrp tcsetpgrp ttyname uname wait wait3 wait4 waitid
"""
PREFIXES = ("EX_", "F_", "P_", "POSIX_", "SCHED_", "W", "sched_")
SIGNALS_OF_WINDOWS = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM"}
BINARY, NOT_INHERITED = 0x40000000, 0x20000000
"""Flags of the substitute, which Linux does not have."""


class Substitute(types.ModuleType):
    """A module without some names, and with others."""

    def __init__(self, real, missing=lambda name: False, **others):
        super().__init__(real.__name__)
        self.__dict__.update(others)
        self._real, self._missing = real, missing

    def __getattr__(self, name):
        if self._missing(name):
            raise AttributeError(f"{self._real.__name__} of Windows has no {name}")
        return getattr(self._real, name)

    def __dir__(self):
        return [name for name in dir(self._real) if not self._missing(name)]


def denied(path):
    return PermissionError(errno.EACCES, "Permission denied", str(path))


def open_files():
    """Device and inode of the regular files that processes have open."""
    for process in pathlib.Path("/proc").glob("[0-9]*/fd"):
        with contextlib.suppress(OSError):
            for descriptor in os.listdir(process):
                with contextlib.suppress(OSError):
                    found = os.stat(process / descriptor)
                    if stat.S_ISREG(found.st_mode):
                        yield found.st_dev, found.st_ino


def movable(*paths):
    """Raise PermissionError if a file is open, as `os.open` of Windows shares it for reading and writing only."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            found = os.lstat(path)
            if stat.S_ISREG(found.st_mode) and (found.st_dev, found.st_ino) in set(open_files()):
                raise denied(path)


def opened(path, flags, mode=0o777):
    if os.path.isdir(path):
        raise denied(path)
    assert flags & BINARY or path == os.devnull, f"{path} is opened as text: Windows would translate line ends"
    return os.open(path, flags & ~(BINARY | NOT_INHERITED), mode)


def moving(function):
    def checked(*paths, **options):
        movable(*paths)
        return function(*paths, **options)

    return checked


def late(name):
    """A function of os that is looked up when it is called, since tests replace it."""
    return moving(lambda *paths: getattr(os, name)(*paths))


def locking(descriptor, mode, size):
    """Lock bytes from the position on until the file is closed; bytes that this process has locked are locked, too."""
    import fcntl
    import struct

    start, access = os.lseek(descriptor, 0, os.SEEK_CUR), fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
    assert mode == msvcrt.LK_NBLCK
    assert 0 <= start < 2**31, "the C library of Windows locks at a 32-bit offset"
    kind = fcntl.F_RDLCK if access == os.O_RDONLY else fcntl.F_WRLCK
    wanted = struct.pack("hhqqi", kind, os.SEEK_SET, start, size, 0)
    another = os.open(f"/proc/self/fd/{descriptor}", access)
    try:
        taken = struct.unpack("hhqqi", fcntl.fcntl(another, fcntl.F_OFD_GETLK, wanted))[0] != fcntl.F_UNLCK
    finally:
        os.close(another)
    try:
        if not taken:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
    except BlockingIOError:
        taken = True
    if taken:
        raise denied(descriptor)


def select(reading, writing, other, seconds=None):
    import select as real
    import socket

    assert all(isinstance(each, socket.socket) for each in (*reading, *writing, *other)), "Windows selects sockets only"
    return real.select(reading, writing, other, seconds)


msvcrt = types.ModuleType("msvcrt")
msvcrt.LK_UNLCK, msvcrt.LK_LOCK, msvcrt.LK_NBLCK, msvcrt.LK_RLCK, msvcrt.LK_NBRLCK, msvcrt.locking = *range(5), locking
SUBSTITUTES = {
    "msvcrt": msvcrt,
    "os": Substitute(
        os, lambda name: name in NOT_IN_OS.split() or name.startswith(PREFIXES),
        O_BINARY=BINARY, O_NOINHERIT=NOT_INHERITED, open=opened, replace=late("replace"), rename=late("rename"),
        unlink=late("unlink"), remove=late("remove"),
    ),
    "signal": Substitute(
        signal, lambda name: (name.startswith("SIG") and name.isalpha() and name not in SIGNALS_OF_WINDOWS)
        or name in ("alarm", "pause", "pthread_kill", "pthread_sigmask", "setitimer", "siginterrupt", "sigwait"),
    ),
    "select": types.SimpleNamespace(select=select),
}  # fmt: skip


def is_ours(names):
    return names.get("__name__", "").partition(".")[0] in OURS


def found(name):
    if name.partition(".")[0] in ABSENT:
        raise ModuleNotFoundError(f"No module named {name!r} on Windows", name=name)
    return SUBSTITUTES.get(name.partition(".")[0])


def of_windows(name, names=None, *rest, **more):
    return (is_ours(names or {}) and found(name)) or plain_import(name, names, *rest, **more)


def module_of_windows(name, package=None):
    return (is_ours(sys._getframe(1).f_globals) and found(name)) or plain_module(name, package)


def method(name):
    real = getattr(pathlib.Path, name)

    def checked(self, *others, **options):
        if is_ours(sys._getframe(1).f_globals):
            movable(self, *others)
        return real(self, *others, **options)

    return checked


plain_import, plain_module = builtins.__import__, importlib.import_module
builtins.__import__, importlib.import_module = of_windows, module_of_windows
for name in ("unlink", "rename", "replace"):
    setattr(pathlib.Path, name, method(name))
