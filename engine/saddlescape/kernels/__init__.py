"""All compiled code: train many small networks at once, one per SIMD lane.  The only package that imports numba."""

from saddlescape.kernels.batch import Batch, Finished, Trained, device_needs, train
from saddlescape.kernels.caching import announce
from saddlescape.kernels.compiling import compiling
from saddlescape.kernels.curvature import Curvature, curvature
from saddlescape.kernels.device import devices
from saddlescape.kernels.draws import sample
from saddlescape.kernels.evaluate import loss, loss_gradient
from saddlescape.kernels.hessian import Derivatives, derivatives, hessian_vector
from saddlescape.kernels.measures import FIELDS, columns
from saddlescape.kernels.on_device import Device, Needs
from saddlescape.kernels.outputs import hidden, jacobian, outputs, slopes
from saddlescape.kernels.stationary import approach
from saddlescape.kernels.tangent import log_growth
from saddlescape.kernels.tangent_kernel import kernel_change, kernel_condition
from saddlescape.kernels.transverse import logarithm
from saddlescape.kernels.variant import Trainer

__all__ = [
    "FIELDS",
    "Batch",
    "Curvature",
    "Derivatives",
    "Device",
    "Finished",
    "Needs",
    "Trained",
    "Trainer",
    "announce",
    "approach",
    "columns",
    "compiling",
    "curvature",
    "derivatives",
    "device_needs",
    "devices",
    "hessian_vector",
    "hidden",
    "jacobian",
    "kernel_change",
    "kernel_condition",
    "log_growth",
    "logarithm",
    "loss",
    "loss_gradient",
    "outputs",
    "sample",
    "slopes",
    "train",
]
