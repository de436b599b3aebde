"""Tokenizing a text by tasks, a stretch of its files each."""

import shutil
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpora.corpus import UNREADABLE_FILE, warnings_of
from corpora.errors import CorpusError
from corpora.stretches import Stretch, stretches

if TYPE_CHECKING:
    from corpora import Corpus
    from embeddings.executor import Executor

_SHARDS = 4  # for each processor: the last ones end together
_SMALLEST, _LARGEST = 1 << 20, 1 << 28  # stored bytes; reading again what a lost machine had read costs little

Skipped = dict[str, tuple[int, str]]


def tokenize_shards(
    texts: Mapping[str, "Corpus"],
    tokenizer: Mapping[str, Any],
    directory: Path,
    executor: "Executor",
    progress: Callable[[int], None],
) -> dict[str, int]:
    """Tokenize texts by tasks and join the results.

    Parameters
    ----------
    texts : mapping of str to Corpus
        Texts by name; a single one has the name "".
    tokenizer : mapping of str to Any
        Arguments of `embeddings.make_tokenizer`.
    directory : Path
        Empty directory, which all tasks see.
    executor : Executor
    progress : callable
        Called with the stored bytes that were read.

    Returns
    -------
    dict of str to int
        `Corpus.warnings` of all texts.

    Raises
    ------
    CorpusError
        A file cannot be read, or not by another machine.
    """
    from embeddings import TokenizedCorpus
    from embeddings.text.joined_shards import join_shards

    total = sum(text.size or 0 for text in texts.values())
    size = max(_SMALLEST, min(_LARGEST, total // (_SHARDS * executor.tasks)))
    dealt = [(source, one) for source, text in enumerate(texts.values()) for one in stretches(text, size)]
    scratch = directory / ".shards"
    scratch.mkdir()
    names, skipped, done = [], [], 0
    work = partial(tokenize_shard, dict(tokenizer), scratch)
    for (name, found, read), (_, stretch) in zip(executor.map(work, [one for _, one in dealt]), dealt, strict=True):
        if UNREADABLE_FILE in found:
            _refuse_if_readable_here(stretch)
        names.append(name)
        skipped.append(found)
        done += read
        progress(done)
    shards = [TokenizedCorpus.open(scratch / name) for name in names]
    join_shards(shards, directory, [name for name in texts if name], [source for source, _ in dealt])
    shutil.rmtree(scratch)
    return warnings_of([*(_left_out(text) for text in texts.values()), *skipped])


def tokenize_shard(tokenizer: dict[str, Any], scratch: Path, stretch: Stretch) -> tuple[str, Skipped, int]:
    """Tokenize a stretch with one thread; return the name of its directory, what was skipped, and the bytes read.

    Another attempt may run at the same time: each has a directory of its own.

    Parameters
    ----------
    tokenizer : dict of str to Any
        Arguments of `embeddings.make_tokenizer`.
    scratch : Path
        Existing directory.
    stretch : Stretch

    Returns
    -------
    tuple[str, dict, int]
    """
    from embeddings import make_tokenizer, tokenize_corpus

    name, corpus = uuid.uuid4().hex, stretch.open()
    tokenize_corpus(corpus.blocks(), make_tokenizer(**tokenizer), scratch / name, threads=1)
    return name, corpus.skipped, corpus.position


def _left_out(text: "Corpus") -> Skipped:
    found: Skipped = {}
    for kind, path in text.left_out:
        count, first = found.get(kind, (0, path))
        found[kind] = (count + 1, first)
    return found


def _refuse_if_readable_here(stretch: Stretch) -> None:
    """Raise an error if a file is left out only because another machine does not see it."""
    for file in stretch.files:
        with suppress(OSError):
            file.open().close()
            raise CorpusError(
                f"{file.path}: a machine of the cluster cannot read it; put the text on storage that all machines "
                "share under the same path"
            )
