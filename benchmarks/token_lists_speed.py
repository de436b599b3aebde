"""Lists of tokens to vocabulary and encoded shards, in millions of tokens a second; bar: 5 M tokens/s.

python -m benchmarks.token_lists_speed [--corpus SOURCE] [--megabytes 30] [--repeats 5]
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks import measuring, text
from embeddings import make_tokenizer
from embeddings.text.text_to_ids import text_to_ids
from embeddings.text.tokenized_corpus import tokenize_corpus
from embeddings.text.tokenizer.token_lists import TokenLists
from vecmill.text_input import TextInput


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, default=30)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = text.write_text(options.corpus, folder / "text.txt", options.megabytes)
        sentences = make_tokenizer("fast").tokenize(source.read_text("utf-8"))
        tokens = sum(map(len, sentences))

        def fresh() -> Path:
            shutil.rmtree(folder / "ids", ignore_errors=True)
            (folder / "ids").mkdir()
            return folder / "ids"

        def blocks() -> Iterator:
            return TextInput(sentences).blocks()

        sides = {
            "tokenized corpus": lambda: tokenize_corpus(blocks(), TokenLists(), fresh() / "tokenized"),
            "vocabulary and encoded shards": lambda: text_to_ids(blocks(), TokenLists(), fresh()),
        }
        for side in sides.values():
            side()  # compile
        seconds = measuring.take_turns(sides, options.repeats)
    rows = [
        {
            "case": f"{tokens / 1e6:.1f} M tokens in {len(sentences):,} lists of str → {side}",
            "vecmill": f"{tokens / 1e6 / median(taken):.1f} M tokens/s",
            "bar": "≥ 5 M tokens/s",
        }
        for side, taken in seconds.items()
    ]
    notes = [f"the first {options.megabytes:g} MB of {Path(options.corpus).name}; median of {options.repeats} runs"]
    measuring.write_results("token_lists_speed", "Lists of tokens to ids", rows, notes)


if __name__ == "__main__":
    main()
