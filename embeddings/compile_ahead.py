"""Compile kernels in a second process while a first training on a machine still reads its text.

Numba compiles one kernel at a time in a process. The second process trains a model of every kind on a few words; the
machine code comes into the cache, where this process finds it (`embeddings.compilation`). It runs once per machine
and version: later trainings find all kernels compiled.
"""

import gc
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from embeddings.compilation import cache_directory, is_compiled
from embeddings.text.encoded_corpus import CorpusPart, EncodedCorpus
from embeddings.text.split import TRAIN
from embeddings.text.vocabulary import EOS, UNK, Vocabulary
from embeddings.threads import thread_count
from vecmill.files import temporary_directory
from vecmill.python_process import give_way, start_python

logger = logging.getLogger(__name__)

_PROGRAM = "from embeddings.compile_ahead import main; main({model!r}, {lock!r})"
_LATER = 10  # niceness of what is needed only after the word vectors are trained
_SPARE = 19  # that of what no training waits for
_IDS = np.arange(1000, dtype=np.int32) % 20
_SENTENCES: Any = [[f"word{number}" for number in range(20)]] * 10


def compile_ahead(model: str) -> None:
    """Begin to compile the kernels that a training needs, if the cache does not hold them; return at once.

    Does nothing with one processor, without a cache on disk, or if another process compiles the same kernels.

    Parameters
    ----------
    model : {"skip-gram", "cbow", "lstm", "gru", "rnn"}
        What is to be trained. With an architecture of word2vec the kernels of all its variants are compiled.
    """
    kernels = _kernels(model)
    missing = [kernel for kernel in kernels if not is_compiled(kernel)]
    if not missing:
        return
    logger.info("compiling the kernels of %s, once on this machine, which takes some seconds", model)
    directory = cache_directory(missing[0])
    if directory is None or thread_count(None) < 2:
        return
    lock = directory / f"{'word2vec' if _is_word2vec(model) else model}.lock"
    if process := start_python(_PROGRAM.format(model=model, lock=str(lock))):  # it finishes if this one is interrupted
        logger.debug("process %d compiles the kernels of %s", process.pid, model)
        threading.Thread(target=process.wait, daemon=True).start()


def main(model: str, lock: str) -> None:
    """Compile the kernels of a model by training it on a few words; the second process runs this."""
    gc.disable()  # it would look through all that the compiler makes: 7 % of its time
    with suppress(Timeout), FileLock(lock, timeout=0), temporary_directory() as directory:
        if all(is_compiled(kernel) for kernel in _kernels(model)):
            return
        if _is_word2vec(model):
            _train_word_vectors(model, Path(directory))
        else:
            give_way(_LATER)
            _train_language_model(model)


def _is_word2vec(model: str) -> bool:
    from embeddings.word2vec.architectures import KERNELS

    return model in KERNELS


def _kernels(model: str) -> Sequence[Callable[..., object]]:
    if _is_word2vec(model):
        from embeddings.word2vec.architectures import KERNELS
        from embeddings.word2vec.replicas import merge, take_block

        return [*KERNELS.values(), take_block, merge]
    from embeddings.networks import kernels as networks

    return [getattr(networks, f"{model}_{direction}") for direction in ("forward", "backward")]


def _small_vocabulary() -> Vocabulary:
    words = [UNK, EOS, *(f"word{i}" for i in range(18))]
    return Vocabulary.from_words(words, [50] * len(words))


def _small_corpus(directory: Path) -> EncodedCorpus:
    """Write a corpus of a few words, without any kernel."""
    np.save(directory / "ids.npy", _IDS)
    np.save(directory / "offsets.npy", np.arange(0, len(_IDS) + 1, 10))
    files = [{"ids.npy": "", "offsets.npy": ""}]
    part = CorpusPart(token_count=len(_IDS), sentence_count=len(_IDS) // 10, unknown_count=0, files=files)
    vocabulary = _small_vocabulary()
    return EncodedCorpus(
        directory=directory,
        vocabulary_size=len(vocabulary),
        vocabulary_sha256=vocabulary.fingerprint(),
        dropped={},
        split="",
        parts={TRAIN: part},
    )


def _train_word_vectors(first: str, directory: Path) -> None:
    """Train every variant on a few words: first the one that another process waits for."""
    from embeddings.word2vec.architectures import KERNELS

    corpus = _small_corpus(directory)
    _train_variant(corpus, first, deterministic=False)
    _encode_a_text(directory)
    give_way(_SPARE)
    _train_variant(corpus, first, deterministic=True)
    for name in KERNELS:
        _train_variant(corpus, name, deterministic=False)


def _train_variant(corpus: EncodedCorpus, architecture: str, *, deterministic: bool) -> None:
    from embeddings.word2vec.config import Word2VecConfig
    from embeddings.word2vec.model import Word2Vec

    config = Word2VecConfig(architecture=architecture, deterministic=deterministic, dimension=16, epochs=1, threads=1)
    Word2Vec(config).fit(corpus, _small_vocabulary())


def _encode_a_text(directory: Path) -> None:
    """Encode a text that is in tokens: the kernels between the tokenizer, which the other process needs at once, and E.

    Both processes compile them, each the next one that is missing.
    """
    from embeddings.text.text_to_ids import text_to_ids
    from embeddings.text.tokenizer.token_lists import TokenLists

    text_to_ids([_SENTENCES], TokenLists(), directory, min_count=1, threads=1)


def _train_language_model(cell: str) -> None:
    """Train with the optimizers of all presets."""
    from embeddings.language_model.config import LanguageModelConfig
    from embeddings.language_model.model import LanguageModel
    from embeddings.language_model.presets import PRESETS
    from embeddings.language_model.trainer import LMTrainer
    from embeddings.language_model.training_config import LMTrainingConfig

    for optimizer in {
        preset.training.get("optimizer", LMTrainingConfig.optimizer): None for preset in PRESETS.values()
    }:
        network = LanguageModelConfig(cell=cell, hidden_size=16)  # type: ignore[arg-type]
        model = LanguageModel(network, _small_vocabulary(), rng=np.random.default_rng(1))
        training = LMTrainingConfig(optimizer=optimizer, learning_rate=1e-3, epochs=1)
        LMTrainer(model, training, threads=1).fit(_IDS, _IDS[:100])
