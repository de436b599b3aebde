"""Peak memory of the whole way from raw text to saved vectors; bar: 2·V·d·4 bytes + vocabulary + 400 MB.

python -m benchmarks.word2vec_memory [--corpus SOURCE] [--dimension 100]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import measuring, text

MEGABYTE = 1e6


def main() -> None:
    """Measure a `vecmill train-embeddings` in a process of its own and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--dimension", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "model"
        command = [
            str(Path(sys.executable).with_name("vecmill")),
            "train-embeddings",
            options.corpus,
            "--out",
            str(out),
        ]
        command += ["--epochs", "1", "--dimension", str(options.dimension)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / MEGABYTE
        vocabulary = (out / "vocabulary.tsv").stat().st_size / MEGABYTE
        words = len((out / "vocabulary.tsv").read_text("utf-8").splitlines())
        fetch = json.loads((out / "manifest.json").read_text("utf-8"))["history"]["fetch"]
    allowed = 2 * words * options.dimension * 4 / MEGABYTE + vocabulary + 400
    row = {
        "case": f"raw text to saved vectors, V = {words:,}, d = {options.dimension}",
        "peak RSS": f"{peak:.0f} MB",
        "bar": f"≤ {allowed:.0f} MB",
    }
    note = f"{Path(options.corpus).name}, {fetch['summary']['bytes'] / MEGABYTE:.0f} MB as stored"
    measuring.write_results("word2vec_memory", "Memory", [row], [note])


if __name__ == "__main__":
    main()
