"""Twenty kills at random moments of the whole pipeline; `benchmarks.kills` does it as often as one likes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_twenty_kills_lose_nothing_leave_nothing_and_change_nothing():
    # Without the report, which takes as long as all the rest.
    options = ["--kills", "20", "--megabytes", "0.06", "--until", "train-lm", "--json"]
    command = [sys.executable, "-m", "benchmarks.kills", *options]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    record = json.loads(run.stdout.splitlines()[-1])
    assert record["kills"] == sum(record["killed while"].values()) == 20
    assert record["finished runs compared"] >= 2
    assert len(record["killed while"]) >= 3, record["killed while"]
