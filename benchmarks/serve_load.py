"""`vecmill serve` under load by clients of others: hey for single queries at a fixed rate, wrk for batches.

Both are packages of Debian (`apt-get install hey wrk`). CPU time a request does not depend on other load.

python -m benchmarks.serve_load [--seconds 10]
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import generated, measuring

WORDS, DIMENSION, BATCH = 100_000, 100, 1000
RATE, CONNECTIONS = 500, 10
WORKERS = (2, 4)
LUA = """
math.randomseed(7)
local words = {}
for line in io.lines("%s") do words[#words + 1] = '"' .. line .. '"' end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  local asked = {}
  for i = 1, %d do asked[i] = words[math.random(#words)] end
  return wrk.format(nil, "/api/neighbors", nil, '{"topn":10,"words":[' .. table.concat(asked, ",") .. "]}")
end
"""


@contextmanager
def served(model: Path, *options: str) -> Iterator[tuple[str, int]]:
    """Start the service; yield its address and the number of its process."""
    command = [sys.executable, "-m", "vecmill", "serve", str(model), "--port", "0", "--map-words", "0", "--json"]
    command += options
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["address"], process.pid
        finally:
            process.terminate()


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int, what: str = "VmRSS") -> float:
    """Return the resident memory of a process in MB; with RssAnon, without mapped files and libraries."""
    found = re.search(rf"{what}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024 / 1e6


def beyond(resident: float, own: float, size: float) -> str:
    """Describe memory beyond a model, and its part without mapped files, whose pages the system can drop."""
    return f"{resident - size:.0f} MB; {own - size:.0f} without mapped libraries"


def children(pid: int) -> list[str]:
    """Return the numbers of the processes that a process has started."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def memory_of_workers(model: Path, count: int, word: str) -> float:
    """Return the memory of a service with workers in MB, in which what they share counts once."""
    with served(model, "--workers", str(count)) as (address, pid):
        while len(processes := children(pid)) > count:  # one that compiles kernels, or finds that they are
            time.sleep(0.1)
        for _ in range(50 * count):  # connections of their own, which any of the workers may take
            urllib.request.urlopen(f"{address}api/neighbors?word={word}").close()
        rollups = [Path(f"/proc/{process}/smaps_rollup").read_text() for process in (pid, *processes)]
        return sum(int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) for text in rollups) * 1024 / 1e6


def run_hey(address: str, seconds: int, word: str) -> tuple[float, float, str]:
    """Ask for the neighbours of a word at a fixed rate; return requests/s, the 99th percentile in ms, and statuses."""
    command = ["hey", "-z", f"{seconds}s", "-c", str(CONNECTIONS), "-q", str(RATE // CONNECTIONS)]
    text = subprocess.run(
        [*command, f"{address}api/neighbors?word={word}&topn=10"], capture_output=True, text=True, check=True
    ).stdout
    rate, slow = (re.search(pattern, text) for pattern in (r"Requests/sec:\s+([\d.]+)", r"99% in ([\d.]+) secs"))
    assert rate and slow, text
    return float(rate[1]), 1000 * float(slow[1]), ", ".join(re.findall(r"\[(\d+)\]\s+\d+ responses", text))


def run_wrk(address: str, seconds: int, script: Path) -> tuple[float, int]:
    """Ask for batches from two connections as fast as they are answered; return requests/s and failures."""
    command = ["wrk", "-t1", "-c2", f"-d{seconds}s", "--timeout", "60s", "-s", str(script), address]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate, failed = re.search(r"Requests/sec:\s+([\d.]+)", text), re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    assert rate, text
    return float(rate[1]), int(failed[1]) if failed else 0


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10)
    seconds = parser.parse_args().seconds
    missing = [name for name in ("hey", "wrk") if not shutil.which(name)]
    if missing:
        sys.exit(f"{' and '.join(missing)}: not installed; run: apt-get install hey wrk")
    with tempfile.TemporaryDirectory() as folder:
        model, script, words = Path(folder) / "model", Path(folder) / "batch.lua", Path(folder) / "words.txt"
        vectors = generated.generated_vectors(generated.generated_words(WORDS), DIMENSION)
        vectors.save(model)
        words.write_text("\n".join(vectors.words))
        script.write_text(LUA % (words, BATCH))
        size = sum(file.stat().st_size for file in model.iterdir()) / 1e6
        with served(model) as (address, pid):
            run_hey(address, 2, vectors.words[500])
            begun = memory(pid), memory(pid, "RssAnon")
            used = cpu_seconds(pid)
            rate, slowest, statuses = run_hey(address, seconds, vectors.words[500])
            single = (cpu_seconds(pid) - used) / (rate * seconds)
            used = cpu_seconds(pid)
            batches, failed = run_wrk(address, seconds, script)
            batch = (cpu_seconds(pid) - used) / max(batches * seconds * BATCH, 1)
            ended = memory(pid), memory(pid, "RssAnon")
        workers = {count: memory_of_workers(model, count, vectors.words[500]) for count in WORKERS}
    rows = [
        {"case": f"neighbors, {rate:.0f} requests/s", "result": f"p99 {slowest:.1f} ms", "bar": "< 10 ms at 500/s"},
        {"case": "the same, CPU time of a request", "result": f"{1000 * single:.2f} ms", "bar": ""},
        {"case": f"neighbors, batches of {BATCH:,}", "result": f"{batches * BATCH:,.0f} words/s", "bar": "≥ 10,000"},
        {"case": "the same, words a second of CPU time", "result": f"{1 / batch:,.0f}" if batch else "", "bar": ""},
        {"case": "memory beyond the model, single queries", "result": beyond(*begun, size), "bar": "≤ 200 MB"},
        {"case": "the same after batches, which load the compiler", "result": beyond(*ended, size), "bar": "≤ 200 MB"},
        *(
            {"case": f"the same, {count} workers", "result": f"{used - size:.0f} MB", "bar": ""}
            for count, used in workers.items()
        ),
    ]
    notes = [
        f"generated vectors, V = {WORDS:,}, d = {DIMENSION}: {size:.0f} MB; client on loopback, {seconds} s each",
        f"statuses of single requests: {statuses}; failed batches: {failed}",
        f"load of the machine at the end: {os.getloadavg()[0]:.1f}",
    ]
    measuring.write_results("serve_load", "`vecmill serve` under load", rows, notes)


if __name__ == "__main__":
    main()
