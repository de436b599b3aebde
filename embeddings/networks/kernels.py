# mypy: allow-untyped-defs
"""Inner loops of the recurrent layers and of the softmax: one call graph of compiled functions.

Each cell has a step over one row (one sequence at one time step), the backward step beside it, and two time loops that
unroll them for a range of rows. The only product inside the time loops is W_hh h<t-1>, which a minGRU does not have;
the caller computes the others for all time steps at once. Rows of a batch do not depend on each other, so that every
thread unrolls its own rows without waiting for the others.

A row is processed in several short loops with few arrays each: LLVM vectorises a loop only while it can prove with a
handful of comparisons that the arrays do not overlap. The same code runs in float32 and, for gradient checks, float64.
"""

import math

import numpy as np
from numba import types
from numba.extending import overload

from embeddings import bfloat16
from embeddings.compilation import IN_ORDER, compiled, subroutine

SIGMOID, TANH, RELU = 0, 1, 2


def _exp(x):
    """e^x, to 1e-7 in float32, with the argument clipped so that nothing overflows."""
    return np.exp(min(x, type(x)(88.0)))


def _expm1(x):
    """e^x - 1, precise near zero."""
    return np.expm1(min(x, type(x)(88.0)))


@overload(_exp, jit_options={"fastmath": IN_ORDER})
def _compiled_exp(x):
    if x != types.float32:
        return lambda x: math.exp(min(x, 700.0))

    def exp32(x):
        p, scale = _exp_parts(x)
        return scale * p + scale

    return exp32


@overload(_expm1, jit_options={"fastmath": IN_ORDER})
def _compiled_expm1(x):
    if x != types.float32:
        return lambda x: math.expm1(min(x, 700.0))

    def expm1_32(x):
        p, scale = _exp_parts(x)
        return scale * p + (scale - np.float32(1))

    return expm1_32


@subroutine
def _exp_parts(x):
    """Return (e^r - 1, 2^k) with x = k ln 2 + r, |r| <= ln 2 / 2: a polynomial vectorises, a call to libm does not."""
    x = np.float32(-87.3) if x < np.float32(-87.3) else x  # written so that NaN stays NaN
    x = np.float32(88.3) if x > np.float32(88.3) else x
    k = np.floor(x * np.float32(1.4426950408889634) + np.float32(0.5))
    r = x - k * np.float32(0.693359375) + k * np.float32(2.12194440054690583e-4)  # ln 2 in two parts
    p = np.float32(1 / 5040)
    p = p * r + np.float32(1 / 720)
    p = p * r + np.float32(1 / 120)
    p = p * r + np.float32(1 / 24)
    p = p * r + np.float32(1 / 6)
    p = p * r + np.float32(1 / 2)
    p = p * r * r + r
    return p, np.int32((np.int32(k) + np.int32(127)) << np.int32(23)).view(np.float32)


@compiled
def _sigmoid(x, one):
    return one / (one + _exp(-x))


@compiled
def _tanh(x, one):
    e = _expm1(x + x)
    return e / (e + one + one)


@compiled
def activate(z, bias, activation):
    """Set z = g(z + bias) over one row, in place."""
    one, zero = z.dtype.type(1), z.dtype.type(0)
    if activation == SIGMOID:
        for k in range(z.size):
            z[k] = _sigmoid(z[k] + bias[k], one)
    elif activation == TANH:
        for k in range(z.size):
            z[k] = _tanh(z[k] + bias[k], one)
    else:
        for k in range(z.size):
            x = z[k] + bias[k]
            z[k] = zero if x < zero else x


@compiled
def add_product(left, weight, out, start, stop):
    """Add weight @ left[b] to out[b] for the rows `start` to `stop`; `left` and `out` may be padded with zeros.

    Five rows by three weights per pass: fifteen accumulators stay in registers and every load is used several times.
    The weights are read once per five rows, in the order of memory. At the edges rows are repeated: they are computed
    and stored twice, with the same value.
    """
    last, n = stop - 1, weight.shape[0]
    for j in range(0, n, 3):
        j1, j2 = min(j + 1, n - 1), min(j + 2, n - 1)
        w0, w1, w2 = weight[j], weight[j1], weight[j2]
        for b in range(start, stop, 5):
            b1, b2, b3, b4 = min(b + 1, last), min(b + 2, last), min(b + 3, last), min(b + 4, last)
            x0, x1, x2, x3, x4 = left[b], left[b1], left[b2], left[b3], left[b4]
            s00, s01, s02 = out[b, j], out[b, j1], out[b, j2]
            s10, s11, s12 = out[b1, j], out[b1, j1], out[b1, j2]
            s20, s21, s22 = out[b2, j], out[b2, j1], out[b2, j2]
            s30, s31, s32 = out[b3, j], out[b3, j1], out[b3, j2]
            s40, s41, s42 = out[b4, j], out[b4, j1], out[b4, j2]
            for k in range(weight.shape[1]):
                u, v, w = w0[k], w1[k], w2[k]
                s00, s01, s02 = s00 + x0[k] * u, s01 + x0[k] * v, s02 + x0[k] * w
                s10, s11, s12 = s10 + x1[k] * u, s11 + x1[k] * v, s12 + x1[k] * w
                s20, s21, s22 = s20 + x2[k] * u, s21 + x2[k] * v, s22 + x2[k] * w
                s30, s31, s32 = s30 + x3[k] * u, s31 + x3[k] * v, s32 + x3[k] * w
                s40, s41, s42 = s40 + x4[k] * u, s41 + x4[k] * v, s42 + x4[k] * w
            out[b, j], out[b, j1], out[b, j2] = s00, s01, s02
            out[b1, j], out[b1, j1], out[b1, j2] = s10, s11, s12
            out[b2, j], out[b2, j1], out[b2, j2] = s20, s21, s22
            out[b3, j], out[b3, j1], out[b3, j2] = s30, s31, s32
            out[b4, j], out[b4, j1], out[b4, j2] = s40, s41, s42


@compiled
def transpose(source, target, rows):
    """Copy `source` (n, m), transposed, to the first n columns of `target` (m or more, n or more)."""
    for first in range(rows[0], rows[1], 16):
        last = min(first + 16, rows[1])
        for j in range(source.shape[1]):
            for i in range(first, last):
                target[j, i] = source[i, j]


@compiled
def _add_to_five(left, weight_t, out, n, ks):
    """Add left (5, K) · weight_t (K, n) to out (5, n) for k in `ks`, eight at a time: eight products per store."""
    x0, x1, x2, x3, x4 = left[0], left[1], left[2], left[3], left[4]
    z0, z1, z2, z3, z4 = out[0], out[1], out[2], out[3], out[4]
    for k in range(ks[0], ks[1], 8):
        w0, w1, w2, w3 = weight_t[k], weight_t[k + 1], weight_t[k + 2], weight_t[k + 3]
        w4, w5, w6, w7 = weight_t[k + 4], weight_t[k + 5], weight_t[k + 6], weight_t[k + 7]
        c00, c01, c02, c03 = x0[k], x0[k + 1], x0[k + 2], x0[k + 3]
        c04, c05, c06, c07 = x0[k + 4], x0[k + 5], x0[k + 6], x0[k + 7]
        c10, c11, c12, c13 = x1[k], x1[k + 1], x1[k + 2], x1[k + 3]
        c14, c15, c16, c17 = x1[k + 4], x1[k + 5], x1[k + 6], x1[k + 7]
        c20, c21, c22, c23 = x2[k], x2[k + 1], x2[k + 2], x2[k + 3]
        c24, c25, c26, c27 = x2[k + 4], x2[k + 5], x2[k + 6], x2[k + 7]
        c30, c31, c32, c33 = x3[k], x3[k + 1], x3[k + 2], x3[k + 3]
        c34, c35, c36, c37 = x3[k + 4], x3[k + 5], x3[k + 6], x3[k + 7]
        c40, c41, c42, c43 = x4[k], x4[k + 1], x4[k + 2], x4[k + 3]
        c44, c45, c46, c47 = x4[k + 4], x4[k + 5], x4[k + 6], x4[k + 7]
        for j in range(n):
            u0, u1, u2, u3, u4, u5, u6, u7 = w0[j], w1[j], w2[j], w3[j], w4[j], w5[j], w6[j], w7[j]
            s0 = z0[j] + c00 * u0 + c01 * u1 + c02 * u2 + c03 * u3
            s0 += c04 * u4 + c05 * u5 + c06 * u6 + c07 * u7
            s1 = z1[j] + c10 * u0 + c11 * u1 + c12 * u2 + c13 * u3
            s1 += c14 * u4 + c15 * u5 + c16 * u6 + c17 * u7
            s2 = z2[j] + c20 * u0 + c21 * u1 + c22 * u2 + c23 * u3
            s2 += c24 * u4 + c25 * u5 + c26 * u6 + c27 * u7
            s3 = z3[j] + c30 * u0 + c31 * u1 + c32 * u2 + c33 * u3
            s3 += c34 * u4 + c35 * u5 + c36 * u6 + c37 * u7
            s4 = z4[j] + c40 * u0 + c41 * u1 + c42 * u2 + c43 * u3
            s4 += c44 * u4 + c45 * u5 + c46 * u6 + c47 * u7
            z0[j], z1[j], z2[j], z3[j], z4[j] = s0, s1, s2, s3, s4


@compiled
def _add_to_one(x, weight_t, z, n, ks):
    """Add x (K) · weight_t (K, n) to z (n) for k in `ks`, four at a time."""
    for k in range(ks[0], ks[1], 4):
        w0, w1, w2, w3 = weight_t[k], weight_t[k + 1], weight_t[k + 2], weight_t[k + 3]
        c0, c1, c2, c3 = x[k], x[k + 1], x[k + 2], x[k + 3]
        for j in range(n):
            z[j] += c0 * w0[j] + c1 * w1[j] + c2 * w2[j] + c3 * w3[j]


@compiled
def _add_scalar_products(x, weight, z):
    """Add weight (n, K) @ x to z, four rows of weights at a time; `x` may be padded with zeros."""
    n, last = weight.shape[0], weight.shape[0] - 1
    for j in range(0, n, 4):
        j1, j2, j3 = min(j + 1, last), min(j + 2, last), min(j + 3, last)
        w0, w1, w2, w3 = weight[j], weight[j1], weight[j2], weight[j3]
        s0, s1, s2, s3 = z[j], z[j1], z[j2], z[j3]
        for k in range(weight.shape[1]):
            s0, s1, s2, s3 = s0 + x[k] * w0[k], s1 + x[k] * w1[k], s2 + x[k] * w2[k], s3 + x[k] * w3[k]
        z[j], z[j1], z[j2], z[j3] = s0, s1, s2, s3


@compiled
def _add_recurrent_float(h, weights, out, rows):
    """Add W_hh h[b] to out[b].

    `weights` are W_hh and its transposed copy, which is empty where it does not pay. Adding up rows of the copy takes
    fewer instructions than a scalar product for each output. All rows of the batch use some rows of the copy before the
    next ones are fetched.
    """
    weight_t, n = weights[1], weights[0].shape[0]
    if weight_t.shape[0] == 0:
        if rows[1] - rows[0] == 1:
            _add_scalar_products(h[rows[0]], weights[0], out[rows[0]])
        else:
            add_product(h, weights[0], out, rows[0], rows[1])
        return
    whole = rows[0] + (rows[1] - rows[0]) // 5 * 5
    for k in range(0, weight_t.shape[0], 32):
        ks = k, min(k + 32, weight_t.shape[0])
        for b in range(rows[0], whole, 5):
            _add_to_five(h[b : b + 5], weight_t, out[b : b + 5], n, ks)
        for b in range(whole, rows[1]):
            _add_to_one(h[b], weight_t, out[b], n, ks)


def _add_recurrent(left, weights, out, rows):
    """Add weights · left[b] to out[b]: W_hh and its copy, its transpose, or one of them packed (`bfloat16`)."""
    if isinstance(weights, tuple):
        _add_recurrent_float(left, weights, out, rows)
    elif weights.ndim == 3:
        bfloat16.add_product(left, weights, out, rows)
    else:
        add_product(left, weights, out, rows[0], rows[1])


@overload(_add_recurrent)
def _compiled_add_recurrent(left, weights, out, rows):
    if isinstance(weights, types.BaseTuple):
        return lambda left, weights, out, rows: _add_recurrent_float(left, weights, out, rows)
    if weights.ndim == 3:
        return lambda left, weights, out, rows: bfloat16.add_product(left, weights, out, rows)
    return lambda left, weights, out, rows: add_product(left, weights, out, rows[0], rows[1])


# ---- RNN: a<t> = g1(W_aa a<t-1> + W_ax x<t> + b_a) ----------------------------------------------------------------


@compiled
def _rnn_step(z, bias, activation, a):
    activate(z[: a.size], bias, activation)
    a[:] = z[: a.size]


@compiled
def _rnn_step_backward(z, a, d_output, d_a, activation):
    """Turn z into ∂L/∂z = ∂L/∂a ∘ g1'(z), with g1' a function of the value a."""
    one, zero = a.dtype.type(1), a.dtype.type(0)
    for k in range(a.size):
        d_a[k] += d_output[k]
    if activation == SIGMOID:
        for k in range(a.size):
            z[k] = d_a[k] * a[k] * (one - a[k])
    elif activation == TANH:
        for k in range(a.size):
            z[k] = d_a[k] * (one - a[k] * a[k])
    else:
        for k in range(a.size):
            z[k] = d_a[k] if a[k] > zero else zero
    d_a[:] = zero


@compiled
def rnn_forward(z, weights, bias, a, lengths, activation, rows):
    """Unroll: z (T, B, ·) holds W_ax x<t> and gets W_aa a<t-1>; a (T+1, B, ·) starts with a<0>."""
    hidden = bias.size
    for t in range(z.shape[0]):
        _add_recurrent(a[t], weights, z[t], rows)
        for b in range(rows[0], rows[1]):
            if t < lengths[b]:
                _rnn_step(z[t, b], bias, activation, a[t + 1, b, :hidden])
            else:
                a[t + 1, b] = 0


@compiled
def rnn_backward(z, weight_t, a, d_output, d_a, lengths, activation, rows):
    """Unroll backwards: z becomes ∂L/∂z, `d_a` (B, H) changes from ∂L/∂a<T> to ∂L/∂a<0>."""
    hidden = d_a.shape[1]
    for t in range(z.shape[0] - 1, -1, -1):
        for b in range(rows[0], rows[1]):
            if t < lengths[b]:
                _rnn_step_backward(z[t, b], a[t + 1, b, :hidden], d_output[t, b], d_a[b], activation)
            else:
                z[t, b] = 0
        _add_recurrent(z[t], weight_t, d_a, rows)


# ---- GRU (gates r, z, n) -------------------------------------------------------------------------------------------


@compiled
def _gru_step(gates, recurrent, bias, bias_hn, h_before, h):
    """Turn gates from W_ih x into r, z, n; add b_hn to W_hn h<t-1>, the third block of recurrent."""
    n, one = h.size, h.dtype.type(1)
    for k in range(2 * n):
        gates[k] += recurrent[k]
    activate(gates[: 2 * n], bias[: 2 * n], SIGMOID)
    r, z, candidate, u = gates[:n], gates[n : 2 * n], gates[2 * n : 3 * n], recurrent[2 * n : 3 * n]
    for k in range(n):
        u[k] += bias_hn[k]
        candidate[k] += r[k] * u[k]
    activate(candidate, bias[2 * n :], TANH)
    for k in range(n):
        h[k] = (one - z[k]) * candidate[k] + z[k] * h_before[k]


@compiled
def _gru_step_backward(gates, recurrent, h_before, d_output, d_h):
    """Turn gates into ∂L/∂(W_ih x), recurrent into ∂L/∂(W_hh h<t-1>); d_h keeps the part that bypasses the gates."""
    n, one = d_h.size, d_h.dtype.type(1)
    r, z, candidate, u = gates[:n], gates[n : 2 * n], gates[2 * n : 3 * n], recurrent[2 * n : 3 * n]
    for k in range(n):
        d_h[k] += d_output[k]
    for k in range(n):
        d, update, value = d_h[k], z[k], candidate[k]
        candidate[k] = d * (one - update) * (one - value * value)
        z[k] = d * (h_before[k] - value) * update * (one - update)
        d_h[k] = d * update
    for k in range(n):
        reset, d = r[k], candidate[k]
        r[k] = d * u[k] * reset * (one - reset)
        u[k] = d * reset
    recurrent[: 2 * n] = gates[: 2 * n]


@compiled
def gru_forward(gates, recurrent, weights, bias, bias_hn, h, lengths, rows):
    """Unroll: gates (T, B, ·) hold W_ih x<t>, recurrent (T, B, ·) zeros, h (T+1, B, ·) starts with h<0>."""
    hidden = bias_hn.size
    for t in range(gates.shape[0]):
        _add_recurrent(h[t], weights, recurrent[t], rows)
        for b in range(rows[0], rows[1]):
            if t < lengths[b]:
                _gru_step(gates[t, b], recurrent[t, b], bias, bias_hn, h[t, b], h[t + 1, b, :hidden])
            else:
                h[t + 1, b] = 0


@compiled
def gru_backward(gates, recurrent, weight_t, h, d_output, d_h, lengths, rows):
    """Unroll backwards; see `_gru_step_backward` for the new values of the arrays."""
    for t in range(gates.shape[0] - 1, -1, -1):
        for b in range(rows[0], rows[1]):
            if t < lengths[b]:
                _gru_step_backward(gates[t, b], recurrent[t, b], h[t, b], d_output[t, b], d_h[b])
            else:
                gates[t, b] = 0
                recurrent[t, b] = 0
        _add_recurrent(recurrent[t], weight_t, d_h, rows)


# ---- LSTM (gates i, f, g, o) ---------------------------------------------------------------------------------------


@compiled
def _lstm_step(gates, bias, c_before, c, h):
    """Turn gates from W_ih x + W_hh h<t-1> into i, f, g, o."""
    n, one = h.size, h.dtype.type(1)
    activate(gates[: 2 * n], bias[: 2 * n], SIGMOID)
    activate(gates[2 * n : 3 * n], bias[2 * n : 3 * n], TANH)
    activate(gates[3 * n : 4 * n], bias[3 * n :], SIGMOID)
    i, f, g, o = gates[:n], gates[n : 2 * n], gates[2 * n : 3 * n], gates[3 * n : 4 * n]
    for k in range(n):
        c[k] = f[k] * c_before[k] + i[k] * g[k]
    for k in range(n):
        h[k] = o[k] * _tanh(c[k], one)


@compiled
def _lstm_step_backward(gates, c_before, c, d_output, d_h, d_c):
    """Turn gates into ∂L/∂(W_ih x + W_hh h<t-1>); d_c changes from ∂L/∂c<t> to ∂L/∂c<t-1>."""
    n, one = d_h.size, d_h.dtype.type(1)
    i, f, g, o = gates[:n], gates[n : 2 * n], gates[2 * n : 3 * n], gates[3 * n : 4 * n]
    for k in range(n):
        d, out, squashed = d_h[k] + d_output[k], o[k], _tanh(c[k], one)
        o[k] = d * squashed * out * (one - out)
        d_c[k] += d * out * (one - squashed * squashed)
    for k in range(n):
        d, into, value = d_c[k], i[k], g[k]
        i[k] = d * value * into * (one - into)
        g[k] = d * into * (one - value * value)
    for k in range(n):
        d, forget = d_c[k], f[k]
        f[k] = d * c_before[k] * forget * (one - forget)
        d_c[k] = d * forget
    d_h[:] = 0


@compiled
def lstm_forward(gates, weights, bias, h, c, lengths, rows):
    """Unroll: gates (T, B, ·) hold W_ih x<t>; h and c (T+1, B, ·) start with h<0> and c<0>."""
    hidden = bias.size // 4
    for t in range(gates.shape[0]):
        _add_recurrent(h[t], weights, gates[t], rows)
        for b in range(rows[0], rows[1]):
            if t < lengths[b]:
                _lstm_step(gates[t, b], bias, c[t, b], c[t + 1, b], h[t + 1, b, :hidden])
            else:
                h[t + 1, b] = 0
                c[t + 1, b] = 0


@compiled
def lstm_backward(gates, weight_t, c, d_output, d_h, d_c, lengths, rows):
    """Unroll backwards: gates become the gradient of their arguments, d_h and d_c those of h<0> and c<0>."""
    for t in range(gates.shape[0] - 1, -1, -1):
        for b in range(rows[0], rows[1]):
            if t < lengths[b]:
                _lstm_step_backward(gates[t, b], c[t, b], c[t + 1, b], d_output[t, b], d_h[b], d_c[b])
            else:
                gates[t, b] = 0
        _add_recurrent(gates[t], weight_t, d_h, rows)


# ---- minGRU (gates z, n), without a product of h<t-1> ----------------------------------------------------------------


@compiled
def _mingru_step(gates, bias, h_before, h):
    """Turn gates from W_ih x into z and n."""
    size = h.size
    activate(gates[:size], bias[:size], SIGMOID)
    z, candidate, bias_n = gates[:size], gates[size : 2 * size], bias[size:]
    for k in range(size):
        candidate[k] += bias_n[k]
    for k in range(size):
        h[k] = h_before[k] + z[k] * (candidate[k] - h_before[k])


@compiled
def _mingru_step_backward(gates, h_before, d_output, d_h):
    """Turn gates into ∂L/∂(W_ih x); d_h changes from ∂L/∂h<t> to ∂L/∂h<t-1>."""
    size, one = d_h.size, d_h.dtype.type(1)
    z, candidate = gates[:size], gates[size : 2 * size]
    for k in range(size):
        d, update, value = d_h[k] + d_output[k], z[k], candidate[k]
        candidate[k] = d * update
        z[k] = d * (value - h_before[k]) * update * (one - update)
        d_h[k] = d * (one - update)


@compiled
def mingru_forward(gates, bias, h, lengths, rows):
    """Unroll: gates (T, B, ·) hold W_ih x<t>; h (T+1, B, ·) starts with h<0>."""
    hidden = bias.size // 2
    for t in range(gates.shape[0]):
        for b in range(rows[0], rows[1]):
            if t < lengths[b]:
                _mingru_step(gates[t, b], bias, h[t, b], h[t + 1, b, :hidden])
            else:
                h[t + 1, b] = 0


@compiled
def mingru_backward(gates, h, d_output, d_h, lengths, rows):
    """Unroll backwards: gates become the gradient of their arguments, d_h that of h<0>."""
    for t in range(gates.shape[0] - 1, -1, -1):
        for b in range(rows[0], rows[1]):
            if t < lengths[b]:
                _mingru_step_backward(gates[t, b], h[t, b], d_output[t, b], d_h[b])
            else:
                gates[t, b] = 0


# ---- softmax cross-entropy -----------------------------------------------------------------------------------------


@compiled
def _add_bias(row, bias, lanes):
    """Add bias to row; return the largest element (NaN is ignored here and shows in the sum).

    Each lane keeps its own maximum, because LLVM does not vectorise the plain reduction; there are as many lanes as
    make the loop over them a vector instruction.
    """
    width = lanes.size
    lanes[:] = row[0] + bias[0]
    for start in range(0, row.size - width + 1, width):
        r, b = row[start : start + width], bias[start : start + width]
        for k in range(width):
            x = r[k] + b[k]
            r[k] = x
            lanes[k] = x if x > lanes[k] else lanes[k]
    for k in range(row.size - row.size % width, row.size):
        row[k] += bias[k]
        lanes[0] = row[k] if row[k] > lanes[0] else lanes[0]
    largest = lanes[0]
    for k in range(width):
        largest = lanes[k] if lanes[k] > largest else largest
    return largest


@compiled
def softmax_cross_entropy(logits, biases, targets, scale, losses, d_bias, rows):
    """Compute the cross-entropy of each row, and `scale` times its gradient in place of the logits.

    The sum of the gradients is added to `d_bias`.
    ``biases[0]`` (V,) is added to the `logits` (N, V), but ``biases[1]`` to that of the target: sampled softmax
    corrects targets and noise differently. Rows with a negative target do not count.

    A class that is less probable than the square of the machine epsilon, relative to the most probable one, has no
    gradient: scaled, it would be a subnormal number, and a product with many of these takes a hundred times as long on
    processors of Intel.
    """
    lanes = np.empty(64, logits.dtype)
    lowest = logits.dtype.type(2 * math.log(np.finfo(logits.dtype).eps))
    for n in range(rows[0], rows[1]):
        row, target = logits[n], targets[n]
        if target < 0:
            row[:] = 0
            losses[n] = 0
            continue
        logit = row[target] + biases[1][target]
        largest = max(_add_bias(row, biases[0], lanes), logit)
        row[target] = logit
        total = row.dtype.type(0)
        for k in range(row.size):
            below = row[k] - largest
            e = row.dtype.type(0) if below < lowest else _exp(below)  # NaN stays NaN
            row[k] = e
            total += e
        losses[n] = math.log(total) + largest - logit
        factor = row.dtype.type(scale / total)
        for k in range(row.size):
            row[k] *= factor
            d_bias[k] += row[k]
        row[target] -= row.dtype.type(scale)
        d_bias[target] -= row.dtype.type(scale)


@compiled
def add_exponentials(logits, bias, first, targets, largest, totals, found):
    """Take a block of classes into the running sums of a log-likelihood (Milakov & Gimelshein 2018).

    Afterwards ``totals[n]`` (float64) is the sum of exp(logit - ``largest[n]``) over the classes of all blocks so far,
    and ``found[n]`` the logit of the target, once its block has come. `logits` (N, m) are those of the classes from
    `first` on, without their `bias` (m,), which is added in place. Negative targets are never found.
    """
    lanes = np.empty(64, logits.dtype)
    for n in range(logits.shape[0]):
        row, before = logits[n], largest[n]
        above = max(_add_bias(row, bias, lanes), before)
        total = row.dtype.type(0)
        for k in range(row.size):
            total += _exp(row[k] - above)
        totals[n] = totals[n] * math.exp(before - above) + total
        largest[n] = above
        if first <= targets[n] < first + row.size:
            found[n] = row[targets[n] - first]
