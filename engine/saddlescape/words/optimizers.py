"""The optimizers, defined as in `torch.optim` if it has them, and their hyperparameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Decay(StrEnum):
    """How an optimizer applies weight decay."""

    NONE = "none"
    COUPLED = "weight_decay times theta is added to the gradient"
    DECOUPLED = "the weights are multiplied by 1 - learning_rate weight_decay, apart from the gradient"


@dataclass(frozen=True)
class Hyperparameter:
    """A hyperparameter of an optimizer.

    Attributes
    ----------
    default : its default value.
    meaning : its description in docs/spec.md.
    above, below : exclusive bounds.
    least, most : inclusive bounds.
    by_run : whether runs in one call of a kernel can have different values.
    """

    default: float
    meaning: str = ""
    above: float | None = None
    least: float | None = None
    below: float | None = None
    most: float | None = None
    by_run: bool = True


HYPERPARAMETERS = {
    "learning_rate": Hyperparameter(0.5, "r, the step size", above=0),
    "momentum": Hyperparameter(0.9, "factor of the last velocity; 1: no friction", least=0, most=1),
    "epsilon": Hyperparameter(1e-8, "added in the denominator (adadelta: 1e-6 if not set)", least=0),
    "smoothing": Hyperparameter(
        0.99, "a, decay factor of the mean of squares (adadelta: 0.9 if not set)", least=0, below=1
    ),
    "beta1": Hyperparameter(0.9, "b1, decay factor of the mean of gradients (lion: in a step)", least=0, below=1),
    "beta2": Hyperparameter(0.999, "b2, decay factor of the mean of squares (lion: of gradients)", least=0, below=1),
    "eta_plus": Hyperparameter(1.2, "factor of a step size if the gradient keeps its sign", least=1),
    "eta_minus": Hyperparameter(0.5, "factor of a step size if the gradient changes sign", above=0, most=1),
    "step_max": Hyperparameter(50.0, "largest step size", above=0),
    "step_min": Hyperparameter(1e-6, "smallest step size", above=0),
    "weight_decay": Hyperparameter(
        0.0,
        "times theta, added to the gradient; adamw and lion: decoupled; [below](#weight-decay)",
        least=0,
    ),
    "l1": Hyperparameter(
        0.0, "times the sign of theta, added to the gradient; [below](#weight-decay)", least=0
    ),
    "noise": Hyperparameter(
        0.0, "standard deviation of Gaussian noise added to each component of the gradient (Langevin)", least=0
    ),
    "time": Hyperparameter(1000.0, "integration time", above=0, most=1e12, by_run=False),
    "rtol": Hyperparameter(1e-8, "error allowed in a step: atol + rtol times the parameter", least=1e-13, most=0.1),
    "atol": Hyperparameter(1e-15, "error allowed in a step: atol + rtol times the parameter", least=0),
    "momentum_decay": Hyperparameter(4e-3, "p, how fast the factor of the mean grows from b1 / 2 to b1", least=0),
    "clip": Hyperparameter(
        0.0, "largest norm of the gradient of the loss, which is scaled down; 0: none; [below](#clipping)", least=0
    ),
    "growth_max": Hyperparameter(1.75, "largest factor by which a step grows", above=0),
}
"""Hyperparameters by name; all are keys of ``training``."""


@dataclass(frozen=True)
class Optimizer:
    """An optimizer.

    Attributes
    ----------
    step : the parameters theta after a step with gradient g and learning rate r.
    own : its hyperparameters besides the learning rate, weight decay and noise.
    decay : how it applies weight decay.
    noise : whether noise can be added to its gradient.
    defaults : defaults of its hyperparameters that are not those of `HYPERPARAMETERS`.
    clips : whether clipping the gradient changes its steps.
    multiplies : whether a step multiplies each parameter, so that a parameter at zero stays at zero.
    source : a publication.
    aliases : other names, which are accepted.
    similar : names that other software uses for it or for something like it; they are errors that suggest it.
    """

    step: str
    own: tuple[str, ...] = ()
    decay: Decay = Decay.COUPLED
    noise: bool = True
    clips: bool = True
    defaults: Mapping[str, float] = field(default_factory=dict)
    multiplies: bool = False
    source: str = ""
    aliases: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()

    @property
    def steps(self) -> bool:
        """Whether it takes steps with a learning rate; the gradient flow does not."""
        return "time" not in self.own

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """Names of all its hyperparameters."""
        rate = ("learning_rate",) if self.steps else ()
        decay = () if self.decay is Decay.NONE else ("weight_decay", "l1") if self.steps else ("weight_decay",)
        return (*rate, *self.own, *decay, *(("noise",) if self.noise else ()), *(("clip",) if self.clips else ()))


_ADAM = ("beta1", "beta2", "epsilon")

OPTIMIZERS = {
    "gd": Optimizer("theta - r g", aliases=("sgd",), similar=("gradient_descent", "vanilla", "batch_gd")),
    "momentum": Optimizer(
        "v = momentum v + g; theta - r v. At a constant rate: delta = -r g + momentum (last delta)",
        own=("momentum",),
        source="Polyak 1964",
        similar=("sgdm", "sgd_momentum", "heavy_ball"),
    ),
    "nesterov": Optimizer(
        "v = momentum v + g; theta - r (g + momentum v)",
        own=("momentum",),
        source="Sutskever et al. 2013",
        similar=("nag",),
    ),
    "adagrad": Optimizer(
        "s = s + g^2; theta - r g / (sqrt(s) + epsilon)", own=("epsilon",), source="Duchi, Hazan and Singer 2011"
    ),
    "rmsprop": Optimizer(
        "s = a s + (1 - a) g^2, a = smoothing; theta - r g / (sqrt(s) + epsilon)",
        own=("smoothing", "epsilon"),
        source="Tieleman and Hinton 2012",
    ),
    "adam": Optimizer(
        "m = b1 m + (1 - b1) g; s = b2 s + (1 - b2) g^2; theta - r (m / (1 - b1^t)) / (sqrt(s / (1 - b2^t)) + epsilon),"
        " t from 1",
        own=_ADAM,
        source="Kingma and Ba 2015",
        similar=("adma",),
    ),
    "amsgrad": Optimizer(
        "adam, with the largest s so far in place of s", own=_ADAM, source="Reddi, Kale and Kumar 2018"
    ),
    "nadam": Optimizer(
        "m and s as in adam; c(t) = b1 (1 - 0.96^(p t) / 2), p = momentum_decay, P(t) = c(1) ... c(t);"
        " theta - r (g (1 - c(t)) / (1 - P(t)) + m c(t + 1) / (1 - P(t + 1))) / (sqrt(s / (1 - b2^t)) + epsilon)",
        own=(*_ADAM, "momentum_decay"),
        source="Dozat 2016",
    ),
    "adamax": Optimizer(
        "m as in adam; s = max(b2 s, |g| + epsilon); theta - r (m / (1 - b1^t)) / s",
        own=_ADAM,
        source="Kingma and Ba 2015",
    ),
    "adadelta": Optimizer(
        "s = a s + (1 - a) g^2, a = smoothing; d = g sqrt(u + epsilon) / sqrt(s + epsilon); theta - r d;"
        " u = a u + (1 - a) d^2",
        own=("smoothing", "epsilon"),
        defaults={"smoothing": 0.9, "epsilon": 1e-6},
        source="Zeiler 2012",
    ),
    "adamw": Optimizer(
        "theta (1 - r weight_decay), then adam",
        own=_ADAM,
        decay=Decay.DECOUPLED,
        source="Loshchilov and Hutter 2019",
    ),
    "lion": Optimizer(
        "theta (1 - r weight_decay) - r sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g",
        own=("beta1", "beta2"),
        decay=Decay.DECOUPLED,
        source="Chen et al. 2023",
    ),
    "quickprop": Optimizer(
        "theta + d; with the last d and the last g, h: d = d g / (h - g), but growth_max d where g / h >= growth_max /"
        " (1 + growth_max); and -r g is added to d where g h > 0 or the last d is 0",
        own=("growth_max",),
        source="Fahlman 1988",
    ),
    "rprop": Optimizer(
        "a step size for each parameter, at first r: times eta_plus if g keeps its sign, times eta_minus (and no step)"
        " if it changes sign; clipped to step_min and step_max, also at the first step",
        own=("eta_plus", "eta_minus", "step_max", "step_min"),
        decay=Decay.NONE,
        clips=False,
        source="Riedmiller and Braun 1993",
    ),
    "sign": Optimizer(
        "theta - r sign(g)",
        decay=Decay.NONE,
        clips=False,
        source="Bernstein et al. 2018",
        similar=("signsgd", "sign_sgd"),
    ),
    "normalized": Optimizer("theta - r g / |g|", decay=Decay.NONE, noise=False, clips=False),
    "multiplicative": Optimizer(
        "theta exp(-r sign(theta) g): a parameter at zero stays at zero",
        decay=Decay.NONE,
        multiplies=True,
        source="Kivinen and Warmuth 1997",
    ),
    "flow": Optimizer(
        "the limit of small steps: theta'(t) = -g(theta), followed to `training.time`",
        own=("time", "rtol", "atol"),
        noise=False,
        clips=False,
        similar=("gradient_flow", "ode", "continuous"),
    ),
}


def owners(hyperparameter: str) -> tuple[str, ...]:
    """Names of the optimizers that have a hyperparameter."""
    return tuple(name for name, its in OPTIMIZERS.items() if hyperparameter in its.hyperparameters)
