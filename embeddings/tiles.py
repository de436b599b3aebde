"""Products of tiles: AMX, the matrix unit of Xeons since Sapphire Rapids.

The unit has eight registers of 1 kB, the tiles. One instruction (`tdpbf16ps`) multiplies 16 rows of 32 bfloat16 numbers
with 32 rows of 16 and adds the products to 16 × 16 float32 sums: 16 times as many in a cycle as with vectors of float32
numbers. Linux gives a process the unit when it asks for it. A thread configures its tiles before it uses them, and
releases them afterwards, so that their 8 kB are not saved whenever another thread takes over the processor.
"""

import ctypes
import sys
from functools import partial

import llvmlite.binding
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from embeddings import simd
from embeddings.compilation import inlined

_PROCESSOR = llvmlite.binding.get_host_cpu_name()

CHOSEN = (
    not config.DISABLE_JIT
    and sys.platform == "linux"
    and config.CPU_NAME in (None, "", _PROCESSOR)
    and {"+amx-bf16", "+amx-tile", "+avx512bf16"} <= set(simd.FEATURES)
)
"""Whether kernels for products of bfloat16 numbers are compiled with tiles."""

ROWS = COLUMNS = 32
"""Rows of a panel on the left, and of one on the right: two tiles of each, whose four products are added up at once."""

PAIRS = 16
"""Pairs of numbers along the sum in a row of a tile."""

_ARCH_PRCTL, _ARCH_REQ_XCOMP_PERM, _XFEATURE_XTILE_DATA = 158, 0x1023, 18
_BYTE, _LONG = ir.IntType(8), ir.IntType(64)
_CONFIGURATION = [1, 0, *[0] * 14, *[64, 0] * 8, *[0] * 16, *[16] * 8, *[0] * 8]  # palette, widths, heights


def permitted() -> bool:
    """Ask Linux for the registers of the matrix unit; they then belong to this process and those that it forks.

    Returns
    -------
    bool
        Whether kernels may use them. A process that does so without permission is killed.
    """
    request = ctypes.c_long(_ARCH_REQ_XCOMP_PERM), ctypes.c_long(_XFEATURE_XTILE_DATA)
    return ctypes.CDLL(None).syscall(ctypes.c_long(_ARCH_PRCTL), *request) == 0


def _call(builder, name, *arguments):
    """Call an LLVM intrinsic of the matrix unit; numbers of tiles are constants of 8 bits."""
    values = [_BYTE(value) if isinstance(value, int) else value for value in arguments]
    function_type = ir.FunctionType(ir.VoidType(), [value.type for value in values])
    builder.call(cgutils.get_or_insert_function(builder.module, function_type, f"llvm.x86.{name}"), values)


@intrinsic
def configure(typingctx):
    """Give all tiles of this thread 16 rows of 64 bytes."""

    def codegen(context, builder, signature, args):
        if CHOSEN:
            content = ir.Constant(ir.ArrayType(_BYTE, len(_CONFIGURATION)), _CONFIGURATION)
            place = cgutils.global_constant(builder, "tile_configuration", content)
            _call(builder, "ldtilecfg", builder.bitcast(place, _BYTE.as_pointer()))
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def release(typingctx):
    """Give the tiles of this thread back."""

    def codegen(context, builder, signature, args):
        if CHOSEN:
            _call(builder, "tilerelease")
        return context.get_dummy_value()

    return types.void(), codegen


class _Product:
    """The code that multiplies two panels: the arguments of `multiply_panels` without `rows`."""

    def __init__(self, context, builder, signature, args) -> None:
        self._builder, self._p, self._q, self._pairs = builder, args[1], args[3], args[4:6]
        self._left, self._right, self._sums = (
            partial(self._address, context, signature.args[i], args[i]) for i in (0, 2, 6)
        )

    def _address(self, context, array_type, array, *indices):
        values = context.make_array(array_type)(context, self._builder, array)
        element = cgutils.get_item_pointer(context, self._builder, array_type, values, indices, wraparound=False)
        return self._builder.bitcast(element, _BYTE.as_pointer())

    def write(self, halves):
        """Multiply 16 × `halves` rows of the panel on the left: tiles 4 and 5 with 6 and 7, sums in 0 to 3."""
        places = [(i, j) for i in range(halves) for j in range(2)]
        for i, j in places:
            _call(self._builder, "tilezero", 2 * i + j)
        with cgutils.for_range_slice(self._builder, *self._pairs, _LONG(PAIRS)) as (pair, _):
            for j in range(2):
                _call(
                    self._builder, "tileloadd64", 6 + j, self._right(self._q, pair, _LONG(16 * j)), _LONG(4 * COLUMNS)
                )
            for i in range(halves):
                half = self._left(self._p, self._builder.add(pair, _LONG(8 * i)), _LONG(0))
                _call(self._builder, "tileloadd64", 4 + i, half, _LONG(4 * PAIRS))
            for i, j in places:
                _call(self._builder, "tdpbf16ps", 2 * i + j, 4 + i, 6 + j)
        for i, j in places:
            block = self._sums(_LONG(16 * i), _LONG(16 * j))
            _call(self._builder, "tilestored64", 2 * i + j, block, _LONG(4 * COLUMNS))


def _multiplication(halves):
    """Return the intrinsic that multiplies 16 × `halves` rows of a panel."""

    @intrinsic
    def multiplication(typingctx, left, p, right, q, first, last, sums):
        def codegen(context, builder, signature, args):
            if CHOSEN:
                _Product(context, builder, signature, args).write(halves)
            return context.get_dummy_value()

        return types.void(left, types.intp, right, types.intp, types.intp, types.intp, sums), codegen

    return multiplication


_multiply_half, _multiply_all = _multiplication(1), _multiplication(2)


@inlined
def multiply_panels(left, p, right, q, first, last, rows, sums):
    """Set `sums` (ROWS, COLUMNS) to the product of the pairs `first` to `last` of two panels.

    Of a panel with 16 `rows` or fewer on the left, 16 rows are set. `first` and `last` are multiples of `PAIRS`. The
    tiles are configured.
    """
    if rows > 16:
        _multiply_all(left, p, right, q, first, last, sums)
    else:
        _multiply_half(left, p, right, q, first, last, sums)


if config.DISABLE_JIT:

    def configure() -> None:  # noqa: D103
        pass

    release = configure
