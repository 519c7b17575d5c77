"""Outputs of networks at any inputs."""

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import outputs as evaluate
from saddlescape.runs.from_array import starts_of
from saddlescape.runs.prepare import plain_trainer
from saddlescape.spec import Spec
from saddlescape.system.arguments import ArgumentError
from saddlescape.system.arithmetic import ieee


@ieee()
def outputs(spec: Spec, theta: npt.ArrayLike, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Outputs of networks at any inputs, such as a grid, with the arithmetic of the training.

    Parameters
    ----------
    spec : one point of a sweep, such as ``ss.load("xor").spec``, which describes the network.
    theta : (n_networks, n_params), as of `run_starts`.
    X : (n_points, n_inputs), as the network gets them: with ``problem.standardize``, standardized.

    Returns
    -------
    (n_networks, n_points, n_outputs) float64 : the values that are compared with targets; for losses of logits,
        probabilities.  With ``network.dtype = "float32"`` they are computed in float32.  An output depends only on its
        network and its point, not on the others.

    Raises
    ------
    ArgumentError
        If an argument has the wrong type, shape, or values that are not finite real numbers.  A `ValueError`, too.

    Examples
    --------
    >>> ss.outputs(ss.load("xor").spec, np.zeros((1, 9)), [[0.5, 0.5]])  # doctest: +SKIP
    array([[[0.5]]])
    """
    networks, points = starts_of(spec, theta), np.asarray(X)
    if points.dtype.kind not in "biuf":
        raise ArgumentError(f"X must be an array of real numbers; got {points.dtype} values")
    if points.ndim != 2 or points.shape[1] != spec.sizes[0] or not len(points):
        raise ArgumentError(f"X must have the shape (n_points, {spec.sizes[0]}), n_points > 0; got {points.shape}")
    if not np.isfinite(points).all():
        raise ArgumentError("X must be finite; it contains NaN or infinite values")
    values = evaluate(plain_trainer(spec), points, networks.astype(spec.network.dtype))
    return values.astype(np.float64)
