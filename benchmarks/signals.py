"""Stop a training, or another command, by signals at random moments, repeat it, compare with an undisturbed run.

    python -m benchmarks.signals [--trainings 60] [--seed 1] [--commands "train-glove;ngram"]

Each training is stopped one to three times: by one of the signals that end a command, by two of them within
milliseconds, or by SIGKILL. The command must end with one line and the exit code of the signal; the last repetition
must end with the files of an undisturbed training, bit for bit, and leave nothing else.
"""

import argparse
import collections
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import injected_failures, measuring

SIGNALS = ["TERM", "INT", "HUP", "QUIT", "KILL", "INT INT", "TERM INT", "HUP TERM"]
GAPS = [0.0, 0.0005, 0.002, 0.01]  # seconds between two signals
NAME = "train-lm, small"
COMMAND = (
    "train-lm {folder}/text.txt --out {place}/lm --preset small --epochs 3 --hidden-size 32 --max-vocabulary 300 "
    "--min-count 1 --skip-finished"
)


def stop(lab: injected_failures.Lab, command: str, signals: str, second: float) -> injected_failures.Outcome:
    """Run a command and send signals after so many seconds."""

    def send(pid: int) -> None:
        time.sleep(second)
        for number, name in enumerate(signals.split()):
            time.sleep(random.choice(GAPS) if number else 0)
            os.kill(pid, getattr(signal, f"SIG{name}"))  # it has not been waited for: the number is its own

    return lab.run(command, meanwhile=send)


def wrong_end(signals: str, outcome: injected_failures.Outcome) -> str:
    """Return what is wrong with the end of a command that was stopped; "" if nothing is."""
    numbers = [getattr(signal, f"SIG{name}") for name in signals.split()]
    code = 128 - outcome.code if outcome.code is not None and outcome.code < 0 else outcome.code  # as shells have it
    if code not in (0, *(128 + number for number in numbers)) or "Traceback" in outcome.log:
        return f"{signals}: exit code {outcome.code}: {outcome.log[-300:]}"
    if code and signals != "KILL" and outcome.log.count("stopped; ") != 1:
        return f"{signals}: no line says that it was stopped: {outcome.log[-300:]}"
    return ""


def stop_often(lab: injected_failures.Lab, command: str, rounds: int) -> tuple[collections.Counter[str], list[str]]:
    """Stop and repeat a command; return how often each signal stopped it, and what went wrong."""
    stopped: collections.Counter[str] = collections.Counter()
    wrong: list[str] = []
    start = time.monotonic()
    lab.expect(command)
    seconds = time.monotonic() - start
    for _ in range(rounds):
        lab.clear()
        lab.begin(command)
        for _ in range(random.randint(1, 3)):
            signals = random.choice(SIGNALS)
            outcome = stop(lab, command, signals, random.random() * seconds)
            stopped[signals] += outcome.code != 0
            wrong += filter(None, [wrong_end(signals, outcome)])
        outcome = lab.run(command)
        wrong += filter(None, [outcome.log[-300:] if outcome.code else lab.difference(command)])
    return stopped, [f"{command}: {what}" for what in wrong]


def main() -> None:
    """Stop and repeat commands; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainings", type=int, default=60, help="of each command")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--commands", default=NAME, help="those of injected_failures; separated by semicolons")
    parser.add_argument("--json", action="store_true", help="print one JSON object, write no results")
    options = parser.parse_args()
    random.seed(options.seed)
    injected_failures.COMMANDS[NAME] = COMMAND
    stopped: collections.Counter[str] = collections.Counter()
    wrong: list[str] = []
    commands = options.commands.split(";")
    with tempfile.TemporaryDirectory() as name:
        lab = injected_failures.Lab(Path(name))
        lab.prepare(commands)
        for command in commands:
            found, faults = stop_often(lab, command, options.trainings)
            stopped += found
            wrong += faults
    rows = [{"signals": signals, "stopped": stopped[signals]} for signals in SIGNALS]
    if options.json:
        print(json.dumps({"rows": rows, "wrong": wrong}))
        return
    rounds = options.trainings * len(commands)
    notes = [f"{rounds} trainings stopped {sum(stopped.values())} times; {len(wrong)} failures", *wrong]
    measuring.write_results("signals", "Stopped by signals", rows, notes)


if __name__ == "__main__":
    # libraries read these when they are imported
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.environ |= {"OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.signals", *sys.argv[1:]])
    main()
