"""Tests of the benchmarks: peers compute the same results, and operations are counted correctly."""

import batched_numpy
import cases
import numpy as np
import pytest
import report
import scalar_njit
import scaling
import tick
from click.testing import CliRunner
from kernel_cases import slowly
from llvmlite import ir
from numba.core import cgutils
from spec_cases import TINY

from saddlescape import spec
from saddlescape.errors import RefusedError
from saddlescape.kernels import Trainer, code, limit, probe, train
from saddlescape.kernels.activations import ACTIVATIONS
from saddlescape.kernels.lanes import LaneType, fma
from saddlescape.kernels.losses import LOSSES
from saddlescape.kernels.update_rules import RULES
from saddlescape.kernels.variant import Variant
from saddlescape.runs import throughput
from saddlescape_cli.main import cli

SHAPES = [((2, 3, 1), "float64"), ((2, 3, 1), "float32"), ((3, 4, 2, 1), "float64")]


@pytest.mark.parametrize(("sizes", "dtype"), SHAPES)
def test_peers_agree_with_the_kernel(sizes, dtype):
    X, T = cases.problem(sizes)
    theta = cases.starts(sizes, 9, dtype)
    ours = train(cases.make_trainer(sizes), X, T, cases.make_batch(theta, cases.ALIKE)).theta
    numpy, _ = batched_numpy.train(theta, sizes, X, T, cases.RATE, cases.ALIKE)
    scalar = scalar_njit.peer(sizes, X, T, cases.RATE)(theta, cases.ALIKE)
    assert np.abs(ours - theta).max() > cases.RATE
    for ended in (numpy, scalar):
        np.testing.assert_allclose(ended, ours, rtol=0, atol=cases.AGREE[dtype])


def test_shares_make_up_the_batch():
    theta = cases.starts((2, 2, 1), 100, "float64")
    parts = list(cases.shares(cases.make_batch(theta, 3), 3))
    np.testing.assert_array_equal(np.concatenate([part.theta for part in parts]), theta)
    assert [part.recorded.max() + 1 for part in parts] == [3, 2, 2]


@pytest.mark.slow
def test_every_optimizer_whose_runs_have_all_steps_is_timed():
    rates = scaling.optimizers(16, 1)
    assert {*rates} == {*RULES, "gd online"} - {"flow", "quickprop"}
    assert min(rates.values()) > 0


def looping(kind):
    """Return a module with an addition, a loop of five fused multiply-adds, and three divisions in each iteration."""
    module = ir.Module("known")
    of = ir.FunctionType(ir.VoidType(), [kind.number.as_pointer()])
    builder = ir.IRBuilder(ir.Function(module, of, "known").append_basic_block())
    rows = code.Rows(builder, kind, builder.function.args[0], "theta")
    rows[0] = rows[0] + rows[1]
    with cgutils.for_range(builder, ir.Constant(code.INDEX, 5)):
        rows[2] = fma(rows[2], rows[3], rows[4])
        with cgutils.for_range(builder, ir.Constant(code.INDEX, 3)):
            rows[5] = rows[5] / rows[4]
        with cgutils.for_range(builder, ir.Constant(code.INDEX, 2)):
            rows[6] = abs(rows[5])
    builder.ret_void()
    return module


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_operations_in_loops_are_multiplied_by_the_iterations(dtype):
    counts = limit.operations(limit.simplified(looping(LaneType(dtype, 8))))
    assert [counts[name] for name in limit.CLASSES] == [5, 1, 15, 10]


def counted(sizes, samples, activation="tanh", bias=True, loss="half_sse", optimizer="gd", **more):
    trainer = Trainer(sizes, bias, (activation,) * (len(sizes) - 1), loss, optimizer, **more)
    return limit.operations(limit.simplified(limit.generated(Variant(trainer, samples, False, LaneType("float64", 8)))))


def test_operations_of_one_weight():
    """The operations are w x, the error, half its square, its product with x, and the update."""
    counts = counted((1, 1), 1, "linear", bias=False)
    assert [counts[name] for name in limit.CLASSES[:3]] == [5, 1, 0]


def test_loops_and_unrolled_code_have_equal_counts(monkeypatch):
    looped = counted((3, 9, 2), 5)
    monkeypatch.setattr(code, "UNROLLED", 10**9)
    unrolled = counted((3, 9, 2), 5)
    assert unrolled["divide"] == looped["divide"] == 5 * (9 + 2)
    assert unrolled["multiply/fma"] == looped["multiply/fma"]
    assert abs(unrolled["add"] - looped["add"]) <= 2 * (3 * 9 + 9 + 9 * 2 + 2)  # sums from zero fold away


PARTS = [
    *({"activation": name} for name in ACTIVATIONS), *({"loss": name} for name in LOSSES),
    *({"optimizer": name} for name in RULES), {"noise": True}, {"batch": 2}, {"batch": 1, "shuffled": True},
]  # fmt: skip


@pytest.mark.parametrize("part", slowly(PARTS, PARTS[::3]), ids=lambda part: "-".join(map(str, part.values())))
def test_operations_of_every_part_are_counted(part):
    counts = counted((2, 2, 2), 4, **part)
    assert counts["multiply/fma"] > 4 * 6


def test_the_bound_is_the_scarcest_resource():
    times = probe.OperationTimes(fused=1.0, add=1.0, arithmetic=0.5, mixed=0.25, divide=10.0, occupied=2.0)
    fused, add, divide, logic = limit.CLASSES
    assert limit.nanoseconds({fused: 8, add: 1, divide: 1, logic: 1}, times) == 8 + 2
    assert limit.nanoseconds({fused: 8, add: 20, divide: 1, logic: 1}, times) == 14 + 2
    assert limit.nanoseconds({fused: 8, add: 20, divide: 1, logic: 100}, times) == 32 + 2
    assert limit.nanoseconds({fused: 8, add: 1, divide: 3, logic: 1}, times) == 30


def test_a_loop_of_unknown_length_is_refused():
    with pytest.raises(ValueError, match="constant length"):
        limit._trips("%.1 = icmp slt i64 %.2, %.3")


def test_operation_times_are_measured(monkeypatch):
    monkeypatch.setattr(probe, "PASSES", 2)
    times = probe.operation_times("float32")
    assert 0 < times.fused < times.divide < 100
    assert times.occupied >= 0


CHANGED = ("products", "coefficient", "Horner", "do not depend")
"""Variations of the tick that change its arithmetic."""


def test_variations_of_the_tick_keep_the_bits(monkeypatch):
    ends = {}
    for label, llvm, registers, features, more in tick.variations((2, 2, 1), "float64"):
        if not any(word in label for word in CHANGED):
            monkeypatch.setattr(tick, "TICKS", 40 * registers)
            _, _engine, function = tick.compiled(llvm, features)
            run, theta = tick.call(function, (2, 2, 1), "float64", registers, **more)
            run()
            ends[label] = theta.T.copy()
    assert len(ends) > 8
    assert np.ptp(ends["the kernel"], axis=0).max() == 0
    for end in ends.values():
        np.testing.assert_array_equal(end[0], ends["the kernel"][0])


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(throughput, "SECONDS", 1e-3)
    monkeypatch.setattr(throughput, "ROUNDS", 1)
    monkeypatch.setattr(probe, "PASSES", 1)


@pytest.mark.usefixtures("hasty")
def test_bench_prints_a_rate_and_a_share_for_each_number_of_threads(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY + '[[axes]]\nkey = "starts.scale"\nvalues = [0, 1]\n')
    head, one, *_ = CliRunner().invoke(cli, ["bench", str(path)], catch_exceptions=False).stdout.splitlines()
    assert head.split() == ["threads", "network-steps/s", "share", "of", "the", "limit"]
    threads, steps, share = map(float, one.split())
    assert threads == 1
    assert steps > 0
    assert 0 <= share < 2  # 0.00 where others use the processor


@pytest.mark.usefixtures("hasty")
def test_batches_have_a_rate(tmp_path):
    online = spec.parse(TINY, tmp_path, ["training.batch='online'"]).spec
    assert throughput.steps_per_second(online, 1) > 1e4
    assert throughput.peak_steps_per_second(online) > 1e4


@pytest.mark.usefixtures("hasty")
def test_frozen_starts_have_no_rate(tmp_path):
    frozen = spec.parse(TINY, tmp_path, ["starts.kind='zero'", "starts.seed="]).spec
    with pytest.raises(RefusedError, match=r"raise starts\.scale"):
        throughput.steps_per_second(frozen, 1)


def test_tables_are_written_into_their_sections_of_the_page(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- new -->\nold\n<!-- end -->\nb\n<!-- none -->\nkept\n<!-- end -->\n")
    monkeypatch.setattr(report, "RECORDS", tmp_path)
    monkeypatch.setattr(report, "PAGE", page)
    report.save("new", {}, report.table(["who", "rate"], [["us", 12345.6], ["them", 1.2345]]), {"cores": 2})
    report.main()
    text = page.read_text()
    assert "\nold\n" not in text  # the command may contain the word
    assert "| us | 12346 |\n| them | 1.23 |\n<!-- end -->\nb\n<!-- none -->\nkept" in text
