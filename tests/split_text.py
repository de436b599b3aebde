"""Small texts as ids of train, valid and test, in memory."""

import tempfile
from typing import NamedTuple

import numpy as np

from embeddings import Vocabulary, text_to_ids


class SplitIds(NamedTuple):
    """The streams of a text with its vocabulary."""

    vocabulary: Vocabulary
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def split_ids(blocks, tokenizer, **options) -> SplitIds:
    """Take a text along the whole road; every word counts unless told otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        vocabulary, corpus = text_to_ids(blocks, tokenizer, folder, split=True, **{"min_count": 1, **options})
        return SplitIds(vocabulary, *(corpus.part(part).stream()[:] for part in ("train", "valid", "test")))
