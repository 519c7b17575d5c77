"""`saddlescape bench --against`: two sides in turn, the interval of their ratio, and what can go wrong."""

import hashlib
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import norm
from spec_cases import TINY

import saddlescape as ss
from saddlescape.analysis import median_interval, middle
from saddlescape.errors import RefusedError
from saddlescape.runs import against
from saddlescape.runs.against import Contest, Side, contest
from saddlescape.system.arguments import ArgumentError
from saddlescape_cli.main import cli

ROOT = Path(__file__).parents[1]
SAMPLES = 4000
SKEWED = {
    "normal": lambda rng, n: rng.normal(1, 0.01, (SAMPLES, n)),
    "skewed, median 1": lambda rng, n: rng.lognormal(0, 0.5, (SAMPLES, n)),
    "no variance, median 1": lambda rng, n: 1 + rng.standard_cauchy((SAMPLES, n)),
}


@pytest.mark.parametrize("n", [6, 9, 20])
@pytest.mark.parametrize("draw", SKEWED.values(), ids=list(SKEWED))
def test_the_interval_of_a_median_covers_it_in_95_percent_of_samples(draw, n):
    values = draw(np.random.default_rng(n), n)
    covers = [ends.low <= 1 <= ends.high for ends in map(median_interval, values)]
    exact = {6: 1 - 2 / 2**6, 9: 1 - 20 / 2**9, 20: 0.9586}[n]  # ranks 1 to 6, 2 to 8, 6 to 15
    assert exact >= 0.95
    assert np.mean(covers) == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / SAMPLES))


def test_an_interval_has_the_ranks_of_the_tables():
    assert median_interval(range(9)) == (4, 1, 7)
    assert median_interval(range(20), 0.99) == (9.5, 3, 16)
    with pytest.raises(ValueError, match=r"5 values are too few for a confidence of 0\.95"):
        median_interval(range(5))


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_the_interval_of_many_values_goes_on_where_that_of_few_ends(confidence, monkeypatch):
    few = [median_interval(range(n), confidence) for n in range(900, 1001)]
    monkeypatch.setattr(middle, "EXACT", 0)
    assert few == [median_interval(range(n), confidence) for n in range(900, 1001)]
    found = median_interval(range(100_000), confidence)
    assert norm.cdf((found.high - found.low) / np.sqrt(100_000)) * 2 - 1 == pytest.approx(confidence, abs=5e-3)
    with pytest.raises(ValueError, match="one is NaN"):
        median_interval([*range(9), np.nan])


class Pretended:
    """In place of a worker: the second side takes 1.25 times as long, and all become slower with every training."""

    asked = ()

    def __init__(self, side):
        self.side = side
        self.factor, self.bits = (1.0, "x") if side.name == "a" else (1.25, side.name)

    def train(self, runs, times=1):
        Pretended.asked += ((self.side.name, runs, times),)
        return self.factor * runs * times * 1e-4 * 1.001 ** len(Pretended.asked), runs * times * 100, self.bits

    rate = against.Worker.rate
    __enter__ = against.Worker.__enter__

    def __exit__(self, *_):
        pass


@pytest.fixture
def pretended(monkeypatch):
    monkeypatch.setattr(against, "Worker", Pretended)
    monkeypatch.setattr(Pretended, "asked", ())
    return Side("a", Path("a.toml")), Side("b", Path("b.toml"))


def test_sides_take_turns_and_drift_cancels(pretended):
    told = []
    timed = contest(*pretended, 500, pairs=3, rounds=4, told=told.append)
    assert told == [1, 2, 3]
    assert timed.ratios == pytest.approx([1.25] * 3, rel=1e-5)  # drift alone makes it 1.2513 if b is always second
    assert not timed.same_bits
    rounds = [asked for asked in Pretended.asked if asked[2] > 1]
    assert "".join(name for name, *_ in rounds) == "abbaabba" * 3
    assert {runs for _, runs, _ in rounds} == {500}  # no more than both specs have
    assert all(runs * times * 1e-4 == pytest.approx(against.SECONDS, rel=0.2) for _, runs, times in rounds)


def test_equal_bits_are_told(pretended):
    a, b = pretended
    assert contest(a, replace(b, name="x"), 500, pairs=1, rounds=1).same_bits


def test_frozen_starts_have_no_ratio(pretended, monkeypatch):
    monkeypatch.setattr(Pretended, "train", lambda self, runs, times=1: (1e-3, 0, "x"))
    with pytest.raises(RefusedError, match=r"raise starts\.scale"):
        contest(*pretended, 500, pairs=1)


PACKAGE = """
class Array(int):
    sum = int.__int__
    tobytes = lambda self: repr(int(self)).encode()
class Sweep:
    shape, at = (3,), lambda self, index: index
class Ready:
    def __init__(self, point, runs):
        self.theta, self.stop_step = Array(*point), Array(runs * {steps})
    def train(self):
        return self
load, prepare = lambda path, overrides: Sweep(), Ready
"""
"""A package with the few functions that a worker uses: the last point of a sweep, `steps` for each run."""


def test_a_worker_uses_the_code_of_its_side(tmp_path):
    sides = []
    for steps in (20, 30):
        (tmp_path / f"{steps}/saddlescape").mkdir(parents=True)
        (tmp_path / f"{steps}/saddlescape/__init__.py").write_text(PACKAGE.replace("{steps}", str(steps)))
        sides.append(Side(f"{steps}", tmp_path / "a.toml", sources=tmp_path / str(steps)))
    with against.Worker(sides[0]) as a, against.Worker(sides[1]) as b:
        assert [worker.train(7, times=3)[1] for worker in (a, b)] == [3 * 7 * 20, 3 * 7 * 30]
        assert a.train(3)[2] == a.train(3)[2] != b.train(3)[2]
        assert a.train(3)[2] == b.train(2)[2] == hashlib.sha256(b"260").hexdigest()  # theta 2, step 60


@pytest.mark.slow
def test_two_specs_are_timed_in_processes_of_their_own(tmp_path):
    for name, rate in (("a", 0.5), ("b", 0.25)):
        (tmp_path / f"{name}.toml").write_text(TINY.replace("rate = 0.5", f"rate = {rate}"))
    a, b = (Side(name, tmp_path / f"{name}.toml", ("training.steps=30",)) for name in ("a", "b"))
    timed = contest(a, b, 10, pairs=1, rounds=1)
    assert 0.01 < timed.ratios[0] < 100
    assert not timed.same_bits


def test_the_code_of_a_revision_is_unpacked(tmp_path):
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    with against.revision("HEAD", tmp_path / "a.toml", ("x=1",)) as side:
        assert (side.sources / "saddlescape/runs/prepare.py").read_bytes()
        assert side.name.startswith("HEAD (")
        assert side.overrides == ("x=1",)
    assert not side.sources.exists()
    with pytest.raises(ArgumentError, match="'no-such' is no spec, no bundled sweep and no revision of"):
        against.revision("no-such", tmp_path / "a.toml", ()).__enter__()


def test_a_revision_that_is_too_old_is_named(tmp_path):
    (tmp_path / "saddlescape").mkdir()
    (tmp_path / "saddlescape/__init__.py").write_text("def load(*_): raise AttributeError('no prepare')")
    old = Side("v0", tmp_path / "a.toml", sources=tmp_path, is_revision=True)
    with against.Worker(old) as worker, pytest.raises(RefusedError) as refused:
        worker.train(1)
    said, why = str(refused.value).split("; ")
    assert said == "v0 cannot train this spec: AttributeError: no prepare"
    assert why == "a revision is too old without ss.prepare, or without a key"


def test_a_revision_without_the_package_does_not_run_this_code_in_its_place(tmp_path, monkeypatch):
    with tarfile.open(tmp_path / "old.tar", "w") as files:
        files.add(Path(against.SOURCES, "saddlescape/errors.py"), "engine/saddlescape/errors.py")
    said = {"rev-parse": b"0123456789\n", "archive": (tmp_path / "old.tar").read_bytes()}
    monkeypatch.setattr(against, "_git", lambda command, *_: said[command])
    with pytest.raises(RefusedError, match=r"^v0 \(0123456\) is too old: it has no ss.prepare; give a later revision$"):
        against.revision("v0", tmp_path / "a.toml", ()).__enter__()


def test_a_wheel_has_no_revisions(tmp_path, monkeypatch):
    monkeypatch.setattr(against, "SOURCES", tmp_path / "site-packages")
    with pytest.raises(RefusedError, match="not installed from a git checkout; compare two specs"):
        against.revision("HEAD", tmp_path / "a.toml", ()).__enter__()


def bench(*arguments):
    return CliRunner().invoke(cli, ["bench", *arguments])


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        ([(2.0 + k / 10, 2.0) for k in range(-4, 5)], "ratio 1.000, 95 % interval 0.850 to 1.150: no difference seen"),
        ([(3.0 + k / 10, 2.0) for k in range(-4, 5)], "ratio 1.500, 95 % interval 1.350 to 1.650: xor is faster"),
        ([(1.0 + k / 10, 2.0) for k in range(-4, 5)], "ratio 0.500, 95 % interval 0.350 to 0.650: xor is slower"),
    ],
)
def test_bench_prints_rates_ratio_and_verdict(rates, verdict, monkeypatch, tmp_path):
    other, asked = tmp_path / "other.toml", []
    other.write_text(TINY)
    monkeypatch.setattr(against, "contest", lambda *sides, **_: asked.append(sides) or Contest(tuple(rates), True))
    printed = bench("xor", "--against", str(other), "--set", "starts.count=7").stdout.splitlines()
    assert printed[0].split() == ["xor", f"{rates[4][0]:.3g}", "network-steps/s"]
    assert printed[1].split()[0] == str(other)
    assert printed[2] == f"{verdict}; the same bits"
    a, b, count = asked[0]
    assert (a.spec.name, b.spec.name, count) == ("xor.toml", "other.toml", 7)
    assert a.overrides == b.overrides == ("starts.count=7",)


def test_the_runs_of_a_slice_are_its_cells(monkeypatch, tmp_path):
    (tmp_path / "copy.toml").write_text(ss.load("xor-slice").text)
    counts = []
    same = Contest(((1.0, 1.0),) * 9, same_bits=True)
    monkeypatch.setattr(against, "contest", lambda a, b, count, **_: counts.append(count) or same)
    assert not bench("xor-slice", "--against", str(tmp_path / "copy.toml")).exit_code
    assert counts == [200 * 200]


def test_faults_of_against_are_told_in_one_line():
    assert bench("xor", "--against", "").exit_code
    assert "both sides are xor; give --against another spec" in bench("xor", "--against", "xor").stderr
    assert "does not go with --asm or --device" in bench("xor", "--against", "HEAD", "--device", "cuda").stderr
    assert "no-such.toml: cannot be read" in str(bench("xor", "--against", "no-such.toml").exception)
    unknown = bench("xor", "--against", "no-such")
    assert unknown.exit_code
    assert "no revision" in str(unknown.exception) + unknown.stderr
