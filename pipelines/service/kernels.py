"""Compiles the kernels of the service in a process of their own: the compiler's memory would stay with the service."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from vecmill.python_process import give_way, start_python

SMALL = 256, 16  # words and dimension of the model that the kernels are compiled with


@contextmanager
def compiled_aside() -> Iterator[None]:
    """Compile what the cache on disk does not hold while the context lasts; a request that needs it sooner waits.

    The process takes a second of one processor if the cache holds all of it.
    """
    process = start_python("from pipelines.service.kernels import call_kernels; call_kernels()")
    if process:
        threading.Thread(target=process.wait, daemon=True).start()  # or it would stay in the list of processes
    try:
        yield
    finally:
        if process:
            process.kill()
            process.wait()


def call_kernels() -> None:
    """Call what the requests for word vectors call, on a small model."""
    give_way(10)
    from embeddings.text.vocabulary import Vocabulary
    from embeddings.vectors.neighbors import FEW, FEWEST_ROUNDED
    from embeddings.vectors.postprocessing import mean_sentence_vectors
    from embeddings.vectors.rounded_matrix import RoundedMatrix
    from embeddings.vectors.word_vectors import WordVectors
    from pipelines.service.served import ServedModel

    words = [f"word{number}" for number in range(SMALL[0])]
    matrix = np.random.default_rng(1).standard_normal(SMALL, np.float32)
    vectors = WordVectors(Vocabulary.from_words(words), matrix)
    RoundedMatrix(vectors.unit_matrix).nearest(matrix[:1], 1)
    for number in (FEW + 1, FEWEST_ROUNDED):
        vectors.neighbors(words[:number], 1)
    mean_sentence_vectors(vectors, ServedModel("", vectors).tokenize(["Word1 word2."]))
