"""Which parameters move from exactly zero: measured, and predicted from the derivatives at zero.

``python tests/zero_table.py`` writes docs/zero.md.
"""

from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from kernel_cases import ACTIVATIONS, STEPPING, TARGET, XOR, make_batch

from saddlescape.analysis import zero
from saddlescape.kernels import Trainer, train
from saddlescape.network import layout

PAGE = Path(__file__).parents[1] / "docs/zero.md"
XOR_01, XOR_PM1, AND_01 = "XOR, 0 and 1", "XOR, -1 and +1", "AND, 0 and 1"
TARGETS = {XOR_01: TARGET, XOR_PM1: 2 * TARGET - 1, AND_01: np.array([[0], [0], [0], [1.0]])}

LOSSES = {
    **dict.fromkeys(product(("half_sse", "mse", "huber"), ("logistic", "tanh", "linear")), tuple(TARGETS)),
    ("half_sse", "relu"): tuple(TARGETS),
    **dict.fromkeys((("bce", "logistic"), ("bce_logits", "linear"), ("softmax_ce", "linear")), (XOR_01, AND_01)),
}
"""The targets that each loss and output allow."""


DROPPED = [(f, "half_sse", "logistic", targets) for f in ("tanh", "logistic") for targets in (XOR_01, AND_01)]
"""Hidden units that output zero at zero, and others; with dropout."""

NEUTRAL = tuple(dict.fromkeys(("clip", "l1", "weight_decay", "warmup", "bias_rate"), True).items())
"""Options of a trainer that do not change which parameters move."""


def targets_of(loss, name):
    """Return targets by name; for the softmax two columns, whose sum is 1."""
    return np.hstack([TARGETS[name], 1 - TARGETS[name]]) if loss == "softmax_ce" else TARGETS[name]


def predicted(activation, loss, output, targets, *training):
    """Predict the moves from the derivatives at zero; `activation` None is a network without a hidden layer."""
    return zero.predicted(XOR, targets_of(loss, targets), activation, loss, output, *training)


@cache
def _trained(activation, loss, output, targets, batch, optimizer, noise, dropout, options, bias_rate):
    T = targets_of(loss, targets)
    sizes = (2, T.shape[1]) if activation is None else (2, 2, T.shape[1])
    activations = (output,) if activation is None else (activation, output)
    options = {"batch": batch, "noise": noise, "dropout": dropout, **dict(options)}
    trainer = Trainer(sizes, True, activations, loss, optimizer, **options)
    numbers = {"learning_rate": 0.1, "bias_rate": bias_rate}
    starts = make_batch(np.zeros((2, layout.n_params(sizes, True))), 80, every=4, **numbers)
    trained = train(trainer, XOR, T, starts)
    return sizes, np.concatenate([trained.theta_path, trained.theta[:, None]], axis=1)


def measured(
    activation, loss, output, targets, batch=0, optimizer="gd", noise=False, dropout=False, options=(), bias_rate=0.3
):
    """Return which parameters left zero in 80 steps of the kernel, the same in two runs."""
    sizes, paths = _trained(activation, loss, output, targets, batch, optimizer, noise, dropout, options, bias_rate)
    (moves,) = {zero.observed(path, sizes) for path in paths}
    return moves


def cases():
    """Yield arguments of `predicted` and `measured`."""
    hidden = [(activation, "half_sse", "logistic") for activation in (None, *ACTIVATIONS)]
    yield from ((*case, *batch) for case in hidden for batch in product((XOR_01, AND_01), (0, 1)))
    yield from (("tanh", *case, targets) for case, possible in LOSSES.items() for targets in possible)
    yield from (("tanh", "half_sse", "logistic", AND_01, 0, optimizer) for optimizer in STEPPING)
    yield from (("tanh", "half_sse", "tanh", XOR_PM1, 0, optimizer, True) for optimizer in ("gd", "multiplicative"))
    yield from ((*case, 0, "gd", False, True) for case in DROPPED)


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(moves):
    """Return the page; `moves` is `measured` or `predicted`."""
    columns = [(XOR_01, 0), (AND_01, 0), (XOR_01, 1)]
    names = {None: "(no hidden layer)"}
    by_activation = [
        [names.get(a, a), *(moves(a, "half_sse", "logistic", targets, batch) for targets, batch in columns)]
        for a in (None, *ACTIVATIONS)
    ]
    by_loss = [
        [*case, *(moves("tanh", *case, targets) if targets in possible else "-" for targets in TARGETS)]
        for case, possible in LOSSES.items()
    ]
    by_optimizer = [[s, moves("tanh", "half_sse", "logistic", AND_01, 0, s)] for s in STEPPING]
    dropped = {case: moves(*case, 0, "gd", False, True) for case in DROPPED}
    by_units = [[f, *(dropped[f, "half_sse", "logistic", t] for t in (XOR_01, AND_01))] for f in ("tanh", "logistic")]
    noisy, multiplied = (
        moves("tanh", "half_sse", "tanh", XOR_PM1, 0, s, True) for s in ("gd", "multiplicative")
    )
    neutral = measured("tanh", "half_sse", "logistic", AND_01, 0, "gd", False, False, NEUTRAL)
    return f"""# Which parameters leave exact zero

All weights and biases are exactly 0. Then all hidden units output the same value, f(0), and the gradient of the hidden
weights is zero, because backpropagation multiplies it by the output weights, which are 0. The gradient of an output
weight is the sum of the errors in the batch times f(0); the gradient of the output bias is the sum of the errors. So
three questions decide which parameters move:

1. Do the errors of a batch cancel? For XOR they do, if the targets are symmetric about the output at zero; for AND
   they do not. In online training a batch is one sample, and nothing cancels.
2. Is f(0) zero? If so, the gradient of the output weights is zero too, and only the output bias ever moves: the
   network learns a constant. If not (logistic, softplus), the output weights move first, and then the hidden weights.
   But all units stay equal forever, and the network is equivalent to one with a single hidden unit.
3. Is the update additive or multiplicative? A multiplicative update does not change a zero.

Without a hidden layer the gradient of a weight is the sum of errors times inputs, and the delta rule learns AND from
zero as from any other start. For XOR this sum is zero too.

`.venv/bin/python tests/zero_table.py` writes this page from 80 steps of each 2-2-1 network, and a test compares every
entry with the prediction from the derivatives at zero. *Nothing* means that no bit of any parameter ever changed.

## By activation of the hidden units

gd, half the sum of squared errors, logistic output.

{table(["hidden", "XOR, full batch", "AND, full batch", "XOR, online"], by_activation)}

## By loss and output

gd, tanh hidden units, full batch. The slope of a relu output at 0 is 0, so its gradient is zero.

{table(["loss", "output", *TARGETS], by_loss)}

## By optimizer

tanh units, logistic output, half the sum of squared errors, AND, full batch. A parameter does not move if its gradient
is exactly 0.

{table(["optimizer", "moves"], by_optimizer)}

If the update is additive, Gaussian noise in the gradient moves all parameters: {noisy} (gd, tanh, XOR with -1 and +1).
If it is multiplicative: {multiplied}.

## With dropout

gd, logistic output, half the sum of squared errors, full batch, p = 0.3. Dropout changes nothing where units output 0.
Elsewhere each unit is dropped for other samples, so the errors do not cancel, and the units separate.

{table(["hidden", "XOR, full batch", "AND, full batch"], by_units)}

## With clipping, penalties and factors of the learning rate

Clipping multiplies the gradient by a positive number; the gradients of weight decay and of l1 are 0 at 0; and `warmup`,
`bias_rate` and schedules multiply the learning rate. So none of them changes which parameters leave zero, except that
`bias_rate = 0` holds the biases. With all of them, and biases that are not held (gd, tanh, AND): {neutral}.
"""


if __name__ == "__main__":
    PAGE.write_text(page(measured))
