"""Adding frames of a bank to a sound: as they are, or between them by a windowed sinc of TAPS points (J. O. Smith,
Digital Audio Resampling).

LLVM makes no vectors, or slow ones, of the plain loops as numba writes them, so their code is written out here.
"""

from typing import Any

import llvmlite.ir as ir
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

TAPS = 16
EARLIER = TAPS // 2 - 1
"""Taps before the frame in which a phase lies."""
STEP_BITS = 10
STEPS = 1 << STEP_BITS
"""Rows between two frames; between two rows lies a straight line."""
BETA, CUTOFF = 10.0, 0.97
"""Of the Kaiser window, and of the low-pass in half the sample rate."""

WIDTH = 32
"""Floats that are added at once where frames are read as they are."""

_FLAGS = ("contract", "reassoc", "nsz", "arcp")


def sinc_table() -> NDArray[np.float32]:
    """(STEPS + 1, TAPS): row k is for a fraction of k / STEPS; each has the sum 1."""
    t = np.arange(TAPS) - EARLIER - (np.arange(STEPS + 1) / STEPS)[:, None]
    window = np.i0(BETA * np.sqrt(np.clip(1 - (t / (TAPS / 2)) ** 2, 0, None)))
    rows = np.sinc(CUTOFF * t) * window
    return np.ascontiguousarray((rows / rows.sum(1, keepdims=True)).astype(np.float32))


def _load(b: Any, base: Any, offset: Any, lanes: int) -> Any:
    found = b.load(b.bitcast(b.gep(base, [offset]), ir.VectorType(ir.FloatType(), lanes).as_pointer()))
    found.align = 4  # addresses are of whole frames, no more
    return found


def _pick(b: Any, first: Any, second: Any, lanes: Any) -> Any:
    return b.shuffle_vector(first, second, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes)))


def _vector(b: Any, *values: Any) -> Any:
    found = ir.Constant(ir.VectorType(ir.FloatType(), len(values)), ir.Undefined)
    for lane, value in enumerate(values):
        found = b.insert_element(found, value, ir.Constant(ir.IntType(32), lane))
    return found


def _add_between(
    _typing: Any, out: Any, at: Any, bank: Any, first: Any, table: Any, row: Any, fraction: Any, left: Any, right: Any
) -> Any:
    """out[at], out[at + 1] += (left, right) * the TAPS frames from bank[first] on, weighted by the table between
    `row` and the next.

    The three arrays are C-contiguous float32; at, first: indices of floats; row: of a row of the table; none is
    checked.
    """
    index, value = types.int64, types.float32
    signature = types.void(out, index, bank, index, table, index, value, value, value)

    def generate(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        arrays = [context.make_array(signature.args[i])(context, b, arguments[i]).data for i in (0, 2, 4)]
        out, bank, table = arrays
        _, at, _, first, _, row, fraction, left, right = arguments
        index = ir.IntType(64)
        offset = b.mul(row, ir.Constant(index, TAPS))
        low = _load(b, table, offset, TAPS)
        high = _load(b, table, b.add(offset, ir.Constant(index, TAPS)), TAPS)
        share = _pick(b, _vector(b, fraction), _vector(b, fraction), [0] * TAPS)
        taps = b.fadd(low, b.fmul(share, b.fsub(high, low, flags=_FLAGS), flags=_FLAGS), flags=_FLAGS)
        both = _pick(b, taps, taps, [lane // 2 for lane in range(2 * TAPS)])  # one for each channel
        total = b.fmul(_load(b, bank, first, 2 * TAPS), both, flags=_FLAGS)
        while (half := total.type.count // 2) >= 2:
            lower, upper = _pick(b, total, total, range(half)), _pick(b, total, total, range(half, 2 * half))
            total = b.fadd(lower, upper, flags=_FLAGS)
        place = b.bitcast(b.gep(out, [at]), ir.VectorType(ir.FloatType(), 2).as_pointer())
        before = b.load(place)
        before.align = 4
        after = b.store(b.fadd(before, b.fmul(total, _vector(b, left, right), flags=_FLAGS), flags=_FLAGS), place)
        after.align = 4
        return context.get_dummy_value()

    return signature, generate


def _add_straight(_typing: Any, out: Any, at: Any, bank: Any, first: Any, left: Any, right: Any) -> Any:
    """out[at : at + WIDTH] += bank[first : first + WIDTH] * (left, right, left, right, ...); nothing is checked."""
    signature = types.void(out, types.int64, bank, types.int64, types.float32, types.float32)

    def generate(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        out, bank = (context.make_array(signature.args[i])(context, b, arguments[i]).data for i in (0, 2))
        _, at, _, first, left, right = arguments
        pan = _vector(b, left, right)
        pan = _pick(b, pan, pan, [0, 1] * (WIDTH // 2))
        place = b.bitcast(b.gep(out, [at]), ir.VectorType(ir.FloatType(), WIDTH).as_pointer())
        before = b.load(place)
        before.align = 4
        after = b.store(b.fadd(before, b.fmul(_load(b, bank, first, WIDTH), pan, flags=_FLAGS), flags=_FLAGS), place)
        after.align = 4
        return context.get_dummy_value()

    return signature, generate


def _fetch(_typing: Any, bank: Any, first: Any) -> Any:
    """Have the memory behind bank[first], which need not exist, come nearer while other work is done."""
    signature = types.void(bank, types.int64)

    def generate(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, b, arguments[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = cgutils.get_or_insert_function(b.module, kind, "llvm.prefetch.p0")
        where = b.bitcast(b.gep(data, [arguments[1]]), byte)
        b.call(prefetch, [where, ir.Constant(number, 0), ir.Constant(number, 3), ir.Constant(number, 1)])
        return context.get_dummy_value()

    return signature, generate


fetch: Any = intrinsic(_fetch)
add_between: Any = intrinsic(_add_between)
add_straight: Any = intrinsic(_add_straight)
