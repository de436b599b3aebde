"""Phrases counted, scored and joined, beside gensim; bar: 15 times as fast, with the same phrases, scores and text.

python -m benchmarks.phrases_speed [--corpus SOURCE] [--megabytes 100] [--repeats 3] [--connector-words english]

Both sides begin with text that is tokenized: gensim with lists of str in memory, vecmill with ids on disk; and both end
with joined text. Peak memory is measured in a process for each side.
"""

import argparse
import gc
import json
import resource
import shutil
import tempfile
from pathlib import Path
from statistics import median

from gensim.models.phrases import Phrases

from benchmarks import measuring, text
from corpora import open_corpus
from embeddings import TokenizedCorpus, make_tokenizer, tokenize_corpus
from embeddings.text.phrase_table import PhraseSettings, PhraseTable
from embeddings.text.phrases import join_found_phrases

SIDES = ("vecmill", "gensim")


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--connector-words", default="english")
    parser.add_argument("--folder", type=Path, help="Tokenized text; measure the memory of one side, and no times.")
    parser.add_argument("--side", choices=SIDES)
    options = parser.parse_args()
    settings = PhraseSettings(passes=1, connector_words=options.connector_words)
    if options.folder:
        _run(options.side, options.folder, settings)
        print(json.dumps({"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = text.write_text(options.corpus, folder / "text.txt", options.megabytes)
        tokenized = tokenize_corpus(open_corpus(str(source)).blocks(), make_tokenizer(), folder / "tokenized")
        arguments = ("--folder", name, "--connector-words", options.connector_words)
        peaks = {
            side: measuring.run_alone("benchmarks.phrases_speed", *arguments, "--side", side)["peak"] for side in SIDES
        }
        sentences = _sentences(folder)
        gc.freeze()  # else the garbage collector looks through gensim's lists of str while vecmill runs
        table, joined = _ours(tokenized, folder, settings)  # compile
        _compare(table, joined, sentences, settings)
        seconds = measuring.take_turns(
            {"vecmill": lambda: _ours(tokenized, folder, settings), "gensim": lambda: _theirs(sentences, settings)},
            options.repeats,
        )
    row = {
        "case": f"{tokenized.token_count / 1e6:.1f} M tokens → {len(table):,} phrases, joined",
        **{side: f"{median(taken):.1f} s, {peaks[side]:,.0f} MB" for side, taken in seconds.items()},
        "ratio": f"{measuring.ratio_of_medians(seconds['vecmill'], seconds['gensim']):.1f}",
        "bar": "≥ 15",
    }
    notes = [
        f"the first {options.megabytes:g} MB of {Path(options.corpus).name}; connector words: "
        f"{options.connector_words or 'none'}; median of {options.repeats} runs",
        "the same phrases, scores and joined text on both sides",
    ]
    measuring.write_results("phrases_speed", "Phrases", [row], notes)


def _run(side: str, folder: Path, settings: PhraseSettings) -> None:
    if side == "vecmill":
        _ours(TokenizedCorpus.open(folder / "tokenized"), folder, settings)
    else:
        _theirs(_sentences(folder), settings)


def _sentences(folder: Path) -> list[list[str]]:
    """Return the sentences as lists of str, with one object for each word."""
    words: dict[str, str] = {}
    tokenizer = make_tokenizer()
    with (folder / "text.txt").open(encoding="utf-8") as file:
        lines = (tokens for line in file for tokens in tokenizer.tokenize(line))
        return [[words.setdefault(word, word) for word in tokens] for tokens in lines]


def _ours(tokenized: TokenizedCorpus, folder: Path, settings: PhraseSettings) -> tuple[PhraseTable, TokenizedCorpus]:
    shutil.rmtree(folder / "joined", ignore_errors=True)
    return join_found_phrases(tokenized, folder / "joined", settings)


def _phrases(sentences: list[list[str]], settings: PhraseSettings) -> Phrases:
    return Phrases(
        sentences,
        min_count=settings.min_count,
        threshold=settings.lowest_score,
        connector_words=settings.connectors,
        delimiter=settings.delimiter,
    )


def _theirs(sentences: list[list[str]], settings: PhraseSettings) -> list[list[str]]:
    frozen = _phrases(sentences, settings).freeze()
    return [frozen[sentence] for sentence in sentences]


def _compare(table: PhraseTable, joined: TokenizedCorpus, sentences: list[list[str]], settings: PhraseSettings) -> None:
    """Stop if the sides differ."""
    phrases = _phrases(sentences, settings)
    found = phrases.find_phrases(sentences)
    if not found.items() <= table.scores.items():
        raise SystemExit("the phrases or their scores differ")
    if sum(len(phrases[sentence]) for sentence in sentences) != joined.token_count:
        raise SystemExit("the joined texts differ")


if __name__ == "__main__":
    main()
