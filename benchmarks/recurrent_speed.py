"""Full training steps of a recurrent language model, side by side with torch on the same threads.

A step is forward pass, backward pass, clipping and SGD update of a two-layer LSTM (batch 20, 35 time steps, float32) on
words drawn by Zipf's law.  Ours and torch's steps alternate in small groups; medians are compared.  Run with::

    python benchmarks/recurrent_speed.py                 # all cases
    python benchmarks/recurrent_speed.py --case 650 --steps 12
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embeddings.recurrent import (
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
MAX_NORM, LEARNING_RATE = 0.25, 1.0


@dataclass(frozen=True)
class Case:
    """A model size, our loss, and torch's."""

    name: str
    hidden: int
    words: int
    loss: str
    cutoffs: tuple[int, ...] = ()


CASES = (
    Case("200", 200, 10_000, "full"),
    Case("650", 650, 10_000, "full"),
    Case("50k-sampled", 200, 50_000, "sampled", (2000, 10_000)),
    Case("50k-adaptive", 200, 50_000, "adaptive", (2000, 10_000)),
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
        return SampledSoftmax(weight, bias, noise=LogUniformNoise(case.words), samples=1024, rng=rng)
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


def seconds(step: Callable[[np.ndarray], float], windows: list[np.ndarray]) -> list[float]:
    """Time each window, after a pause in which the threads of the other side go to sleep."""
    time.sleep(0.3)
    times = []
    for window in windows:
        start = time.perf_counter()
        step(window)
        times.append(time.perf_counter() - start)
    return times


def compare(case: Case, steps: int) -> None:
    """Print tokens per second of both sides for ``case``."""
    rng = np.random.default_rng(0)
    group = 4
    ours, theirs = our_step(case), torch_step(case)
    our_times, torch_times = [], []
    for turn in range(1 + steps // group):
        windows = [zipf_words(rng, case.words) for _ in range(group)]
        first, second = seconds(ours, windows), seconds(theirs, windows)
        if turn:  # the first turn compiles and warms up
            our_times += first[1:]  # and the first step of a turn wakes the threads
            torch_times += second[1:]
    our_rate, torch_rate = (BATCH * STEPS / np.median(times) for times in (our_times, torch_times))
    print(
        f"{case.name:14} LSTM 2x{case.hidden}, V={case.words}: ours {our_rate:8,.0f} tokens/s ({case.loss}), "
        f"torch {torch_rate:8,.0f} ({'adaptive' if case.cutoffs else 'full'}), ratio {our_rate / torch_rate:.2f}",
        flush=True,
    )


def main() -> None:
    """Parse the command line and run the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=[case.name for case in CASES], action="append", help="default: all")
    parser.add_argument("--steps", type=int, default=24, help="training steps a side (default: 24)")
    arguments = parser.parse_args()
    for case in CASES:
        if not arguments.case or case.name in arguments.case:
            compare(case, arguments.steps)


if __name__ == "__main__":
    main()
