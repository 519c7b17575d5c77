"""What a sweep costs and whether there is room for it, told before anything is laid out."""

import json
import os
import re
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from spec_cases import TINY
from tolerances import ROOMY_DISK

import saddlescape as ss
from saddlescape.errors import RefusedError
from saddlescape.kernels.caching import WARNED
from saddlescape.kernels.integrate import integrate
from saddlescape.kernels.train import advance
from saddlescape.plan import Plan, Shard
from saddlescape.runs.cost import check_memory, check_room, cost, kernels, memory, readable
from saddlescape.runs.runner import Interrupted, resume
from saddlescape.runs.throughput import BEGIN, KERNEL, seconds
from saddlescape.spec import load, parse
from saddlescape.system import resources
from saddlescape.system.resources import Room
from saddlescape_cli.main import cli

AXES = '[[axes]]\nkey = "training.steps"\nvalues = [20, 40]\n[[axes]]\nkey = "starts.scale"\nvalues = [0.1, 1]\n'
GIB = 2**30


def plan(*overrides, text=TINY + AXES):
    return Plan(parse(text, Path(), overrides))


def taken(folder):
    """Bytes on the disk, of folders too."""
    return sum(512 * path.stat().st_blocks for path in (folder, *folder.rglob("*")))


def test_cost_counts_points_runs_and_steps():
    found = cost(plan(), 2)
    assert (found.points, found.runs, found.blocks) == (4, 40, 1)
    assert found.network_steps == 2 * 10 * (20 + 40)


@pytest.mark.parametrize("record", ["runs = 0", 'runs = "all"', "runs = 3\nparameters = true\nfinal_parameters = true"])
@pytest.mark.parametrize("count", [1, 3000])
def test_a_run_writes_no_more_than_was_said(tmp_path, count, record, monkeypatch):
    monkeypatch.setattr("saddlescape.plan.plan.BLOCK_RUNS", 1000)
    small = plan(f"starts.count={count}", text=f"{TINY}[record]\nsteps = 'every:1'\n{record}\n")
    ss.run(small.sweep, tmp_path)
    assert taken(tmp_path) < cost(small, 1).disk_bytes < ROOMY_DISK * taken(tmp_path)


def test_shards_cost_what_the_whole_does():
    whole = plan("starts.count=1000000", text=TINY)
    shards = [cost(whole, 1, Shard(number, 7)) for number in range(1, 8)]
    assert sum(shard.blocks for shard in shards) == whole.blocks
    assert max(shard.runs for shard in shards) < whole.runs / 6
    assert sum(shard.disk_bytes for shard in shards) < cost(whole, 1).disk_bytes


@pytest.mark.parametrize(
    "overrides", [["record.runs='all'"], ["record.final_parameters=true"], ["record.parameters=true"]]
)
def test_the_cost_of_a_billion_runs_is_told_from_nothing_that_grows_with_them(overrides):
    tracemalloc.start()
    try:
        found = cost(Plan(load("xor", ["starts.count=1_000_000_000", *overrides])), 2)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()
    assert found.runs == 11 * 10**9
    assert found.disk_bytes > 100 * found.runs


@pytest.fixture
def machine(monkeypatch):
    """Sets how much memory and disk there seems to be."""

    def has(memory=2**50, disk=2**50):
        monkeypatch.setattr("saddlescape.system.resources.memory", lambda: Room(memory, "free on this machine"))
        monkeypatch.setattr("saddlescape.system.resources.resident", lambda: 0)
        monkeypatch.setattr("saddlescape.system.resources.disk", lambda folder: Room(disk, f"free at {folder}"))

    return has


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["starts.count=100000000"], "starts.count: .*needs up to .* of disk, 1 GiB available .*got .*100000000.*"),
        (["starts.count=1000000", "record.runs='all'"], "record.runs: needs up to .*; got all, .*; lower record"),
        (["starts.count=10000", "record.runs='all'", "record.parameters=true", "record.steps='every:1'"],
         "record.parameters: needs up to .*; got True, .*; set it to false"),
        (["starts.count=1000000", "record.final_parameters=true"], "record.final_parameters: .*; set it to false"),
    ],
)  # fmt: skip
def test_what_takes_most_of_the_disk_is_named(machine, tmp_path, overrides, message):
    machine(disk=GIB if "100000000" in overrides[0] else GIB // 16)
    with pytest.raises(RefusedError, match=message):
        check_room(plan(*overrides), tmp_path, 2)
    machine()
    check_room(plan(*overrides), tmp_path, 2)


def test_too_little_memory_is_refused_before_the_folder_is_made(machine, tmp_path):
    machine(memory=2**28)
    with pytest.raises(RefusedError, match=r"record.runs: .* memory, 256 MiB available .*--threads below 2"):
        ss.run(plan("record.runs='all'", "starts.count=9999").sweep, tmp_path / "run", threads=2)
    assert not list(tmp_path.iterdir())


def test_kernels_take_memory_too(machine, tmp_path):
    axes = ('"network.hidden"\nvalues = [[1], [2], [3], [4], [5]]', '"starts.seed"\nvalues = [1, 2, 3, 4, 5]')
    wide, seeds = (parse(f"{TINY}[[axes]]\nkey = {axis}", tmp_path) for axis in axes)
    assert [len(kernels(sweep)) for sweep in (wide, seeds)] == [5, 1]
    machine(memory=memory(Plan(wide), 1) - 1)
    check_memory(Plan(seeds), 1)
    with pytest.raises(RefusedError, match=r"axes: needs up to .*; got 5 kernels, .*; shorten axes that"):
        check_memory(Plan(wide), 1)


def test_a_shard_needs_memory_for_the_names_of_its_own_blocks_alone(machine, tmp_path, monkeypatch):
    monkeypatch.setattr("saddlescape.plan.plan.BLOCK_RUNS", 1)
    many, shard = plan("starts.count=300", text=TINY), Shard(1, 300)
    machine(memory=cost(many, 1, shard).memory_bytes)
    with pytest.raises(RefusedError, match=r"of memory, .* available"):
        check_room(many, tmp_path, 1)
    with pytest.raises(Interrupted):
        ss.run(many.sweep, tmp_path / "part", threads=1, shard=shard, should_stop=lambda: True)
    assert resume(tmp_path / "part", threads=1) == tmp_path / "part"


def test_a_run_is_not_gone_on_with_where_it_does_not_fit(machine, tmp_path):
    machine()
    ss.run(plan().sweep, tmp_path / "run")
    machine(memory=2**20)
    done = CliRunner().invoke(cli, ["resume", str(tmp_path / "run")])
    assert isinstance(done.exception, RefusedError)


def group(root, folder, **files):
    for name, content in files.items():
        path = root / "sys/fs/cgroup" / folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")


def test_memory_is_the_least_of_the_machine_and_its_control_groups(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 99 kB\nMemAvailable:   8388608 kB\n")
    assert resources.memory(tmp_path) == (8 * GIB, "free on this machine")
    (tmp_path / "proc/self/cgroup").write_text("0::/user/session\n")
    group(tmp_path, "user/session", memory__max="max", memory__current=GIB)
    assert resources.memory(tmp_path).bytes == 8 * GIB
    group(tmp_path, "user", memory__max=4 * GIB, memory__current=3 * GIB, memory__stat=f"anon 5\ninactive_file {GIB}")
    assert resources.memory(tmp_path) == (2 * GIB, "left of the control group's limit")
    (tmp_path / "proc/self/cgroup").write_text("4:cpu:/\n5:memory:/job\n")
    group(tmp_path, "memory/job", memory__limit_in_bytes=GIB, memory__usage_in_bytes=GIB // 4)
    assert resources.memory(tmp_path).bytes == 3 * GIB // 4
    group(tmp_path, "memory/job", memory__limit_in_bytes=2**63 - 4096)
    assert resources.memory(tmp_path).bytes == 8 * GIB


def test_cores_are_those_of_the_mask_but_for_quotas_of_control_groups(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    assert resources.cores(tmp_path) == 8
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/user/session\n")
    group(tmp_path, "user/session", cpu__max="max 100000")
    assert resources.cores(tmp_path) == 8
    group(tmp_path, "user", cpu__max="250000 100000")
    assert resources.cores(tmp_path) == 3, "2.5 processors keep three threads busy"
    group(tmp_path, "user/session", cpu__max="1000 100000")
    assert resources.cores(tmp_path) == 1
    group(tmp_path, "user/session", cpu__max="1600000 100000")
    assert resources.cores(tmp_path) == 3, "a group within cannot have more than the one around it"


def test_cores_heed_a_quota_of_the_first_version_of_control_groups(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("1:name=systemd:/job\n3:cpuset:/job\n4:cpu,cpuacct:/job/step\n")
    group(tmp_path, "cpu/job/step", cpu__cfs_quota_us=-1, cpu__cfs_period_us=100000)
    assert resources.cores(tmp_path) == 8
    group(tmp_path, "cpu/job", cpu__cfs_quota_us=400000, cpu__cfs_period_us=100000)
    assert resources.cores(tmp_path) == 4
    group(tmp_path, "memory/job", memory__limit_in_bytes=GIB, memory__usage_in_bytes=0)
    (tmp_path / "proc/meminfo").write_text("MemAvailable: 8388608 kB\n")
    assert resources.memory(tmp_path).bytes == 8 * GIB, "the process is in no group of memory"
    (tmp_path / "proc/self/cgroup").write_text("4:cpu,cpuacct:/job/step\n5:hugetlb,memory:/job\n")
    assert resources.memory(tmp_path).bytes == GIB


VM_STAT = """#!/bin/sh
cat << END
Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               65536.
Pages active:                            300000.
Pages inactive:                          131072.
Pages speculative:                        65536.
Pages wired down:                        100000.
"Translation faults":                  12345678.
END
"""


def test_memory_of_macos_is_what_vm_stat_tells(tmp_path, monkeypatch):
    (tmp_path / "vm_stat").write_text(VM_STAT)
    (tmp_path / "vm_stat").chmod(0o755)
    monkeypatch.setattr(resources, "VM_STAT", str(tmp_path / "vm_stat"))
    monkeypatch.setattr(resources, "resource", None)
    assert resources.memory(tmp_path) == (4 * GIB, "free on this machine")


@pytest.mark.parametrize(("available", "committable"), [(3 * GIB, 2 * GIB), (2 * GIB, 3 * GIB)])
def test_memory_of_windows_is_what_can_still_be_committed(tmp_path, monkeypatch, available, committable):
    def fill(status):
        assert int.from_bytes(status[:4], "little") == len(status) == 64
        status[:] = struct.pack("<2I7Q", 64, 50, 9 * GIB, available, 9 * GIB, committable, *[0] * 3)
        return 1

    monkeypatch.setattr(resources, "resource", None)
    kernel = SimpleNamespace(kernel32=SimpleNamespace(GlobalMemoryStatusEx=fill))
    monkeypatch.setattr("ctypes.windll", kernel, raising=False)
    assert resources.memory(tmp_path) == (2 * GIB, "free on this machine")
    assert resources.resident(tmp_path) == 0, "not known"


def test_memory_that_no_system_tells_is_what_is_installed(tmp_path, monkeypatch):
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    monkeypatch.setattr(resources, "resource", None)
    assert resources.memory(tmp_path) == (installed, "installed in this machine")
    monkeypatch.delattr("os.sysconf_names")
    assert resources.memory(tmp_path) == (resources.UNLIMITED, "the memory of this machine is unknown")


def test_memory_is_bounded_by_the_limit_of_the_address_space():
    code = (
        "import resource; from saddlescape.system import resources\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))\n"
        "print(*resources.memory(), sep=';')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    left, limit = done.stdout.strip().split(";")
    assert 2**27 < int(left) < 2**29
    assert limit == "left of the limit of ulimit -v"


def test_disk_is_that_of_the_folder_that_is_there(tmp_path, monkeypatch):
    assert resources.disk(tmp_path / "not/yet/there").limit == f"free at {tmp_path}"
    usage = {tmp_path: SimpleNamespace(total=10, used=7, free=3)}
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage[path])
    assert resources.disk(tmp_path / "not/yet/there").bytes == 3


def test_a_dry_run_tells_people_and_programs_the_cost_and_makes_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv(WARNED, raising=False)
    spec, out = tmp_path / "tiny.toml", tmp_path / "out"
    spec.write_text(TINY + AXES)
    shown = CliRunner().invoke(cli, ["run", str(spec), "-o", str(out), "--dry-run", "--threads", "1"])
    steps = r"network-steps +1.2e\+03 at most"
    for line in ("points +4", "runs +40 in 1 block", steps, "time .* seconds at most, on 1 thread"):
        assert re.search(line, shown.output), shown.output
    assert re.search(r"memory +\d+ MiB at most; .* available\ndisk +\S+ KiB at most; .* available$", shown.output)
    told = json.loads(CliRunner().invoke(cli, ["run", str(spec), "--dry-run", "--json"]).output)
    assert (told["points"], told["runs"], told["network_steps"]) == (4, 40, 1200)
    assert BEGIN < told["seconds"] < BEGIN + 1
    assert {"memory_bytes", "disk_bytes", "memory_free_bytes", "disk_free_bytes", "blocks", "threads"} < told.keys()
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.toml"]


@pytest.mark.parametrize(
    "settings",
    [
        ["starts.kind=zero", "starts.seed="],
        ["training.learning_rate=1e200", "starts.scale=1e6"],
        ["training.optimizer=flow", "network.activation=tanh"],
    ],
)
def test_a_probe_has_something_to_time_whatever_the_starts_and_rates(settings, monkeypatch):
    monkeypatch.delenv(WARNED, raising=False)  # as where machine code is kept
    sweep = parse(TINY.replace("learning_rate = 0.5\n", ""), Path(), settings)
    assert BEGIN < seconds(sweep, 10, 1) < BEGIN + 1


@pytest.mark.parametrize("settings", [["training.optimizer=flow"], ["stop.gradient=1e-9"]])
def test_a_probe_and_starts_that_are_given_use_the_kernel_of_the_run(tmp_path, settings):
    flows = "flow" in settings[0]
    text, entry = (TINY.replace("learning_rate = 0.5\n", ""), integrate) if flows else (TINY, advance)
    sweep = parse(text, Path(), settings)
    seconds(sweep, 10, 1)
    known = set(entry.signatures)
    ss.run(sweep, tmp_path / "run")
    assert set(entry.signatures) == known
    ss.run_starts(sweep.spec, [[1.0] * sweep.spec.n_params])
    assert set(entry.signatures) == known


def test_kernels_to_be_compiled_take_time():
    widths = [[n] for n in range(1, 36)]
    sweep = parse(f'{TINY}[[axes]]\nkey = "network.hidden"\nvalues = {widths}\n', Path())
    assert seconds(sweep, 35, 1) > 34 * KERNEL


def test_problems_are_kept_only_while_they_are_needed():
    names = [f"[[axes]]\nkey = 'problem.seed'\nvalues = {list(range(100))}\n", "name = 'random'\nsamples = 256"]
    text = TINY.replace('name = "xor"', f"{names[1]}\ninputs = 64\noutputs = 64") + names[0]
    tracemalloc.start()
    try:
        many = Plan(parse(text, Path(), ["training.learning_rate=1e-3"]))
        assert many.blocks
        assert tracemalloc.get_traced_memory()[0] < 100 * 2**18 / 4
    finally:
        tracemalloc.stop()


def test_a_dry_run_ends_as_the_run_would_where_there_is_no_room(tmp_path):
    huge = ["run", "xor", "-o", str(tmp_path / "o"), "--dry-run", "--json", "--set", "starts.count=1000000000"]
    done = CliRunner().invoke(cli, huge)
    assert json.loads(done.stdout)["runs"] == 11 * 10**9
    assert isinstance(done.exception, RefusedError)


def test_sizes_are_readable():
    assert [readable(n) for n in (0, 1023, 1024, 1.5 * 2**20, 2**30, 5 * 2**70)] == [
        "0 bytes", "1020 bytes", "1 KiB", "1.5 MiB", "1 GiB", "5120 EiB",
    ]  # fmt: skip
