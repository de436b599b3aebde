"""`DocumentVectors`: vectors of documents with their names, and inference of those of new documents."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from embeddings.compilation import read_only
from embeddings.documents.config import ParagraphVectorsConfig
from embeddings.errors import EmbeddingsError
from embeddings.parallel import Rows, over_rows, threads_or_context
from embeddings.setting_types import require_type
from embeddings.text.tokenizer.token_lists import require_documents, words_of_documents
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.embedding_matrix import require_vectors
from embeddings.vectors.model_directory import REQUIRED_FILES, require_unchanged
from embeddings.vectors.postprocessing import ids_in_any_form
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec import kernel_arguments as kernels
from embeddings.word2vec import padded_matrices as matrices
from embeddings.word2vec.document_architectures import STRETCH, infer_documents
from embeddings.word2vec.initial_parameters import extensions_of
from embeddings.word2vec.sampling import alias_table, as_uint32_threshold, keep_probability, noise_distribution
from vecmill.arguments import python_values, require_list, require_path, require_place
from vecmill.files import atomic_directory, writing
from vecmill.plurals import counted

DOCUMENTS_DIRECTORY = "documents"
_COST = 20_000  # operations of a document, about
_PIECES = 16  # of a thread: one numbers the words of a piece while others train


class DocumentVectors:
    """Vectors of named documents.

    Parameters
    ----------
    words : WordVectors
        Vectors of words with a context matrix or the nodes of the Huffman tree, from `ParagraphVectors`.
    names : sequence of str
        n different names.
    matrix : (n, d) float32

    Attributes
    ----------
    words : WordVectors
    documents : WordVectors
        The documents with the queries of words: ``documents.most_similar(name)``.

    Raises
    ------
    EmbeddingsError
        The names are not different, or the arrays do not fit each other.
    """

    def __init__(self, words: WordVectors, names: Sequence[str], matrix: np.ndarray) -> None:
        require_vectors(words)
        require_list(names)
        self.words = words
        self.documents = WordVectors(Vocabulary.from_words(list(names)), matrix)
        if self.documents.dimension != words.dimension:
            raise EmbeddingsError(
                f"documents of {counted(self.documents.dimension, 'dimension')} and words of {words.dimension} are not "
                "of one training; expected the same number"
            )

    @classmethod
    def of_lines(
        cls, words: WordVectors, lines: np.ndarray, matrix: np.ndarray, names: Sequence[str]
    ) -> "DocumentVectors":
        """Make vectors of all lines from those of the lines with a known word; the others are zero.

        Parameters
        ----------
        words : WordVectors
        lines : (m,) int64
            Numbers of the lines with a known word; see `lines_with_words`.
        matrix : (m, d) float32
        names : sequence of str
            n names.

        Returns
        -------
        DocumentVectors
        """
        every = np.zeros((len(names), matrix.shape[1]), np.float32)
        every[lines] = matrix
        return cls(words, names, every)

    def __len__(self) -> int:
        return len(self.documents)

    def __repr__(self) -> str:
        return f"DocumentVectors({len(self):,} documents, {len(self.words):,} words, {self.words.dimension} dimensions)"

    @property
    def names(self) -> list[str]:
        """The names of the documents, in the order of their rows."""
        return list(self.documents.words)

    @property
    def matrix(self) -> np.ndarray:
        """The vectors of the documents, (n, d) float32."""
        return self.documents.matrix

    def __getitem__(self, name: str) -> np.ndarray:
        """Return the vector of a document, (d,) float32."""
        return self.documents.get_vector(name)

    def infer(
        self,
        documents: Iterable[str] | Iterable[Sequence[str]],
        *,
        epochs: int | None = None,
        learning_rate: float | None = None,
        seed: int | None = None,
        threads: int | None = None,
    ) -> np.ndarray:
        """Compute the vectors of new documents: the vectors of words stay, those of the documents are trained.

        The vector of a document depends on its words, the model and these settings, not on other documents and threads.

        Parameters
        ----------
        documents : iterable of str, or iterable of lists of str
            Text, which is tokenized as that of the training, or tokens.
        epochs : int, optional
            Passes over each document; by default those of the training.
        learning_rate : float, optional
            At the start; by default that of the training.
        seed : int, optional
            By default that of the training.
        threads : int, optional
            By default all processors.

        Returns
        -------
        (n, d) float32
            Zeros for a document without a known word.

        Raises
        ------
        EmbeddingsError
            The model has no context matrix, or the settings of its training are lost or damaged.
        NotTextError
            A document is neither a str nor a list of str; the message gives its place. A TypeError.
        ValueError, TypeError
            A setting is out of range or of another type.
        """
        config, parameters, extensions = self._inference
        given: dict[str, Any] = {"epochs": epochs, "learning_rate": learning_rate, "seed": seed, "threads": threads}
        config = replace(config, **{name: value for name, value in given.items() if value is not None})
        tokens = self._tokens(documents)
        vectors = matrices.zeros(len(tokens), config.dimension)
        step, last_rate, paths = _step(config), config.min_learning_rate, extensions.paths

        def train(rows: Rows) -> None:
            block, longest = self._numbered(rows[0], tokens[slice(*rows)])
            scratch = kernels.scratch(vectors.shape[1], longest, config.window, config.noise_words, extensions)
            sums = matrices.zeros(STRETCH + 2 * config.window + 1, config.dimension)
            part = vectors[slice(*rows)]
            infer_documents(
                block, part, parameters, step, scratch, sums, config.dimension, config.epochs, last_rate, paths
            )
            part[np.diff(block.offsets) == 0] = 0

        with threads_or_context(threads):
            over_rows(train, len(tokens), cost=_COST, pieces=_PIECES)
        return np.ascontiguousarray(vectors[:, : config.dimension])

    def _numbered(self, first: int, documents: Sequence[Sequence[str]]) -> tuple[kernels.Block, int]:
        """Return the known words of documents as a block, whose sentences they are, and the most of a document."""
        ids = ids_in_any_form(self.words, words_of_documents(first, documents))
        ends = np.cumsum([0, *map(len, documents)], dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum(ids >= 0)])[ends].astype(np.int64)
        flat = read_only(ids[ids >= 0])
        block = kernels.Block(flat, read_only(offsets), 0, len(documents), 0, len(flat))
        return block, int(np.diff(offsets).max(initial=1))

    def _tokens(self, documents: Iterable[str] | Iterable[Sequence[str]]) -> list[Sequence[str]]:
        """Return the tokens of each document; those that are no str are not looked at."""
        require_documents(documents)
        given = list(python_values(documents))
        lines = "".join(" ".join(text.splitlines()) + "\n" for text in given if isinstance(text, str))
        texts = iter(self.words.make_tokenizer().tokenize(lines) if lines else [])
        return [next(texts) if isinstance(document, str) else document for document in given]

    @cached_property
    def _inference(self) -> tuple[ParagraphVectorsConfig, kernels.Parameters, kernels.Extensions]:
        """The settings of the training, the matrices of words with the tables of draws, and the paths of the tree."""
        outputs = self.words.context if self.words.nodes is None else self.words.nodes
        if outputs is None or not self.words.training_settings:
            raise EmbeddingsError(
                "these vectors have no context matrix or no settings of their training, which inference needs; infer "
                "with the directory of train-documents"
            )
        try:
            config = ParagraphVectorsConfig.from_dict(self.words.training_settings)
        except (TypeError, ValueError) as error:
            raise EmbeddingsError(f"the settings of the training are damaged ({error}); get the model again") from error
        if config.dimension != self.words.dimension:
            raise EmbeddingsError(
                f"the settings of the training say {counted(config.dimension, 'dimension')} and the vectors have "
                f"{self.words.dimension}; get the model again"
            )
        if config.hierarchical_softmax != (self.words.nodes is not None):
            raise EmbeddingsError(
                f"the settings of the training say hierarchical_softmax = {config.hierarchical_softmax}, and the "
                "matrix of the other output layer is there; get the model again"
            )
        counts = self.words.vocabulary.counts
        extensions = extensions_of(config, self.words.vocabulary, None, None)
        threshold, alias = alias_table(noise_distribution(counts, config.noise_exponent))
        parameters = kernels.Parameters(
            embedding=matrices.padded(self.words.matrix),
            context=matrices.padded(outputs),
            keep=as_uint32_threshold(keep_probability(counts, config.sample_for(len(counts)))),
            alias_threshold=threshold,
            alias_word=alias,
        )
        return config, parameters, extensions

    def save(self, directory: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the model directory of the words, with that of the documents in it as ``documents``.

        Parameters
        ----------
        directory : path
        overwrite : bool
            Replace an existing directory with all its content.

        Raises
        ------
        OutputError
            `directory` exists and is not empty (without `overwrite`), or cannot be written.
        TypeError, ValueError
            `directory` is no path, or `overwrite` no bool.
        """
        require_place("directory", directory)
        require_type("overwrite", overwrite, bool)
        with atomic_directory(directory, replace=overwrite) as partial, writing(directory):
            self.words.fill(partial)
            self.documents.save(partial / DOCUMENTS_DIRECTORY)

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> "DocumentVectors":
        """Open a directory of `save` or of ``vecmill train-documents``.

        Parameters
        ----------
        directory : path

        Returns
        -------
        DocumentVectors

        Raises
        ------
        EmbeddingsError
            There is no such directory, or it is damaged.
        TypeError, ValueError
            `directory` is no path.
        """
        require_path("directory", directory)
        if not Path(directory).exists():
            raise EmbeddingsError(f"there is no {directory}; expected a directory that vecmill train-documents wrote")
        if not (Path(directory) / DOCUMENTS_DIRECTORY).is_dir():
            raise EmbeddingsError(f"{directory} has no vectors of documents; make it by vecmill train-documents")
        require_unchanged(Path(directory), [f"{DOCUMENTS_DIRECTORY}/{name}" for name in REQUIRED_FILES])
        words, documents = WordVectors.load(directory), WordVectors.load(Path(directory) / DOCUMENTS_DIRECTORY)
        try:
            return cls(words, documents.words, documents.matrix)
        except ValueError as error:  # a name that was damaged may stand twice
            raise EmbeddingsError(f"{directory} is damaged ({error}); train the documents again") from error


def _step(config: ParagraphVectorsConfig) -> kernels.Step:
    return kernels.Step(
        window=config.window if config.architecture == "pv-dm" else 0,
        dynamic_window=config.dynamic_window,
        negative=config.noise_words,
        share_negatives=True,
        mean=config.cbow_mean,
        weighted=0,
        learning_rate=config.rate,
        loss_interval=1,
        state=np.uint64(config.seed),
    )
