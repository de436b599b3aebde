"""Kernels for products of matrices of bfloat16 numbers, with sums in float32.

A bfloat16 is the upper half of a float32: its sign, its exponent and 7 bits of its fraction. Processors with
AVX512-BF16 multiply 32 pairs of them and add the products to 16 float32 sums in one instruction (`vdpbf16ps`). Zen 4
and its successors begin one in every cycle, which are twice as many products as with float32 numbers. Xeons begin one
in two cycles, by LLVM's model of Sapphire Rapids, and are not faster with it; they have a matrix unit (`tiles`).

Both take numbers that follow each other along the axis of the sum. Both matrices are therefore packed first:
``packed[q, p, r]``, a uint32, holds elements 2p (lower half) and 2p + 1 of row q · width + r of a matrix (n, k), whose
rows and columns are padded with zeros. A product left (n, k) · right (k, m) reads panels of `ROWS` rows of `left` and
of `COLUMNS` rows of the transpose of `right`; `ROWS` × `COLUMNS` sums stay in registers. For the matrix unit, 16 pairs
of a panel of `left` are two tiles: 16 rows of 16 pairs each, one after the other. With ``NUMBA_DISABLE_JIT=1`` the same
functions run as plain Python.
"""

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from embeddings import simd, tiles
from embeddings.compilation import compiled, inlined

_PROCESSOR = config.CPU_NAME or llvmlite.binding.get_host_cpu_name()

_FAST_VECTORS = "+avx512bf16" in simd.FEATURES and _PROCESSOR.startswith("znver")

AVAILABLE = tiles.permitted() if tiles.CHOSEN else _FAST_VECTORS
"""Whether Numba compiles for processors that are faster with products of bfloat16 numbers."""

ROWS, COLUMNS = (tiles.ROWS, tiles.COLUMNS) if tiles.CHOSEN else (10, 32)
"""Rows of a panel on the left, and of one (columns of the product) on the right."""

PAIRS = tiles.PAIRS if tiles.CHOSEN else 1
"""Pairs that are multiplied at once: a panel has a multiple of it."""

_LANES = 16
_MOST_PAIRS = 192 if tiles.CHOSEN else 512  # along the sum in one block, whose panels stay in the caches of a core
_PANELS = 8 if tiles.CHOSEN else 1  # on the right, in the caches of a core until all on the left have met them
_VECTORS = COLUMNS // _LANES

if _FAST_VECTORS:
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


class _Block:
    """Elements of a matrix from a row and a column on, and their place in a panel: the arguments of `_packing`."""

    def __init__(self, context, builder, signature, args) -> None:
        self._builder, self._row, self._column = builder, args[1], args[2]
        self._source = _Memory(context, builder, signature.args[0], args[0])
        self._target = _Memory(context, builder, signature.args[4], args[4])
        self._rows, self._columns, self._lanes = cgutils.unpack_tuple(builder, args[3])
        self._place = cgutils.unpack_tuple(builder, args[5])

    def _load(self, i, part):
        """Load 16 elements of the row `i` from here; zeros beyond the matrix."""
        inside = _first_lanes(self._builder, self._builder.sub(self._columns, _index(_LANES * part)))
        exists = self._builder.icmp_signed(">", self._rows, _index(i))
        lanes = self._builder.select(exists, inside, ir.Constant(inside.type, [False] * _LANES))
        place = self._builder.add(self._row, _index(i)), self._builder.add(self._column, _index(_LANES * part))
        return self._source.load_some(place, lanes)

    def pairs_of_rows(self, count):
        """Return `count` vectors: rows 2i and 2i + 1, of 16 columns each."""
        return [_paired(self._builder, self._load(2 * i, 0), self._load(2 * i + 1, 0)) for i in range(count)]

    def pairs_of_columns(self):
        """Return 16 vectors, one for each row: 16 pairs of columns each."""
        chosen = [ir.Constant(_WORDS, list(range(start, 2 * _LANES, 2))) for start in (0, 1)]
        loaded = [[self._load(i, part) for part in (0, 1)] for i in range(_LANES)]
        return [
            _paired(self._builder, *(self._builder.shuffle_vector(*parts, lanes) for lanes in chosen))
            for parts in loaded
        ]

    def store_pairs(self, vectors, exists):
        """Store vectors of one pair each, as far as `exists` says that there is one."""
        q, p, r = self._place
        for i, words in enumerate(vectors):
            count = self._builder.select(exists(i), self._lanes, _index(0))
            self._target.store_some((q, self._builder.add(p, _index(i)), r), words, count)

    def store_tile(self, vectors):
        """Store vectors of one row each: the tile of 16 rows that begin with row 0 or 16 of the panel."""
        q, p, r = self._place
        p = self._builder.add(p, self._builder.lshr(r, _index(1)))  # 16 rows of 16 pairs fill 8 rows of 32 lanes
        for i, words in enumerate(vectors):
            self._target.store((q, self._builder.add(p, _index(i // 2)), _index(i % 2 * _LANES)), words)

    def is_inside(self, column):
        """Return whether the matrix has this column, counted from here."""
        return self._builder.icmp_signed(">", self._columns, _index(column))


def _packing(pack):
    """Return the intrinsic that packs a block of a matrix with the code that `pack` builds.

    `size` has the rows and columns of the matrix from `row` and `column` on, and the lanes of the panel; `place` the
    panel, the pair and the first lane in `packed`.
    """

    @intrinsic
    def packing(typingctx, matrix, row, column, size, packed, place):
        def codegen(context, builder, signature, args):
            pack(_Block(context, builder, signature, args), builder)
            return context.get_dummy_value()

        return types.void(matrix, types.intp, types.intp, size, packed, place), codegen

    return packing


@_packing
def _pack_pair(block, builder):
    """Pack two rows of a transpose, 16 columns: lanes of one pair of a panel."""
    block.store_pairs(block.pairs_of_rows(1), lambda i: ir.Constant(ir.IntType(1), True))


@_packing
def _pack_block(block, builder):
    """Pack 16 rows and 32 columns of a matrix: lanes of 16 pairs of a panel."""
    block.store_pairs(_transposed(builder, block.pairs_of_columns()), lambda i: block.is_inside(2 * (i - i % PAIRS)))


@_packing
def _pack_tile_of_transpose(block, builder):
    """Pack 32 rows and 16 columns of a transpose: a tile."""
    block.store_tile(_transposed(builder, block.pairs_of_rows(_LANES)))


@_packing
def _pack_tile(block, builder):
    """Pack 16 rows and 32 columns of a matrix: a tile."""
    block.store_tile(block.pairs_of_columns())


@intrinsic
def _multiply_panels(typingctx, left, p, right, q, first, last, sums):
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

    def _multiply_panels(left, p, right, q, first, last, sums):
        sums[:] = 0
        with np.errstate(invalid="ignore"):  # infinity times the zeros of the padding
            for half in (lambda words: words << np.uint32(16), lambda words: words & np.uint32(0xFFFF0000)):
                a, b = (half(panel[first:last]).view(np.float32) for panel in (left[p], right[q]))
                sums += a.T @ b


@compiled
def pack_rows(matrix, packed, is_left, panels):
    """Pack rows whose elements follow each other in memory.

    Parameters
    ----------
    matrix : (n, k) float32
        The strides of the second axis are 4.
    packed : (ceil(n / width), p, width) uint32
        p is ceil(k / 2), rounded up to a multiple of `PAIRS`; the width is `ROWS` on the left, `COLUMNS` on the right.
    is_left : bool
        Whether the matrix is the left side of products, not the transpose of the right side.
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
                if tiles.CHOSEN and is_left:
                    _pack_tile(matrix, row, 2 * p, (rows, k - 2 * p, lanes), packed, (q, p, r))
                else:
                    _pack_block(matrix, row, 2 * p, (rows, k - 2 * p, lanes), packed, (q, p, r))


@compiled
def pack_columns(transpose, packed, is_left, pairs):
    """Pack a matrix whose transpose has rows with elements that follow each other in memory.

    Parameters
    ----------
    transpose : (k, n) float32
        The strides of the second axis are 4.
    packed : (ceil(n / width), p, width) uint32
        That of `pack_rows`.
    is_left : bool
        That of `pack_rows`.
    pairs : Rows
        Pairs of rows of `transpose` to pack; multiples of `PAIRS`.
    """
    k, n = transpose.shape
    width = packed.shape[2]
    for first in range(pairs[0], pairs[1], _LANES):  # a few rows, whose pages the processor knows, of every panel
        last = min(first + _LANES, pairs[1])
        for q in range(packed.shape[0]):
            if tiles.CHOSEN and is_left:
                for r in range(0, width, _LANES):
                    column = q * width + r
                    size = k - 2 * first, n - column, _LANES
                    _pack_tile_of_transpose(transpose, 2 * first, column, size, packed, (q, first, r))
                continue
            for p in range(first, last):
                for r in range(0, width, _LANES):
                    column = q * width + r
                    columns = min(n - column, width - r)
                    lanes = min(width - r, _LANES) if p + 1 == last else _LANES  # the next pair overwrites the rest
                    _pack_pair(transpose, 2 * p, column, (k - 2 * p, columns, lanes), packed, (q, p, r))


@inlined
def multiply_panels(left, p, right, q, first, last, rows, sums):
    """Set the first `rows` of `sums` (ROWS, COLUMNS) to the product of the pairs `first` to `last` of two panels."""
    if tiles.CHOSEN:
        tiles.multiply_panels(left, p, right, q, first, last, rows, sums)
    else:
        _multiply_panels(left, p, right, q, first, last, sums)


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
    tiles.configure()
    for first in range(0, pairs, _MOST_PAIRS):
        last = min(first + _MOST_PAIRS, pairs)
        for start in range(column_panels[0], column_panels[1], _PANELS):
            for p in range(row_panels[0], row_panels[1]):
                for q in range(start, min(start + _PANELS, column_panels[1])):
                    multiply_panels(left, p, right, q, first, last, out.shape[0] - p * ROWS, sums)
                    _write(sums, out, p * ROWS, q * COLUMNS, add or first > 0)
    tiles.release()


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
    pack_rows(part, packed, True, (0, len(packed)))
    multiply(packed, right, out[rows[0] : rows[1]], True, (0, len(packed)), (0, len(right)))
