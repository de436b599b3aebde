"""One tokenized text of several, which tasks have written apart from each other."""

from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from embeddings.text.misread import unsegmented_runs, warn_if_misread
from embeddings.text.tokenized_corpus import TokenizedCorpus, ids_name, words_name
from vecmill.files import writing


def join_shards(
    shards: Sequence[TokenizedCorpus],
    directory: str | PathLike[str],
    sources: Sequence[str] = (),
    source_of: Sequence[int] | None = None,
) -> TokenizedCorpus:
    """Join tokenized texts in their order; their files are moved, not copied, and their workers numbered anew.

    Vocabulary and ids are those of the whole text, since they depend neither on workers nor on blocks.

    Parameters
    ----------
    shards : sequence of TokenizedCorpus
        At least one; each begins with a line.
    directory : path
        Existing directory on the file system of the shards.
    sources : sequence of str
        Names of the texts, if there are several.
    source_of : sequence of int, optional
        Which of the sources each shard belongs to. Default: the only one.

    Returns
    -------
    TokenizedCorpus

    Raises
    ------
    OutputError
        The directory cannot be written.
    """
    directory, workers = Path(directory), 0
    skipped: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    parts = []
    for number, shard in enumerate(shards):
        moved = shard.parts.copy()
        moved[:, 0] += workers
        moved[:, 4] = source_of[number] if source_of else 0
        parts.append(moved)
        for place in shard.spills():
            runs += unsegmented_runs(shard.spilled_counts(*place).words())
        with writing(directory):
            _move(shard, directory, workers)
        workers += int(shard.parts[:, 0].max(initial=-1)) + 1
        skipped.update(shard.skipped)
    joined = TokenizedCorpus(
        directory=directory,
        tokenizer=shards[0].tokenizer,
        byte_count=sum(shard.byte_count for shard in shards),
        token_count=sum(shard.token_count for shard in shards),
        word_count=sum(shard.word_count for shard in shards),
        skipped=dict(skipped),
        sources=list(sources),
        parts=np.concatenate(parts),
    )
    with writing(directory):
        joined.write_record(directory)
    warn_if_misread(joined.token_count, joined.skipped, runs)
    return joined


def _move(shard: TokenizedCorpus, directory: Path, workers: int) -> None:
    for worker in np.unique(shard.parts[:, 0]).tolist():
        (shard.directory / ids_name(worker)).replace(directory / ids_name(workers + worker))
    for worker, spill in shard.spills():
        (shard.directory / words_name(worker, spill)).replace(directory / words_name(workers + worker, spill))
