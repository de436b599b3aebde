# mypy: allow-untyped-defs
"""Kernels for products of matrices of bfloat16 numbers, with sums in float32.

A bfloat16 is the upper half of a float32: its sign, its exponent and 7 bits of its fraction. Processors with
AVX512-BF16 multiply 32 pairs of them and add the products to 16 float32 sums in one instruction (`vdpbf16ps`), twice as
many as float32 numbers.

The instruction takes numbers that follow each other along the axis of the sum. Both matrices are therefore packed first:
``packed[q, p, r]``, a uint32, holds elements 2p (lower half) and 2p + 1 of row q · width + r of a matrix (n, k), whose
rows and columns are padded with zeros. A product left (n, k) · right (k, m) reads panels of `ROWS` rows of `left` and of
`COLUMNS` rows of the transpose of `right`; `ROWS` × `COLUMNS` sums stay in registers. With ``NUMBA_DISABLE_JIT=1`` the
same functions run as plain Python.
"""

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from embeddings import simd
from embeddings.compilation import FAST_MATH, compiled, inlined

AVAILABLE = bool(llvmlite.binding.get_host_cpu_features().get("avx512bf16"))
"""Whether this processor has the instruction."""

ROWS, COLUMNS = 10, 32
"""Rows of a panel on the left, and of one (columns of the product) on the right."""

_LANES = 16
_PAIRS = 512  # along the sum in one block, whose two panels stay in the cache of a core
_VECTORS = COLUMNS // _LANES

if AVAILABLE:
    llvmlite.binding.initialize_native_asmparser()  # LLVM has had several types for the arguments of its intrinsic

_FLOATS = ir.VectorType(ir.FloatType(), _LANES)
_WORDS = ir.VectorType(ir.IntType(32), _LANES)


def _pointer(context, builder, array_type, array, indices, vector):
    array = context.make_array(array_type)(context, builder, array)
    address = cgutils.get_item_pointer(context, builder, array_type, array, indices, wraparound=False)
    return builder.bitcast(address, vector.as_pointer())


def _constant(value):
    return ir.Constant(_WORDS, [value] * _LANES)


def _upper_halves(builder, floats):
    """Round float32 lanes to the nearest bfloat16, ties to even; the lower halves are left to be cleared."""
    words = builder.bitcast(floats, _WORDS)
    last = builder.and_(builder.lshr(words, _constant(16)), _constant(1))
    return builder.add(builder.add(words, _constant(0x7FFF)), last)


def _paired(builder, even, odd):
    low = builder.lshr(_upper_halves(builder, even), _constant(16))
    return builder.or_(low, builder.and_(_upper_halves(builder, odd), _constant(0xFFFF0000)))


@intrinsic
def _pair_rows(typingctx, matrix, row, column, words):
    """``words[i]`` = the pair of ``matrix[row, column + i]`` and ``matrix[row + 1, column + i]``, 16 of them."""

    def codegen(context, builder, signature, args):
        rows = args[1], builder.add(args[1], ir.Constant(args[1].type, 1))
        even, odd = (
            builder.load(
                _pointer(context, builder, signature.args[0], args[0], (row, args[2]), _FLOATS), align=4, typ=_FLOATS
            )
            for row in rows
        )
        target = _pointer(context, builder, signature.args[3], args[3], (args[2],), _WORDS)
        builder.store(_paired(builder, even, odd), target, align=4)
        return context.get_dummy_value()

    return types.void(matrix, types.intp, types.intp, words), codegen


@intrinsic
def _pair_columns(typingctx, matrix, row, column, words, line):
    """``words[line, i]`` = the pair of ``matrix[row, column + 2 i]`` and ``matrix[row, column + 2 i + 1]``, 16 of them."""

    def codegen(context, builder, signature, args):
        columns = args[2], builder.add(args[2], ir.Constant(args[2].type, _LANES))
        first, second = (
            builder.load(
                _pointer(context, builder, signature.args[0], args[0], (args[1], column), _FLOATS), align=4, typ=_FLOATS
            )
            for column in columns
        )
        even, odd = (
            builder.shuffle_vector(first, second, ir.Constant(_WORDS, list(range(start, 2 * _LANES, 2))))
            for start in (0, 1)
        )
        zero = ir.Constant(args[4].type, 0)
        target = _pointer(context, builder, signature.args[3], args[3], (args[4], zero), _WORDS)
        builder.store(_paired(builder, even, odd), target, align=4)
        return context.get_dummy_value()

    return types.void(matrix, types.intp, types.intp, words, types.intp), codegen


@intrinsic
def _multiply_panels(typingctx, left, p, right, q, first, last, sums):
    """``sums`` (ROWS, COLUMNS) = the product of the pairs `first` to `last` of two panels."""

    def codegen(context, builder, signature, args):
        accumulators = [cgutils.alloca_once(builder, _FLOATS) for _ in range(ROWS * _VECTORS)]
        for accumulator in accumulators:
            builder.store(ir.Constant(_FLOATS, [0.0] * _LANES), accumulator)
        function = ir.FunctionType(_FLOATS, [_FLOATS, _WORDS, _WORDS])
        multiply_add = ir.InlineAsm(function, "vdpbf16ps $3, $2, $0", "=v,0,v,v")
        zero, index = ir.Constant(args[4].type, 0), args[4].type
        word = ir.IntType(32)
        with cgutils.for_range_slice(builder, args[4], args[5], ir.Constant(index, 1)) as (pair, _):
            columns = [
                builder.load(
                    _pointer(
                        context, builder, signature.args[2], args[2], (args[3], pair, ir.Constant(index, _LANES * v)), _WORDS
                    ),
                    align=4,
                    typ=_WORDS,
                )
                for v in range(_VECTORS)
            ]
            for r in range(ROWS):
                at = args[1], pair, ir.Constant(index, r)
                scalar = builder.load(_pointer(context, builder, signature.args[0], args[0], at, word), typ=word)
                lane = builder.insert_element(ir.Constant(_WORDS, ir.Undefined), scalar, ir.Constant(word, 0))
                row = builder.shuffle_vector(lane, lane, _constant(0))
                for v, column in enumerate(columns):
                    accumulator = accumulators[r * _VECTORS + v]
                    total = builder.call(multiply_add, [builder.load(accumulator, typ=_FLOATS), column, row])
                    builder.store(total, accumulator)
        for r in range(ROWS):
            for v in range(_VECTORS):
                at = ir.Constant(index, r), ir.Constant(index, v * _LANES)
                target = _pointer(context, builder, signature.args[6], args[6], at, _FLOATS)
                builder.store(builder.load(accumulators[r * _VECTORS + v], typ=_FLOATS), target, align=4)
        return context.get_dummy_value()

    return types.void(left, types.intp, right, types.intp, types.intp, types.intp, sums), codegen


if config.DISABLE_JIT:

    def _rounded(values):
        words = np.ascontiguousarray(values, np.float32).view(np.uint32)
        return words + np.uint32(0x7FFF) + (words >> np.uint32(16) & np.uint32(1))

    def _pairs(even, odd):
        return _rounded(even) >> np.uint32(16) | _rounded(odd) & np.uint32(0xFFFF0000)

    def _pair_rows(matrix, row, column, words):
        part = slice(column, column + _LANES)
        words[part] = _pairs(matrix[row, part], matrix[row + 1, part])

    def _pair_columns(matrix, row, column, words, line):
        part = matrix[row, column : column + 2 * _LANES]
        words[line] = _pairs(part[::2], part[1::2])

    def _multiply_panels(left, p, right, q, first, last, sums):
        a, b = left[p, first:last], right[q, first:last]
        sums[:] = 0
        for half in (lambda w: (w << np.uint32(16)).view(np.float32), lambda w: (w & np.uint32(0xFFFF0000)).view(np.float32)):
            sums += half(a).T @ half(b)


@inlined
def _pair(even, odd):
    """Return the pair of two float32 numbers, as a uint32."""
    low, high = np.float32(even).view(np.uint32), np.float32(odd).view(np.uint32)
    low = low + np.uint32(0x7FFF) + ((low >> np.uint32(16)) & np.uint32(1))
    high = high + np.uint32(0x7FFF) + ((high >> np.uint32(16)) & np.uint32(1))
    return (low >> np.uint32(16)) | (high & np.uint32(0xFFFF0000))


@compiled
def pack_rows(matrix, packed, panels):
    """Pack rows whose elements follow each other in memory.

    Parameters
    ----------
    matrix : (n, k) float32
        The strides of the second axis are 4.
    packed : (ceil(n / width), ceil(k / 2), width) uint32
    panels : Rows
        Panels to fill.
    """
    n, k = matrix.shape
    width, pairs, vectors = packed.shape[2], packed.shape[1], k // (2 * _LANES)
    words = np.empty((width, _LANES), np.uint32)
    for q in range(panels[0], panels[1]):
        rows = min(width, n - q * width)
        packed[q, :, rows:] = 0
        for vector in range(vectors):
            for r in range(rows):
                _pair_columns(matrix, q * width + r, 2 * _LANES * vector, words, r)
            for i in range(_LANES):
                for r in range(rows):
                    packed[q, vector * _LANES + i, r] = words[r, i]
        for p in range(vectors * _LANES, pairs):
            for r in range(rows):
                row = q * width + r
                odd = matrix[row, 2 * p + 1] if 2 * p + 1 < k else np.float32(0)
                packed[q, p, r] = _pair(matrix[row, 2 * p], odd)


@compiled
def pack_columns(transpose, packed, pairs):
    """Pack a matrix whose transpose has rows with elements that follow each other in memory.

    Parameters
    ----------
    transpose : (k, n) float32
        The strides of the second axis are 4.
    packed : (ceil(n / width), ceil(k / 2), width) uint32
    pairs : Rows
        Pairs of rows of `transpose` to pack.
    """
    k, n = transpose.shape
    width, whole = packed.shape[2], n // _LANES * _LANES
    words = np.zeros(packed.shape[0] * width, np.uint32)
    for p in range(pairs[0], pairs[1]):
        if 2 * p + 1 < k:
            for column in range(0, whole, _LANES):
                _pair_rows(transpose, 2 * p, column, words)
            for i in range(whole, n):
                words[i] = _pair(transpose[2 * p, i], transpose[2 * p + 1, i])
        else:
            for i in range(n):
                words[i] = _pair(transpose[2 * p, i], np.float32(0))
        for q in range(packed.shape[0]):
            for r in range(width):
                packed[q, p, r] = words[q * width + r]


@inlined
def _write(sums, out, row, column, add):
    """Set or add a block of sums, as far as `out` reaches."""
    whole = column + COLUMNS <= out.shape[1]
    for r in range(min(ROWS, out.shape[0] - row)):
        if whole:
            for start in range(0, COLUMNS, simd.LANES):
                total = simd.load(sums, r, start)
                if add:
                    total = simd.add(total, simd.load(out, row + r, column + start))
                simd.store(out, row + r, column + start, total)
        else:
            for c in range(out.shape[1] - column):
                before = out[row + r, column + c] if add else np.float32(0)
                out[row + r, column + c] = before + sums[r, c]


@compiled
def multiply(left, right, out, add, row_panels, column_panels):
    """Compute panels of a product, or add them to what is there.

    Parameters
    ----------
    left, right : uint32
        Packed: (n, k) in panels of `ROWS`, and the transpose of the (k, m) in panels of `COLUMNS`.
    out : (n, m) float32
        The strides of the second axis are 4.
    add : bool
        Add the product to `out`.
    row_panels, column_panels : Rows
        Panels of `left` and of `right` to multiply.
    """
    sums = np.empty((ROWS, COLUMNS), np.float32)
    pairs = left.shape[1]
    for first in range(0, pairs, _PAIRS):
        last = min(first + _PAIRS, pairs)
        for q in range(column_panels[0], column_panels[1]):
            for p in range(row_panels[0], row_panels[1]):
                _multiply_panels(left, p, right, q, first, last, sums)
                _write(sums, out, p * ROWS, q * COLUMNS, add or first > 0)


@compiled
def add_product(left, right, out, rows):
    """Add left · right to some rows of `out`: a step of a recurrent network.

    Parameters
    ----------
    left : (n, k or more) float32
        Padded with zeros.
    right : uint32
        Packed in panels of `COLUMNS`: the transpose of a matrix (k, m).
    out : (n, m or more) float32
    rows : Rows
    """
    part = left[rows[0] : rows[1], : 2 * right.shape[1]]
    packed = np.empty((-(-len(part) // ROWS), right.shape[1], ROWS), np.uint32)
    pack_rows(part, packed, (0, len(packed)))
    multiply(packed, right, out[rows[0] : rows[1]], True, (0, len(packed)), (0, len(right)))
