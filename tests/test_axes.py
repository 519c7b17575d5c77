"""Axes that move together, that are drawn, and that set one element of a list; what they look like in a result."""

import os
import re
import subprocess
import sys
from pathlib import Path

import h5py
import mpmath
import numpy as np
import pytest
import xarray
from scipy.stats import qmc
from spec_cases import TINY
from tolerances import POWER, TRAJECTORY

import saddlescape as ss
from saddlescape import plots
from saddlescape.errors import SpecError
from saddlescape.plan import Plan
from saddlescape.results import outcome_table as table
from saddlescape.spec import parse
from saddlescape.system.spacing import geomspace, log

ZIPPED = TINY + """[[axes]]
key = "network.hidden"
values = [[2], [3], [3]]
zip = "size"
[[axes]]
key = "network.bias"
values = [true, false]
[[axes]]
key = "starts.scale"
values = [1, 0.5, 2]
zip = "size"
"""
RATES = """[[axes]]
key = "training.layer_rates.0"
values = [0, 0.5, 2]
[[axes]]
key = "training.layer_rates.1"
logspace = [0.1, 10, 3]
"""


def faults(text):
    with pytest.raises(SpecError) as caught:
        parse(text, Path())
    return str(caught.value)


def axis(key, what, *more):
    return "\n".join(["[[axes]]", f'key = "{key}"', what, *more, ""])


def test_zipped_axes_span_one_dimension():
    sweep = parse(ZIPPED, Path())
    assert sweep.shape == (3, 2)
    points = [sweep.at(index) for index in np.ndindex(sweep.shape)]
    assert [(p.network.hidden, p.starts.scale, p.network.bias) for p in points] == [
        (hidden, scale, bias) for hidden, scale in (((2,), 1), ((3,), 0.5), ((3,), 2)) for bias in (True, False)
    ]
    numbers = sweep.numbers([np.array([2, 0, 1]), np.array([0, 1, 1])], 3)
    assert numbers["starts.scale"].tolist() == [2, 1, 0.5]
    assert sweep.numeric("starts.scale").shape == (3, 1)


@pytest.fixture(scope="module")
def zipped(tmp_path_factory):
    return ss.run(parse(ZIPPED, Path()), tmp_path_factory.mktemp("zipped") / "run")


def test_each_point_of_zipped_axes_is_that_of_a_sweep_of_its_own(zipped, tmp_path):
    text = TINY.replace("[2]", "[3]").replace("[starts]", "bias = false\n[starts]\nscale = 0.5")
    with ss.open(ss.run(parse(text, Path()), tmp_path / "run")) as alone, ss.open(zipped) as all_of_them:
        for name in ("outcome", "final_loss", "final_separation", "escape_step"):
            np.testing.assert_array_equal(alone[name], all_of_them[name][1, 1])
        theta = ss.replay(parse(ZIPPED, Path()), (1, 1), 4)["theta"]
        np.testing.assert_array_equal(theta, ss.replay(parse(text, Path()), (), 4)["theta"])


def test_readers_select_zipped_axes_by_value(zipped):
    with xarray.open_dataset(zipped, engine="h5netcdf") as data:
        assert data.outcome.dims == ("size", "bias", "run")
        assert set(data.outcome.coords) == {"size", "bias", "run", "scale", "hidden"}
        assert data["size"].values.tolist() == [0, 1, 2]
        assert data["hidden"].values.tolist() == ["2", "3", "3"]
        chosen = data.final_loss.set_xindex("scale").sel(scale=0.5, bias=0)
        np.testing.assert_array_equal(chosen, data.final_loss.values[1, 1])
    with h5py.File(zipped) as file:
        assert file["outcome"].attrs["coordinates"] == "hidden scale"
        assert file["scale"].attrs["long_name"] == "starts.scale"
        assert file["scale"].dims[0][0] == file["size"]


def test_results_tables_and_plots_tell_the_values_of_zipped_axes(zipped):
    with ss.open(zipped) as r:
        assert r.dims == {"size": 3, "bias": 2, "run": 10}
        assert r.along == {"size": ("hidden", "scale"), "bias": ("bias",), "run": ("run",)}
        assert r.coords["scale"].tolist() == [1, 0.5, 2]
        assert r.labels["scale"] == "starts.scale"
        rows = table.rows(r)
        assert [(row["hidden"], row["scale"]) for row in rows] == [("2", 1), ("3", 0.5), ("3", 2)]
        curve = plots.escape_curve(r)
        assert curve.get_xlabel() == "units of the hidden layers with initialization scale"
        assert [label.get_text() for label in curve.get_xticklabels()] == ["2, 1", "3, 0.5", "3, 2"]
        assert plots.outcome_map(r).get_xlabel() == curve.get_xlabel()
        first = plots.trajectories(r).axes[0]
        assert first.get_title() == "hidden 2, scale 1, bias true"


def test_a_zip_never_takes_the_name_of_a_variable():
    text = TINY
    zips = {"run": ("starts.scale", "training.learning_rate"), "scale": ("stop.solved", "stop.diverged")}
    for name, keys in zips.items():
        for key in keys:
            text += axis(key, "values = [0.25, 0.5]", f'zip = "{name}"')
    plan = Plan(parse(text, Path()))
    assert [d.name for d in plan.dimensions] == ["zip_run", "zip_scale", "run"]
    assert [(c.name, c.along) for c in plan.coordinates] == [
        ("scale", "zip_run"), ("learning_rate", "zip_run"), ("solved", "zip_scale"), ("diverged", "zip_scale"),
    ]  # fmt: skip


def test_random_axes_are_the_documented_draw():
    scale = axis("starts.scale", "random = {from = 1e-6, to = 100, n = 50, log = true, seed = 7}", 'zip = "d"')
    solved = axis("stop.solved", "random = {from = 0, to = 2, n = 50, seed = 7}", 'zip = "d"')
    sweep = parse(TINY + scale + solved, Path())
    first, second = (np.random.Generator(np.random.Philox(key=[7, number])).random(50) for number in (0, 1))
    assert sweep.shape == (50,)
    np.testing.assert_allclose(sweep.axes[0].values, 1e-6 * 1e8**first, rtol=POWER)
    np.testing.assert_array_equal(sweep.axes[1].values, 2 * second)


def test_sobol_axes_share_one_sequence():
    design = "sobol = {from = 0, to = 1, n = 64, seed = 3}"
    keys = ("starts.scale", "training.weight_decay", "stop.solved")
    text = TINY.replace("[training]", '[training]\noptimizer = "gd"')
    zipped = parse(text + "".join(axis(key, design, 'zip = "d"') for key in keys), Path())
    points = np.array([axis.values for axis in zipped.axes]).T
    np.testing.assert_array_equal(points, qmc.Sobol(3, rng=3).random_base2(6))
    np.testing.assert_array_equal(np.sort(np.floor(64 * points), axis=0), np.arange(64)[:, None] * np.ones(3))
    alone = parse(text + "".join(axis(key, design) for key in keys[:2]), Path())
    np.testing.assert_array_equal(alone.axes[1].values, qmc.Sobol(1, rng=3).random_base2(6)[:, 0])


DEEP = """[problem]
name = "xor"
[network]
hidden = [2, 3]
bias = false
[starts]
kind = "ray"
direction = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
"""


@pytest.mark.parametrize(
    ("key", "place", "value", "default"),
    [
        ("network.activation", 1, "sin", ("logistic",) * 2),
        ("starts.direction", 2, 5.0, (1.0,) * 13),
        ("training.layer_rates", 2, 0.5, (1.0,) * 3),
    ],
)
def test_an_element_of_a_list_is_a_key(key, place, value, default):
    written = f'"{value}"' if isinstance(value, str) else value
    by_axis = parse(DEEP + axis(f"{key}.{place}", f"values = [{written}]"), Path()).at((0,))
    by_override = parse(DEEP, Path(), [f"{key}.{place}={written}"]).spec
    section, name = key.split(".")
    expected = (*default[:place], value, *default[place + 1 :])
    assert getattr(getattr(by_axis, section), name) == getattr(getattr(by_override, section), name) == expected


def test_widths_of_single_layers_are_a_grid():
    text = TINY.replace("[2]", "[2, 2]")
    text += "".join(axis(f"network.hidden.{layer}", "linspace = [1, 3, 3]") for layer in (0, 1))
    sweep = parse(text, Path())
    assert [sweep.at(index).sizes for index in np.ndindex(3, 3)] == [(2, *np.add(i, 1), 1) for i in np.ndindex(3, 3)]
    assert [d.name for d in Plan(sweep).dimensions] == ["hidden_0", "hidden_1", "run"]


def test_rates_of_layers_are_numbers_of_a_run(tmp_path):
    sweep = parse(TINY + RATES, Path())
    assert (len(sweep.structures), sweep.shape) == (1, (3, 3))
    assert sweep.at((2, 0)).training.layer_rates == (2, 0.1)
    with ss.open(ss.run(sweep, tmp_path / "all")) as together:
        assert list(together.dims) == ["layer_rates_0", "layer_rates_1", "run"]
        text = TINY.replace("[training]", "[training]\nlayer_rates = [2, 0.1]")
        with ss.open(ss.run(parse(text, Path()), tmp_path / "one")) as alone:
            np.testing.assert_array_equal(together["final_loss"][2, 0], alone["final_loss"])
        kept = ss.replay(sweep, (0, 1), 3)["theta"]
        assert (kept[:, :6] == kept[0, :6]).all()
        assert (kept[1:, 6:] != kept[0, 6:]).all()


MEAN_FIELD = """[problem]
name = "random"
samples = 20
inputs = 4
outputs = 1
input_scale = 0.7071067811865476
target_scale = 4
[network]
hidden = [4]
activation = "tanh"
output = "linear"
bias = false
[starts]
count = 1
[training]
loss = "mse"
optimizer = "gd"
learning_rate = 0.0625
steps = 30
[record]
steps = "every:1"
"""


def test_mean_field_scaling_is_a_matter_of_data_and_rate():
    """Sohl-Dickstein's network, 4 wide, in plain NumPy: hidden = tanh(sqrt(2) X W / sqrt(n)), output = hidden V / n."""
    axes = "".join(axis(f"training.layer_rates.{layer}", f"values = [{rate}]") for layer, rate in ((0, 3), (1, 5)))
    sweep = parse(MEAN_FIELD + axes, Path())
    X, T = np.sqrt(2) * sweep.spec.loaded.X, sweep.spec.loaded.T / 4
    start = ss.start(sweep, (0, 0), 0)
    W, V = start[:16].reshape(4, 4).T.copy(), start[16:].reshape(4, 1).copy()
    losses = []
    for _ in range(31):
        hidden = np.tanh(np.sqrt(2) * X @ W / 2)
        error = hidden @ V / 4 - T
        losses.append(np.mean(error**2))
        back = 2 / 20 * error @ V.T / 4 * (1 - hidden**2)
        V -= 5 * 2 / 20 * hidden.T @ error / 4
        W -= 3 * np.sqrt(2) * X.T @ back / 2
    ours = ss.replay(sweep, (0, 0), 0)["loss"] / 16
    assert losses[-1] < 0.9 * losses[0]
    np.testing.assert_allclose(ours, losses, rtol=TRAJECTORY["float64"])


def test_rates_of_networks_of_several_depths():
    depths = axis("network.hidden", "values = [[2], [2, 3], []]")
    rates = axis("training.layer_rates.0", "values = [0.5, 2]")
    assert [spec.training.layer_rates for spec in parse(TINY + depths + rates, Path()).structures] == [
        (0.5, 1), (0.5, 1, 1), (0.5,),
    ]  # fmt: skip
    message = "must be an element of training.layer_rates, counted from 0; the list has 1 (where network.hidden = [])"
    assert faults(TINY + depths + rates.replace(".0", ".1")) == f"training.layer_rates.1: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (axis("starts.scale", "values = [1, 2]", "zip = 3"), r"axes\[0\].zip: must be a word of letters.*; got 3"),
        (axis("starts.scale", "values = [1, 2]", 'zip = "a b"'), r"axes\[0\].zip: must be a word"),
        (axis("starts.scale", "values = [1, 2]", 'zip = "a"'), 'zip = "a" must be two or more; got only starts.scale'),
        (ZIPPED.replace("[1, 0.5, 2]", "[1, 2]"), "equally many values; got 3 of network.hidden, 2 of starts.scale"),
        (ZIPPED.replace("[1, 0.5, 2]", "[1, 2, 2]"), r'zip = "size": must differ from each.*\[\[3\], 2.0\] twice'),
        (axis("starts.scale", "random = 3"), r"axes\[0\].random: must be a table such as {from = 0"),
        (axis("starts.scale", "random = {from = 0, to = 1}"), r"axes\[0\].random.n: is missing"),
        (axis("starts.scale", "random = {from = 0, to = 1, n = 2, lag = true}"), "random.lag: is not a key.*'log'"),
        (axis("starts.scale", "random = {from = 0, to = 1, n = 2, log = true}"), "greater than 0 with log = true"),
        (axis("starts.scale", "random = {from = -2, to = -1, n = 99}"), r"values\[7\]: must be at least 0.0; got -1"),
        (axis("starts.scale", "random = {from = -2, to = -1, n = 99}"), r"axes\[0\].values: has 91 more faults"),
        (axis("starts.seed", "random = {from = 1, to = 9, n = 2}"), "needs a key that only .*got 'starts.seed'"),
        (axis("starts.scale", "sobol = {from = 0, to = 1, n = 100}"), "power of 2.*got 100; write 64 or 128"),
        (axis("starts.scale", "sobol = {from = 0, to = 1, n = 4, seed = 1}", 'zip = "a"')
         + axis("stop.solved", "sobol = {from = 0, to = 1, n = 4}", 'zip = "a"'), r"seed: must be the.*got \[1, 0\]"),
        (axis("network.hidden.1", "values = [3]"), "hidden.1: must be an element of network.hidden.*the list has 1"),
        (axis("network.hidden.00", "values = [3]"), "must be a key of the spec"),
        (axis("network.hidden.0", "values = [257]"), r"axes\[0\].values\[0\]: must be at most 256; got 257"),
        (axis("network.hidden", "values = [[2], [3]]") + axis("network.hidden.0", "values = [3, 4]"),
         r"axes\[1\].key: must differ from the other axes; got 'network.hidden.0' and 'network.hidden'"),
        (axis("training.layer_rates.0", "values = [-1]"), r"axes\[0\].values\[0\]: must be at least 0"),
        (axis("training.layer_rates.0", "values = [1e301]"), r"layer_rates.0: must be at most 1e\+300 in size"),
        (axis("stop.solved", "values = [1]") * 65, "axes: must be at most 64 tables; got 65"),
    ],
)  # fmt: skip
def test_message(text, message):
    assert re.search(message, faults(text if "[problem]" in text else TINY + text))


def test_overrides_of_elements_are_checked():
    def told(override, more=""):
        with pytest.raises(SpecError) as caught:
            parse(TINY + more, Path(), [override])
        return str(caught.value)

    assert told("network.hidden.0=257") == "network.hidden[0]: must be at most 256; got 257"
    assert "must be an element of network.hidden" in told("network.hidden.7=3")
    assert "is an axis of this sweep" in told("network.hidden.0=3", axis("network.hidden", "values = [[2], [3]]"))


def test_numbers_evenly_spaced_in_the_logarithm_are_correctly_rounded():
    with mpmath.workprec(300):
        ratio = mpmath.root(mpmath.mpf(1e6) / mpmath.mpf(1e-3), 999)
        exact = [float(mpmath.mpf(1e-3) * ratio**k) for k in range(1000)]
    assert geomspace(1e-3, 1e6, 1000).tolist() == exact
    assert geomspace(5.0, 0.1, 2).tolist() == [5.0, 0.1]


def test_logarithms_are_correctly_rounded():
    values = np.random.default_rng(1).random((100, 3))
    with mpmath.workprec(300):
        exact = [[float(mpmath.log(mpmath.mpf(float(value)))) for value in row] for row in values]
    assert log(values).tolist() == exact


def test_numbers_of_a_plan_and_its_runs_are_the_same_on_any_processor():
    """NumPy's powers and logarithms are not: they differ in the last bit where there is no AVX-512."""
    code = """
import hashlib
from pathlib import Path
import numpy as np
from saddlescape.network.plateau import plateau_loss
from saddlescape.runs.prepare import hyperparameters
from saddlescape.plan import Plan
from saddlescape.network.problems import Problem
from saddlescape.spec import parse
axis = '[[axes]]\\nkey = "starts.scale"\\nlogspace = [1e-9, 3, 100]'
plan = Plan(parse('[training]\\noptimizer = "flow"\\n[problem]\\nname = "xor"\\n' + axis, Path()))
bits = hashlib.sha256(plan.digest.encode() + plan.record_at.tobytes())
axis = '[[axes]]\\nkey = "training.schedule_decay"\\nlinspace = [0.5, 1, 100]'
decays = parse('[training]\\nschedule = "exponential"\\n[problem]\\nname = "xor"\\n' + axis, Path())
bits.update(hyperparameters(decays.spec, decays.numbers([np.arange(100)], 100))["log_decay"].tobytes())
for share in np.linspace(0.01, 0.99, 100):
    targets = np.array([[share, 1 - share], [0, 1]])
    bits.update(np.float64(plateau_loss(Problem("", targets, targets), "softmax_ce", "linear")).tobytes())
print(bits.hexdigest())
"""
    older = "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    told = {
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, check=True, env=env).stdout
        for env in (environment, environment | {"NPY_DISABLE_CPU_FEATURES": older})
    }
    assert len(told) == 1
