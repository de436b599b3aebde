"""Recurrent networks as their equations read, in float64: one sequence, one step, one word at a time."""

from collections.abc import Callable, Sequence

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


G1 = {"sigmoid": sigmoid, "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}


def rnn_step(w, x, state, activation):
    """a<t> = g1(W_aa a<t-1> + W_ax x<t> + b_a)."""
    (a,) = state
    return (G1[activation](w["weight_hh"] @ a + w["weight_ih"] @ x + w["bias"]),)


def gru_step(w, x, state):
    (h,) = state
    w_ir, w_iz, w_in = np.split(w["weight_ih"], 3)
    w_hr, w_hz, w_hn = np.split(w["weight_hh"], 3)
    b_r, b_z, b_n = np.split(w["bias"], 3)
    r = sigmoid(w_ir @ x + w_hr @ h + b_r)
    z = sigmoid(w_iz @ x + w_hz @ h + b_z)
    n = np.tanh(w_in @ x + b_n + r * (w_hn @ h + w["bias_hn"]))
    return ((1 - z) * n + z * h,)


def lstm_step(w, x, state):
    h, c = state
    z_i, z_f, z_g, z_o = np.split(w["weight_ih"] @ x + w["weight_hh"] @ h + w["bias"], 4)
    c = sigmoid(z_f) * c + sigmoid(z_i) * np.tanh(z_g)
    return sigmoid(z_o) * np.tanh(c), c


def mogrifier_step(w, x, state):
    """Input and state gate each other in turns, then an LSTM takes both."""
    h, c = state
    for number in range(1, 1 + sum(name.startswith("mogrify_") for name in w)):
        if number % 2:
            x = 2 * sigmoid(w[f"mogrify_{number}"] @ h) * x
        else:
            h = 2 * sigmoid(w[f"mogrify_{number}"] @ x) * h
    return lstm_step(w, x, (h, c))


def mingru_step(w, x, state):
    (h,) = state
    z, n = np.split(w["weight_ih"] @ x + w["bias"], 2)
    return ((1 - sigmoid(z)) * h + sigmoid(z) * n,)


def unrolled(step: Callable, weights, inputs, states, lengths):
    """Run each sequence on its own; outputs past its end are zero, the final state is that at its end."""
    steps, batch, _ = inputs.shape
    outputs = np.zeros((steps, batch, len(states[0][0])))
    finals = []
    for b in range(batch):
        state = tuple(s[b] for s in states)
        for t in range(lengths[b]):
            state = step(weights, inputs[t, b], state)
            outputs[t, b] = state[0]
        finals.append(state)
    return outputs, tuple(np.stack(column) for column in zip(*finals, strict=True))


def log_softmax(logits):
    return logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()


def mean_loss(log_probability: Callable, hidden, targets) -> float:
    """Mean of -log P(target | hidden) over the targets that are not padding."""
    return -np.mean([log_probability(h)[y] for h, y in zip(hidden, targets, strict=True) if y >= 0])


def sampled_loss(weight, bias, hidden, targets, samples: Sequence[int], log_q) -> float:
    """Softmax over target and noise words, logits lowered by log of the probability to be drawn in K draws."""
    losses = []
    for h, y in zip(hidden, targets, strict=True):
        if y < 0:
            continue
        classes = [y, *(set(samples) - {y})]
        drawn = 1 - (1 - np.exp(log_q)) ** len(samples)
        logits = np.array([weight[s] @ h + bias[s] - np.log(drawn[s]) for s in classes])
        losses.append(-log_softmax(logits)[0])
    return float(np.mean(losses))


def adaptive_log_probabilities(parameters, cutoffs, hidden):
    """log P of all words for one hidden state: head, then each cluster times its share in the head."""
    head = log_softmax(parameters["head"] @ hidden)
    parts = [head[: cutoffs[0]]]
    for i in range(len(cutoffs)):
        tail = log_softmax(parameters[f"tail{i}_weight"] @ (parameters[f"tail{i}_projection"] @ hidden))
        parts.append(head[cutoffs[0] + i] + tail)
    return np.concatenate(parts)


def assert_gradient(loss: Callable[[], float], arrays: dict, gradients: dict, rng, directions: int = 2):
    """Compare gradients with central differences along random directions in which all arrays move at once."""
    epsilon = 1e-6
    for name in [*arrays, *["all"] * directions]:  # each array on its own, and all together
        moved = arrays if name == "all" else {name: arrays[name]}
        direction = {key: rng.standard_normal(array.shape) for key, array in moved.items()}
        ends = []
        for sign in (1, -1):
            for key, array in moved.items():
                array += sign * epsilon * direction[key]
            ends.append(loss())
            for key, array in moved.items():
                array -= sign * epsilon * direction[key]
        expected = (ends[0] - ends[1]) / (2 * epsilon)
        found = sum(float((gradients[key] * direction[key]).sum()) for key in moved)
        scale = max(1e-3, sum(float(np.abs(gradients[key] * direction[key]).sum()) for key in moved))
        assert abs(found - expected) < 1e-6 * scale, f"{name}: {found} by backpropagation, {expected} by differences"
