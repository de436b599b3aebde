"""A model directory: word vectors with their vocabulary, and context vectors if training produced them.

Layout::

    DIRECTORY/vectors.npy        E, (V, d) float32
    DIRECTORY/context.npy        the context matrix, (V, d) float32; optional
    DIRECTORY/subwords.json      lengths and number of buckets of the n-grams; optional, with the two files below
    DIRECTORY/ngram_buckets.npy  the buckets in use, (U,) int32
    DIRECTORY/ngram_vectors.npy  their vectors, (U, d) float32
    DIRECTORY/…                  quantised vectors, in the place of vectors.npy: see `quantized_matrix`
    DIRECTORY/vocabulary.tsv     the words in the order of the rows, with their counts
    DIRECTORY/nodes.npy          vectors of the nodes of the Huffman tree, (V, d) float32; with hierarchical softmax
    DIRECTORY/config.json        settings of the tokenizer and of the training, "tokenizer" and "train"; optional
    DIRECTORY/phrases.tsv        the phrases that are joined in text, such as new_york; optional
    DIRECTORY/metrics.jsonl      the metrics of every epoch, if training wrote the directory

With n-grams, the rows of E are the means of the words' own rows and those of their n-grams; the own rows, which
training continues and fastText's files hold, follow from both (`SubwordVectors.own_rows`) and are not stored.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embeddings.array_files import read_array, save_array
from embeddings.errors import EmbeddingsError
from embeddings.text.phrase_table import PHRASES_FILE, PhraseFile, PhraseTable
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.quantized_matrix import QUANTIZED_FILES, QuantizedMatrix, is_quantized, read_quantized
from vecmill.arguments import require_path
from vecmill.files import file_digest, read_json

if TYPE_CHECKING:
    from embeddings.vectors.subwords import SubwordVectors

logger = logging.getLogger(__name__)

NODES_FILE = "nodes.npy"
VECTORS_FILE, CONTEXT_FILE, VOCABULARY_FILE = "vectors.npy", "context.npy", "vocabulary.tsv"
REQUIRED_FILES = (VECTORS_FILE, VOCABULARY_FILE)
CONFIG_FILE, METRICS_FILE = "config.json", "metrics.jsonl"
MANIFEST_FILE = "manifest.json"  # of a directory that a command has trained: its files, with their hashes
SUBWORD_FILES = SUBWORDS_FILE, BUCKETS_FILE, NGRAMS_FILE = "subwords.json", "ngram_buckets.npy", "ngram_vectors.npy"
MODEL_FILES = (*REQUIRED_FILES, CONTEXT_FILE, *SUBWORD_FILES, NODES_FILE)
ALL_FILES = (*MODEL_FILES, *QUANTIZED_FILES)
LARGEST_COMPARED = 1 << 24
"""Bytes of the largest file that is compared with its hash when a model is opened; `vecmill verify` compares all."""

_STAGE = "train-embeddings"  # of the directory of a run, where its vectors are
_LANGUAGE_MODEL = "language_model.json"


class StoredVectors(NamedTuple):
    """The content of a model directory.

    Attributes
    ----------
    vocabulary : Vocabulary
    matrix : (V, d) float32, or QuantizedMatrix, which is read like one
    context : (V, d) float32 or None
    subwords : SubwordVectors or None
    nodes : (V, d) float32 or None
    """

    vocabulary: Vocabulary
    matrix: np.ndarray
    context: np.ndarray | None = None
    subwords: "SubwordVectors | None" = None
    nodes: np.ndarray | None = None


def vectors_path(path: str | PathLike[str]) -> Path:
    """Return the path of word vectors: in the directory of a `vecmill run`, that of the stage that trained them.

    Parameters
    ----------
    path : path

    Returns
    -------
    Path

    Raises
    ------
    EmbeddingsError
        It is a language model.
    """
    place = Path(path)
    if (place / _STAGE).is_dir():
        return place / _STAGE
    if (place / _LANGUAGE_MODEL).is_file():
        raise EmbeddingsError(
            f"{place} is a language model, expected word vectors; try 'vecmill generate', 'vecmill perplexity' or "
            f"'vecmill serve VECTORS --lm', or open it with vecmill.LanguageModel.load({str(path)!r})"
        )
    return place


def read_model_directory(path: str | PathLike[str]) -> StoredVectors:
    """Open a model directory; its arrays are memory-mapped and not read yet.

    Parameters
    ----------
    path : path

    Returns
    -------
    StoredVectors

    Raises
    ------
    EmbeddingsError
        There is no model directory at `path`, or one of its files is missing or damaged.
    """
    path = Path(path)
    if not path.exists():
        raise EmbeddingsError(f"there is no {path}; expected a model directory")
    require_unchanged(path, (*ALL_FILES, PHRASES_FILE))
    quantized = is_quantized(path)
    for name in (VOCABULARY_FILE,) if quantized else REQUIRED_FILES:
        if not (path / name).is_file():
            what = f"has no {name}" if path.is_dir() else "is a file"
            raise EmbeddingsError(
                f"{path} {what}; expected a model directory, as training and save() write it; vecmill.load(path) reads "
                "word vectors of any format"
            )
    matrix: Any = read_quantized(path) if quantized else read_array(path / VECTORS_FILE, mapped=True)
    context = path / CONTEXT_FILE
    return StoredVectors(
        Vocabulary.load(path / VOCABULARY_FILE),
        matrix,
        read_array(context, mapped=True) if context.is_file() else None,
        _read_subwords(path) if (path / SUBWORDS_FILE).is_file() else None,
        read_array(path / NODES_FILE, mapped=True) if (path / NODES_FILE).is_file() else None,
    )


def require_unchanged(directory: Path, names: Iterable[str]) -> None:
    """Compare files with the manifest of the directory: their sizes, and the hashes of those that are quickly read.

    Without a manifest nothing is compared; of one that cannot be read, a warning says so. Matrices that queries do
    without may have been removed.

    Parameters
    ----------
    directory : Path
    names : iterable of str

    Raises
    ------
    EmbeddingsError
        A file is not the one that training wrote, or a record of phrases or n-grams is lost.
    """
    manifest = directory / MANIFEST_FILE
    record = read_json(manifest)
    if record is None and manifest.exists():
        logger.warning("%s is damaged or cannot be read: no file beside it is compared with its SHA-256", manifest)
    outputs = (record or {}).get("outputs")
    outputs = outputs if isinstance(outputs, dict) else {}
    for name in names:
        entry = outputs.get(name)
        if isinstance(entry, dict) and _has_changed(directory, name, entry):
            raise EmbeddingsError(
                f"{directory / name} is damaged or that of another model: its size or SHA-256 is not the one in "
                f"{MANIFEST_FILE}; get the directory again, or train it anew"
            )


def _has_changed(directory: Path, name: str, entry: Mapping[str, Any]) -> bool:
    path = directory / name
    try:
        size = path.stat().st_size
        changed = size != entry.get("bytes")
        return changed or (size <= LARGEST_COMPARED and file_digest(path) != entry.get("sha256"))
    except FileNotFoundError:
        if name in (PHRASES_FILE, SUBWORDS_FILE):
            raise EmbeddingsError(
                f"{directory} has lost its {name}, without which text is read in another way; get the directory again"
            ) from None
        return False
    except OSError:  # what opens the file says why it cannot
        return False


def _read_subwords(path: Path) -> "SubwordVectors":
    """Open the n-grams of a model directory; their vectors are memory-mapped."""
    from embeddings.text.character_ngrams import CharacterNgrams  # imported here: slow, and few models have n-grams
    from embeddings.vectors.subwords import SubwordVectors

    place = path / SUBWORDS_FILE
    try:
        settings = json.loads(place.read_text("utf-8"))
        settings = {"floret_hashes": 0, **settings} if isinstance(settings, dict) else {}
        names = "min_length", "max_length", "buckets", "floret_hashes"
        if {type(settings.get(name)) for name in names} != {int}:
            raise ValueError(f"expected whole numbers {', '.join(names)}")
        ngrams = CharacterNgrams(**{name: settings[name] for name in names})
    except (ValueError, RecursionError) as error:
        raise EmbeddingsError(
            f"{place} is damaged ({' '.join(str(error).split())[:200]}); get the directory again"
        ) from error
    for name in (BUCKETS_FILE, NGRAMS_FILE):
        if not (path / name).is_file():
            raise EmbeddingsError(f"{path} has {SUBWORDS_FILE} but no {name}; get the directory again")
    buckets, matrix = (read_array(path / name, mapped=True) for name in (BUCKETS_FILE, NGRAMS_FILE))
    try:
        return SubwordVectors(ngrams, buckets, matrix)
    except EmbeddingsError as error:
        raise EmbeddingsError(f"{path}: {error}; get the directory again") from error


def write_subwords(directory: Path, subwords: "SubwordVectors") -> None:
    """Write the files of n-grams to a model directory.

    Parameters
    ----------
    directory : Path
    subwords : SubwordVectors
    """
    ngrams = subwords.ngrams
    save_array(directory / BUCKETS_FILE, subwords.buckets)
    save_array(directory / NGRAMS_FILE, subwords.matrix)
    (directory / SUBWORDS_FILE).write_text(json.dumps(asdict(ngrams)) + "\n", "utf-8")


def read_tokenizer_settings(path: str | PathLike[str]) -> dict[str, Any]:
    """Return the arguments of `make_tokenizer` that a model directory records, or {} if there are none.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict of str to Any

    Raises
    ------
    EmbeddingsError
        The record cannot be read.
    """
    require_path("path", path)
    settings = _recorded(Path(path), "tokenizer")
    return {} if settings is None else {"spec": settings.pop("name", "fast"), **settings}


def read_training_settings(path: str | PathLike[str]) -> dict[str, Any]:
    """Return the settings of the training that a model directory records, or {} if there are none.

    They are those of `Word2VecConfig`, or of `ParagraphVectorsConfig` if documents were trained.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict of str to Any

    Raises
    ------
    EmbeddingsError
        The record cannot be read.
    """
    return _recorded(Path(path), "train") or _recorded(Path(path), "documents") or {}


def _recorded(directory: Path, section: str) -> dict[str, Any] | None:
    """Return a section of ``config.json``; None of a file, and of a directory that does not record its settings."""
    place = directory / CONFIG_FILE
    try:
        settings = json.loads(place.read_text("utf-8"))
        if not isinstance(settings, dict):
            raise ValueError("it is no JSON object")
    except (FileNotFoundError, NotADirectoryError):
        outputs = (read_json(directory / MANIFEST_FILE) or {}).get("outputs")
        if isinstance(outputs, dict) and CONFIG_FILE in outputs:
            raise EmbeddingsError(
                f"{directory} has lost its {CONFIG_FILE}, which records tokenizer and training; get the directory again"
            ) from None
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise EmbeddingsError(
            f"cannot read {place} ({' '.join(str(error).split())[:200]}), which records tokenizer and training; get "
            "the directory again"
        ) from error
    found = settings.get(section)
    return dict(found) if isinstance(found, dict) else None


def find_phrases_file(path: str | PathLike[str]) -> Path | None:
    """Return the table of phrases in a model directory, or None if it was trained without phrases."""
    file = Path(path) / PHRASES_FILE
    return file if file.is_file() else None


def read_phrases_file(path: str | PathLike[str]) -> PhraseFile | None:
    """Return the table of phrases in a model directory with its content, or None if there is none."""
    file = find_phrases_file(path)
    return None if file is None else PhraseFile.read(file)


def read_metrics(path: str | PathLike[str]) -> list[dict[str, Any]]:
    """Return the metrics of every epoch that a model directory records, or [] if there are none.

    Parameters
    ----------
    path : path

    Returns
    -------
    list of dict of str to Any
    """
    try:
        lines = (Path(path) / METRICS_FILE).read_text("utf-8").splitlines()
        return [dict(json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def fill_model_directory(
    directory: Path,
    stored: StoredVectors,
    tokenizer: Mapping[str, Any],
    phrases: PhraseTable | None = None,
    *,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Write the files of a model directory.

    Parameters
    ----------
    directory : Path
        Is there, and has none of them.
    stored : StoredVectors
    tokenizer : mapping of str to Any
        Arguments of `make_tokenizer`; empty if they are not known.
    phrases : PhraseTable, optional
        Phrases that are joined in text.
    training : mapping of str to Any, optional
        Settings of the training.

    Raises
    ------
    OSError
        A file cannot be written.
    """
    if isinstance(stored.matrix, QuantizedMatrix):
        stored.matrix.save(directory)
    else:
        save_array(directory / VECTORS_FILE, stored.matrix)
    if stored.context is not None:
        save_array(directory / CONTEXT_FILE, stored.context)
    if stored.subwords is not None:
        write_subwords(directory, stored.subwords)
    stored.vocabulary.save(directory / VOCABULARY_FILE)
    if stored.nodes is not None:
        save_array(directory / NODES_FILE, stored.nodes)
    if phrases is not None:
        phrases.save(directory / PHRASES_FILE)
    settings: dict[str, Any] = {}
    if tokenizer:
        settings["tokenizer"] = {"name" if name == "spec" else name: value for name, value in tokenizer.items()}
    if training:
        settings["train"] = dict(training)
    if settings:
        (directory / CONFIG_FILE).write_text(json.dumps(settings, indent=2) + "\n", "utf-8")
