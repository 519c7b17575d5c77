"""A Slurm of one node on loopback: Debian's munged, slurmctld and slurmd in a temporary folder."""

import getpass
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
WAIT = 120
"""Seconds after which a test fails that waits for Slurm."""

PAGE = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")


def until(condition, what):
    """Wait until a condition holds, for which Slurm gives no signal."""
    end = time.monotonic() + WAIT
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} in {WAIT} s"
        time.sleep(0.2)
    return value


def said(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def free_ports(number):
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in listening]
    for each in listening:
        each.close()
    return ports


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """The environment of commands of a running Slurm, in which `saddlescape` is that of this checkout."""
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("munge", "state", "spool", "bin"):
        (folder / name).mkdir(mode=0o700)
    controller, node = free_ports(2)
    settings = {
        "host": socket.gethostname().partition(".")[0], "user": getpass.getuser(), "folder": folder,
        "controller": controller, "node": node, "cpus": os.cpu_count(),
    }  # fmt: skip
    (folder / "slurm.conf").write_text((HERE / "slurm.conf").read_text().format(**settings))
    (folder / "key").write_bytes(secrets.token_bytes(1024))
    (folder / "key").chmod(0o400)
    commands = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"
    mine = {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": commands, "OMP_NUM_THREADS": "1"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")} | mine
    files = {name: f"{folder}/munge/{name}" for name in ("socket", "pid-file", "log-file", "seed-file")}
    options = [f"--{name}={path}" for name, path in files.items()]
    daemons = [
        ["munged", "--foreground", "--force", f"--key-file={folder}/key", *options],
        ["slurmctld", "-D", "-i"], ["slurmd", "-D"],
    ]  # fmt: skip
    running = []
    try:
        for command in daemons:
            with (folder / f"{command[0]}.log").open("w") as log:
                running.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            if command[0] == "munged":
                until(Path(files["socket"]).exists, "munged listens")
        until(lambda: "idle" in state(environment), "the node is idle")
        yield environment
        said("scancel", "--user", settings["user"], env=environment)
        until(lambda: not said("squeue", "-h", env=environment), "no job is left")
    finally:
        for daemon in reversed(running):
            daemon.terminate()
            daemon.wait(WAIT)


def state(environment):
    done = subprocess.run(["sinfo", "-h", "-o", "%T"], env=environment, capture_output=True, text=True)
    return done.stdout


def block(words):
    """The block of the page that contains these words."""
    (text,) = (text for text in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if words in text)
    return text
