"""Text for language models: train, valid and test as streams of word ids in which nothing is left out.

A line is a sentence and ends with ``<eos>``; words outside of the vocabulary are ``<unk>``.  Lines without a word are
passed over.  A text that does not come in three parts is split here: blocks of 50 lines, and of every twenty
blocks the last two go to valid and test, so that all parts of a text are in all three.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embeddings.array_files import read_array
from embeddings.errors import EmbeddingsError
from embeddings.text.tokenizer.tokenizers import Tokenizer, make_tokenizer
from embeddings.text.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

UNK, EOS = "<unk>", "<eos>"
PARTS = ("train", "valid", "test")
BLOCK_LINES, CYCLE = 50, 20
SPLIT = f"blocks of {BLOCK_LINES} lines: of every {CYCLE}, {CYCLE - 2} for training, 1 each for validation and test"
_LINE_END = 0
_SAMPLE_BYTES = 1 << 18
_READ_BYTES = 1 << 22


@dataclass(frozen=True, kw_only=True)
class LanguageModelCorpus:
    """Three streams of ids of one vocabulary.

    Attributes
    ----------
    vocabulary : Vocabulary
        Words of ``train`` by falling count, ``<eos>`` and ``<unk>`` among them.
    train, valid, test : np.ndarray
        (N,) int32: all words in their order, ``<eos>`` at the end of each line.
    split : str
        Where the three parts come from, in words.
    """

    vocabulary: Vocabulary
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    split: str

    def unknown_share(self, part: str) -> float:
        """Return which share of the tokens of a part is ``<unk>``."""
        return float(np.mean(getattr(self, part) == self.vocabulary.id(UNK)))

    def save(self, directory: Path) -> None:
        """Write ``vocabulary.tsv`` and ``train.npy``, ``valid.npy``, ``test.npy`` into an existing directory."""
        self.vocabulary.save(directory / "vocabulary.tsv")
        (directory / "split.txt").write_text(self.split + "\n", "utf-8")
        for part in PARTS:
            np.save(directory / f"{part}.npy", getattr(self, part), allow_pickle=False)

    @classmethod
    def load(cls, directory: Path) -> "LanguageModelCorpus":
        """Open what `save` has written.

        Raises
        ------
        EmbeddingsError
            If a file is missing or damaged.
        """
        try:
            streams = {part: read_array(directory / f"{part}.npy", mapped=True) for part in PARTS}
            split = (directory / "split.txt").read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise EmbeddingsError(f"{directory} is no encoded corpus of a language model ({error})") from error
        for part, ids in streams.items():
            if ids.dtype != np.int32 or ids.ndim != 1:
                raise EmbeddingsError(
                    f"{directory / part}.npy holds {ids.dtype} of shape {ids.shape}, expected word ids"
                )
        return cls(vocabulary=Vocabulary.load(directory / "vocabulary.tsv"), split=split, **streams)


def is_presplit(directory: Path) -> bool:
    """Whether a directory holds ``train.txt``, ``valid.txt`` and ``test.txt``."""
    return all((directory / f"{part}.txt").is_file() for part in PARTS)


def looks_tokenized(text: str) -> bool:
    """Whether words and punctuation marks are apart already: nearly no comma or full stop ends a word."""
    apart = len(re.findall(r"(?<=\s)[.,](?=\s)", text))
    attached = len(re.findall(r"(?<=\w)[.,](?=\s)", text))
    return UNK in text or apart > 20 * attached


def read_presplit(
    directory: Path, tokenizer: Tokenizer, *, min_count: int = 1, max_size: int | None = None
) -> tuple[LanguageModelCorpus, Tokenizer]:
    """Read the three files of a directory.

    Parameters
    ----------
    directory
        With ``train.txt``, ``valid.txt`` and ``test.txt``.
    tokenizer
        For raw text.  Text that is tokenized already (`looks_tokenized`) is only split at white space.
    min_count, max_size
        Of the vocabulary; see `build_corpus`.

    Returns
    -------
    corpus : LanguageModelCorpus
    tokenizer : Tokenizer
        The one that was used.

    Raises
    ------
    EmbeddingsError
        If a file cannot be read or is empty.
    """
    blocks = {part: _file_blocks(directory / f"{part}.txt") for part in PARTS}
    with (directory / "train.txt").open("rb") as file:
        sample = file.read(_SAMPLE_BYTES).decode("utf-8", "replace")
    if looks_tokenized(sample):
        logger.info("%s is tokenized already: it is split at white space only", directory)
        tokenizer = make_tokenizer("whitespace", lowercase=False)
    split = f"{', '.join(f'{part}.txt' for part in PARTS)} of {directory.name}"
    return build_corpus(blocks, tokenizer, min_count=min_count, max_size=max_size, split=split), tokenizer


def build_corpus(
    blocks: Iterable[bytes] | Mapping[str, Iterable[bytes]],
    tokenizer: Tokenizer,
    *,
    min_count: int = 1,
    max_size: int | None = None,
    split: str = SPLIT,
) -> LanguageModelCorpus:
    """Tokenize a text and encode it.

    Parameters
    ----------
    blocks
        UTF-8 text: one stream of blocks, which is split as the module says, or one for each of train, valid and test.
    tokenizer
        Should keep punctuation.
    min_count, max_size
        The vocabulary has the words that train has at least ``min_count`` times, the ``max_size`` most frequent at
        most; ``<eos>`` and ``<unk>`` are always there and are among these.
    split
        Where the parts come from, in words.

    Raises
    ------
    EmbeddingsError
        If a part has no line of words.
    """
    counter = tokenizer.counter()

    def stream(source: Iterable[bytes]) -> np.ndarray:
        parts = [ids.copy() for block in source for ids in counter.ids(block)]
        parts += [ids.copy() for ids in counter.ids(b"\n")] + [ids.copy() for ids in counter.last_ids()]
        return _without_empty_lines(np.concatenate(parts))

    streams = [stream(blocks[part]) for part in PARTS] if isinstance(blocks, Mapping) else _split(stream(blocks))
    words = [EOS, *(word.decode() for word in counter.take_words().words.to_bytes())]
    for part, ids in zip(PARTS, streams, strict=True):
        if not ids.size:
            raise EmbeddingsError(
                f"no text for {part}: expected at least one line of words"
                + ("" if isinstance(blocks, Mapping) else f", and {CYCLE} or more in all; or give three files")
            )
    vocabulary = _vocabulary(words, np.bincount(streams[0], minlength=len(words)), min_count, max_size)
    final = vocabulary.ids(words, missing=vocabulary.id(UNK))
    train, valid, test = (final[ids] for ids in streams)
    return LanguageModelCorpus(vocabulary=vocabulary, train=train, valid=valid, test=test, split=split)


def encode_text(text: str, vocabulary: Vocabulary, tokenizer: Tokenizer) -> tuple[list[list[str]], list[np.ndarray]]:
    """Return the words of each line and their ids with ``<eos>`` at the end, (n + 1,) int32; empty lines too."""
    lines = tokenizer.tokenize(text)
    unk, eos = vocabulary.id(UNK), vocabulary.id(EOS)
    return lines, [np.append(vocabulary.ids(line, missing=unk), np.int32(eos)) for line in lines]


def _without_empty_lines(ids: np.ndarray) -> np.ndarray:
    ends = ids == _LINE_END
    return ids[~(ends & np.concatenate([[True], ends[:-1]]))]


def _split(ids: np.ndarray) -> list[np.ndarray]:
    """Deal blocks of lines out to the three parts; a short text is cut into fewer lines a block."""
    ends = ids == _LINE_END
    line = np.cumsum(ends) - ends
    size = max(1, min(BLOCK_LINES, int(ends.sum()) // CYCLE))
    place = line // size % CYCLE
    return [ids[place < CYCLE - 2], ids[place == CYCLE - 2], ids[place == CYCLE - 1]]


def _vocabulary(words: list[str], counts: np.ndarray, min_count: int, max_size: int | None) -> Vocabulary:
    """Order words by falling count; those that are left out count as ``<unk>``."""
    table = dict(zip(words, counts.tolist(), strict=True))
    unknown = table.pop(UNK, 0)
    ends = table.pop(EOS) + (counts[0] if EOS in words[1:] else 0)
    kept = sorted((word for word in table if table[word] >= max(1, min_count)), key=lambda word: (-table[word], word))
    kept = kept[: None if max_size is None else max(0, max_size - 2)]
    unknown += int(counts.sum()) - unknown - ends - sum(table[word] for word in kept)
    final = {**{word: table[word] for word in kept}, UNK: unknown, EOS: int(ends)}
    order = sorted(final, key=lambda word: (-final[word], word))
    return Vocabulary.from_words(order, [final[word] for word in order])


def _file_blocks(path: Path) -> Iterable[bytes]:
    """Read a file in blocks that end in white space."""
    rest = b""
    try:
        with path.open("rb") as file:
            while block := file.read(_READ_BYTES):
                block = rest + block
                end = max(block.rfind(b"\n"), block.rfind(b" ")) + 1
                yield block[:end]
                rest = block[end:]
    except OSError as error:
        raise EmbeddingsError(f"cannot read {path}: {error.strerror}; give a text file") from error
    if rest:
        yield rest
