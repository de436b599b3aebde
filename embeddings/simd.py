"""Short vectors of float32 for kernels: one value is one register of the processor.

Numba vectorises innermost loops by itself, but keeps no block of accumulators in registers across an outer loop.
The few operations below let a kernel say so: `load`, `store`, `broadcast`, `multiply_add` and friends become single
LLVM instructions on `<LANES x float>`. With ``NUMBA_DISABLE_JIT=1`` the same names work on NumPy arrays of `LANES`
elements, so that a kernel still runs as plain Python.
"""

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.core.codegen import get_host_cpu_features
from numba.core.datamodel import models, register_default
from numba.extending import intrinsic

from embeddings.compilation import FAST_MATH, in_place_inlined

_AVX512 = bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))

LANES = 16 if _AVX512 else 8
"""Floats in one register: 16 with AVX-512, else 8 (AVX2; two NEON registers)."""

WIDE = 32 if _AVX512 else 8
"""Floats that a block of 24 vectors can have each: two registers where there are 32 of them, else one."""

BLOCK = 32
"""Floats that a block of a few vectors can have each.

With AVX2 they are four registers: a loop over the rows of a window costs more than the arithmetic of one (CBOW is 1.4
times as fast as with blocks of 8 floats; 48 are slower than 8, 64 slower than 32).
"""

REST = 16
"""Floats of the blocks that are left over: padded rows have a multiple of it."""

GROUP = 6
"""Vectors that `lane_sums` takes."""

SCORES = 8
"""Lanes of the vector that `lane_sums` returns."""

SHORTS = 2 * LANES
"""Whole numbers of 16 bits in one register."""

FEATURES = (get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES).split(",")
"""Features of the processor that Numba compiles for, by LLVM's names."""

_PRODUCTS_OF_SHORTS = {
    (16, "+avx512bw" in FEATURES): "llvm.x86.avx512.pmaddw.d.512",
    (8, "+avx2" in FEATURES): "llvm.x86.avx2.pmadd.wd",
}.get((LANES, True))

_FLAGS = tuple(sorted(FAST_MATH))
_FLOAT = ir.FloatType()
_BYTE, _SHORT, _INT32 = ir.IntType(8), ir.IntType(16), ir.IntType(32)


class _Vector(types.Type):
    element: ir.Type

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"{self.element}x{lanes}")


class _FloatVector(_Vector):
    element = _FLOAT


class _ShortVector(_Vector):
    element = _SHORT


class _Int32Vector(_Vector):
    element = _INT32


@register_default(_FloatVector)
@register_default(_ShortVector)
@register_default(_Int32Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.VectorType(fe_type.element, fe_type.lanes))


_ROW = _FloatVector(LANES)
_WIDE = _FloatVector(WIDE)
_BLOCK = _FloatVector(BLOCK)
_REST = _FloatVector(REST)
_SCORE = _FloatVector(SCORES)
_SHORTS, _SUMS = _ShortVector(SHORTS), _Int32Vector(LANES)


def _address(context, builder, array_type, array, indices):
    array = context.make_array(array_type)(context, builder, array)
    return cgutils.get_item_pointer(context, builder, array_type, array, indices, wraparound=False)


def _shuffle(builder, a, b, lanes):
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_INT32, len(lanes)), list(lanes)))


def _add_halves(builder, a, b, first, second):
    return builder.fadd(_shuffle(builder, a, b, first), _shuffle(builder, a, b, second), flags=_FLAGS)


def _splat(builder, scalar, lanes):
    vector = builder.insert_element(ir.Constant(ir.VectorType(_FLOAT, lanes), ir.Undefined), scalar, _INT32(0))
    return _shuffle(builder, vector, vector, [0] * lanes)


def _merge_quads(builder, a, b, c, d):
    """Four vectors -> one: every group of four lanes holds partial sums of a, b, c, d.

    The lane patterns are those of unpcklps/unpckhps and movlhps/movhlps, one instruction each.
    """
    lanes = LANES
    low, high, first, second = [], [], [], []
    for q in range(0, lanes, 4):
        low += [q, q + lanes, q + 1, q + 1 + lanes]
        high += [q + 2, q + 2 + lanes, q + 3, q + 3 + lanes]
        first += [q, q + 1, q + lanes, q + 1 + lanes]
        second += [q + 2, q + 3, q + 2 + lanes, q + 3 + lanes]
    ab = _add_halves(builder, a, b, low, high)
    cd = _add_halves(builder, c, d, low, high)
    return _add_halves(builder, ab, cd, first, second)


def _fold_quads(builder, p, q):
    """Add up the groups of four lanes of p and of q: (sums of p, sums of q) in eight lanes."""
    quads = LANES // 4
    while quads > 2:
        half = quads // 2
        lower = [4 * g + i for g in range(half) for i in range(4)]
        upper = [lane + 4 * half for lane in lower]
        p, q = _add_halves(builder, p, p, lower, upper), _add_halves(builder, q, q, lower, upper)
        quads = half
    return _add_halves(builder, p, q, [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15])


def _loading(vector_type):
    def typed(typingctx, matrix, row, column):
        def codegen(context, builder, signature, args):
            address = _address(context, builder, signature.args[0], args[0], args[1:])
            vector = ir.VectorType(_FLOAT, vector_type.lanes)
            return builder.load(builder.bitcast(address, vector.as_pointer()), align=4, typ=vector)

        return vector_type(matrix, types.intp, types.intp), codegen

    return intrinsic(typed)


@intrinsic
def load_int8(typingctx, matrix, row, column):
    """`LANES` numbers of a row of an int8 matrix, from `column` on, as floats."""

    def codegen(context, builder, signature, args):
        address = _address(context, builder, signature.args[0], args[0], args[1:])
        vector = ir.VectorType(ir.IntType(8), LANES)
        numbers = builder.load(builder.bitcast(address, vector.as_pointer()), align=1, typ=vector)
        return builder.sitofp(numbers, ir.VectorType(_FLOAT, LANES))

    return _ROW(matrix, types.intp, types.intp), codegen


def _loading_shorts(element, align):
    def typed(typingctx, matrix, row, column):
        def codegen(context, builder, signature, args):
            address = _address(context, builder, signature.args[0], args[0], args[1:])
            vector = ir.VectorType(element, SHORTS)
            numbers = builder.load(builder.bitcast(address, vector.as_pointer()), align=align, typ=vector)
            return numbers if element == _SHORT else builder.sext(numbers, ir.VectorType(_SHORT, SHORTS))

        return _SHORTS(matrix, types.intp, types.intp), codegen

    return intrinsic(typed)


# load_shorts*(matrix, row, column): `SHORTS` numbers of a row of an int16 or of an int8 matrix, from `column` on.
load_shorts, load_shorts_of_int8 = _loading_shorts(_SHORT, 2), _loading_shorts(_BYTE, 1)


@intrinsic
def no_sums(typingctx):
    """`LANES` zeros, int32."""

    def codegen(context, builder, signature, args):
        return ir.Constant(ir.VectorType(_INT32, LANES), [0] * LANES)

    return _SUMS(), codegen


@intrinsic
def add_products(typingctx, sums, a, b):
    """``sums[i] + a[2i] * b[2i] + a[2i + 1] * b[2i + 1]`` of `SHORTS` numbers, `LANES` sums of 32 bits."""

    def codegen(context, builder, signature, args):
        sums, a, b = args
        if _PRODUCTS_OF_SHORTS:
            function_type = ir.FunctionType(sums.type, [a.type, b.type])
            function = cgutils.get_or_insert_function(builder.module, function_type, _PRODUCTS_OF_SHORTS)
            return builder.add(sums, builder.call(function, [a, b]))
        wide = ir.VectorType(_INT32, SHORTS)
        products = builder.mul(builder.sext(a, wide), builder.sext(b, wide))
        even, odd = (_shuffle(builder, products, products, range(first, SHORTS, 2)) for first in (0, 1))
        return builder.add(sums, builder.add(even, odd))

    return _SUMS(_SUMS, _SHORTS, _SHORTS), codegen


@intrinsic
def as_floats(typingctx, sums):
    """`LANES` int32 numbers as floats."""

    def codegen(context, builder, signature, args):
        return builder.sitofp(args[0], ir.VectorType(_FLOAT, LANES))

    return _ROW(_SUMS), codegen


def _broadcasting(vector_type):
    def typed(typingctx, scalar):
        def codegen(context, builder, signature, args):
            return _splat(builder, args[0], vector_type.lanes)

        return vector_type(types.float32), codegen

    return intrinsic(typed)


# load*(matrix, row, column): as many floats of a row of a float32 matrix, from `column` on.
load, load_wide, load_scores = _loading(_ROW), _loading(_WIDE), _loading(_SCORE)
_load_block, _load_rest = _loading(_BLOCK), _loading(_REST)

# broadcast*(scalar): as many copies of one float32.
broadcast, broadcast_wide, broadcast_score = _broadcasting(_ROW), _broadcasting(_WIDE), _broadcasting(_SCORE)
_broadcast_block, _broadcast_rest = _broadcasting(_BLOCK), _broadcasting(_REST)


@intrinsic
def store(typingctx, matrix, row, column, vector):
    """``matrix[row, column : column + lanes] = vector``."""

    def codegen(context, builder, signature, args):
        address = _address(context, builder, signature.args[0], args[0], args[1:3])
        builder.store(args[3], builder.bitcast(address, args[3].type.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(matrix, types.intp, types.intp, vector), codegen


def _binary(operation):
    def typed(typingctx, a, b):
        def codegen(context, builder, signature, args):
            return operation(builder, *args)

        return a(a, a), codegen

    return typed


def _clamp(builder, a, limit):
    """Written so that NaN stays NaN, in two instructions."""
    a = builder.select(builder.fcmp_ordered("<", limit, a, flags=_FLAGS), limit, a)
    negative = builder.fneg(limit)
    return builder.select(builder.fcmp_ordered(">", negative, a, flags=_FLAGS), negative, a)


add = intrinsic(_binary(lambda builder, a, b: builder.fadd(a, b, flags=_FLAGS)))
subtract = intrinsic(_binary(lambda builder, a, b: builder.fsub(a, b, flags=_FLAGS)))
multiply = intrinsic(_binary(lambda builder, a, b: builder.fmul(a, b, flags=_FLAGS)))
# "ninf": only for finite numbers, LLVM replaces the division by an estimate of 1/b and a Newton step
divide = intrinsic(_binary(lambda builder, a, b: builder.fdiv(a, b, flags=(*_FLAGS, "ninf"))))
clamp = intrinsic(_binary(_clamp))


@intrinsic
def any_above(typingctx, a, b):
    """Whether a lane of a is larger than that of b."""

    def codegen(context, builder, signature, args):
        above = builder.fcmp_ordered(">", *args)
        bits = builder.bitcast(above, ir.IntType(a.lanes))
        return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    return types.boolean(a, a), codegen


@intrinsic
def multiply_add(typingctx, a, b, c):
    """``a * b + c``, one instruction where the processor has it."""

    def codegen(context, builder, signature, args):
        return builder.fadd(builder.fmul(args[0], args[1], flags=_FLAGS), args[2], flags=_FLAGS)

    return a(a, a, a), codegen


def polynomial(coefficients):
    """Make the function x -> Σ c_i x^i by Horner's rule, ``multiply_add`` after ``multiply_add``.

    Parameters
    ----------
    coefficients : sequence of float
        That of the highest power first; rounded to float32.

    Returns
    -------
    function
    """

    @intrinsic
    def evaluate(typingctx, x):
        def codegen(context, builder, signature, args):
            value, *rest = (ir.Constant(args[0].type, [np.float32(c)] * x.lanes) for c in coefficients)
            for constant in rest:
                value = builder.fadd(builder.fmul(value, args[0], flags=_FLAGS), constant, flags=_FLAGS)
            return value

        return x(x), codegen

    return evaluate


@intrinsic
def lane_sums(typingctx, a, b, c, d, e, f):
    """Sums over the lanes of six vectors, in the first six of `SCORES` lanes; the other two are zero."""

    def codegen(context, builder, signature, args):
        zero = ir.Constant(ir.VectorType(_FLOAT, LANES), [0.0] * LANES)
        p = _merge_quads(builder, *args[:4])
        q = _merge_quads(builder, *args[4:], zero, zero)
        return _fold_quads(builder, p, q)

    return _SCORE(a, a, a, a, a, a), codegen


@intrinsic
def lane_total(typingctx, a):
    """Sum over the lanes of one vector, a float32."""

    def codegen(context, builder, signature, args):
        function_type = ir.FunctionType(_FLOAT, [_FLOAT, args[0].type])
        name = f"llvm.vector.reduce.fadd.v{a.lanes}f32"
        function = cgutils.get_or_insert_function(builder.module, function_type, name)
        return builder.call(function, [_FLOAT(-0.0), args[0]], fastmath=_FLAGS)

    return types.float32(a), codegen


@intrinsic
def reciprocal_root(typingctx, a):
    """``1 / sqrt(a)`` of finite positive numbers: an estimate and a Newton step where the processor has one."""

    def codegen(context, builder, signature, args):
        function_type = ir.FunctionType(args[0].type, [args[0].type])
        name = f"llvm.sqrt.v{a.lanes}f32"
        function = cgutils.get_or_insert_function(builder.module, function_type, name)
        root = builder.call(function, [args[0]], fastmath=(*_FLAGS, "afn", "ninf"))
        one = ir.Constant(args[0].type, [1.0] * a.lanes)
        return builder.fdiv(one, root, flags=(*_FLAGS, "afn", "ninf"))

    return a(a), codegen


@intrinsic
def first_score(typingctx, scalar):
    """`SCORES` lanes: the scalar in the first, zero in the others."""

    def codegen(context, builder, signature, args):
        zero = ir.Constant(ir.VectorType(_FLOAT, SCORES), [0.0] * SCORES)
        return builder.insert_element(zero, args[0], _INT32(0))

    return _SCORE(types.float32), codegen


@intrinsic
def where_unequal(typingctx, numbers, position, number, values):
    """`SCORES` lanes of `values` where ``numbers[position + lane] != number``, else zero; `numbers` is int32."""

    def codegen(context, builder, signature, args):
        address = _address(context, builder, signature.args[0], args[0], args[1:2])
        integers = ir.VectorType(_INT32, SCORES)
        found = builder.load(builder.bitcast(address, integers.as_pointer()), align=4, typ=integers)
        single = builder.insert_element(ir.Constant(integers, ir.Undefined), args[2], _INT32(0))
        same = builder.icmp_signed("==", found, _shuffle(builder, single, single, [0] * SCORES))
        zero = ir.Constant(ir.VectorType(_FLOAT, SCORES), [0.0] * SCORES)
        return builder.select(same, zero, args[3])

    return _SCORE(numbers, types.intp, types.int32, _SCORE), codegen


@intrinsic
def prefetch(typingctx, matrix, row, column):
    """Ask for the cache line that holds ``matrix[row, column]``, to be read and written soon."""

    def codegen(context, builder, signature, args):
        address = _address(context, builder, signature.args[0], args[0], args[1:])
        byte = ir.IntType(8).as_pointer()
        function_type = ir.FunctionType(ir.VoidType(), [byte, _INT32, _INT32, _INT32])
        function = cgutils.get_or_insert_function(builder.module, function_type, "llvm.prefetch.p0")
        builder.call(function, [builder.bitcast(address, byte), _INT32(0), _INT32(3), _INT32(1)])
        return context.get_dummy_value()

    return types.void(matrix, types.intp, types.intp), codegen


if config.DISABLE_JIT:

    def _loading_array(lanes):
        return lambda matrix, row, column: matrix[row, column : column + lanes].copy()

    def _broadcasting_array(lanes):
        return lambda scalar: np.full(lanes, scalar, np.float32)

    load, load_wide, load_scores = map(_loading_array, (LANES, WIDE, SCORES))
    _load_block, _load_rest = map(_loading_array, (BLOCK, REST))
    broadcast, broadcast_wide, broadcast_score = map(_broadcasting_array, (LANES, WIDE, SCORES))
    _broadcast_block, _broadcast_rest = map(_broadcasting_array, (BLOCK, REST))

    def load_int8(matrix, row, column):  # noqa: D103
        return matrix[row, column : column + LANES].astype(np.float32)

    def load_shorts(matrix, row, column):  # noqa: D103
        return matrix[row, column : column + SHORTS].astype(np.int16)

    load_shorts_of_int8 = load_shorts

    def no_sums():  # noqa: D103
        return np.zeros(LANES, np.int32)

    def add_products(sums, a, b):  # noqa: D103
        products = a.astype(np.int32) * b
        return sums + products[::2] + products[1::2]

    def as_floats(sums):  # noqa: D103
        return sums.astype(np.float32)

    def store(matrix, row, column, vector):  # noqa: D103
        matrix[row, column : column + len(vector)] = vector

    def first_score(scalar):  # noqa: D103
        return np.array([scalar] + [0] * (SCORES - 1), np.float32)

    def any_above(a, b):  # noqa: D103
        return (a > b).any()

    def multiply_add(a, b, c):  # noqa: D103
        return a * b + c

    def polynomial(coefficients):  # noqa: D103
        return lambda x: np.polyval(np.array(coefficients, np.float32), x)

    def lane_sums(*vectors):  # noqa: D103
        return np.array([*(v.sum() for v in vectors), 0, 0], np.float32)

    def where_unequal(numbers, position, number, values):  # noqa: D103
        return np.where(numbers[position : position + SCORES] != number, values, np.float32(0))

    def lane_total(a):  # noqa: D103
        return a.sum()

    def reciprocal_root(a):  # noqa: D103
        return np.float32(1) / np.sqrt(a)

    def clamp(a, limit):  # noqa: D103
        return np.clip(a, -limit, limit)

    def prefetch(matrix, row, column):
        """Do nothing: plain Python has no caches to warm."""

    add, subtract, multiply, divide = np.add, np.subtract, np.multiply, np.divide


def _over_columns(width, load, broadcast, rest, load_rest, broadcast_rest):
    """Make a decorator of operations on some columns, which makes them operations on whole rows.

    What it decorates takes the `load` and the `broadcast` of a width, and returns a function of some arguments and of
    the first column; the result takes the padded dimension and these arguments without the column.
    """
    two_widths = rest < width

    def decorate(operation):
        in_block, in_rest = operation(load, broadcast), operation(load_rest, broadcast_rest)

        @in_place_inlined
        def on_rows(dimension, *arguments):
            whole = dimension // width * width if two_widths else dimension
            for j in range(0, whole, width):
                in_block(*arguments, j)
            if two_widths:
                for j in range(whole, dimension, rest):
                    in_rest(*arguments, j)

        return on_rows

    return decorate


# Decorators for operations on at most 24 vectors at a time, and on at most five.
with_many_vectors = _over_columns(WIDE, load_wide, broadcast_wide, LANES, load, broadcast)
with_few_vectors = _over_columns(BLOCK, _load_block, _broadcast_block, REST, _load_rest, _broadcast_rest)
