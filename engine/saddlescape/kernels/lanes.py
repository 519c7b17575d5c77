"""The SIMD lane type: W numbers of one dtype in one LLVM vector, and the few primitives all mathematics uses.

Every operation is one IEEE operation a lane, in the order written: no fast-math, no contraction, every fused
multiply-add explicit.  The bits of a lane therefore do not depend on the number of lanes.  Plain numbers in an
expression take the dtype of the lanes beside them, so float32 never meets float64.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

ELEMENT = {
    types.float64: ir.DoubleType(),
    types.float32: ir.FloatType(),
    types.int64: ir.IntType(64),
    types.int32: ir.IntType(32),
    types.boolean: ir.IntType(1),
}
SUFFIX = {types.float64: "f64", types.float32: "f32"}
WORD = {types.float64: types.int64, types.float32: types.int32}
MANTISSA = {types.float64: 52, types.float32: 23}
BIAS = {types.float64: 1023, types.float32: 127}


class Lanes(types.Type):
    """`n` numbers of one dtype in one SIMD value; one number is a plain scalar."""

    def __init__(self, dtype: Any, n: int) -> None:
        self.dtype, self.n = dtype, n
        super().__init__(name=f"Lanes({dtype},{n})")

    @property
    def ir(self) -> Any:
        return ELEMENT[self.dtype] if self.n == 1 else ir.VectorType(ELEMENT[self.dtype], self.n)

    def constant(self, value: int) -> Any:
        """The integer in every lane."""
        return ir.Constant(self.ir, value if self.n == 1 else [value] * self.n)

    def of(self, dtype: Any) -> "Lanes":
        return Lanes(dtype, self.n)


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Lanes) -> None:
        super().__init__(dmm, fe_type, fe_type.ir)


def splat(builder: Any, scalar: Any, vector: ir.Type) -> Any:
    """The LLVM vector with `scalar` in every lane."""
    if not isinstance(vector, ir.VectorType):
        return scalar
    empty = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(empty, scalar, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, empty, zeros)


def _lanes_of(args: Sequence[Any]) -> Any:
    return next((t for t in args if isinstance(t, Lanes)), None)


def _matched(args: Sequence[Any]) -> list[Any]:
    lanes = _lanes_of(args)
    return [t if isinstance(t, Lanes) else lanes.dtype for t in args]


def _vectors(builder: Any, kinds: Sequence[Any], args: Sequence[Any], lanes: Lanes) -> list[Any]:
    return [
        a if isinstance(t, Lanes) else splat(builder, a, lanes.ir) for t, a in zip(kinds, args, strict=True)
    ]


def _binary(op: Any, result: Callable[[Lanes], Lanes], emit: Callable[..., Any]) -> None:
    @infer_global(op)
    class Typing(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            lanes = _lanes_of(args)
            if lanes is not None and len(args) == 2:
                return signature(result(lanes), *_matched(args))
            return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return emit(builder, *_vectors(builder, sig.args, args, _lanes_of(sig.args)))

    for left, right in ((Lanes, Lanes), (Lanes, types.Number), (types.Number, Lanes)):
        lower_builtin(op, left, right)(lower)


def _same(lanes: Lanes) -> Lanes:
    return lanes


def _mask(lanes: Lanes) -> Lanes:
    return lanes.of(types.boolean)


for _op, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
    (operator.and_, "and_"),
    (operator.or_, "or_"),
):
    _binary(_op, _same, lambda builder, a, b, name=_name: getattr(builder, name)(a, b))
for _op, _sign in ((operator.lt, "<"), (operator.gt, ">"), (operator.le, "<="), (operator.ge, ">=")):
    _binary(_op, _mask, lambda builder, a, b, sign=_sign: builder.fcmp_ordered(sign, a, b))


def _unary(op: Any, emit: Callable[..., Any]) -> None:
    @infer_global(op)
    class Typing(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            return signature(args[0], args[0]) if isinstance(args[0], Lanes) else None

    @lower_builtin(op, Lanes)
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return emit(builder, args[0])


_unary(operator.neg, lambda builder, a: builder.fneg(a))
_unary(operator.invert, lambda builder, a: builder.not_(a))


def _call(builder: Any, name: str, ty: Lanes, args: Sequence[Any]) -> Any:
    full = f"llvm.{name}.{f'v{ty.n}' if ty.n > 1 else ''}{SUFFIX[ty.dtype]}"
    kind = ir.FunctionType(ty.ir, [ty.ir] * len(args))
    function = builder.module.globals.get(full) or ir.Function(builder.module, kind, full)
    return builder.call(function, args)


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once."""
    sig = signature(_lanes_of((a, b, c)), *_matched((a, b, c)))

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "fma", sig.return_type, _vectors(builder, sig.args, args, sig.return_type))

    return sig, codegen


@intrinsic
def absolute(typingctx: Any, a: Any) -> Any:
    """|a|, the sign bit cleared."""
    return a(a), lambda context, builder, sig, args: _call(builder, "fabs", sig.return_type, args)


@intrinsic
def copysign(typingctx: Any, a: Any, b: Any) -> Any:
    """The magnitude of `a` with the sign bit of `b`."""
    return a(a, b), lambda context, builder, sig, args: _call(builder, "copysign", sig.return_type, args)


@intrinsic
def select(typingctx: Any, mask: Any, a: Any, b: Any) -> Any:
    """`a` where the mask holds, else `b`."""
    lanes = _lanes_of((a, b)) or mask.of(a)
    sig = lanes(mask, *[t if isinstance(t, Lanes) else lanes.dtype for t in (a, b)])

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(args[0], *_vectors(builder, sig.args[1:], args[1:], sig.return_type))

    return sig, codegen


@intrinsic
def any_lane(typingctx: Any, mask: Any) -> Any:
    """Whether the mask holds in at least one lane (a scalar bool)."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        word = ir.IntType(sig.args[0].n)
        return builder.icmp_unsigned("!=", builder.bitcast(args[0], word), ir.Constant(word, 0))

    return types.boolean(mask), codegen


@intrinsic
def full(typingctx: Any, like: Any, value: Any) -> Any:
    """Lanes like `like`, each holding `value`."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return splat(builder, args[1], sig.return_type.ir)

    return like(like, like.dtype), codegen


@intrinsic(prefer_literal=True)
def power_of_two(typingctx: Any, shifted: Any, offset: Any) -> Any:
    """2**(k + offset), where `shifted` is k + 1.5 * 2**mantissa bits: k sits in the low mantissa bits."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = sig.return_type
        dtype, shift = lanes.dtype, MANTISSA[lanes.dtype]
        word = lanes.of(WORD[dtype])
        bits = builder.shl(builder.bitcast(args[0], word.ir), word.constant(shift))
        exponent = word.constant((BIAS[dtype] + offset.literal_value) << shift)
        return builder.bitcast(builder.add(bits, exponent), lanes.ir)

    return shifted(shifted, offset), codegen


@intrinsic
def unchanged(typingctx: Any, a: Any) -> Any:
    """Start of a chain of `changed`: no bit differs yet."""
    word = a.of(WORD[a.dtype])
    return word(a), lambda context, builder, sig, args: sig.return_type.constant(0)


@intrinsic
def changed(typingctx: Any, so_far: Any, a: Any, b: Any) -> Any:
    """`so_far` with every bit set in which `a` and `b` differ."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        word = sig.return_type.ir
        difference = builder.xor(builder.bitcast(args[1], word), builder.bitcast(args[2], word))
        return builder.or_(args[0], difference)

    return so_far(so_far, a, b), codegen


@intrinsic
def is_unchanged(typingctx: Any, so_far: Any) -> Any:
    """Mask of the lanes in which no bit differed."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.icmp_unsigned("==", args[0], sig.args[0].constant(0))

    return so_far.of(types.boolean)(so_far), codegen


@intrinsic
def out_of_line(typingctx: Any) -> Any:
    """Keep the function that calls this out of its callers: rare work should not bloat the hot loop."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def pointer(typingctx: Any, array: Any) -> Any:
    """Address of an array's data: unlike the array, it is passed on without counting references."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), codegen


@intrinsic
def moved(typingctx: Any, address: Any, n: Any) -> Any:
    """The pointer moved on by `n` numbers."""
    return address(address, types.intp), lambda context, builder, sig, args: builder.gep(args[0], [args[1]])


def _row(builder: Any, address: Any, row: Any, lanes: Lanes) -> Any:
    offset = builder.mul(row, ir.Constant(ir.IntType(64), lanes.n))
    return builder.bitcast(builder.gep(address, [offset]), lanes.ir.as_pointer())


@intrinsic
def load(typingctx: Any, net: Any, address: Any, row: Any) -> Any:
    """Row `row` of C-contiguous (rows, lanes) numbers."""
    dtype = address.dtype

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_row(builder, args[1], args[2], sig.return_type), align=dtype.bitwidth // 8)

    return Lanes(dtype, net.lanes)(net, address, types.intp), codegen


@intrinsic
def store(typingctx: Any, net: Any, address: Any, row: Any, value: Any) -> Any:
    """Write lanes into row `row` of C-contiguous (rows, lanes) numbers."""
    dtype = address.dtype

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[3], _row(builder, args[1], args[2], sig.args[3]), align=dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(net, address, types.intp, value), codegen
