"""Division of an encoded corpus into blocks, the unit of work of a training thread."""

from typing import NamedTuple

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.encoded_corpus import EncodedCorpus

BLOCK_TOKENS = 10_000
_FEWEST_BLOCKS = 200  # so that small corpora also have a smooth learning rate and a held-out part
_MOST_HELD_OUT_TOKENS = 50_000


class BlockTable(NamedTuple):
    """Positions of the n blocks of a corpus, in the order of the text.

    A block holds whole sentences, but a sentence longer than a block is cut, which loses only the few word pairs across
    the cuts.

    Attributes
    ----------
    shard : (n,) int64
    first_sentence, last_sentence : (n,) int64
        Half-open range of sentences within the shard.
    first, last : (n,) int64
        Half-open range of tokens within the shard.
    """

    shard: np.ndarray
    first_sentence: np.ndarray
    last_sentence: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def __len__(self) -> int:
        return len(self.shard)

    @property
    def tokens(self) -> np.ndarray:
        """Number of tokens of each block, (n,) int64."""
        tokens: np.ndarray = self.last - self.first
        return tokens

    def select(self, which: np.ndarray) -> "BlockTable":
        """Return the blocks at the given indices or mask."""
        return BlockTable(*(column[which] for column in self))


def cut_into_blocks(corpus: EncodedCorpus, block_tokens: int | None = None) -> BlockTable:
    """Cut a corpus into blocks of about `block_tokens` tokens; none has more than twice as many.

    Parameters
    ----------
    corpus : EncodedCorpus
    block_tokens : int, optional
        By default `BLOCK_TOKENS`, or fewer if the corpus would have less than 200 blocks.

    Returns
    -------
    BlockTable

    Raises
    ------
    EmbeddingsError
        The corpus has no shards.
    """
    if not corpus.shards:
        raise EmbeddingsError(f"{corpus.directory} has no shards; encode the corpus again")
    size = block_tokens or max(50, min(BLOCK_TOKENS, corpus.token_count // _FEWEST_BLOCKS))
    parts = [_cut_shard(number, np.asarray(shard.offsets), size) for number, shard in enumerate(corpus.shards)]
    return BlockTable(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _cut_shard(number: int, offsets: np.ndarray, size: int) -> BlockTable:
    targets = np.arange(0, offsets[-1], size, dtype=np.int64)
    sentence = np.searchsorted(offsets, targets, side="right") - 1
    long = offsets[sentence + 1] - offsets[sentence] > size
    cuts = np.unique(np.append(np.where(long, targets, offsets[sentence]), offsets[-1]))
    first, last = cuts[:-1], cuts[1:]
    return BlockTable(
        shard=np.full(len(first), number, np.int64),
        first_sentence=np.searchsorted(offsets, first, side="right") - 1,
        last_sentence=np.searchsorted(offsets, last, side="left"),
        first=first,
        last=last,
    )


def hold_out(blocks: BlockTable, share: float) -> np.ndarray:
    """Choose evenly spaced blocks to hold out from training.

    Parameters
    ----------
    blocks : BlockTable
    share : float
        Largest fraction of the tokens; at most 50,000 tokens, and no block of a tiny corpus.

    Returns
    -------
    (n,) bool
    """
    tokens = int(blocks.tokens.sum())
    wanted = min(share * tokens, _MOST_HELD_OUT_TOKENS)
    number = int(wanted * len(blocks) / tokens) if tokens else 0
    held_out = np.zeros(len(blocks), bool)
    if number:
        held_out[(np.arange(number) * len(blocks) + len(blocks) // 2) // number] = True
    return held_out
