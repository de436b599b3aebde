"""Networks are learned side by side, each in a process of its own and with one thread.

They are too small for two threads to help, and so their weights do not depend on how many cores there are.  A process
is told little, which task and which network, and reads text and vectors itself: when its parent is killed, no half of
a long message keeps it waiting for the rest.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from joblib import Parallel, delayed, parallel_config

from embeddings.evaluation.probing.task_source import TaskSource
from embeddings.evaluation.probing.tasks import TASKS, answers
from embeddings.threads import thread_count
from vecmill.files import write_json

IDLE_SECONDS = 10
"""A process without work ends after this time, also one whose parent was killed."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """One network that is to be learned.

    Attributes
    ----------
    fraction
        Share of the training examples.
    start
        One of `STARTS`.
    draw
        Which of the draws of that share, from 0.
    examples, words
        How many it learns from.
    path
        File for its answers (JSON): "answers", "oov" (share of the words without a vector) and "seconds".
    """

    fraction: float
    start: str
    draw: int
    examples: int
    words: int
    path: Path


def learn_side_by_side(source: TaskSource, networks: Sequence[Network]) -> Iterator[Network]:
    """Learn as many networks at a time as there are cores, the longest first; yield each that is finished."""
    longest_first = sorted(networks, key=lambda network: network.words, reverse=True)
    bare = replace(source)  # without what it has read
    with parallel_config(backend="loky", inner_max_num_threads=1, idle_worker_timeout=IDLE_SECONDS):
        workers = Parallel(n_jobs=min(len(networks), thread_count(None)), return_as="generator_unordered")
        yield from workers(delayed(learn)(bare, network) for network in longest_first)


def learn(source: TaskSource, network: Network) -> Network:
    """Learn a network, and write its answers."""
    loaded = _first_of_equal(source)
    began = time.monotonic()
    examples = loaded.draws(network.fraction)[network.draw]
    vectors = loaded.vectors_of(network.start, network.path.parent)
    seed = source.seed + network.draw
    answered, missing = answers(TASKS[source.task], examples, network.start, vectors, seed)
    record = {"answers": answered, "oov": missing, "seconds": time.monotonic() - began}
    write_json(network.path, record, indent=None)
    return network


@cache
def _first_of_equal(source: TaskSource) -> TaskSource:
    """Return always the same of equal sources, so that a process reads text and vectors once."""
    return source
