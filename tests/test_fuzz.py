"""Mutated specs, data files and overrides: an error message or a plan, never a traceback, and never for long."""

import io
import json
import math
import os
import random
import re
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saddlescape.errors import SpecError
from saddlescape.plan import Plan
from saddlescape.runs.cost import cost
from saddlescape.spec import load, parse
from saddlescape.spec.keys import KEYS
from saddlescape.store.schema import variables
from saddlescape.system import bundled
from saddlescape.system.resources import Room

SPECS = [path.read_text() for path in bundled.sweeps().values()]
GENEROUS = """[problem]
name = "teacher"
samples = 20
inputs = 2
outputs = 1
hidden = 3
[network]
hidden = [2, 2]
activation = ["tanh", "erf"]
output = "linear"
[starts]
kind = "slice"
base = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
x = { index = 0, from = -1, to = 1, n = 3 }
y = { index = 1, from = -1, to = 1, n = 3 }
[training]
loss = "mse"
optimizer = "gd"
layer_rates = [1, 0.5, 2]
schedule = "exponential"
noise = 0.1
batch = 5
epochs = 8
[record]
steps = [0, 4, 8]
[[axes]]
key = "training.layer_rates.0"
sobol = { from = 1e-3, to = 10, n = 8, log = true, seed = 1 }
zip = "design"
[[axes]]
key = "training.noise"
random = { from = 0.1, to = 10, n = 8, seed = 2 }
zip = "design"
[[axes]]
key = "network.hidden.1"
values = [1, 2]
"""
SPECS = [*SPECS, GENEROUS]
WORDS = [
    "0", "-1", "1", "2", "64", "65", "1e300", "-1e308", "1e309", "nan", "inf", "-inf", "1e-320", "9" * 30, "9" * 5000,
    "true", '""', '"xor"', '"file"', '"a\\u0000b"', '"\\ud7ff"', "[]", "[[]]", "{}", "[1, 2]", "[[2], [3]]", '["tanh"]',
    "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", '"log:9"', '"every:1"', "[" * 40 + "]" * 40, "2**3", "'''", "#",
    "{from = 0, to = 1, n = 4}", "{index = 1, from = 0, to = 1, n = 2}", '"../../etc/passwd.csv"', '"/dev/zero.npz"',
]  # fmt: skip


def told(text, overrides=(), folder=Path("nowhere")):
    """The plan of a text, looked at as a dry run does, or every fault of it, each in one line."""
    try:
        plan = Plan(parse(text, folder, overrides))
    except SpecError as error:
        faults = [str(fault) for fault in error.faults]
        assert all(len(fault) < 2000 and fault.isprintable() for fault in faults), faults
        return faults
    assert cost(plan, 2).runs == math.prod(plan.shape) == plan.runs
    assert len(plan.digest) == 64
    assert {"outcome", "stop_step", "final_loss", "distinct_starts"} < {variable.name for variable in variables(plan)}
    assert len(plan.block(0).shape) == len(plan.shape)
    return ()


def mutated(text, rng):
    """The text with a few bytes, words or lines changed."""
    for _ in range(rng.choice((1, 1, 2, 5))):
        how, at = rng.randrange(6), rng.randrange(len(text) or 1)
        lines = text.split("\n")
        number = rng.randrange(len(lines))
        if how == 0:
            text = text[:at] + chr(rng.choice((rng.randrange(128), rng.randrange(0xD800)))) + text[at + 1 :]
        elif how == 1:
            text = text[:at] + text[at + rng.randrange(20) :]
        elif how == 2 and "=" in lines[number]:
            lines[number] = lines[number].split("=")[0] + "= " + rng.choice(WORDS)
            text = "\n".join(lines)
        elif how == 3:
            lines.insert(number, lines[rng.randrange(len(lines))])
            text = "\n".join(lines)
        elif how == 4:
            lines[number] = f"{rng.choice(list(KEYS)).split('.')[-1]} = {rng.choice(WORDS)}"
            text = "\n".join(lines)
        else:
            text = text.replace(rng.choice(list(KEYS)), rng.choice(list(KEYS)))
    return text


NUMBERS = st.integers(-2, 70) | st.integers() | st.floats() | st.sampled_from([0.5, 0.25, 1e-3, 1e300, 1e-320])
NAMES = ["xor", "parity", "encoder", "random", "linear", "teacher", "file", "slice", "ray", "zero", "tied", "normal"]
NAMES += ["gd", "adam", "rprop", "flow", "momentum", "tanh", "relu", "bce", "softmax_ce", "mse", "pm1", "float32"]
NAMES += ["online", "shuffled", "full", "exponential", "cosine", "log:9", "every:3", "linear:4", "all", "loss", "a.npy"]
PLAIN = st.booleans() | NUMBERS | st.sampled_from(NAMES) | st.text(max_size=4)
ENDS = st.fixed_dictionaries(
    {}, optional={key: NUMBERS for key in ("index", "from", "to", "n", "seed")} | {"log": st.booleans()}
)
ANY = PLAIN | st.lists(NUMBERS, max_size=9) | st.lists(PLAIN | st.lists(NUMBERS, max_size=3), max_size=3) | ENDS
PLACES = [*KEYS, "network.hidden.0", "network.activation.1", "starts.base.2", "training.layer_rates.0", "a.b.c", "axes"]
SPACES = st.tuples(NUMBERS, NUMBERS, st.integers(1, 20)).map(list)
AXES = st.fixed_dictionaries(
    {"key": st.sampled_from(PLACES)},
    optional={
        "values": st.lists(ANY, max_size=4),
        "linspace": SPACES,
        "logspace": SPACES,
        "random": ENDS,
        "sobol": ENDS,
        "zip": st.sampled_from(["a", "b", "run", "x", "é", ""]),
    },
)


def toml(value):
    """A value as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {toml(inner)}' for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value) if isinstance(value, bool | str) else str(value)


@st.composite
def specs(draw):
    """A spec whose keys are right and whose values are anything, with a few axes."""
    chosen = draw(st.dictionaries(st.sampled_from([key for key in KEYS if key != "schema"]), ANY, max_size=6))
    chosen.setdefault("problem.name", "xor")
    lines = [f"{key} = {toml(value)}" for key, value in chosen.items()]
    for axis in draw(st.lists(AXES, max_size=3)):
        lines += ["[[axes]]", *(f"{key} = {toml(value)}" for key, value in axis.items())]
    return "\n".join(lines)


OVERRIDE = st.builds("{}={}".format, st.sampled_from(PLACES) | st.text(max_size=5), ANY.map(toml))
OVERRIDES = st.lists(OVERRIDE, max_size=2)
QUICK = settings(derandomize=True, suppress_health_check=list(HealthCheck))


@given(specs(), OVERRIDES)
@settings(QUICK, max_examples=200)
def test_any_values_of_keys_are_a_plan_or_faults(text, overrides):
    told(text, overrides)


@pytest.mark.slow
@given(specs(), OVERRIDES)
@settings(QUICK, max_examples=10_000)
def test_ten_thousand_values_of_keys_are_a_plan_or_faults(text, overrides):
    told(text, overrides)


def many(number, seed):
    rng = random.Random(seed)
    planned = sum(not told(mutated(rng.choice(SPECS), rng)) for _ in range(number))
    assert 0.02 * number < planned < 0.9 * number


def test_mutated_specs_are_a_plan_or_faults():
    many(400, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 10))
def test_ten_thousand_mutated_specs_are_a_plan_or_faults(seed):
    many(1250, seed)


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header(shape, descr="<f8", data=b"", version=1):
    """An NPY file whose header claims anything."""
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2, "little") + text + data


def npz(compression=zipfile.ZIP_DEFLATED, **members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def of_file(folder, name, content):
    (folder / name).write_bytes(content)
    starts = f'[problem]\nname = "xor"\n[starts]\nkind = "file"\nfile = "{name}"\n'
    return told(starts if name.endswith("npy") else f'[problem]\nfile = "{name}"\n', folder=folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header((10**12, 9)), "must contain 72000000000000 bytes, as its header declares shape .*; got 0"),
        (header((2**63, 2**63)), "must contain [0-9]+ bytes, as its header declares"),
        (header((0, 10**15)), "must have shape"),
        (header((-1, 9)), "is not an NPY file"),
        (header((1,) * 65), "is not an NPY file"),
        (header("(" * 3000), "is not an NPY file"),
        (header((2, 9), "|O", b"cbuiltins\nexec\n."), "must contain numbers; got dtype object"),
        (header((1,), [("a", "<f8")]), "must contain numbers"),
        (header((2, 9), version=9), "is not an NPY file"),
        (npy(np.ones((2, 9)))[:-1], "must contain 144 bytes, .*; got 143"),
        (npy(np.ones((2, 9))) + b"\0", "must contain 144 bytes, .*; got 145"),
        (npy(np.array([["a"] * 9])), "must contain numbers"),
        (b"", "is not an NPY file"),
    ],
)
def test_what_a_header_claims_is_checked_before_memory_is_taken(tmp_path, content, message):
    (fault,) = of_file(tmp_path, "a.npy", content)
    assert re.search(f"^starts.file: .*{message}", fault)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npz(X=bytes(2**25), T=npy(np.ones((4, 1)))), "X must be at most 16777216 bytes when .*; got 33554432"),
        (npz(X=header((10**9, 2)), T=b""), "X must contain 16000000000 bytes"),
        (npz(X=npy(np.ones((4, 65))), T=npy(np.ones((4, 1)))), "X must have at most 64 columns; got 65"),
        (npz(X=npy(np.ones((4, 2)))), "needs an array T"),
        (npz(zipfile.ZIP_LZMA, X=npy(np.ones((4, 2))), T=b""), "X must be compressed as numpy.savez_compressed does"),
        (npz(X=npy(np.ones((4, 2))), T=npy(np.ones((4, 1))))[:-30], "is not an NPZ file"),
        (npz(zipfile.ZIP_STORED, X=npy(np.ones((4, 2))), T=b"").replace(b"\xf0?", b"\xf1?"), "X is damaged"),
        (npy(np.ones((4, 2))), "is not an NPZ file"),
    ],
)
def test_an_archive_is_not_trusted(tmp_path, content, message):
    (fault,) = of_file(tmp_path, "a.npz", content)
    assert re.search(f"^problem.file: .*{message}", fault)


def test_a_member_that_is_larger_than_it_says_is_not_unpacked(tmp_path):
    bomb = npz(X=bytes(2**28), T=b"")
    lying = bomb.replace((2**28).to_bytes(4, "little"), (2**10).to_bytes(4, "little"))
    assert lying != bomb
    tracemalloc.start()
    try:
        (fault,) = of_file(tmp_path, "a.npz", lying)
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()
    assert fault.startswith("problem.file: X is ")


def test_only_files_beside_the_spec_or_below_are_read(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a.csv").write_text("x1,t1\n0,0\n1,1\n")
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "large.csv").write_bytes(b"x1,t1\n" + b"1,1\n" * 2**22)
    (tmp_path / "rows.csv").write_bytes(b"x1,t1\n" + b"1,1\n" * 2**20)

    def fault(name):
        return "".join(told(f"[problem]\nfile = {json.dumps(name)}\n", folder=tmp_path))

    assert fault("sub/a.csv") == fault("./sub/a.csv") == ""
    for name in (str(tmp_path / "sub/a.csv"), "a\0.csv", ""):
        assert fault(name).startswith("problem.file: must be a path relative to the spec's folder; got ")
    assert "must be a file; " in fault("pipe.csv")
    assert "must be a file; " in fault("folder.csv")
    assert "must be at most 16777216 bytes; got 16777222" in fault("large.csv")
    assert "must have at most 4096 samples; got 4097 or more" in fault("rows.csv")
    assert "cannot read" in fault("x" * 300 + ".csv")


def test_starts_that_do_not_fit_into_memory_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("saddlescape.system.resources.memory", lambda: Room(10_000, "free on this machine"))
    assert not of_file(tmp_path, "few.npy", npy(np.ones((20, 9))))
    (fault,) = of_file(tmp_path, "many.npy", npy(np.ones((40, 9))))
    assert fault.startswith("starts.file: must be at most 2500 bytes; got 3008")


def spoilt(content, rng):
    """Bytes with some flipped, cut out or repeated."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if not content:
            break
        at = rng.randrange(len(content))
        if rng.random() < 0.7:
            content[at] ^= 1 << rng.randrange(8)
        elif rng.random() < 0.5:
            del content[at : at + rng.randrange(1, 20)]
        else:
            content[at:at] = content[at : at + rng.randrange(1, 20)]
    return bytes(content)


def many_files(folder, number, seed):
    rng, rows = random.Random(seed), np.arange(18.0).reshape(2, 9)
    good = {
        "a.npy": npy(rows),
        "f.npy": npy(np.asfortranarray(rows.astype("f4"))),
        "a.npz": npz(X=npy(rows[:, :2]), T=npy(rows[:, :1])),
        "s.npz": npz(zipfile.ZIP_STORED, X=npy(rows[:, :2]), T=npy(rows[:, :1])),
        "a.csv": b"x1,x2,t1\n0,0,0\n0,1,1e0\n1,0,1\n1,1,0\n",
    }
    outcomes = [bool(of_file(folder, name, spoilt(good[name], rng))) for name in rng.choices([*good], k=number)]
    assert any(outcomes)
    assert not all(outcomes)
    assert not any(of_file(folder, name, content) for name, content in good.items())


def test_spoilt_data_files_are_a_plan_or_faults(tmp_path):
    many_files(tmp_path, 300, 1)


@pytest.mark.slow
def test_ten_thousand_spoilt_data_files_are_a_plan_or_faults(tmp_path):
    many_files(tmp_path, 10_000, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 17 + "]" * 17, "TOML: must be valid TOML; nested more than 16 deep"),
        ("a = " + "[" * 5000 + "]" * 5000, "TOML: must be valid TOML; nested more than 16 deep"),
        ("a" + ".a" * 5000 + " = 1", "TOML: must be valid TOML; nested more than 16 deep"),
        ("a = " + "9" * 5000, "TOML: must be valid TOML; "),
        ("[problem]\nname = \"xor\"\n[starts]\nscale = " + "9" * 400, "starts.scale: must be "),
        ("\"\\u001b[2J\" = 1", "\ufffd[2J: is not a key; "),
        (f"\"{'k' * 5000}\" = 1", "k" * 200 + ": is not a key"),
    ],
)
def test_hostile_text(text, message):
    assert any(fault.startswith(message) for fault in told(text))


def test_a_spec_that_never_ends_is_not_read():
    with pytest.raises(SpecError, match="must be at most 1048576 bytes"):
        load("/dev/zero")
