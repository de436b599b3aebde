"""`vecmill ngram`: an n-gram model of a text, as an ARPA file."""

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.commands.options import (
    Column,
    Config,
    Corpus,
    Field,
    FoldDigits,
    ForceFile,
    Lowercase,
    Normalize,
    Threads,
    TokenizerName,
    given_settings,
    refuse_existing,
)
from pipelines.commands.train_embeddings import DEFAULT
from pipelines.console.interruption import AGAIN, interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.running.directory_lock import DirectoryLock
from pipelines.settings.config import ConfigError, Setting, load_config
from vecmill.compression import MAGIC
from vecmill.files import require_writable, shown_size, writing

if TYPE_CHECKING:
    from embeddings import TokenizedCorpus
    from pipelines.console.progress import Progress
    from pipelines.settings.config import PipelineConfig

logger = logging.getLogger(__name__)

_OWN_OPTIONS = ("order", "prune", "min_count", "max_vocabulary")
_SETTING_OF_OPTION = {"threads": "train.threads"}


def ngram_command(
    context: typer.Context,
    corpus: Corpus,
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="ARPA file to write; compressed if it ends with .gz.")
    ],
    order: Annotated[int, typer.Option(min=1, max=6, help="Length of the longest n-gram.")] = 5,
    prune: Annotated[
        str,
        typer.Option(
            metavar="NUMBERS",
            help='Leave out n-grams that occur at most so often: a number for each order, "0 0 1" for trigrams and '
            "longer ones that occur once.",
        ),
    ] = "0",
    min_count: Annotated[int, typer.Option(min=1, help="Replace words that occur less often by <unk>.")] = 1,
    max_vocabulary: Annotated[
        int | None, typer.Option(min=3, help="Keep at most this many of the most frequent words.", show_default="all")
    ] = None,
    threads: Threads = None,
    tokenizer: TokenizerName = DEFAULT.tokenizer.name,
    lowercase: Lowercase = DEFAULT.tokenizer.lowercase,
    punctuation: Annotated[
        bool, typer.Option("--punctuation/--no-punctuation", help="Keep punctuation marks as tokens.")
    ] = True,
    fold_digits: FoldDigits = DEFAULT.tokenizer.fold_digits,
    normalize: Normalize = DEFAULT.tokenizer.normalize,
    field: Field = DEFAULT.corpus.field,
    column: Column = DEFAULT.corpus.column,
    config: Config = None,
    force: ForceFile = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers of n-grams and the discounts.")] = False,
) -> None:
    """Estimate an n-gram model with interpolated modified Kneser-Ney smoothing.

    A line is a sentence. The ARPA file is read by 'vecmill perplexity', and by KenLM and SRILM. Beside it the
    command keeps its counts on disk while it runs.

    Example: vecmill ngram text.txt --out model.arpa --order 3
    """
    given = given_settings(context, "ngram", _SETTING_OF_OPTION)
    own = {f"ngram.{name}" for name in _OWN_OPTIONS}
    settings = load_config(
        config,
        {
            "tokenizer.punctuation": Setting(punctuation, "--punctuation"),
            **{name: setting for name, setting in given.items() if name not in own},
        },
    )
    thresholds = _thresholds(order, prune)
    if out.suffix in MAGIC and out.suffix != ".gz":
        raise ConfigError(
            f"--out: {out}: ARPA files are compressed as .gz alone; choose that, or compress it afterwards"
        )
    refuse_existing(out, force, *settings.corpus.sources)
    require_writable(out)
    with interruptible(AGAIN), _work_directory(out) as folder:
        progress = make_progress()
        tokenized = _tokenized(settings, folder, progress)
        made = _estimate(tokenized, folder, out, progress, min_count, max_vocabulary, settings.train.threads,
                         order=order, prune=thresholds)  # fmt: skip
    if as_json:
        results.print(json.dumps(made))
        return
    sizes = ", ".join(f"{number:,} {n}-grams" for n, number in enumerate(made["ngrams"], start=1))
    results.print(f"{out}: {shown_size(made['bytes'])}; {made['tokens']:,} tokens, {sizes}")


def _thresholds(order: int, prune: str) -> list[int]:
    from embeddings.language_model.ngram import prune_thresholds

    try:
        numbers = [int(number) for number in prune.replace(",", " ").split()]
    except ValueError:
        raise ConfigError(f'--prune: {prune!r} is no list of numbers; expected one an order, as in "0 0 1"') from None
    try:
        return prune_thresholds(order, numbers)
    except ValueError as error:
        raise ConfigError(f"--prune: {error}") from None


@contextmanager
def _work_directory(out: Path) -> Iterator[Path]:
    """Make a directory beside a file, on the same disk, that one process at a time has.

    It is removed, and so is what a kill has left in it.
    """
    folder = out.with_name(f".{out.name}.counts")
    lock = DirectoryLock(folder, out)
    with writing(out):
        folder.mkdir(exist_ok=True)
        try:
            lock.acquire()
        except OSError:
            with suppress(OSError):
                folder.rmdir()  # empty, unless another process has it
            raise
    try:
        for entry in folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
        lock.record_owner()
        yield folder
    finally:
        for _ in range(2):  # an error may pass
            shutil.rmtree(folder, ignore_errors=True)
        if any(folder.glob("*/*")):
            logger.warning("%s cannot be removed; remove it", folder)
        lock.release()


def _tokenized(settings: "PipelineConfig", folder: Path, progress: "Progress") -> "TokenizedCorpus":
    from embeddings import TokenizedCorpus
    from pipelines.running.runner import Runner
    from pipelines.stage_lists import text_stages
    from pipelines.stages.tokenize import TokenizeStage

    stages = text_stages(settings)
    tokenize = [stage.name for stage in stages].index(TokenizeStage.name)
    Runner(folder, stages[: tokenize + 1], progress).run()
    return TokenizedCorpus.open(folder / TokenizeStage.name)


def _estimate(
    tokenized: "TokenizedCorpus",
    folder: Path,
    out: Path,
    progress: "Progress",
    min_count: int,
    max_vocabulary: int | None,
    threads: int | None,
    **settings: Any,
) -> dict[str, Any]:
    """Write the ARPA file; return what there is to say of it."""
    from embeddings import build_vocabulary, encode_corpus
    from embeddings.language_model.arpa import write_arpa
    from embeddings.language_model.ngram import KneserNeyEstimate
    from embeddings.text.split import train_on_all
    from embeddings.text.vocabulary import EOS

    with progress.task("estimating n-grams", None) as update, writing(out):
        split = train_on_all(tokenized, folder / "split", threads)
        vocabulary = build_vocabulary(tokenized, min_count, max_vocabulary, split)
        ids = encode_corpus(tokenized, vocabulary, folder / "ids", threads, split=split).part("train").stream()
        eos, counts = vocabulary.id(EOS), folder / "counts"
        counts.mkdir()
        estimate = KneserNeyEstimate(
            ids, len(vocabulary), eos, counts, threads=threads, report=lambda what: update(0, what), **settings
        )
        update(0, "writing")
        write_arpa(estimate, vocabulary, eos, out)
    return {
        "out": str(out),
        "bytes": out.stat().st_size,
        "tokens": len(ids),
        "ngrams": estimate.counts,
        "discounts": [found[1:].tolist() for found in estimate.discounts],
    }
