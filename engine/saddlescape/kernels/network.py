"""Loss and gradient of a network of any depth, one sample at a time.

Legend, per sample: z pre-activation, y value of a unit, slope its derivative, delta the loss's derivative by z.
Pointers are to (rows, lanes): `theta` and `grad` by flat parameter, `values`, `slopes` and `deltas` by unit.
Sums run in one order, the same for every unit of a layer, so identical units stay identical to the last bit.
"""

from numba import njit
from numba.extending import overload, register_jitable

from saddlescape.kernels import variant as v
from saddlescape.kernels.activations import activation
from saddlescape.kernels.lanes import absolute, fma, full, load, moved, select, store
from saddlescape.kernels.losses import loss_term


def incoming(layer, net, values, x, i):
    """What unit `i` of the layer below sends: a number of the sample, or a unit's value."""


@overload(incoming)
def _incoming(layer, net, values, x, i):
    if layer.index == 0:
        return lambda layer, net, values, x, i: x[i]
    return lambda layer, net, values, x, i: load(net, values, v.first_unit(layer) - v.fan_in(layer) + i)


@register_jitable
def pre_activation(layer, net, theta, values, x, j):
    """Bias plus weighted inputs of unit `j`, inputs in order."""
    row = v.first_param(layer) + j * (v.fan_in(layer) + v.has_bias(layer))
    z = load(net, theta, row) * incoming(layer, net, values, x, 0)
    if v.has_bias(layer):
        z = z + load(net, theta, row + v.fan_in(layer))
    for i in range(1, v.fan_in(layer)):
        z = fma(load(net, theta, row + i), incoming(layer, net, values, x, i), z)
    return z


def forward(layer, net, theta, values, slopes, deltas, x, t, sums):
    """Fill `values`, `slopes` and the output `deltas` from `layer` on; (loss sum, largest error) grown from `sums`."""


@overload(forward)
def _forward(layer, net, theta, values, slopes, deltas, x, t, sums):
    def output(layer, net, theta, values, slopes, deltas, x, t, sums):
        loss, worst = sums
        for j in range(v.fan_out(layer)):
            z = pre_activation(layer, net, theta, values, x, j)
            y, slope = activation(layer, z)
            term, delta = loss_term(layer, z, y, slope, t[j])
            store(net, deltas, v.first_unit(layer) + j, delta)
            loss = loss + term
            error = absolute(y - t[j])
            worst = select(worst < error, error, worst)
        return loss, worst

    def hidden(layer, net, theta, values, slopes, deltas, x, t, sums):
        for j in range(v.fan_out(layer)):
            y, slope = activation(layer, pre_activation(layer, net, theta, values, x, j))
            store(net, values, v.first_unit(layer) + j, y)
            store(net, slopes, v.first_unit(layer) + j, slope)
        return forward(v.next_layer(layer), net, theta, values, slopes, deltas, x, t, sums)

    return output if layer.is_output else hidden


@register_jitable
def add_gradient(layer, net, values, deltas, x, grad):
    """Add the sample's gradient of this layer's parameters."""
    for j in range(v.fan_out(layer)):
        delta = load(net, deltas, v.first_unit(layer) + j)
        row = v.first_param(layer) + j * (v.fan_in(layer) + v.has_bias(layer))
        for i in range(v.fan_in(layer)):
            old = load(net, grad, row + i)
            store(net, grad, row + i, fma(delta, incoming(layer, net, values, x, i), old))
        if v.has_bias(layer):
            store(net, grad, row + v.fan_in(layer), load(net, grad, row + v.fan_in(layer)) + delta)


@register_jitable
def send_back(layer, net, theta, slopes, deltas):
    """Deltas of the hidden layer below, from this layer's."""
    width = v.fan_in(layer) + v.has_bias(layer)
    below = v.first_unit(layer) - v.fan_in(layer)
    for i in range(v.fan_in(layer)):
        back = load(net, deltas, v.first_unit(layer)) * load(net, theta, v.first_param(layer) + i)
        for j in range(1, v.fan_out(layer)):
            weight = load(net, theta, v.first_param(layer) + j * width + i)
            back = fma(load(net, deltas, v.first_unit(layer) + j), weight, back)
        store(net, deltas, below + i, back * load(net, slopes, below + i))


def backward(layer, net, theta, values, slopes, deltas, x, grad):
    """Add the sample's gradient of the layers from the output down to `layer`."""


@overload(backward)
def _backward(layer, net, theta, values, slopes, deltas, x, grad):
    is_output, is_first = layer.is_output, layer.index == 0

    def impl(layer, net, theta, values, slopes, deltas, x, grad):
        if not is_output:
            backward(v.next_layer(layer), net, theta, values, slopes, deltas, x, grad)
        add_gradient(layer, net, values, deltas, x, grad)
        if not is_first:
            send_back(layer, net, theta, slopes, deltas)

    def last(layer, net, theta, values, slopes, deltas, x, grad):
        add_gradient(layer, net, values, deltas, x, grad)
        if not is_first:
            send_back(layer, net, theta, slopes, deltas)

    return last if is_output else impl


@njit(error_model="numpy")
def loss_and_gradient(net, theta, values, slopes, deltas, grad, X, T, n_samples, factors):
    """(loss, largest error of an output) over the samples in order; `grad` is filled.

    `factors` are those of the loss for the sum of terms and for the derivatives.
    """
    zero = full(load(net, theta, 0), 0.0)
    for k in range(v.n_params(net)):
        store(net, grad, k, zero)
    sums = (zero, zero)
    samples = v.constant_samples(net)
    for s in range(samples if samples > 0 else n_samples):
        layer = v.first_layer(net)
        x, t = moved(X, s * v.n_inputs(net)), moved(T, s * v.n_outputs(net))
        sums = forward(layer, net, theta, values, slopes, deltas, x, t, sums)
        backward(layer, net, theta, values, slopes, deltas, x, grad)
    if v.is_mean(net):
        for k in range(v.n_params(net)):
            store(net, grad, k, load(net, grad, k) * factors[1])
    return sums[0] * factors[0], sums[1]
