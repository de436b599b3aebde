"""From 2 GB of text to ids on Ray: how many tasks are under way, and how full the object store and the processes are.

    python -m benchmarks.ray_memory [--megabytes 2000] [--processors 2] [--phrases 0]

The text is generated, one part under many names. Text and ids go through files, so that the object store has to stay
empty; a small number of tasks for each processor is under way, however many there are.
"""

import argparse
import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks import measuring, zipf
from corpora import open_corpus
from embeddings import TokenizedCorpus, build_vocabulary, encode_corpus
from embeddings.text.phrase_table import PhraseSettings
from embeddings.text.phrases import join_found_phrases
from pipelines.backends.ray import RayBackend
from pipelines.stages.tokenize_shards import tokenize_shards

STORE = 80 << 20  # bytes, the least that Ray takes
PART = 100  # megabytes of a file
SECONDS = 1.0  # between two looks


class Watched:
    """A backend whose tasks are counted."""

    def __init__(self, backend: RayBackend) -> None:
        self._backend = backend
        self.tasks = backend.tasks
        self.begun = self.ended = self.most = 0

    def map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Yield the results, as the backend does."""
        for result in self._backend.map(work, self._counted(items)):
            self.ended += 1
            yield result

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.begun += 1
            self.most = max(self.most, self.begun - self.ended)
            yield item


class Watcher(threading.Thread):
    """Looks at the object store and at the processes of the cluster until it is stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._stopped = threading.Event()
        self.store = self.task = self.leader = 0

    def run(self) -> None:
        """Keep the largest numbers."""
        own = psutil.Process()
        while not self._stopped.wait(SECONDS):
            self.store = max(self.store, _memory_of_store(own))
            self.leader = max(self.leader, own.memory_info().rss)
            self.task = max([self.task, *_memory_of_tasks(own)])

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        self.join()


def _memory_of_store(leader: psutil.Process) -> int:
    """Return the bytes of the object store that were ever written to: a file in memory, which the raylet has open."""
    for process in leader.children(recursive=True):
        with contextlib.suppress(psutil.Error, OSError):
            if process.name() == "raylet":
                opened = Path(f"/proc/{process.pid}/fd").iterdir()
                return max(512 * file.stat().st_blocks for file in opened if "plasma" in str(file.readlink()))
    return 0


def _memory_of_tasks(leader: psutil.Process) -> Iterator[int]:
    for process in leader.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "".join(process.cmdline()).startswith("ray::"):
                memory = process.memory_info()
                yield memory.rss - memory.shared


def write_text(folder: Path, megabytes: float) -> Path:
    """Write a part of the text, and link it as often as needed."""
    folder.mkdir()
    part = zipf.write(folder / "0.txt", min(PART, megabytes))
    for number in range(1, round(megabytes / PART)):
        os.link(part, folder / f"{number}.txt")
    return folder


def steps(source: Path, folder: Path, passes: int, backend: Watched) -> dict[str, Callable[[], Any]]:
    """Return the steps from text to ids, in order."""
    tokenized, joined = folder / "tokenized", folder / "joined"
    tokenized.mkdir()

    def text() -> TokenizedCorpus:
        return TokenizedCorpus.open(joined if passes else tokenized)

    def join() -> None:
        settings = PhraseSettings(passes=passes)
        join_found_phrases(TokenizedCorpus.open(tokenized), joined, settings, executor=backend)

    def encode() -> None:
        vocabulary = build_vocabulary(text(), max_vocabulary=100_000, executor=backend)
        encode_corpus(text(), vocabulary, folder / "encoded", executor=backend)

    corpus = open_corpus(source)
    found: dict[str, Callable[[], Any]] = {
        "tokenize": lambda: tokenize_shards({"": corpus}, {"spec": "fast"}, tokenized, backend, lambda _: None)
    }
    if passes:
        found["phrases"] = join
    return {**found, "vocabulary and encode": encode}


def main() -> None:
    """Measure and write the table."""
    import ray

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=2000)
    parser.add_argument("--processors", type=int, default=2)
    parser.add_argument("--phrases", type=int, default=0, help="passes that join phrases")
    options = parser.parse_args()
    ray.init(
        "local", num_cpus=options.processors, object_store_memory=STORE, include_dashboard=False, log_to_driver=False
    )
    rows = []
    with tempfile.TemporaryDirectory() as name:
        source = write_text(Path(name, "text"), options.megabytes)
        watched = Watched(RayBackend(1))
        for step, run in steps(source, Path(name), options.phrases, watched).items():
            watched.begun = watched.ended = watched.most = 0
            watcher, started = Watcher(), time.monotonic()
            watcher.start()
            run()
            watcher.stop()
            rows.append(
                {
                    "step": step,
                    "seconds": f"{time.monotonic() - started:.0f}",
                    "tasks": watched.ended,
                    "under way, at most": watched.most,
                    "object store, at most": f"{watcher.store / 1e6:.2f} of {STORE / 1e6:.0f} MB",
                    "task, at most": f"{watcher.task / 1e6:.0f} MB",
                    "leading process, at most": f"{watcher.leader / 1e6:.0f} MB",
                }
            )
            print(rows[-1], flush=True)
    measuring.write_results(
        "ray_memory",
        f"{options.megabytes / 1000:g} GB of text on Ray",
        rows,
        [f"{options.processors} processors; memory of a task without what it shares with other processes"],
    )
    ray.shutdown()


if __name__ == "__main__":
    main()
