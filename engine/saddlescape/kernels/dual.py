"""Dual numbers over lanes: a value and its derivative along one direction.

A function over `Lanes` that is called with dual numbers returns its value and its derivative (forward mode).  So the
code of the gradient, called with dual numbers, returns the Hessian times a direction: the operator R of Pearlmutter
(1994, Neural Computation 6, 147-160).  Sums, products and quotients follow the rules below.  Functions that are
computed by an approximation declare their derivative (`with_derivative`, `with_second_derivative`), which is more
accurate than the derivative of the approximation.  Comparisons use the values only, so a piecewise linear function has
the derivative of the piece that contains the value.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from saddlescape.kernels.code import Rows, borrowed, scratch
from saddlescape.kernels.lanes import Lanes, Mask, copysign, fma, select, sqrt

Pair = tuple[Lanes, Lanes]
Function = Callable[[Lanes], Lanes]
Sloped = Callable[[Lanes], Pair]


class Dual(Lanes):
    """A value `number` and its derivative `tangent` in each lane."""

    def __init__(self, number: Lanes, tangent: Lanes) -> None:
        super().__init__(number.builder, number.kind, number.value)
        self.number, self.tangent = number, tangent

    def like(self, number: float) -> "Dual":
        """The same constant in every lane."""
        return Dual(self.number.like(number), self.number.like(0.0))

    def dual(self, other: Lanes | float) -> "Dual":
        """An operand as a dual number; an operand that is no dual number is a constant."""
        if isinstance(other, Dual):
            return other
        return Dual(other, other.like(0.0)) if isinstance(other, Lanes) else self.like(other)

    def __add__(self, other: Lanes | float) -> "Dual":
        b = self.dual(other)
        return Dual(self.number + b.number, self.tangent + b.tangent)

    __radd__ = __add__

    def __sub__(self, other: Lanes | float) -> "Dual":
        return self + -self.dual(other)

    def __rsub__(self, other: Lanes | float) -> "Dual":
        return self.dual(other) + -self

    def __mul__(self, other: Lanes | float) -> "Dual":
        b = self.dual(other)
        return Dual(self.number * b.number, fma(self.number, b.tangent, self.tangent * b.number))

    __rmul__ = __mul__

    def __truediv__(self, other: Lanes | float) -> "Dual":
        b = self.dual(other)
        quotient = self.number / b.number
        return Dual(quotient, fma(-quotient, b.tangent, self.tangent) / b.number)

    def __rtruediv__(self, other: Lanes | float) -> "Dual":
        return self.dual(other) / self

    def __neg__(self) -> "Dual":
        return Dual(-self.number, -self.tangent)

    def __abs__(self) -> "Dual":
        return Dual(abs(self.number), select(self.number < 0.0, -self.tangent, self.tangent))

    def fma(self, b: Lanes | float, c: Lanes | float) -> "Dual":
        b, c = self.dual(b), self.dual(c)
        tangent = fma(self.number, b.tangent, fma(self.tangent, b.number, c.tangent))
        return Dual(fma(self.number, b.number, c.number), tangent)

    def copysign(self, sign: Lanes) -> "Dual":
        flip = copysign(self.number.like(1.0), self.number) * copysign(self.number.like(1.0), self.dual(sign).number)
        return Dual(copysign(self.number, self.dual(sign).number), self.tangent * flip)

    def sqrt(self) -> "Dual":
        """The root, whose derivative counts as 0 at 0: there, roots of squares are divisors of 0."""
        root = sqrt(self.number)
        return Dual(root, select(root > 0.0, 0.5 * self.tangent / root, 0.0))

    def select(self, mask: Mask, other: Lanes | float) -> "Dual":
        b = self.dual(other)
        return Dual(select(mask, self.number, b.number), select(mask, self.tangent, b.tangent))


class DualRows(Rows):
    """Rows of dual numbers: the rows of their values and the rows of their derivatives."""

    def __init__(self, numbers: Rows, tangents: Rows) -> None:
        super().__init__(numbers.builder, numbers.kind, numbers.address, numbers.name)
        self.numbers, self.tangents = numbers, tangents

    def __getitem__(self, row: Any) -> Dual:
        return Dual(self.numbers[row], self.tangents[row])

    def __setitem__(self, row: Any, lanes: Lanes) -> None:
        assert isinstance(lanes, Dual)
        self.numbers[row], self.tangents[row] = lanes.number, lanes.tangent

    def from_row(self, row: int) -> "DualRows":
        return DualRows(self.numbers.from_row(row), self.tangents.from_row(row))

    def scratch(self, rows: int) -> "DualRows":
        return DualRows(*(scratch(self.builder, self.kind, rows) for _ in range(2)))

    def borrowed(self, rows: int) -> tuple["DualRows", Callable[[], None]]:
        """Rows of the same lane type, and a function that generates their release."""
        (numbers, release_numbers), (tangents, release_tangents) = (
            borrowed(self.builder, self.kind, rows) for _ in range(2)
        )

        def release() -> None:
            release_numbers()
            release_tangents()

        return DualRows(numbers, tangents), release


class Constants(Rows):
    """Rows that are read as dual numbers without derivatives."""

    def __getitem__(self, row: Any) -> Dual:
        number = super().__getitem__(row)
        return Dual(number, number.like(0.0))


def with_derivative(derivative: Callable[[Lanes, Lanes], Lanes]) -> Callable[[Function], Function]:
    """Decorate a function y(x) whose derivative is ``derivative(x, y)``, so that it accepts dual numbers."""

    def decorate(function: Function) -> Function:
        @wraps(function)
        def wrapper(x: Lanes) -> Lanes:
            if not isinstance(x, Dual):
                return function(x)
            y = function(x.number)
            return Dual(y, derivative(x.number, y) * x.tangent)

        return wrapper

    return decorate


def with_second_derivative(second: Callable[[Lanes, Lanes, Lanes], Lanes]) -> Callable[[Sloped], Sloped]:
    """Decorate a function that returns (y, slope) at x, whose second derivative is ``second(x, y, slope)``."""

    def decorate(function: Sloped) -> Sloped:
        @wraps(function)
        def wrapper(x: Lanes) -> Pair:
            if not isinstance(x, Dual):
                return function(x)
            y, slope = function(x.number)
            return Dual(y, slope * x.tangent), Dual(slope, second(x.number, y, slope) * x.tangent)

        return wrapper

    return decorate


def zero_second_derivative(x: Lanes, y: Lanes, slope: Lanes) -> Lanes:
    """The second derivative of a piecewise linear function."""
    return x.like(0.0)
