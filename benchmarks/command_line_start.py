"""How long the command line takes to start: help, completion and usage errors import nothing of what the work needs.

python -m benchmarks.command_line_start [--repeats 11]
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks import measuring

VECMILL = str(Path(sys.executable).with_name("vecmill"))
COMPLETION = {"_VECMILL_COMPLETE": "complete_bash", "COMP_WORDS": "vecmill neigh", "COMP_CWORD": "1"}
CASES: dict[str, tuple[list[str], dict[str, str]]] = {
    "vecmill --help": (["--help"], {}),
    "vecmill neighbors --help": (["neighbors", "--help"], {}),
    "a misspelt command": (["nieghbors"], {}),
    "an impossible option": (["map", "model", "--out", "map.png"], {}),
    "Tab after 'vecmill neigh'": ([], COMPLETION),
}


def main() -> None:
    """Measure every case and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=11)
    options = parser.parse_args()

    def call(arguments: list[str], environment: dict[str, str]) -> Callable[[], object]:
        return lambda: subprocess.run([VECMILL, *arguments], capture_output=True, env=os.environ | environment)

    sides = {case: call(*what) for case, what in CASES.items()} | {
        "python -c pass": lambda: subprocess.run([sys.executable, "-c", "pass"])
    }
    seconds = measuring.take_turns(sides, options.repeats)
    rows = [{"case": case, "seconds": f"{median(times):.2f}", "bar": "< 0.3"} for case, times in seconds.items()]
    rows[-1]["bar"] = ""
    measuring.write_results("command_line_start", "Start of the command line", rows, [f"median of {options.repeats}"])


if __name__ == "__main__":
    main()
