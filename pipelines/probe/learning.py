"""Networks are learned side by side, each in a process of its own and with one thread.

They are too small for two threads to help, and so their weights do not depend on how many cores there are.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from joblib import Parallel, delayed, parallel_config

from embeddings import WordVectors
from embeddings.atomic_output import atomic_file
from embeddings.threads import thread_count
from pipelines.probe.tasks import TASKS, Examples, answers, words_of

IDLE_SECONDS = 10
"""A process without work ends after this time, also one whose parent was killed."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """One network that is to be learned.

    Attributes
    ----------
    task
        Its name.
    examples
        What it learns from, and is asked.
    start
        One of `STARTS`.
    vectors
        E, for the starts that use it.
    seed
        Of all that is drawn.
    path
        File for its answers (JSON): "answers", "oov" (share of the words without a vector) and "seconds".
    """

    task: str
    examples: Examples
    start: str
    vectors: WordVectors
    seed: int
    path: Path

    @property
    def words(self) -> int:
        """Words that it learns from."""
        return sum(len(words_of(example)) for example in self.examples.train)

    def learn(self) -> "Network":
        """Learn, and write the answers."""
        began = time.monotonic()
        answered, missing = answers(TASKS[self.task], self.examples, self.start, self.vectors, self.seed)
        record = {"answers": answered, "oov": missing, "seconds": time.monotonic() - began}
        with atomic_file(self.path) as file:
            file.write(json.dumps(record, ensure_ascii=False).encode())
        return self


def learn_side_by_side(networks: Sequence[Network]) -> Iterator[Network]:
    """Learn as many networks at a time as there are cores, the longest first; yield each that is finished."""
    longest_first = sorted(networks, key=lambda network: network.words, reverse=True)
    with parallel_config(backend="loky", inner_max_num_threads=1, idle_worker_timeout=IDLE_SECONDS):
        workers = Parallel(n_jobs=min(len(networks), thread_count(None)), return_as="generator_unordered")
        yield from workers(delayed(network.learn)() for network in longest_first)
