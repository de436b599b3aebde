"""Kernels for products of matrices of bfloat16 numbers, with sums in float32.

A bfloat16 is the upper half of a float32: its sign, its exponent and 7 bits of its fraction. Processors with
AVX512-BF16 multiply 32 pairs of them and add the products to 16 float32 sums in one instruction (`vdpbf16ps`). Zen 4
and its successors begin one in every cycle, which are twice as many products as with float32 numbers. Xeons begin one
in two cycles, by LLVM's model of Sapphire Rapids, and are not faster with it.

The instruction takes numbers that follow each other along the axis of the sum. Both matrices are therefore packed
first: ``packed[q, p, r]``, a uint32, holds elements 2p (lower half) and 2p + 1 of row q · width + r of a matrix (n, k),
whose rows and columns are padded with zeros. A product left (n, k) · right (k, m) reads panels of `ROWS` rows of `left`
and of `COLUMNS` rows of the transpose of `right`; `ROWS` × `COLUMNS` sums stay in registers. With
``NUMBA_DISABLE_JIT=1`` the same functions run as plain Python.
"""

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from embeddings import simd
from embeddings.compilation import compiled, inlined

_PROCESSOR = config.CPU_NAME or llvmlite.binding.get_host_cpu_name()

AVAILABLE = "+avx512bf16" in simd.FEATURES and _PROCESSOR.startswith("znver")
"""Whether Numba compiles for processors that have the instruction and are faster with it."""

ROWS, COLUMNS = 10, 32
"""Rows of a panel on the left, and of one (columns of the product) on the right."""

_LANES = 16
_PAIRS = 512  # along the sum in one block, whose two panels stay in the cache of a core
_VECTORS = COLUMNS // _LANES

if AVAILABLE:
    llvmlite.binding.initialize_native_asmparser()  # LLVM has had several types for the arguments of its intrinsic

_WORD = ir.IntType(32)
_FLOATS, _WORDS = ir.VectorType(ir.FloatType(), _LANES), ir.VectorType(_WORD, _LANES)
_INSTRUCTION = "vdpbf16ps $3, $2, $0"


class _Memory:
    """Vectors in the elements of an array, which may not be contiguous but along its last axis."""

    def __init__(self, context, builder, array_type, array) -> None:
        self._of = context, builder, array_type, context.make_array(array_type)(context, builder, array)

    def _address(self, indices, kind):
        context, builder, array_type, array = self._of
        element = cgutils.get_item_pointer(context, builder, array_type, array, indices, wraparound=False)
        return builder.bitcast(element, kind.as_pointer())

    def load(self, indices, kind):
        return self._of[1].load(self._address(indices, kind), align=4, typ=kind)

    def store(self, indices, value):
        self._of[1].store(value, self._address(indices, value.type), align=4)

    def load_some(self, indices, lanes):
        """Load 16 floats, zero where `lanes` is false."""
        arguments = self._address(indices, _FLOATS), _WORD(4), lanes, ir.Constant(_FLOATS, [0.0] * _LANES)
        return _call(self._of[1], "llvm.masked.load.v16f32.p0", _FLOATS, arguments)

    def store_some(self, indices, words, count):
        """Store the first `count` of 16 words; a masked store is slow on some processors, so that all are one."""
        builder = self._of[1]
        with builder.if_else(builder.icmp_signed(">=", count, _index(_LANES))) as (all_of_them, some):
            with all_of_them:
                self.store(indices, words)
            with some:
                arguments = words, self._address(indices, _WORDS), _WORD(4), _first_lanes(builder, count)
                _call(builder, "llvm.masked.store.v16i32.p0", ir.VoidType(), arguments)


def _call(builder, name, result, arguments):
    function_type = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, name), arguments)


def _first_lanes(builder, count):
    """Return a mask of the first `count` lanes: all, or none if it is negative."""
    single = builder.insert_element(ir.Constant(_WORDS, ir.Undefined), builder.trunc(count, _WORD), _WORD(0))
    counts = builder.shuffle_vector(single, single, _constant(0))
    return builder.icmp_signed("<", ir.Constant(_WORDS, list(range(_LANES))), counts)


def _constant(value):
    return ir.Constant(_WORDS, [value] * _LANES)


def _index(value):
    return ir.Constant(ir.IntType(types.intp.bitwidth), value)


def _upper_half(builder, floats):
    """Round to the nearest bfloat16, ties to even: it is the upper half of each lane."""
    words = builder.bitcast(floats, _WORDS)
    last = builder.and_(builder.lshr(words, _constant(16)), _constant(1))
    return builder.add(builder.add(words, _constant(0x7FFF)), last)


def _paired(builder, even, odd):
    low = builder.lshr(_upper_half(builder, even), _constant(16))
    return builder.or_(low, builder.and_(_upper_half(builder, odd), _constant(0xFFFF0000)))


def _transposed(builder, rows):
    """Transpose 16 vectors of 16 lanes: four times, vectors i and i + 8 are interleaved."""
    half = _LANES // 2
    halves = [
        ir.Constant(_WORDS, [lane + source for lane in range(start, start + half) for source in (0, _LANES)])
        for start in (0, half)
    ]
    for _ in range(4):
        pairs = zip(rows[:half], rows[half:], strict=True)
        rows = [builder.shuffle_vector(*pair, lanes) for pair in pairs for lanes in halves]
    return rows


@intrinsic
def _pack_pair(typingctx, matrix, row, column, size, packed, place):
    """Pack rows `row` and `row + 1` of a transpose, 16 columns: lanes of one pair of a panel.

    `size` has the rows and columns of the matrix from here on, and the lanes of the panel; `place` the panel, the pair
    and the first lane in `packed`.
    """

    def codegen(context, builder, signature, args):
        source = _Memory(context, builder, signature.args[0], args[0])
        target = _Memory(context, builder, signature.args[4], args[4])
        rows, columns, lanes = cgutils.unpack_tuple(builder, args[3])
        inside = _first_lanes(builder, columns)
        second = builder.icmp_signed(">", rows, _index(1))
        none = ir.Constant(inside.type, [False] * _LANES)
        even = source.load_some((args[1], args[2]), inside)
        odd = source.load_some((builder.add(args[1], _index(1)), args[2]), builder.select(second, inside, none))
        place = cgutils.unpack_tuple(builder, args[5])
        target.store_some(place, _paired(builder, even, odd), lanes)
        return context.get_dummy_value()

    return types.void(matrix, types.intp, types.intp, size, packed, place), codegen


@intrinsic
def _pack_block(typingctx, matrix, row, column, size, packed, place):
    """Pack 16 rows and 32 columns of a matrix: lanes of 16 pairs of a panel; arguments as those of `_pack_pair`."""

    def codegen(context, builder, signature, args):
        source = _Memory(context, builder, signature.args[0], args[0])
        target = _Memory(context, builder, signature.args[4], args[4])
        rows, columns, lanes = cgutils.unpack_tuple(builder, args[3])
        q, p, r = cgutils.unpack_tuple(builder, args[5])
        inside = [_first_lanes(builder, builder.sub(columns, _index(start))) for start in (0, _LANES)]
        chosen = [ir.Constant(_WORDS, list(range(start, 2 * _LANES, 2))) for start in (0, 1)]
        none = ir.Constant(inside[0].type, [False] * _LANES)
        pairs = []
        for i in range(_LANES):
            exists = builder.icmp_signed(">", rows, _index(i))
            parts = [
                source.load_some(
                    (builder.add(args[1], _index(i)), builder.add(args[2], _index(_LANES * part))),
                    builder.select(exists, inside[part], none),
                )
                for part in (0, 1)
            ]
            pairs.append(_paired(builder, *(builder.shuffle_vector(*parts, lane) for lane in chosen)))
        for i, words in enumerate(_transposed(builder, pairs)):
            exists = builder.icmp_signed(">", columns, _index(2 * i))
            count = builder.select(exists, lanes, _index(0))
            target.store_some((q, builder.add(p, _index(i)), r), words, count)
        return context.get_dummy_value()

    return types.void(matrix, types.intp, types.intp, size, packed, place), codegen


@intrinsic
def multiply_panels(typingctx, left, p, right, q, first, last, sums):
    """Set `sums` (ROWS, COLUMNS) to the product of the pairs `first` to `last` of two panels."""

    def codegen(context, builder, signature, args):
        rows = _Memory(context, builder, signature.args[0], args[0])
        columns = _Memory(context, builder, signature.args[2], args[2])
        target = _Memory(context, builder, signature.args[6], args[6])
        places = [(r, v) for r in range(ROWS) for v in range(_VECTORS)]
        totals = {place: cgutils.alloca_once(builder, _FLOATS) for place in places}  # LLVM keeps them in registers
        for total in totals.values():
            builder.store(ir.Constant(_FLOATS, [0.0] * _LANES), total)
        multiply_add = ir.InlineAsm(ir.FunctionType(_FLOATS, [_FLOATS, _WORDS, _WORDS]), _INSTRUCTION, "=v,0,v,v")
        with cgutils.for_range_slice(builder, args[4], args[5], _index(1)) as (pair, _):
            vectors = [columns.load((args[3], pair, _index(_LANES * v)), _WORDS) for v in range(_VECTORS)]
            for r in range(ROWS):
                word = rows.load((args[1], pair, _index(r)), _WORD)
                single = builder.insert_element(ir.Constant(_WORDS, ir.Undefined), word, _WORD(0))
                row = builder.shuffle_vector(single, single, _constant(0))
                for v, vector in enumerate(vectors):
                    total = totals[r, v]
                    builder.store(builder.call(multiply_add, [builder.load(total, typ=_FLOATS), vector, row]), total)
        for r, v in places:
            target.store((_index(r), _index(v * _LANES)), builder.load(totals[r, v], typ=_FLOATS))
        return context.get_dummy_value()

    return types.void(left, types.intp, right, types.intp, types.intp, types.intp, sums), codegen


if config.DISABLE_JIT:

    def _rounded(values):
        words = np.ascontiguousarray(values, np.float32).view(np.uint32)
        return words + np.uint32(0x7FFF) + (words >> np.uint32(16) & np.uint32(1))

    def _pack_pair(matrix, row, column, size, packed, place):
        q, p, r = place
        part = matrix[row : row + 2, column : column + min(_LANES, size[1])]
        _pack(np.ascontiguousarray(part.T), packed[q, p : p + 1, r : r + size[2]])

    def _pack_block(matrix, row, column, size, packed, place):
        q, p, r = place
        part = matrix[row : row + min(_LANES, size[0]), column : column + 2 * _LANES]
        _pack(part, packed[q, p : p + _LANES, r : r + size[2]])

    def _pack(matrix, target):
        filled = np.zeros((target.shape[1], 2 * target.shape[0]), np.float32)
        part = matrix[: len(filled)]
        filled[: len(part), : part.shape[1]] = part
        target[:] = (_rounded(filled[:, ::2]) >> np.uint32(16) | _rounded(filled[:, 1::2]) & np.uint32(0xFFFF0000)).T

    def multiply_panels(left, p, right, q, first, last, sums):  # noqa: D103
        sums[:] = 0
        with np.errstate(invalid="ignore"):  # infinity times the zeros of the padding
            for half in (lambda words: words << np.uint32(16), lambda words: words & np.uint32(0xFFFF0000)):
                a, b = (half(panel[first:last]).view(np.float32) for panel in (left[p], right[q]))
                sums += a.T @ b


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
    width = packed.shape[2]
    for q in range(panels[0], panels[1]):
        for r in range(0, width, _LANES):
            row = q * width + r
            rows, lanes = min(n - row, width - r), min(width - r, _LANES)
            for p in range(0, packed.shape[1], _LANES):
                _pack_block(matrix, row, 2 * p, (rows, k - 2 * p, lanes), packed, (q, p, r))


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
    width = packed.shape[2]
    for first in range(pairs[0], pairs[1], _LANES):  # a few rows, whose pages the processor knows, of every panel
        last = min(first + _LANES, pairs[1])
        for q in range(packed.shape[0]):
            for p in range(first, last):
                for r in range(0, width, _LANES):
                    column = q * width + r
                    columns = min(n - column, width - r)
                    lanes = min(width - r, _LANES) if p + 1 == last else _LANES  # the next pair overwrites the rest
                    _pack_pair(transpose, 2 * p, column, (k - 2 * p, columns, lanes), packed, (q, p, r))


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
                multiply_panels(left, p, right, q, first, last, sums)
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
