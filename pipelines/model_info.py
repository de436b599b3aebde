"""Facts about word vectors, language models and runs, for `vecmill info`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.console.streams import shell
from pipelines.running.manifest import MANIFEST_FILE, Manifest
from pipelines.running.run_directory import is_run
from pipelines.settings.file_names import CONFIG_FILE, LANGUAGE_MODEL_FILE, PERPLEXITY_FILE
from vecmill.errors import OutputError
from vecmill.files import read_json

if TYPE_CHECKING:
    from embeddings import WordVectors

_STAGES = {"word vectors": "train-embeddings", "language model": "train-lm"}


def describe(path: Path) -> dict[str, Any]:
    """Return facts about a model.

    Parameters
    ----------
    path : Path
        Directory of a run or of a model, or file of word vectors.

    Returns
    -------
    dict of str to Any
        JSON values, in the order in which they are shown.

    Raises
    ------
    VecmillError
        There is no model at `path`, or it is damaged.
    """
    if is_run(path):
        parts = {kind: path / stage for kind, stage in _STAGES.items() if (path / stage / MANIFEST_FILE).exists()}
        if not parts:
            raise OutputError(f"{path} is a run without a finished model; see 'vecmill status {shell(path)}'")
        return {"path": str(path), "format": "run"} | {kind: describe(place) for kind, place in parts.items()}
    if (path / LANGUAGE_MODEL_FILE).exists():
        return _language_model(path)
    return _word_vectors(path)


def _word_vectors(path: Path) -> dict[str, Any]:
    from embeddings import formats
    from embeddings.vectors.quantized_matrix import QuantizedMatrix

    vectors = formats.read(path)
    return {
        "path": str(path),
        "format": formats.guess_format(path),
        "words": len(vectors),
        "dimension": vectors.dimension,
        "quantised": vectors.matrix.kind if isinstance(vectors.matrix, QuantizedMatrix) else "no",
        "counts": "yes" if vectors.vocabulary.counts.any() else "no",
        "context vectors": "no" if vectors.context is None else "yes",
        **_subwords(vectors),
        **({} if vectors.phrases is None else {"phrases": len(vectors.phrases)}),
        "bytes": _size(path),
        **_making(path),
    }


def _subwords(vectors: "WordVectors") -> dict[str, Any]:
    """Return facts about the n-grams of word vectors, if there are some."""
    if vectors.subwords is None:
        return {}
    ngrams = vectors.subwords.ngrams
    return {"n-grams": f"{ngrams.range} characters", "buckets": ngrams.buckets, "buckets used": len(vectors.subwords)}


def _language_model(path: Path) -> dict[str, Any]:
    from embeddings.language_model.model import LanguageModel

    model = LanguageModel.load(path)
    test = (read_json(path / PERPLEXITY_FILE) or {}).get("test")
    return {
        "path": str(path),
        "format": "language model",
        "words": len(model.vocabulary),
        "dimension": model.config.embedding_dimension,
        "cell": model.config.cell,
        "hidden units": " x ".join(map(str, model.config.layer_sizes)),
        "parameters": sum(parameter.value.size for parameter in model.parameters.values()),
        "test perplexity": test.get("perplexity") if isinstance(test, dict) else None,
        "bytes": _size(path),
        **_making(path),
    }


def _making(path: Path) -> dict[str, Any]:
    """Return the text, the date and the settings of a model, as far as its directory records them."""
    settings = read_json(path / CONFIG_FILE) or {}
    facts: dict[str, Any] = {}
    corpus = settings.get("corpus")
    if source := corpus.get("source") if isinstance(corpus, dict) else None:
        facts["text"] = ", ".join(map(str, source)) if isinstance(source, list) else source
    if (path / MANIFEST_FILE).exists():
        manifest = Manifest.read(path)
        summaries = {name: record.get("summary", {}) for name, record in manifest.history.items()}
        facts["tokens"] = summaries.get("encode", {}).get("tokens")
        facts["text SHA-256"] = manifest.corpus
        facts["made (UTC)"] = manifest.cost.get("started")
    sections = {name: dict(table) for name, table in settings.items() if isinstance(table, Mapping)}
    return facts | ({"settings": sections} if sections else {})


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]) if file.is_file())
