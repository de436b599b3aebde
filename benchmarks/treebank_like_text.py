"""A text of the size and in the manner of Penn Treebank, the usual one of language models (Mikolov et al. 2010).

Lower case, no punctuation, ``N`` for numbers, the 9,999 most frequent words of the training part (``<unk>`` and the
end of a line among them), about 930,000, 74,000 and 82,000 tokens.  It is made of the first lines of another text,
which has been tokenized and split in three.

python -m benchmarks.treebank_like_text FOLDER [--text FOLDER]
"""

import argparse
import re
from collections import Counter
from pathlib import Path

from benchmarks.language_models import WIKI

TOKENS = {"train": 930_000, "valid": 74_000, "test": 82_000}
WORDS = 9_999
NUMBER = re.compile(r"\d[\d,.]*")
UNKNOWN = "<unk>"


def main() -> None:
    """Write the three files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to write; it is made")
    parser.add_argument("--text", type=Path, default=WIKI, help="folder of train.txt, valid.txt and test.txt")
    options = parser.parse_args()
    parts = {part: first_lines(options.text / f"{part}.txt", tokens) for part, tokens in TOKENS.items()}
    counts = Counter(word for line in parts["train"] for word in line if word != UNKNOWN)
    known = {word for word, _ in counts.most_common(WORDS - 2)}
    options.folder.mkdir(parents=True, exist_ok=True)
    for part, lines in parts.items():
        shown = (" ".join(word if word in known else UNKNOWN for word in line) for line in lines)
        (options.folder / f"{part}.txt").write_text("".join(f"{line}\n" for line in shown), "utf-8")
        tokens = sum(len(line) + 1 for line in lines)
        unknown = sum(word not in known for line in lines for word in line)
        print(f"{part}: {tokens:,} tokens, {unknown / tokens:.1%} of them {UNKNOWN}")


def first_lines(path: Path, tokens: int) -> list[list[str]]:
    """Return the words of the first lines of a file, so many that they have about that many tokens."""
    lines: list[list[str]] = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            words = [plain(word) for word in line.lower().split() if word == UNKNOWN or any(map(str.isalnum, word))]
            if words:
                lines.append(words)
                tokens -= len(words) + 1
            if tokens <= 0:
                break
    return lines


def plain(word: str) -> str:
    """Return a word with ``N`` in the place of numbers."""
    return "N" if NUMBER.fullmatch(word) else re.sub(r"\d+", "N", word)


if __name__ == "__main__":
    main()
