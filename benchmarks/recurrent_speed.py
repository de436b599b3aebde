"""Full training steps of a recurrent language model, side by side with torch on the same threads.

A step is forward pass, backward pass, clipping and SGD update of a two-layer LSTM (batch 20, 35 time steps, float32) on
words drawn by Zipf's law.  Ours and torch's steps alternate in small groups, each in a process of its own; medians are
compared.  "Of sgemm" is the share of the rate of NumPy's largest product that the whole step reaches.

python -m benchmarks.recurrent_speed [--case 200 ...] [--steps 24]
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from benchmarks import measuring
from embeddings.networks import (
    SGD,
    AdaptiveSoftmax,
    DeepRNN,
    Embedding,
    LogUniformNoise,
    LSTMCell,
    OutputLoss,
    Parameter,
    SampledSoftmax,
    SoftmaxCrossEntropy,
    clear_gradients,
)

BATCH, STEPS = 20, 35
GROUP = 4
MAX_NORM, LEARNING_RATE = 0.25, 1.0


@dataclass(frozen=True)
class Case:
    """A model size, our loss, torch's, and how many times as fast we mean to be."""

    name: str
    hidden: int
    words: int
    loss: str
    bar: float
    cutoffs: tuple[int, ...] = ()


CASES = (
    Case("200", 200, 10_000, "full", 1.3),
    Case("650", 650, 10_000, "full", 1.1),
    Case("50k-sampled", 200, 50_000, "sampled", 1.3, (2000, 10_000)),
    Case("50k-adaptive", 200, 50_000, "adaptive", 1.3, (2000, 10_000)),
)


def zipf_words(rng: np.random.Generator, words: int) -> np.ndarray:
    """Return a (T + 1, B) window of word ids with the frequencies of natural text."""
    weights = 1.0 / (np.arange(words) + 2.7)
    return rng.choice(words, size=(STEPS + 1, BATCH), p=weights / weights.sum())


def our_loss(case: Case, rng: np.random.Generator) -> OutputLoss:
    """Build the output layer of ``case``."""
    if case.loss == "adaptive":
        return AdaptiveSoftmax(case.hidden, case.words, case.cutoffs, rng=rng)
    weight = Parameter(rng.uniform(-0.1, 0.1, (case.words, case.hidden)).astype(np.float32))
    bias = Parameter(np.zeros(case.words, np.float32))
    if case.loss == "sampled":
        return SampledSoftmax(weight, bias, noise=LogUniformNoise(case.words), num_sampled=1024, rng=rng)
    return SoftmaxCrossEntropy(weight, bias)


def our_step(case: Case) -> Callable[[np.ndarray], float]:
    """Return a function that trains on one window."""
    rng = np.random.default_rng(1)
    embedding = Embedding(Parameter(rng.uniform(-0.1, 0.1, (case.words, case.hidden)).astype(np.float32)))
    network = DeepRNN(LSTMCell(), case.hidden, (case.hidden, case.hidden), rng=rng)
    loss = our_loss(case, rng)
    parameters = {"embedding": embedding.weight, **network.parameters, **loss.parameters}
    optimizer = SGD(parameters, LEARNING_RATE)
    states = None

    def step(words: np.ndarray) -> float:
        nonlocal states
        clear_gradients(parameters)
        outputs, states = network.forward(embedding.forward(words[:-1]), states)
        value, d_hidden = loss.value_and_gradient(outputs.reshape(-1, case.hidden), words[1:].ravel())
        d_vectors, _ = network.backward(d_hidden.reshape(outputs.shape))
        embedding.backward(d_vectors)
        optimizer.step(MAX_NORM)
        return value

    return step


def torch_step(case: Case) -> Callable[[np.ndarray], float]:
    """Return the same step in torch, as its word language model example has it."""
    import torch
    from torch import nn

    torch.set_num_threads(2)
    embedding, network = nn.Embedding(case.words, case.hidden), nn.LSTM(case.hidden, case.hidden, 2)
    adaptive = bool(case.cutoffs)
    if adaptive:
        output: nn.Module = nn.AdaptiveLogSoftmaxWithLoss(case.hidden, case.words, list(case.cutoffs))
    else:
        output = nn.Linear(case.hidden, case.words)
    model = nn.ModuleList([embedding, network, output])
    states = tuple(torch.zeros(2, BATCH, case.hidden) for _ in range(2))

    def step(words: np.ndarray) -> float:
        nonlocal states
        ids = torch.from_numpy(words)
        model.zero_grad()
        outputs, states = network(embedding(ids[:-1]), tuple(s.detach() for s in states))
        hidden, targets = outputs.view(-1, case.hidden), ids[1:].reshape(-1)
        loss = output(hidden, targets).loss if adaptive else nn.functional.cross_entropy(output(hidden), targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(parameter.grad, alpha=-LEARNING_RATE)
        return loss.item()

    return step


def serve(connection: Connection, build: Callable[[Case], Callable[[np.ndarray], float]], case: Case) -> None:
    """Train on the windows that come over ``connection``; answer with seconds a step and peak memory in MB."""
    step = build(case)
    while (windows := connection.recv()) is not None:
        times = []
        for window in windows:
            start = time.perf_counter()
            step(window)
            times.append(time.perf_counter() - start)
        connection.send((times, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def sgemm_seconds(case: Case) -> list[float]:
    """Return the seconds of some runs of NumPy's largest product in ``case``."""
    left, right = np.ones((BATCH * STEPS, case.hidden), np.float32), np.ones((case.words, case.hidden), np.float32)
    out = np.empty((left.shape[0], case.words), np.float32)
    seconds = []
    for _ in range(GROUP + 1):
        start = time.perf_counter()
        np.matmul(left, right.T, out=out)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def operations(case: Case) -> float:
    """Return the floating-point operations of a step with all outputs: two a weight forwards, four backwards."""
    return 6 * BATCH * STEPS * (2 * 8 * case.hidden**2 + case.words * case.hidden)


def compare(case: Case, steps: int) -> dict[str, Any]:
    """Return a row of the table for ``case``; the sides run in processes of their own, in turns."""
    rng = np.random.default_rng(0)
    context = multiprocessing.get_context("spawn")
    sides = []
    for build in (our_step, torch_step):
        here, there = context.Pipe()
        context.Process(target=serve, args=(there, build, case), daemon=True).start()
        sides.append(here)
    times: tuple[list[float], list[float]] = ([], [])
    products: list[float] = []
    memory = [0.0, 0.0]
    for turn in range(1 + -(-steps // GROUP)):
        windows = [zipf_words(rng, case.words) for _ in range(GROUP + 1)]
        for side, connection in enumerate(sides):
            connection.send(windows)
            seconds, memory[side] = connection.recv()
            if turn:  # the first turn compiles
                times[side].extend(seconds[1:])  # and the first step of a turn wakes the threads
        products.extend(sgemm_seconds(case))
    for connection in sides:
        connection.send(None)
    ours, theirs = (BATCH * STEPS / np.median(side) for side in times)
    sgemm = 2 * BATCH * STEPS * case.hidden * case.words / np.median(products)
    return {
        "case": f"LSTM 2 x {case.hidden}, V = {case.words:,}, {case.loss} softmax",
        "vecmill, tokens/s": f"{ours:,.0f}",
        "torch, tokens/s": f"{theirs:,.0f} ({'adaptive' if case.cutoffs else 'full'})",
        "ratio": f"{ours / theirs:.2f}",
        "bar": f"≥ {case.bar}",
        "of sgemm": f"{operations(case) * ours / BATCH / STEPS / sgemm:.0%}" if case.loss == "full" else "",
        "vecmill, peak MB": f"{memory[0]:,.0f}",
        "torch, peak MB": f"{memory[1]:,.0f}",
    }


def main() -> None:
    """Run the cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=[case.name for case in CASES], action="append", help="default: all")
    parser.add_argument("--steps", type=int, default=24, help="training steps a side (default: 24)")
    options = parser.parse_args()
    rows = [compare(case, options.steps) for case in CASES if not options.case or case.name in options.case]
    notes = [
        f"full training steps, batch {BATCH}, {STEPS} time steps, float32, 2 threads each, alternating; median of "
        f"{options.steps} steps or more; peak memory of each side's process, bar: no more than torch's",
    ]
    measuring.write_results("recurrent_speed", "Training speed of recurrent networks against torch", rows, notes)


if __name__ == "__main__":
    main()
