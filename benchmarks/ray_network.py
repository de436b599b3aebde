"""Workers on machines with a network between them: how much of the time is training, and what an exchange costs.

    sudo -E python -m benchmarks.ray_network [--workers 2 4 8] [--gigabits 1 10] [--piece 4e6] [--cycle 1 4]

A machine is a network namespace of this one: a raylet whose processes get an equal share of the processors (a control
group), and a link to a bridge that `tc` limits in both directions. The leading process has a namespace of its own.
Every worker trains pieces of generated text with V = 100,000, d = 100, in which nearly every row of E and C is trained.
Needs Linux, root, iproute2 and the control group "cpu".
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measuring, text, zipf
from embeddings.word2vec.crew import CYCLE, FREQUENT_SHARE, ROUNDS

WORDS = 100_000  # of the vocabulary
DIMENSION = 100
EPOCH = 100e9  # words, for the prediction
PORT = 6379
STORE = 500 << 20
PERIOD = 20_000  # microseconds in which a machine has its share of the processors
os.environ["RAY_AUTH_MODE"] = "disabled"  # the network has these machines alone
os.environ["RAY_raylet_start_wait_time_s"] = "300"  # noqa: SIM112
GROUPS = Path("/sys/fs/cgroup/cpu")
BRIDGE = "vecmill"
_START_SECONDS = 300.0
_IN_GROUP = 'echo $$ > "$0"; exec "$@"'
_WITH_OWN_FILES = 'mkdir -p /tmp/ray; mount --bind "$0" /tmp/ray; exec "$@"'


def root(*command: object) -> None:
    """Run a command of the system."""
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


class Machine:
    """A network namespace with a link to the bridge, a control group and a directory of Ray's own.

    Parameters
    ----------
    number : int
        0 is that of the leading process.
    folder : Path
    """

    def __init__(self, number: int, folder: Path) -> None:
        self.name, self.address = f"{BRIDGE}-{number}", f"10.213.0.{number + 2}"
        self._link, self._group, self._folder = f"{BRIDGE}{number}", GROUPS / f"{BRIDGE}-{number}", folder / str(number)
        self._processes: list[subprocess.Popen[str]] = []
        self._log = self._folder / "log"
        self._folder.mkdir()
        self._group.mkdir(exist_ok=True)
        root("ip", "netns", "add", self.name)
        root("ip", "link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        root("ip", "link", "set", self._link, "master", BRIDGE, "up")
        self._inside("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            self._inside("ip", "link", "set", device, "up")
        self._inside("ip", "route", "add", "default", "via", "10.213.0.1")

    def _inside(self, *command: object) -> None:
        root("ip", "netns", "exec", self.name, *command)

    def limit(self, gigabits: float, share: float) -> None:
        """Limit the link in both directions, and the processors that all processes have together."""
        shape = [
            "root",
            "tbf",
            "rate",
            f"{gigabits * 1000:.0f}mbit",
            "burst",
            f"{int(gigabits * 1000)}kb",
            "latency",
            "50ms",
        ]
        root("tc", "qdisc", "replace", "dev", self._link, *shape)
        self._inside("tc", "qdisc", "replace", "dev", "eth0", *shape)
        (self._group / "cpu.cfs_period_us").write_text(str(PERIOD))
        (self._group / "cpu.cfs_quota_us").write_text(str(int(PERIOD * share)))

    def start(self, *command: object, **streams: Any) -> "subprocess.Popen[str]":
        """Start a command on the machine."""
        inside = [
            *("sh", "-c", _IN_GROUP, self._group / "cgroup.procs"),
            *("ip", "netns", "exec", self.name, "sh", "-c", _WITH_OWN_FILES, self._folder),
        ]
        process = subprocess.Popen([str(part) for part in (*inside, *command)], text=True, **streams)
        self._processes.append(process)
        return process

    def start_ray(self, leader: str, processors: int) -> None:
        """Start a raylet, on the machine of the leading process also what leads the cluster, and wait for it."""
        where = ["--head", "--port", PORT] if self.address == leader else ["--address", f"{leader}:{PORT}"]
        log = self._log.open("w")
        process = self.start(
            *(Path(sys.executable).with_name("ray"), "start", *where, "--node-ip-address", self.address, "--block"),
            *("--num-cpus", processors, "--object-store-memory", STORE, "--disable-usage-stats"),
            *(["--include-dashboard", "false"] if self.address == leader else []),
            stdout=log,
            stderr=log,
        )
        deadline = time.monotonic() + _START_SECONDS
        while "Ray runtime started" not in self._log.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{self.name} does not start: {self._log.read_text()[-1000:]}")
            time.sleep(0.5)

    def remove(self) -> None:
        """End its processes and remove it."""
        for process in self._processes:
            process.terminate()
        deadline = time.monotonic() + 20
        while (left := self._group.joinpath("cgroup.procs").read_text().split()) and time.monotonic() < deadline:
            for one in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(one), 15 if time.monotonic() < deadline - 10 else 9)
            time.sleep(0.5)
        for process in self._processes:
            process.wait()
        root("ip", "netns", "delete", self.name)
        with contextlib.suppress(OSError):
            self._group.rmdir()


@contextlib.contextmanager
def network(workers: int, folder: Path) -> Iterator[list[Machine]]:
    """Make a cluster of so many machines and one for the leading process."""
    machines: list[Machine] = []
    root("ip", "link", "add", BRIDGE, "type", "bridge")
    try:
        root("ip", "address", "add", "10.213.0.1/24", "dev", BRIDGE)
        root("ip", "link", "set", BRIDGE, "up")
        machines += (Machine(number, folder) for number in range(workers + 1))
        for machine in machines:
            machine.start_ray(machines[0].address, 0 if machine is machines[0] else 1)
        yield machines
    finally:
        for machine in reversed(machines):
            machine.remove()
        root("ip", "link", "delete", BRIDGE)


def lead(options: argparse.Namespace) -> None:
    """Train on the cluster that this machine belongs to; print what the second epoch cost, as JSON."""
    from embeddings import EncodedCorpus, Vocabulary, Word2Vec, Word2VecConfig
    from embeddings.word2vec import crew
    from pipelines.backends.opening import open_backend
    from pipelines.backends.ray import RayCrew

    vocabulary = Vocabulary.load(options.lead / "vocabulary.tsv")
    corpus = EncodedCorpus.open(options.lead / "encoded", verify=False)
    workers = options.workers[0]
    corpus = text.repeated(corpus, options.rounds * workers * options.piece)
    crew.ROUNDS = options.rounds  # of the leading process, which cuts the text into rounds
    config = Word2VecConfig(threads=1, epochs=2, held_out=0.0)
    with open_backend("ray", address=options.address):
        model = Word2Vec(config).fit(corpus, vocabulary, crew=RayCrew(workers, 1, options.cycle[0]))
    first, last = model.metrics_
    found = {**last, "seconds": last["seconds"] - first["seconds"], "words": last["words"] - first["words"]}
    print(json.dumps(found), flush=True)


def measure(machines: list[Machine], data: Path, workers: int, cycle: int, piece: float, rounds: int) -> dict[str, Any]:
    """Train with some of the machines; return what an epoch cost."""
    leader = machines[0]
    process = leader.start(
        *(sys.executable, "-m", "benchmarks.ray_network", "--lead", data, "--address", f"{leader.address}:{PORT}"),
        *("--workers", workers, "--cycle", cycle, "--piece", piece, "--rounds", rounds),
        stdout=subprocess.PIPE,
    )
    output, _ = process.communicate()
    if process.returncode:
        sys.exit("the training failed; see above")
    found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return found


def round_bytes(cycle: int) -> float:
    """Bytes of the changes of all rows, on average of the rounds of a cycle.

    A row has d numbers of 8 bits, their scale and its number.
    """
    return 2.0 * WORDS * (DIMENSION + 8) * (1 + (cycle - 1) * FREQUENT_SHARE) / cycle


def exchange_seconds(workers: int, cycle: int, gigabits: float) -> float:
    """Seconds of an exchange: every link has (W - 1) / W of the changes of a piece, and then once those of all.

    First each worker sends every other one its part of the rows; then what its own part comes to, to all others and to
    the leading process.
    """
    return (2 - 1 / workers) * round_bytes(cycle) * 8 / (gigabits * 1e9)


def parts_of_the_time(measured: Sequence[tuple[int, int, float, float]]) -> tuple[float, float]:
    """How many times as long as in the model exchanges took for the network, and for the processors.

    What the processors take does not depend on the network: it is counted in what the model says of 1 Gb/s. Least
    squares over workers, cycle, Gb/s and seconds of an exchange.
    """
    model = np.array([[exchange_seconds(*about), exchange_seconds(*about[:2], 1)] for *about, _ in measured])
    seconds = np.array([found for *_, found in measured])
    (network, _), _, rank, _ = np.linalg.lstsq(model, seconds)
    network = max(1.0, float(network)) if rank == 2 else 1.0  # the whole rate of the network is the best there is
    return network, float(np.mean((seconds - network * model[:, 0]) / model[:, 1]))


def prediction(speed: float, cycle: int, network: float, processors: float) -> list[dict[str, Any]]:
    """Efficiency of an epoch of so many machines, and the shortest epoch of which 80 % is training."""
    rows = []
    for machines in (8, 32, 128):
        training = EPOCH / machines / speed
        row: dict[str, Any] = {"machines": machines, "words of a piece": f"{EPOCH / machines / ROUNDS:,.0f}"}
        for gigabits in (1, 10):
            exchange = network * exchange_seconds(machines, cycle, gigabits)
            exchange += processors * exchange_seconds(machines, cycle, 1)
            exchanging = ROUNDS * exchange
            least = 4 * exchanging * speed * machines
            row[f"hours at {gigabits} Gb/s"] = f"{(training + exchanging) / 3600:.2f}"
            row[f"efficiency at {gigabits} Gb/s"] = f"{100 * training / (training + exchanging):.1f} %"
            row[f"80 % at {gigabits} Gb/s from"] = f"{least / 1e9:.1f} billion words"
        rows.append(row)
    return rows


def exchange_of(cost: dict[str, Any]) -> float:
    """Seconds of a round that are not training."""
    return float(cost["seconds"] / cost["rounds"] * cost["exchange_share"])


def row_of(workers: int, gigabits: float, cycle: int, cost: dict[str, Any]) -> dict[str, Any]:
    """A line of the table."""
    seconds = cost["seconds"] / cost["rounds"]
    exchanging = exchange_of(cost)
    megabytes = cost["exchanged_bytes"] / cost["rounds"] / 1e6
    return {
        "workers": workers,
        "Gb/s": f"{gigabits:g}",
        "rare rows every": cycle,
        "words/s of a worker": f"{cost['words'] / workers / (cost['seconds'] - exchanging * cost['rounds']):,.0f}",
        "MB a round": f"{megabytes:.0f}",
        "training, s": f"{seconds - exchanging:.1f}",
        "exchanging, s": f"{exchanging:.2f}",
        "by the model, s": f"{exchange_seconds(workers, cycle, gigabits):.2f}",
        "not exchanging": f"{100 * (1 - cost['exchange_share']):.1f} %",
        "training for 80 %, s": f"{4 * exchanging:.1f}",
    }


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--gigabits", type=float, nargs="+", default=[1, 10])
    parser.add_argument("--cycle", type=int, nargs="+", default=[CYCLE], help="rounds after which rare rows travel")
    parser.add_argument("--piece", type=float, default=4e6, help="words that a worker trains in a round")
    parser.add_argument("--megabytes", type=float, default=60, help="of text; an epoch has it as often as needed")
    parser.add_argument("--rounds", type=int, default=8, help="of an epoch, two of which are trained")
    parser.add_argument("--speed", type=float, default=2e6, help="words/s of a machine, for the prediction")
    parser.add_argument("--lead", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.lead:
        lead(options)
        return
    if os.geteuid() or not GROUPS.is_dir():
        sys.exit("network namespaces and control groups need root and the control group cpu of Linux")
    rows, measured = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vocabulary, _ = text.encode(
            zipf.write(folder / "text.txt", options.megabytes, types=WORDS), folder, min_count=1
        )
        vocabulary.save(folder / "vocabulary.tsv")
        most = max(options.workers)
        share = (os.cpu_count() or 1) / (most + 1)
        with network(most, folder) as machines:
            for workers in options.workers:
                for gigabits in options.gigabits:
                    for machine in machines:
                        machine.limit(gigabits, share)
                    for cycle in options.cycle:
                        cost = measure(machines, folder, workers, cycle, options.piece, options.rounds)
                        rows.append(row_of(workers, gigabits, cycle, cost))
                        measured.append((workers, cycle, gigabits, exchange_of(cost)))
                        print(rows[-1], flush=True)
    measuring.write_results(
        "ray_network",
        "Workers on machines with a network between them",
        rows,
        [
            f"V = {len(vocabulary):,}, d = 100; every machine has {share:.2f} of a processor, the leading process too; "
            f"pieces of {options.piece:,.0f} words, {options.rounds} rounds"
        ],
    )
    write_prediction(measured, max(options.cycle), options.speed, share)


def write_prediction(measured: Sequence[tuple[int, int, float, float]], cycle: int, speed: float, share: float) -> None:
    """Write what follows from the measured exchanges, which a share of a processor took part in."""
    network, processors = parts_of_the_time(measured)
    measuring.write_results(
        "ray_prediction",
        f"Predicted: an epoch of {EPOCH / 1e9:.0f} billion words",
        prediction(speed, cycle, network, share * processors),
        [
            f"V = {WORDS:,}, d = {DIMENSION}, {ROUNDS} rounds; all rows change in every round, rare ones travel every "
            f"{cycle} rounds; {round_bytes(cycle) / 1e6:.1f} MB a piece, twice over every link",
            f"machines are equal and train {speed:,.0f} words/s; nothing overlaps",
            f"as measured, the network takes {network:.2f} times what the model says, and {share:.2f} of a processor "
            f"{processors:.2f} times what it says of 1 Gb/s; a machine has a whole processor for that",
        ],
    )


if __name__ == "__main__":
    main()
