"""Stop the training of a language model by signals at random moments, resume it, compare with an undisturbed run.

    python -m benchmarks.signals [--trainings 60] [--seed 1]

Each training is stopped one to three times: by one of the signals that end a command, by two of them within
milliseconds, or by SIGKILL. The command must end with one line and the exit code of the signal; the last repetition
must end with the files of an undisturbed training, bit for bit, and leave nothing else.
"""

import argparse
import collections
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


def stop(lab: injected_failures.Lab, signals: str, second: float) -> injected_failures.Outcome:
    """Run the command and send signals after so many seconds."""

    def send(pid: int) -> None:
        time.sleep(second)
        for number, name in enumerate(signals.split()):
            time.sleep(random.choice(GAPS) if number else 0)
            os.kill(pid, getattr(signal, f"SIG{name}"))  # it has not been waited for: the number is its own

    return lab.run(NAME, meanwhile=send)


def wrong_end(signals: str, outcome: injected_failures.Outcome) -> str:
    """Return what is wrong with the end of a command that was stopped; "" if nothing is."""
    codes = [0, -signal.SIGKILL] if signals == "KILL" else [0]
    codes += [128 + getattr(signal, f"SIG{name}") for name in signals.split() if name != "KILL"]
    if outcome.code not in codes or "Traceback" in outcome.log:
        return f"{signals}: exit code {outcome.code}: {outcome.log[-300:]}"
    if outcome.code and outcome.code > 0 and outcome.log.count("stopped; repeat the command") != 1:
        return f"{signals}: no line says that it was stopped: {outcome.log[-300:]}"
    return ""


def main() -> None:
    """Stop and resume trainings; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainings", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    injected_failures.COMMANDS[NAME] = COMMAND
    stopped: collections.Counter[str] = collections.Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        lab = injected_failures.Lab(Path(name))
        lab.prepare([NAME])
        start = time.monotonic()
        lab.expect(NAME)
        seconds = time.monotonic() - start
        for _ in range(options.trainings):
            lab.clear()
            for _ in range(random.randint(1, 3)):
                signals = random.choice(SIGNALS)
                outcome = stop(lab, signals, random.random() * seconds)
                stopped[signals] += outcome.code != 0
                wrong += filter(None, [wrong_end(signals, outcome)])
            outcome = lab.run(NAME)
            wrong += filter(None, [outcome.log[-300:] if outcome.code else lab.difference(NAME)])
    rows = [{"signals": signals, "stopped": stopped[signals]} for signals in SIGNALS]
    notes = [f"{options.trainings} trainings stopped {sum(stopped.values())} times; {len(wrong)} failures", *wrong]
    measuring.write_results("signals", "Stopped by signals", rows, notes)


if __name__ == "__main__":
    # libraries read these when they are imported
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.environ |= {"OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.signals", *sys.argv[1:]])
    main()
