"""Raw text to vocabulary and encoded shards, in megabytes a second; bar: 100 MB/s on 2 processors.

python -m benchmarks.text_to_ids_speed [--corpus SOURCE] [--repeats 5]
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import measuring, text


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = text.write_text(options.corpus, folder / "text.txt")

        def ours() -> None:
            shutil.rmtree(folder / "ids", ignore_errors=True)
            text.encode(source, folder / "ids")

        ours()  # compile, and bring the text into memory
        seconds = median(measuring.take_turns({"ours": ours}, options.repeats)["ours"])
        megabytes = source.stat().st_size / 1e6
    row = {
        "case": f"{megabytes:.0f} MB of plain text → vocabulary and encoded shards",
        "vecmill": f"{megabytes / seconds:.0f} MB/s",
        "bar": "≥ 100 MB/s",
    }
    measuring.write_results(
        "text_to_ids_speed", "Text to ids", [row], [f"{Path(options.corpus).name}; median of {options.repeats} runs"]
    )


if __name__ == "__main__":
    main()
