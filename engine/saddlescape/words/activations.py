"""The activation functions, defined as in PyTorch."""

import math
from dataclasses import dataclass

LEAK = 0.01
"""Slope of leaky_relu below zero."""


@dataclass(frozen=True)
class Activation:
    """An activation function f of the pre-activation z.

    Attributes
    ----------
    formula : f(z).
    range : infimum and supremum of f.
    value, slope : f(0) and f'(0); at a kink, the derivative that the kernel uses.
    odd : whether f(-z) = -f(z), so that units which are equal up to sign stay so.
    complement : whether f(-z) = 1 - f(z).
    aliases : other names, which are accepted.
    similar : names that other software uses for it or for something like it; they are errors that suggest it.
    """

    formula: str
    range: tuple[float, float]
    value: float
    slope: float
    odd: bool = False
    complement: bool = False
    aliases: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()


ACTIVATIONS = {
    "logistic": Activation(
        "1 / (1 + exp(-z))", (0.0, 1.0), 0.5, 0.25, complement=True, aliases=("sigmoid",), similar=("expit",)
    ),
    "tanh": Activation("tanh z", (-1.0, 1.0), 0.0, 1.0, odd=True, similar=("hyperbolic_tangent",)),
    "relu": Activation("max(z, 0)", (0.0, math.inf), 0.0, 0.0),
    "leaky_relu": Activation(f"z where z > 0, else {LEAK} z", (-math.inf, math.inf), 0.0, LEAK),
    "linear": Activation("z", (-math.inf, math.inf), 0.0, 1.0, odd=True, similar=("identity", "none")),
    "softplus": Activation("ln(1 + exp(z))", (0.0, math.inf), math.log(2), 0.5),
    "silu": Activation("z / (1 + exp(-z))", (-0.2784645427610738, math.inf), 0.0, 0.5, similar=("swish",)),
    "mish": Activation("z tanh(ln(1 + exp(z)))", (-0.30884341301725043, math.inf), 0.0, 0.6),
    "gelu": Activation("z (1 + erf(z / sqrt(2))) / 2", (-0.16997120747990366, math.inf), 0.0, 0.5),
    "erf": Activation("erf z", (-1.0, 1.0), 0.0, 2 / math.sqrt(math.pi), odd=True),
    "sin": Activation("sin z", (-1.0, 1.0), 0.0, 1.0, odd=True),
}
