"""Starts with layers at or near zero, against theory: what of a network may be zero, and how long the escape takes."""

from pathlib import Path

import numpy as np
import pytest
from tolerances import CLOSED_FORM, ESCAPE_LAW, FRACTION

import saddlescape as ss
from saddlescape import analysis
from saddlescape.plan import starts
from saddlescape.spec import parse

XOR = '[problem]\nname = "xor"\n[starts]\ncount = 2000\n'
FRACTIONS = {
    "": 0.75,
    "biases = false": 0.78,
    "layer_scales = [0, 0]\nbias_scale = 1": 0.69,
    "layer_scales = [1, 0]": 0.76,
    "layer_scales = [0, 1]": 0.73,
}
"""Solved by logistic 2-2-1 networks with momentum: measured earlier, by another program, of 2000 starts each."""


def solved(spec, theta):
    return (ss.run_starts(spec, theta, threads=1)["solve_step"] >= 0).mean()


@pytest.mark.parametrize("keys", FRACTIONS)
def test_zero_biases_or_one_zero_layer_do_not_prevent_learning(keys):
    spec = parse(XOR + keys, Path()).spec
    assert abs(solved(spec, starts.draw(spec, np.arange(2000))) - FRACTIONS[keys]) < FRACTION


def test_unequal_output_weights_break_the_symmetry_of_equal_units():
    spec = parse(XOR, Path()).spec
    theta = starts.draw(spec, np.arange(2000))
    theta[:, 3:6] = theta[:, :3]
    assert abs(solved(spec, theta) - 0.78) < FRACTION
    theta[:, 7] = theta[:, 6]
    assert solved(spec, theta) == 0


def test_two_zero_layers_without_biases_never_start():
    spec = parse(XOR + "layer_scales = [0, 0]", Path()).spec
    assert solved(spec, starts.draw(spec, np.arange(2))) == 0


CHAIN = """[problem]
file = "one.csv"
[network]
hidden = {hidden}
activation = "linear"
output = "linear"
bias = false
[starts]
kind = "constant"
{starts}
[training]
optimizer = "flow"
rtol = 1e-11
atol = 1e-25
time = 1e9
steps = 10_000_000
[stop]
solved = 0.5
"""
"""One sample with input and target 1: solved when the product of the weights is 1/2."""


def chain(folder, hidden, starts, axes=""):
    (folder / "one.csv").write_text("x1,t1\n1,1\n")
    return parse(CHAIN.format(hidden=hidden, starts=starts) + axes, folder)


def test_one_factor_may_be_zero_and_follows_the_closed_form(tmp_path):
    """As in LoRA, whose B is zero: t(1/2) = 0.962609374 for A = 0.7 and s = 1, whichever of the factors is zero."""
    assert analysis.zero_factor_time(0.7, 0.5, 1) == pytest.approx(0.962609374, abs=5e-10)
    for zero in ("[1, 0]", "[0, 1]"):
        sweep = chain(tmp_path, "[1]", f"scale = 0.7\nlayer_scales = {zero}\n")
        data = ss.run_starts(sweep.spec, ss.start(sweep)[None], threads=1)
        assert data["solve_time"][0] == pytest.approx(analysis.zero_factor_time(0.7, 0.5, 1), rel=CLOSED_FORM)


def test_the_closed_form_is_the_flows_for_all_products(tmp_path):
    text = chain(tmp_path, "[1]", "scale = 0.7\nlayer_scales = [1, 0]\n").text.replace("solved = 0.5", "solved = 0")
    path = ss.replay(parse(text.replace("1e9", "4.0") + "[record]\ntimes = [1, 2, 3, 4]\n", tmp_path))
    products = path["theta"].prod(axis=1)[1:]
    np.testing.assert_allclose(analysis.zero_factor_time(0.7, products, 1), [1, 2, 3, 4], rtol=CLOSED_FORM)


def test_a_closed_form_without_a_solution_is_refused():
    for start, end, target in ((0, 0.5, 1), (0.7, 1, 1), (0.7, -0.1, 1)):
        with pytest.raises(ValueError, match="must"):
            analysis.zero_factor_time(start, end, target)


@pytest.mark.parametrize("few", [1, 2, 3, 4])
def test_the_escape_time_is_a_power_of_the_scale_by_the_number_of_small_layers(tmp_path, few):
    """`few` of four layers at scale eps: O(1), ln(1 / eps), then eps^-(few - 2) / (few - 2)."""
    eps = np.array([1e-3, 1e-4])
    axes = "".join(
        f'[[axes]]\nkey = "starts.layer_scales.{layer}"\nvalues = {eps.tolist()}\n' + 'zip = "eps"\n' * (few > 1)
        for layer in range(few)
    )
    sweep = chain(tmp_path, "[1, 1, 1]", "", axes)
    theta = np.array([ss.start(sweep, point) for point in (0, 1)])
    assert (np.sort(theta, axis=1)[:, :few] == eps[:, None]).all()
    times = ss.run_starts(sweep.spec, theta, threads=1)["solve_time"]
    match few:
        case 1:
            assert times[1] == pytest.approx(times[0], rel=ESCAPE_LAW)
        case 2:
            assert times[1] - times[0] == pytest.approx(np.log(10), rel=ESCAPE_LAW)
        case _:
            np.testing.assert_allclose(times * eps ** (few - 2) * (few - 2), 1, rtol=ESCAPE_LAW)
