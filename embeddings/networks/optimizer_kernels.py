# mypy: allow-untyped-defs
"""Loops over the rows of parameters: sums of gradients, norms and the optimizers' updates.

A dense gradient is passed as one that has all rows, so that every update is written once. `scale` is the factor of the
gradient (clipping), which saves a pass over memory. An update takes the value, the gradient, the row of the value that
each row of the gradient belongs to, the optimizer's state, the constants, and the range of gradient rows to process.
"""

import math

from embeddings.compilation import compiled


@compiled
def add_rows(values, index, out):
    """Add values[i] to out[index[i]]."""
    for i in range(index.size):
        target, source = out[index[i]], values[i]
        for k in range(source.size):
            target[k] += source[k]


@compiled
def sum_of_squares(values, sums, rows):
    """Set sums[i] = |values[i]|^2."""
    for i in range(rows[0], rows[1]):
        row = values[i]
        total = row.dtype.type(0)
        for k in range(row.size):
            total += row[k] * row[k]
        sums[i] = total


@compiled
def sgd(value, gradient, index, constants, rows):
    """Step w -= rate (scale g + decay w)."""
    rate, scale, decay = constants
    real = value.dtype.type
    keep, step = real(1 - rate * decay), real(rate * scale)
    for i in range(rows[0], rows[1]):
        w, g = value[index[i]], gradient[i]
        for k in range(w.size):
            w[k] = keep * w[k] - step * g[k]


@compiled
def momentum(value, gradient, index, velocity, constants, rows):
    """Step v = momentum v + g; w -= rate v, or with Nesterov's look-ahead rate (g + momentum v)."""
    rate, scale, decay, friction, nesterov = constants
    real = value.dtype.type
    rate, scale, decay, friction = real(rate), real(scale), real(decay), real(friction)
    direct, carried = (real(1), friction) if nesterov else (real(0), real(1))
    for i in range(rows[0], rows[1]):
        w, g, v = value[index[i]], gradient[i], velocity[index[i]]
        for k in range(w.size):
            d = scale * g[k] + decay * w[k]
            v[k] = friction * v[k] + d
            w[k] -= rate * (direct * d + carried * v[k])


@compiled
def adagrad(value, gradient, index, squares, constants, rows):
    """Step s += g^2; w -= rate g / (sqrt(s) + epsilon)."""
    rate, scale, decay, epsilon = constants
    real = value.dtype.type
    rate, scale, decay, epsilon = real(rate), real(scale), real(decay), real(epsilon)
    for i in range(rows[0], rows[1]):
        w, g, s = value[index[i]], gradient[i], squares[index[i]]
        for k in range(w.size):
            d = scale * g[k] + decay * w[k]
            s[k] += d * d
            w[k] -= rate * d / (math.sqrt(s[k]) + epsilon)


@compiled
def rmsprop(value, gradient, index, squares, constants, rows):
    """Step s = smoothing s + (1 - smoothing) g^2; w -= rate g / (sqrt(s) + epsilon)."""
    rate, scale, decay, epsilon, smoothing = constants
    real = value.dtype.type
    fresh = real(1 - smoothing)
    rate, scale, decay, epsilon, smoothing = real(rate), real(scale), real(decay), real(epsilon), real(smoothing)
    for i in range(rows[0], rows[1]):
        w, g, s = value[index[i]], gradient[i], squares[index[i]]
        for k in range(w.size):
            d = scale * g[k] + decay * w[k]
            s[k] = smoothing * s[k] + fresh * d * d
            w[k] -= rate * d / (math.sqrt(s[k]) + epsilon)


@compiled
def adam(value, gradient, index, mean, squares, constants, rows):
    """Step m = beta1 m + (1 - beta1) g; s = beta2 s + (1 - beta2) g^2; w = keep w - rate m / (sqrt(s / c) + epsilon).

    `rate` includes the bias correction of m, `correction` (c) is that of s, and `keep` is 1 - η λ.
    """
    rate, scale, decay, keep, epsilon, beta1, beta2, correction = constants
    real = value.dtype.type
    fresh1, fresh2, root = real(1 - beta1), real(1 - beta2), real(1 / math.sqrt(correction))
    rate, scale, decay, keep = real(rate), real(scale), real(decay), real(keep)
    epsilon, beta1, beta2 = real(epsilon), real(beta1), real(beta2)
    for i in range(rows[0], rows[1]):
        w, g, m, s = value[index[i]], gradient[i], mean[index[i]], squares[index[i]]
        for k in range(w.size):
            d = scale * g[k] + decay * w[k]
            m[k] = beta1 * m[k] + fresh1 * d
            s[k] = beta2 * s[k] + fresh2 * d * d
            w[k] = keep * w[k] - rate * m[k] / (math.sqrt(s[k]) * root + epsilon)


@compiled
def average(value, mean, share, rows):
    """Step mean += share (w - mean)."""
    share = value.dtype.type(share)
    for i in range(rows[0], rows[1]):
        w, m = value[i], mean[i]
        for k in range(w.size):
            m[k] += share * (w[k] - m[k])
