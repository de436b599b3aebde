"""Train networks side by side, each in its own process and with one thread.

The networks are too small for two threads to help, and with one thread their weights do not depend on the number of
cores. A process receives only the names of the task and the network, and reads text and vectors itself: if its parent
is killed, it cannot wait forever for the rest of a long message.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from joblib import Parallel, delayed, parallel_config

from embeddings.evaluation.probing.task_source import TaskSource
from embeddings.evaluation.probing.tasks import TASKS, answers
from embeddings.executor import IN_PROCESS, Executor
from embeddings.parallel import using_threads
from embeddings.threads import thread_count
from vecmill.files import write_json

IDLE_SECONDS = 10
"""An idle process ends after this time, also if its parent was killed."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """One network to train.

    Attributes
    ----------
    fraction : float
        Fraction of the training examples.
    initialisation : str
        One of `INITIALISATIONS`.
    draw : int
        Number of the random subset of that fraction, from 0.
    examples, words : int
        Number of training examples, and of their words.
    path : Path
        JSON file of the result: "answers", "oov" (fraction of the words without a vector) and "seconds".
    """

    fraction: float
    initialisation: str
    draw: int
    examples: int
    words: int
    path: Path


def learn_side_by_side(
    source: TaskSource, networks: Sequence[Network], executor: Executor = IN_PROCESS
) -> Iterator[Network]:
    """Train one network per core at a time, those with most words first; yield each network when it is finished.

    Parameters
    ----------
    source : TaskSource
        Of text and vectors that all processes see.
    networks : sequence of Network
    executor : Executor
        Trains each network as a task. Default: processes of this machine train them.

    Yields
    ------
    Network
    """
    longest_first = sorted(networks, key=lambda network: network.words, reverse=True)
    bare = replace(source)  # a copy without cached text and vectors
    if executor.tasks > 1:
        yield from executor.map(partial(_learn_with_one_thread, bare), longest_first)
        return
    with parallel_config(backend="loky", inner_max_num_threads=1, idle_worker_timeout=IDLE_SECONDS):
        workers = Parallel(n_jobs=min(len(networks), thread_count(None)), return_as="generator_unordered")
        yield from workers(delayed(learn)(bare, network) for network in longest_first)


def _learn_with_one_thread(source: TaskSource, network: Network) -> Network:
    with using_threads(1):
        return learn(source, network)


def learn(source: TaskSource, network: Network) -> Network:
    """Train a network and write its answers."""
    loaded = _first_of_equal(source)
    began = time.monotonic()
    examples = loaded.draws(network.fraction)[network.draw]
    vectors = loaded.vectors_of(network.initialisation, network.path.parent)
    seed = source.seed + network.draw
    answered, missing = answers(TASKS[source.task], examples, network.initialisation, vectors, seed)
    record = {"answers": answered, "oov": missing, "seconds": time.monotonic() - began}
    write_json(network.path, record, indent=None)
    return network


@cache
def _first_of_equal(source: TaskSource) -> TaskSource:
    """Return the first of equal sources, so that a process reads text and vectors once."""
    return source
