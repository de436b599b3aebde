"""Kill processes, machines and the leading process of a cluster at random moments; compare with an undisturbed run.

    python -m benchmarks.ray_faults [--kills 50] [--drivers 5] [--kills-of-a-run 5] [--seed 1] [--megabytes 2]

The cluster is one of `ray.cluster_utils.Cluster`: its machines are raylets on this one. Processes that train and
raylets get a SIGKILL, a second or two after the training has gone on from the last one; a machine that was lost is
replaced by another. The leading process is killed while it trains, and its command given again until it has finished.
"""

import argparse
import collections
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from ray.cluster_utils import Cluster

from benchmarks import measuring, text
from embeddings import EncodedCorpus, Vocabulary, Word2Vec, Word2VecConfig
from embeddings.training import TrainingProgress
from pipelines.backends.local import LocalCrew
from pipelines.backends.opening import open_backend

WORKERS = MACHINES = 3
MACHINE = {"num_cpus": 1, "object_store_memory": 80 << 20}
ACTOR = "ray::_Process"  # the title of a process that trains
PROCESS, RAYLET, DRIVER = "a process that trains", "a machine (raylet)", "the leading process"
SHARE_OF_MACHINES = 0.3


class Machines:
    """A cluster of raylets, some of which are killed."""

    def __init__(self, chance: random.Random) -> None:
        os.environ["RAY_raylet_start_wait_time_s"] = "120"  # noqa: SIM112
        self._cluster = Cluster(initialize_head=True, head_node_args={**MACHINE, "include_dashboard": False})
        for _ in range(MACHINES - 1):
            self._cluster.add_node(**MACHINE)
        self._chance = chance
        self.address = self._cluster.address

    def kill_one(self) -> str | None:
        """Kill a process that trains, or a machine but the first; return what it was."""
        if self._chance.random() < SHARE_OF_MACHINES:
            lost = self._chance.choice(sorted(self._cluster.worker_nodes, key=_raylet))
            os.kill(_raylet(lost), signal.SIGKILL)
            self._cluster.remove_node(lost, allow_graceful=False)
            self._cluster.add_node(**MACHINE)
            return RAYLET
        found = [pid for node in self._cluster.list_all_nodes() for pid in _actors(_raylet(node))]
        if not found:
            return None
        os.kill(self._chance.choice(sorted(found)), signal.SIGKILL)
        return PROCESS

    def shutdown(self) -> None:
        """Stop all machines."""
        self._cluster.shutdown()


def _raylet(node: Any) -> int:
    return int(node.all_processes["raylet"][0].process.pid)


def _actors(raylet: int) -> list[int]:
    found = []
    for process in psutil.Process(raylet).children(recursive=True):
        try:
            if "".join(process.cmdline()).startswith(ACTOR):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


class Killer:
    """Kills while a training goes on: each time after the training has gone on since the last kill."""

    def __init__(self, machines: Machines, kills: int, chance: random.Random) -> None:
        self.kills: collections.Counter[str] = collections.Counter()
        self._machines, self._left, self._chance = machines, kills, chance
        self._due: float | None = None

    def heard(self, progress: TrainingProgress) -> None:
        """Kill something, if it is time, while the next round is trained; the main thread hears of progress."""
        if self._due is None:
            self._due = time.monotonic() + self._chance.uniform(0.0, 2.0)
        elif self._left and time.monotonic() > self._due and (killed := self._machines.kill_one()):
            self.kills[killed] += 1
            self._left -= 1
            self._due = None


def config(epochs: int) -> Word2VecConfig:
    """Return small settings."""
    return Word2VecConfig(threads=1, dimension=32, epochs=epochs)


def digest(content: bytes) -> str:
    """Return the hash of vectors."""
    return hashlib.sha256(content).hexdigest()


def killed_workers(
    vocabulary: Vocabulary,
    corpus: EncodedCorpus,
    machines: Machines,
    options: argparse.Namespace,
    chance: random.Random,
) -> list[dict[str, Any]]:
    """Train while processes and machines are killed, until there were enough kills."""
    kills: collections.Counter[str] = collections.Counter()
    runs, same, started = 0, 0, time.monotonic()
    expected = Word2Vec(config(options.epochs)).fit(corpus, vocabulary, crew=LocalCrew(WORKERS)).vectors_.matrix
    while kills.total() < options.kills:
        killer = Killer(machines, min(options.kills_of_a_run, options.kills - kills.total()), chance)
        with open_backend("ray", address=machines.address, workers=WORKERS, threads=1) as backend:
            model = Word2Vec(config(options.epochs)).fit(corpus, vocabulary, crew=backend.crew(), progress=killer.heard)
        kills += killer.kills
        runs += 1
        same += digest(model.vectors_.matrix.tobytes()) == digest(expected.tobytes())
        print(f"run {runs}: {dict(killer.kills)}, {same} the same, {time.monotonic() - started:.0f} s", flush=True)
    return [{"killed": name, "kills": kills[name], "runs": runs, "same bytes": same} for name in (PROCESS, RAYLET)]


def killed_drivers(
    source: Path, machines: Machines, options: argparse.Namespace, chance: random.Random
) -> dict[str, Any]:
    """Kill the command while it trains and give it again."""
    command = [
        *(sys.executable, "-m", "vecmill", "train-embeddings", source, "--workers", WORKERS, "--threads", 1),
        *("--dimension", 32, "--epochs", options.epochs, "--checkpoint-every", "0.5"),
    ]
    expected, out = source.parent / "expected", source.parent / "out"
    subprocess.run([*map(str, command), "--out", str(expected)], check=True, capture_output=True)
    again = [*map(str, command), "--out", str(out), "--force", "--backend", "ray", "--address", machines.address]
    kills = runs = same = 0
    while kills < options.drivers:
        work = source.parent / ".out.work"
        while True:
            process = subprocess.Popen(again, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if kills < options.drivers and _reaches_training(process, work, chance):
                process.kill()
                process.wait()
                kills += 1
                print(f"leading process killed {kills} times", flush=True)
                continue
            _, errors = process.communicate()
            if process.returncode:
                raise RuntimeError(errors.decode())
            break
        runs += 1
        same += (out / "vectors.npy").read_bytes() == (expected / "vectors.npy").read_bytes()
        print(f"run {runs}: {same} the same", flush=True)
    return {"killed": DRIVER, "kills": kills, "runs": runs, "same bytes": same}


def _reaches_training(process: "subprocess.Popen[bytes]", work: Path, chance: random.Random) -> bool:
    """Wait until a checkpoint is written and a moment longer; return False if the process ended before."""
    before = _checkpoint_time(work)
    while _checkpoint_time(work) == before:
        if process.poll() is not None:
            return False
        time.sleep(0.02)
    time.sleep(chance.uniform(0.0, 1.5))
    return process.poll() is None


def _checkpoint_time(work: Path) -> float:
    return max((path.stat().st_mtime for path in work.glob(".train-embeddings.checkpoint-*/*")), default=0.0)


def main() -> None:
    """Kill and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, default=2.0)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--kills", type=int, default=50, help="of processes and machines")
    parser.add_argument("--kills-of-a-run", type=int, default=5)
    parser.add_argument("--drivers", type=int, default=5, help="kills of the leading process")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = text.write_text(options.corpus, folder / "text.txt", options.megabytes)
        vocabulary, corpus = text.encode(source, folder)
        machines = Machines(chance)
        try:
            rows = killed_workers(vocabulary, corpus, machines, options, chance) if options.kills else []
            if options.drivers:
                rows.append(killed_drivers(source, machines, options, chance))
        finally:
            machines.shutdown()
    measuring.write_results(
        "ray_faults",
        "SIGKILLs during trainings on a cluster",
        rows,
        [
            f"{MACHINES} raylets of one processor each, {WORKERS} workers; {options.megabytes:g} MB, d = 32, "
            f"{options.epochs} epochs; same bytes: runs that ended with the vectors of an undisturbed run; "
            "the first two rows are the same runs"
        ],
    )
    if not all(row["runs"] == row["same bytes"] for row in rows):
        sys.exit("a run did not end with the bytes of an undisturbed one")


if __name__ == "__main__":
    main()
