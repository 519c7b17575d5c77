"""Starts: the draw rule against its slow form, the golden run 17, and what each kind is."""

from pathlib import Path

import numpy as np
import pytest
from tolerances import LENGTH, SUMMED

import saddlescape as ss
from saddlescape.errors import SpecError
from saddlescape.plan import starts
from saddlescape.spec import parse

SEED = 20120425
RUNS = np.array([17, 0, 4095, 2**40])


def spec(kind, rest="", hidden="[2]", folder=Path()):
    text = f'[problem]\nname = "xor"\n[network]\nhidden = {hidden}\n[starts]\nkind = "{kind}"\n{rest}'
    return parse(text, folder).spec


def generator(run):
    return np.random.Generator(np.random.Philox(key=np.array([SEED, run], dtype=np.uint64)))


def test_normal_and_uniform_are_the_slow_form():
    normal = np.array([2.5 * generator(run).standard_normal(9) for run in RUNS])
    uniform = np.array([2.5 * generator(run).uniform(-1, 1, 9) for run in RUNS])
    np.testing.assert_array_equal(starts.draw(spec("normal", "scale = 2.5"), RUNS), normal)
    np.testing.assert_array_equal(starts.draw(spec("uniform", "scale = 2.5"), RUNS), uniform)


def test_golden_run_17():
    # np.random.Generator(np.random.Philox(key=[20120425, 17])).standard_normal(9)[:3], numpy 2.4
    golden = [-0.17759965584601414, -0.053312288643298684, -0.8123081251388725]
    np.testing.assert_array_equal(starts.draw(spec("normal"), np.array([17]))[0, :3], golden)


def test_run_17_sets_out_in_one_direction_whatever_else_is_drawn():
    alone = starts.draw(spec("normal"), np.array([17]))
    scales = np.array([1e-12, 0.5, 3.0])
    np.testing.assert_array_equal(
        starts.draw(spec("normal"), np.array([17] * 3), scales), scales[:, None] * alone
    )
    np.testing.assert_array_equal(starts.draw(spec("normal"), np.arange(30))[17:18], alone)


@pytest.mark.parametrize("kind", ["tied", "mirrored"])
@pytest.mark.parametrize("hidden", ["[3]", "[2, 3]"])
def test_symmetric_kinds(kind, hidden):
    s = spec(kind, hidden=hidden)
    theta, plain = (starts.draw(x, np.array([17]))[0] for x in (s, spec("normal", hidden=hidden)))
    sign, first, before = np.ones(2), 0, np.ones(2)
    for number, size in enumerate(s.sizes[1:]):
        last = number == len(s.sizes) - 2
        sign = np.array([-1.0 if kind == "mirrored" and j % 2 and not last else 1.0 for j in range(size)])
        width = len(before) + 1
        for j in range(size):
            for i in range(width):
                source = first + (i if number == 0 or i == width - 1 else 0) + (j * width if last else 0)
                factor = sign[j] * (before[i] if i < width - 1 else 1.0)
                assert theta[first + j * width + i] == factor * plain[source]
        first, before = first + size * width, sign


def test_other_kinds():
    bias = [2, 5, 8]
    assert not starts.draw(spec("zero"), RUNS).any()
    np.testing.assert_array_equal(starts.draw(spec("constant", "scale = 0.5"), RUNS), np.full((4, 9), 0.5))
    assert not starts.draw(spec("normal", "biases = false"), RUNS)[:, bias].any()
    sphere = starts.draw(spec("sphere", "biases = false"), RUNS)
    np.testing.assert_allclose((sphere**2).sum(axis=1), 1, rtol=LENGTH)
    assert not sphere[:, bias].any()
    np.testing.assert_array_equal(
        starts.draw(spec("ray"), RUNS), np.repeat(starts.draw(spec("sphere"), np.array([0])), 4, 0)
    )
    given = starts.draw(spec("ray", "scale = 2\ndirection = [1, 2, 3, 4, 5, 6, 7, 8, 9]"), np.array([3]))
    np.testing.assert_array_equal(given, [2 * np.arange(1.0, 10)])


def test_slice_and_file(tmp_path):
    side = "{index = %d, from = 0, to = 1, n = %d}"
    s = spec("slice", f"base = [1,2,3,4,5,6,7,8,9]\nx = {side % (8, 3)}\ny = {side % (0, 2)}")
    np.testing.assert_array_equal(starts.draw(s, np.arange(6))[:, 8], [0, 0, 0.5, 0.5, 1, 1])
    np.testing.assert_array_equal(starts.draw(s, np.arange(6))[:, 0], [0, 1] * 3)
    np.save(tmp_path / "s.npy", np.arange(18.0).reshape(2, 9))
    f = spec("file", 'file = "s.npy"', folder=tmp_path)
    np.testing.assert_array_equal(starts.draw(f, np.array([1])), [np.arange(9.0, 18)])
    assert (starts.count(s), starts.count(f), starts.count(spec("normal", "count = 5"))) == (1, 2, 5)


def test_single():
    assert all(starts.single(spec(kind)) for kind in ("zero", "constant", "ray"))
    assert not starts.single(spec("normal"))
    assert starts.single(spec("normal"), 0.0)
    assert starts.single(spec("tied", "scale = 0"))


def parts(theta):
    """Weights and biases of the hidden layer, weights and biases of the output layer of 2-2-1 networks."""
    return theta[:, [0, 1, 3, 4]], theta[:, [2, 5]], theta[:, [6, 7]], theta[:, [8]]


@pytest.mark.parametrize("kind", ["normal", "uniform", "tied", "sphere", "ray", "constant"])
def test_layers_and_biases_have_their_own_scales(kind):
    plain = parts(starts.draw(spec(kind), RUNS))
    keys = "scale = 2\nlayer_scales = [0.5, 3]\ncentre = 0.25"
    for more, biases in (("", (0.5, 3)), ("\nbias_scale = 5", (5, 5)), ("\nbias_scale = 0", (0, 0))):
        W, b, V, c = parts(starts.draw(spec(kind, keys + more), RUNS))
        np.testing.assert_allclose(W, 0.5 * (2 * plain[0] + 0.25), rtol=SUMMED)
        np.testing.assert_allclose(V, 3 * (2 * plain[2] + 0.25), rtol=SUMMED)
        np.testing.assert_array_equal(b, 2 * biases[0] * plain[1])
        np.testing.assert_array_equal(c, 2 * biases[1] * plain[3])


def test_a_bias_constant_replaces_the_draws_of_biases():
    plain = parts(starts.draw(spec("normal"), RUNS))
    for given, (b, c) in (("0.5", (0.5, 0.5)), ("[-1, 2]", (-1, 2)), ("[0, 0]", (0, 0))):
        theta = starts.draw(spec("normal", f"scale = 2\nlayer_scales = [0, 1]\nbias_constant = {given}"), RUNS)
        assert not theta[:, [0, 1, 3, 4]].any()
        np.testing.assert_array_equal(theta[:, [2, 5]], np.full((4, 2), b))
        np.testing.assert_array_equal(theta[:, 8], np.full(4, c))
        np.testing.assert_array_equal(theta[:, [6, 7]], 2 * plain[2])
    sphere = starts.draw(spec("sphere", "bias_constant = 3"), RUNS)
    np.testing.assert_array_equal(parts(sphere)[0], parts(starts.draw(spec("sphere", "biases = false"), RUNS))[0])


def test_uniform_with_a_centre_is_the_unit_interval():
    theta = starts.draw(spec("uniform", "scale = 0.5\ncentre = 0.5"), RUNS)
    unit = np.array([generator(run).random(9) for run in RUNS])
    for layer in (0, 2):
        np.testing.assert_array_equal(parts(theta)[layer], parts(unit)[layer])


NUMBERS = {
    "starts.scale": [0.5, 0],
    "starts.layer_scales.1": [0, 2],
    "starts.centre": [0, 0.5],
    "starts.bias_scale": [1, 0],
    "starts.bias_constant": [0, -1],
    "starts.bias_constant.0": [3, 4],
}


@pytest.mark.parametrize("key", NUMBERS)
def test_axes_of_these_keys_are_numbers_of_a_run(key):
    others = {"starts.bias_constant.0": "0.25", "starts.bias_constant": "[1, 2]"}
    more = f"bias_constant = {others[key]}" if key in others else ""
    text = f'[problem]\nname = "xor"\n[starts]\n{more}\n[[axes]]\nkey = "{key}"\nvalues = {NUMBERS[key]}\n'
    sweep = parse(text, Path())
    assert len(sweep.structures) == 1
    numbers = sweep.numbers([np.repeat([0, 1], 4)], 8)
    together = starts.draw(sweep.spec, np.tile(RUNS, 2), numbers=numbers)
    alone = [starts.draw(sweep.at(point), RUNS) for point in (0, 1)]
    np.testing.assert_array_equal(together, np.concatenate(alone))
    assert (alone[0] != alone[1]).any()
    written = f"[problem]\nname = \"xor\"\n[starts]\n{more}"
    for value, theta in zip(NUMBERS[key], alone, strict=True):
        np.testing.assert_array_equal(starts.draw(parse(written, Path(), [f"{key}={value}"]).spec, RUNS), theta)


def test_starts_without_a_draw_are_single():
    assert starts.single(spec("normal", "layer_scales = [0, 0]"))
    assert starts.single(spec("normal", "layer_scales = [0, 0]\nbias_scale = 0"))
    assert starts.single(spec("normal", "scale = 0\nbias_constant = 1\ncentre = 2"))
    assert not starts.single(spec("normal", "layer_scales = [0, 0]\nbias_scale = 1"))
    assert not starts.single(spec("normal", "layer_scales = [0, 1]"))
    assert starts.single(spec("sparse", "sparsity = 0.6"))
    assert not starts.single(spec("sparse", "sparsity = 0.5"))


FILES = """[problem]
name = "xor"
[starts]
kind = "file"
[training]
steps = 2
[record]
final_parameters = true
[[axes]]
key = "starts.file"
values = ["a.npy", "b.npy"]
"""


def test_files_of_starts_are_an_axis(tmp_path):
    given = np.arange(54.0).reshape(2, 3, 9)
    for name, rows in zip("ab", given, strict=True):
        np.save(tmp_path / f"{name}.npy", rows)
    with ss.open(ss.run(parse(FILES, tmp_path), tmp_path / "run", threads=1)) as results:
        np.testing.assert_array_equal(results["start_theta"], given)
        assert results.coords["file"].tolist() == ["a.npy", "b.npy"]
        assert ss.start(results.sweep, 1, 2).tolist() == given[1, 2].tolist()
    np.save(tmp_path / "b.npy", given[0, :2])
    with pytest.raises(SpecError, match=r"must have equally many starts .*; got 3 in 'a.npy', 2 in 'b.npy'"):
        parse(FILES, tmp_path)
    np.save(tmp_path / "b.npy", given[0, :, :8])
    with pytest.raises(SpecError, match=r'starts.file: must have shape \(count, 9\); .*starts.file = "b.npy"'):
        parse(FILES, tmp_path)
    hidden = '[[axes]]\nkey = "network.hidden"\nvalues = [[2], [1]]\nzip = "both"\n'
    np.save(tmp_path / "b.npy", given[0, :, :5])
    sweep = parse(FILES + 'zip = "both"\n' + hidden, tmp_path)
    np.testing.assert_array_equal(starts.draw(sweep.at(1), np.arange(3)), given[0, :, :5])


@pytest.mark.parametrize("override", ["starts.count=1e6", "starts.count=1_000_000"])
def test_a_count_may_be_written_as_a_float(override):
    assert parse('[problem]\nname = "xor"', Path(), [override]).spec.starts.count == 10**6
    text = f'[problem]\nname = "xor"\n[starts]\n{override.replace("starts.", "")}'
    assert parse(text, Path()).spec.starts.count == 10**6
