"""Training and use of a recurrent language model, side by side with torch on the same threads.

A step of training is forward pass, backward pass, clipping and SGD update of a two-layer LSTM (batch 20, 35 time steps)
on words drawn by Zipf's law, in float32 and, where the processor has an instruction for them, with products of bfloat16
numbers: `in_bfloat16`, and torch's autocast.  The uses are those of `recurrent_use`: the perplexity of a text in one
stream, the generation of one stream, the scores of sentences.  Ours and torch's steps alternate in small groups, each
side in a process of its own; medians are compared.  "Of sgemm" is the share of the rate of NumPy's largest product that
the whole step reaches in float32.

python -m benchmarks.recurrent_speed [--case 200 ...] [--steps 24] [--repeats 5] [--part 1.0]
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from benchmarks import measuring, recurrent_use
from embeddings import bfloat16
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
from embeddings.networks.products import in_bfloat16

BATCH, STEPS = 20, 35
GROUP = 4
MAX_NORM, LEARNING_RATE = 0.25, 1.0


@dataclass(frozen=True)
class Case:
    """A model size, our loss, torch's, how many times as fast we mean to be; of a use, its words or sentences."""

    name: str
    hidden: int
    words: int
    loss: str
    bar: float
    cutoffs: tuple[int, ...] = ()
    use: str = ""
    amount: int = 0
    rounds: bool = False


CASES = (
    Case("200", 200, 10_000, "full", 1.6),
    Case("650", 650, 10_000, "full", 1.4),
    Case("50k-sampled", 200, 50_000, "sampled", 3.5, (2000, 10_000)),
    Case("50k-adaptive", 200, 50_000, "adaptive", 2.0, (2000, 10_000)),
    Case("evaluation", 200, 10_000, "full", 2.0, use="evaluation", amount=20_000),
    Case("generation", 200, 10_000, "full", 5.0, use="generation", amount=300),
    Case("score", 200, 10_000, "full", 3.0, use="score", amount=10_000),
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


def our_step(case: Case) -> Callable[[Any], Any]:
    """Return a function that trains on one window, or does a piece of the work of a use."""
    if case.use:
        return recurrent_use.our_use(case.use, case.hidden, case.words)
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
        with in_bfloat16(case.rounds):
            outputs, states = network.forward(embedding.forward(words[:-1]), states)
            value, d_hidden = loss.value_and_gradient(outputs.reshape(-1, case.hidden), words[1:].ravel())
            d_vectors, _ = network.backward(d_hidden.reshape(outputs.shape))
        embedding.backward(d_vectors)
        optimizer.step(MAX_NORM)
        return value

    return step


def torch_step(case: Case) -> Callable[[Any], Any]:
    """Return the same step in torch, as its word language model example has it."""
    if case.use:
        return recurrent_use.torch_use(case.use, case.hidden, case.words)
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
        with torch.autocast("cpu", torch.bfloat16, enabled=case.rounds):
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


def serve(connection: Connection, build: Callable[[Case], Callable[[Any], Any]], case: Case) -> None:
    """Work on the windows that come over ``connection``; answer with seconds a step and peak memory in MB."""
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


def works(case: Case, rng: np.random.Generator, part: float) -> tuple[list[Any], int]:
    """Return the works of a turn, the first of which only wakes the threads, and the number of words in each."""
    if not case.use:
        return [zipf_words(rng, case.words) for _ in range(GROUP + 1)], BATCH * STEPS
    work, words = recurrent_use.work_of(case.use, rng, case.words, max(1, int(part * case.amount)))
    return [work], words


def compare(case: Case, turns: int, part: float) -> dict[str, Any]:
    """Return a row of the table for ``case``; the sides run in processes of their own, in turns."""
    rng = np.random.default_rng(0)
    context = multiprocessing.get_context("spawn")
    cases = [case] if case.use or not bfloat16.AVAILABLE else [case, replace(case, rounds=True)]
    sides = []
    for build in (our_step, torch_step):
        for variant in cases:
            here, there = context.Pipe()
            context.Process(target=serve, args=(there, build, variant), daemon=True).start()
            sides.append(here)
    rates: list[list[float]] = [[] for _ in sides]
    products: list[float] = []
    memory = [0.0] * len(sides)
    for turn in range(1 + turns):
        todo, words = works(case, rng, part)
        for side, connection in enumerate(sides):
            connection.send(todo)
            seconds, memory[side] = connection.recv()
            if turn:  # the first turn compiles
                rates[side].extend(words / taken for taken in seconds[1:] or seconds)
        if not case.use:
            products.extend(sgemm_seconds(case))
    for connection in sides:
        connection.send(None)
    medians = [float(np.median(side)) for side in rates]
    ours, theirs = medians[: len(cases)], medians[len(cases) :]
    rounded = len(cases) > 1
    return {
        "case": f"{case.use or 'training'}, LSTM 2 x {case.hidden}, V = {case.words:,}, {case.loss} softmax",
        "vecmill, tokens/s": f"{ours[0]:,.0f}",
        "torch, tokens/s": f"{theirs[0]:,.0f} ({'adaptive' if case.cutoffs else 'full'})",
        "ratio": f"{ours[0] / theirs[0]:.2f}",
        "vecmill, bfloat16": f"{ours[1]:,.0f}" if rounded else "",
        "torch, bfloat16": f"{theirs[1]:,.0f}" if rounded else "",
        "ratio, the faster of each": f"{max(ours) / max(theirs):.2f}",
        "bar": f"≥ {case.bar}",
        "of sgemm": share_of_sgemm(case, ours[0], products) if case.loss == "full" and products else "",
        "vecmill, peak MB": f"{max(memory[: len(cases)]):,.0f}",
        "torch, peak MB": f"{max(memory[len(cases) :]):,.0f}",
    }


def share_of_sgemm(case: Case, rate: float, products: list[float]) -> str:
    """Return the share of the rate of NumPy's largest product that training of ``rate`` tokens a second reaches."""
    sgemm = 2 * BATCH * STEPS * case.hidden * case.words / float(np.median(products))
    return f"{operations(case) * rate / BATCH / STEPS / sgemm:.0%}"


def main() -> None:
    """Run the cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=[case.name for case in CASES], action="append", help="default: all")
    parser.add_argument("--steps", type=int, default=24, help="training steps a side (default: 24)")
    parser.add_argument("--repeats", type=int, default=5, help="of a use, a side (default: 5)")
    parser.add_argument("--part", type=float, default=1.0, help="of the words or sentences of a use, to try it out")
    options = parser.parse_args()
    chosen = [case for case in CASES if not options.case or case.name in options.case]
    turns = {case: options.repeats if case.use else -(-options.steps // GROUP) for case in chosen}
    rows = [compare(case, turns[case], options.part) for case in chosen]
    amounts = {case.use: f"{int(options.part * case.amount):,}" for case in CASES if case.use}
    notes = [
        f"training: full steps, batch {BATCH}, {STEPS} time steps, 2 threads each, alternating; median of "
        f"{options.steps} steps or more; peak memory of each side's process, bar: no more than torch's",
        f"evaluation: {amounts['evaluation']} words of one stream; generation: {amounts['generation']} of one stream, "
        f"sampled; score: {amounts['score']} sentences of {recurrent_use.SENTENCE_WORDS} words on average, in torch by "
        f"length in batches of {recurrent_use.SENTENCES_AT_ONCE}; median of {options.repeats} runs each, in turns",
    ]
    measuring.write_results("recurrent_speed", "Speed of recurrent language models against torch", rows, notes)


if __name__ == "__main__":
    main()
