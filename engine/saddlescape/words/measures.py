"""The measures, which can be recorded along a run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A measure.

    Attributes
    ----------
    sentence : its `long_name` in a result.
    meaning : its definition in docs/measures.md.
    range : the range of its values.
    missing : when it is NaN.
    dims : its dimensions besides `record`.
    sources : publications.
    later : whether it was added after the first version.  Its name is then free for dimensions of sweeps without it.
    """

    sentence: str
    meaning: str
    range: str
    missing: str = ""
    dims: tuple[str, ...] = ()
    sources: str = ""
    later: bool = False


_DIVERGED = "or infinite, if the run diverged"
_NOT_FINITE = "if the run diverged"

MEASURES = {
    "loss": Measure(
        "loss", "the loss `training.loss` over all samples, without weight decay and l1", ">= 0", _DIVERGED
    ),
    "grad_norm": Measure(
        "Euclidean norm of the gradient",
        "|g|, the Euclidean norm of the gradient of the [objective](spec.md#weight-decay), over all samples; 0 only"
        " if each component is 0",
        ">= 0",
        _DIVERGED,
    ),
    "separation": Measure(
        "smallest relative distance of two hidden units of a layer",
        "smallest |u - v| / max(|u|, |v|) of two unit vectors of one hidden layer; for"
        " [odd activations](spec.md#activations) the smaller of u - v and u + v",
        "0 to 2; 0 only if two units are equal to the bit",
        "if no layer has two units",
    ),
    "param_norm": Measure("Euclidean norm of the parameters", "|theta|, weights and biases", ">= 0", _DIVERGED),
    "distance": Measure("Euclidean distance of the parameters to the start", "|theta - start|", ">= 0", _DIVERGED),
    "layer_norm": Measure(
        "Euclidean norm of the weights and biases of a layer",
        "|W_l, b_l|: Frobenius norm of a layer's weights and biases",
        ">= 0",
        _DIVERGED,
        ("layer",),
    ),
    "imbalance": Measure(
        "squares of a hidden layer's incoming weights and biases minus squares of its outgoing weights",
        "|W_l|^2 + |b_l|^2 - |V_l|^2 (Frobenius), V_l the outgoing weights. The gradient flow conserves it if the layer"
        " is linear, relu or leaky_relu, and no [residual connection](spec.md#skip-connections) enters or leaves it",
        "any",
        "if squares overflow",
        ("hidden_layer",),
        "Saxe, McClelland and Ganguli 2013; Du, Hu and Lee 2018",
    ),
    "effective_width": Measure(
        "number of units of a hidden layer that differ",
        "number of distinct units, up to sign for odd activations: units at distance 0, as in `separation`,"
        " count as one",
        "1 to the units",
        dims=("hidden_layer",),
    ),
    "effective_width_tol": Measure(
        "number of groups of units of a hidden layer that are nearer than record.tolerance",
        "the same for units closer than `record.tolerance`, directly or through a chain of such units",
        "1 to `effective_width`",
        dims=("hidden_layer",),
    ),
    "cosine": Measure(
        "mean |cosine| of the incoming weights of two units of a hidden layer",
        "mean of |u v| / (|u| |v|) over pairs of units, u and v their incoming weights and bias: 1 if all lie on one"
        " line (condensation)",
        "0 to 1",
        "if there are no two units with a direction; a unit at 0 has none",
        ("hidden_layer",),
        "Luo, Xu, Ma and Zhang 2021",
    ),
    "outputs": Measure(
        "what an output says of a sample",
        "each output for each sample, as compared with the target; for logits, the probability",
        "that of the output activation, or 0 to 1",
        _DIVERGED,
        ("sample", "output"),
    ),
    "accuracy": Measure(
        "fraction of the samples that are classified right",
        "fraction of the samples with the class of their target: that of the largest of several outputs, the first of"
        " equal ones; of one output, the second class if it is above the middle of the two targets",
        "0 to 1",
        "if an output is, or [the targets are no classes](#classes)",
        later=True,
    ),
    "test_loss": Measure(
        "loss of the test data",
        "the loss `training.loss` over all [test samples](spec.md#test-data), without weight decay and l1",
        ">= 0",
        "if an output is, or there are no test data; or infinite",
        later=True,
    ),
    "test_accuracy": Measure(
        "fraction of the test samples that are classified right",
        "`accuracy` of the [test samples](spec.md#test-data)",
        "0 to 1",
        "if an output is, or there are no test data, or the targets are no classes",
        later=True,
    ),
    "rms_error": Measure(
        "root of the mean squared error",
        "root of the mean, over samples and outputs, of the squared difference of `outputs` and targets",
        ">= 0",
        _DIVERGED,
        later=True,
    ),
    "hidden": Measure(
        "what a hidden unit says of a sample",
        "value of each hidden unit for each sample, with a [residual connection](spec.md#skip-connections)'s part;"
        " units of the first hidden layer come first",
        "that of the activation, unless residual",
        _DIVERGED,
        ("sample", "unit"),
        later=True,
    ),
    "sharpness": Measure(
        "largest eigenvalue of the Hessian",
        "largest eigenvalue of the Hessian H of the [objective](spec.md#weight-decay), over all samples;"
        " [below](#curvature)",
        "any",
        _NOT_FINITE,
        sources="Cohen, Kaur, Li, Kolter and Talwalkar 2021",
        later=True,
    ),
    "hessian_trace": Measure("trace of the Hessian", "the sum of the eigenvalues of H", "any", _NOT_FINITE, later=True),
    "curvature_along_step": Measure(
        "curvature along the gradient",
        "g^T H g / |g|^2, g the gradient of the objective over all samples, along which a step of gd and the flow go",
        "the smallest to the largest eigenvalue of H",
        f"{_NOT_FINITE}; where g is 0",
        later=True,
    ),
    "ntk_change": Measure(
        "relative change of the neural tangent kernel since the start",
        "|K - K(0)| / |K(0)| (Frobenius), K = J J^T, J the derivatives of all outputs for all samples; for losses of"
        " logits, outputs are logits",
        ">= 0; 0 at the start",
        f"{_NOT_FINITE}; where K(0) is 0",
        sources="Jacot, Gabriel and Hongler 2018",
        later=True,
    ),
    "ntk_condition": Measure(
        "condition number of the neural tangent kernel",
        "largest over smallest eigenvalue of K, which bounds how unequally the flow learns its modes; infinite if the"
        " smallest is 0 but for rounding",
        ">= 1",
        f"{_NOT_FINITE}; where K is 0, or if samples times outputs are more than the parameters",
        later=True,
    ),
    "dead_units": Measure(
        "number of units of a hidden layer that are 0 with slope 0 for every sample",
        "number of relu units that are 0 with slope 0 for every sample: no gradient reaches their weights",
        "0 to the units",
        "in layers without relu; if the run diverged",
        ("hidden_layer",),
        "Lu, Shin, Su and Karniadakis 2020",
        later=True,
    ),
    "lyapunov": Measure(
        "Lyapunov exponent of training, up to this step",
        "mean ln growth per step of a [tangent vector](#lyapunov-exponents) of training, a map of parameters and the"
        " optimizer's state: above 0, training is chaotic",
        "any, or -inf",
        "at step 0, for the gradient flow, or if the run diverged",
        later=True,
    ),
    "lyapunov_zero": Measure(
        "mean growth per step of the logarithm of the norm of the parameters",
        "mean ln growth per step of `param_norm`, the [transverse exponent](#lyapunov-exponents) to zero: below 0, the"
        " run is pulled into zero",
        "any, or infinite",
        "as of `lyapunov`, or for a start at zero",
        sources="Chen, Kunin, Yamamura and Ganguli 2023",
        later=True,
    ),
    "lyapunov_units": Measure(
        "mean growth per step of the logarithm of the separation",
        "mean ln growth per step of `separation`, the [transverse exponent](#lyapunov-exponents) to equal units: below"
        " 0, two units are pulled together",
        "any, or infinite",
        "as of `lyapunov`, if no layer has two units, or for a start with equal units",
        sources="Chen, Kunin, Yamamura and Ganguli 2023",
        later=True,
    ),
    "left_basin": Measure(
        "whether the run is in another basin than its start",
        "1 if the run, continued from here [without noise](#basins), ends elsewhere than its start does, else 0",
        "0 or 1",
        "if the run diverged, or for the gradient flow",
        later=True,
    ),
}
"""Measures by name.  Kernels store the recorded ones in this order; in a mask, bit ``1 << k`` stands for the k-th."""

BASIC = ("loss", "grad_norm", "separation")
"""Measures that are always recorded where a run stops."""

CURVATURE = ("sharpness", "hessian_trace", "curvature_along_step")
"""Measures of the Hessian."""

TANGENT_KERNEL = ("ntk_change", "ntk_condition")
"""Measures of the neural tangent kernel."""

DERIVED = (*CURVATURE, *TANGENT_KERNEL, "dead_units")
"""Measures of derivatives, computed from recorded parameters after the run."""

FROM_OUTPUTS = ("outputs", "accuracy", "test_loss", "test_accuracy", "rms_error", "hidden")
"""Measures of what networks say of samples, computed from recorded parameters after the run."""

FROM_PARAMETERS = (*FROM_OUTPUTS, *DERIVED)
"""Measures that are computed from recorded parameters after the run, not by the kernel."""

FROM_STARTS = ("lyapunov", "lyapunov_zero", "lyapunov_units", "left_basin")
"""Measures that compare a run with its start, computed after the run."""

AFTER = (*FROM_PARAMETERS, *FROM_STARTS)
"""Measures that are computed after the run."""
