"""The operations of the service and their answers."""

import importlib.metadata
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from embeddings.errors import EmbeddingsError
from embeddings.text.vocabulary import EOS
from embeddings.vectors.alignment import Alignment
from embeddings.vectors.axes import place_on_axis
from pipelines.service import messages as m
from pipelines.service.problems import RequestError
from pipelines.service.served import Served, ServedModel

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel

DECIMALS = 6
"""Of cosines and probabilities: more than float32 arithmetic leaves exact."""


@dataclass(frozen=True)
class Operation:
    """What the service can be asked.

    Attributes
    ----------
    method : {"GET", "POST"}
        Parameters are in the query of a GET, and in the JSON of a POST.
    path : str
    answer : callable
        Takes what is served and the request; its docstring describes the operation.
    request, response : type of Struct
    arrow : bool
        Whether the response also exists as Arrow stream.
    problems : tuple of int
        Further statuses of responses.
    """

    method: str
    path: str
    answer: Callable[[Served, Any], Awaitable[Struct]]
    request: type[Struct]
    response: type[Struct]
    arrow: bool = False
    problems: tuple[int, ...] = (404,)


def _rounded(number: Any) -> float:
    return round(float(number), DECIMALS)


def _similar(model: ServedModel, ids: np.ndarray, similarities: np.ndarray) -> list[list[m.Similar]]:
    """Return the neighbours of n queries from their ids and cosines, (n, k)."""
    words = model.vectors.words
    cosines = np.round(similarities.astype(np.float64), DECIMALS).tolist()
    return [
        [m.Similar(words[row], cosine) for row, cosine in zip(*pairs, strict=True)]
        for pairs in zip(ids.tolist(), cosines, strict=True)
    ]


async def _find(served: Served, model: ServedModel, words: list[str]) -> list[str]:
    """Return words of the vocabulary for those that were typed; spelling hints are searched in a thread."""
    if all(word in model.vectors for word in words):
        return words
    return await served.in_thread(lambda: [model.find(word) for word in words])


async def neighbors(served: Served, query: m.NeighborsQuery) -> m.Neighbors:
    """Find the words nearest to a word, or to the mean of several."""
    model = served.model(query.model)
    ups, downs = await _find(served, model, query.word), await _find(served, model, query.without)
    weights = [1.0] * len(ups) + [-1.0] * len(downs) if downs else None
    mean = model.vectors.mean_vector([*ups, *downs], weights, post_normalize=True, ignore_missing=False)
    rows = [model.vectors.id(word) for word in (*ups, *downs) if word in model.vectors]
    ids, similarities = await model.passes.nearest(mean, rows, query.topn)
    return m.Neighbors(model.name, ups, _similar(model, ids[None], similarities[None])[0])


async def neighbors_batch(served: Served, query: m.NeighborsBatch) -> m.NeighborsOfAll:
    """Find the neighbours of each of many words."""
    model = served.model(query.model)

    def search() -> m.NeighborsOfAll:
        known, unknown = model.known(query.words)
        found = _similar(model, *model.vectors.neighbors(known, query.topn))
        results = [m.WordNeighbors(word, near) for word, near in zip(known, found, strict=True)]
        return m.NeighborsOfAll(model.name, results, unknown)

    return await served.in_thread(search)


async def analogy(served: Served, query: m.AnalogyQuery) -> m.Analogy:
    """Answer a is to b as c is to what."""
    model = served.model(query.model)
    a, b, c = await _find(served, model, [query.a, query.b, query.c])
    answers = await served.in_thread(model.vectors.analogy, a, b, c, query.topn, query.method)
    return m.Analogy(model.name, [a, b, c], [m.Answer(word, _rounded(score)) for word, score in answers])


async def vector(served: Served, query: m.VectorQuery) -> m.Vector:
    """Return the vector of a word."""
    model = served.model(query.model)
    [word] = await _find(served, model, [query.word])
    return m.Vector(model.name, word, np.asarray(model.vectors[word]).tolist())


async def vector_batch(served: Served, query: m.WordsBatch) -> m.Vectors:
    """Return the vectors of many words."""
    model = served.model(query.model)

    def look_up() -> m.Vectors:
        known, unknown = model.known(query.words)
        vectors = np.asarray(model.vectors[known]).tolist() if known else []
        return m.Vectors(model.name, known, vectors, unknown)

    return await served.in_thread(look_up)


async def similarity(served: Served, query: m.SimilarityQuery) -> m.Similarity:
    """Return the cosine of two words."""
    model = served.model(query.model)
    a, b = await _find(served, model, [query.a, query.b])
    return m.Similarity(model.name, [a, b], _rounded(model.vectors.similarity(a, b)))


async def doesnt_match(served: Served, query: m.DoesntMatchQuery) -> m.OddOneOut:
    """Find the word that does not match the others."""
    model = served.model(query.model)

    def search() -> m.OddOneOut:
        known, unknown = model.typed(query.word)
        if not known:
            raise RequestError(404, f"{model.name}: none of these words is in the vocabulary: {', '.join(unknown)}")
        units = model.vectors.unit_vectors(known)
        mean = units.mean(axis=0)
        cosines = units @ (mean / max(float(np.linalg.norm(mean)), 1e-12))
        ranked = [m.Similar(known[place], _rounded(cosines[place])) for place in np.argsort(-cosines, kind="stable")]
        return m.OddOneOut(model.name, model.vectors.doesnt_match(known), ranked, unknown)

    return await served.in_thread(search)


async def embed(served: Served, query: m.EmbedBatch) -> m.EmbeddedTexts:
    """Return a vector for each text: the mean of the unit vectors of its words."""
    from embeddings.vectors.postprocessing import mean_sentence_vectors

    model = served.model(query.model)

    def compute() -> m.EmbeddedTexts:
        sentences = model.tokenize(query.texts)
        return m.EmbeddedTexts(model.name, mean_sentence_vectors(model.vectors, sentences).tolist())

    return await served.in_thread(compute)


async def axes(served: Served, query: m.AxesBatch) -> m.PlacedWords:
    """Place words on axes, each from the mean of some words to that of others (SemAxis, An et al. 2018)."""
    model = served.model(query.model)

    def place() -> m.PlacedWords:
        known, unknown = model.typed(list(dict.fromkeys(query.words)))
        known = list(dict.fromkeys(known))
        places = np.empty((len(known), len(query.axes)))
        for column, given in enumerate(query.axes):
            positive, negative = ([model.find(word) for word in pole] for pole in (given.positive, given.negative))
            places[:, column] = place_on_axis(model.vectors, positive, negative, known)
        rows = zip(known, places.round(DECIMALS).tolist(), strict=True)
        return m.PlacedWords(model.name, [m.Placed(word, row) for word, row in rows], unknown)

    return await served.in_thread(place)


async def compare(served: Served, query: m.CompareQuery) -> m.Compared:
    """Align two models (orthogonal Procrustes) and describe words, by default those that moved most."""
    a, b = served.model(query.a), served.model(query.b)

    def search() -> m.Compared:
        try:
            alignment, fit = served.alignment(a, b)
        except EmbeddingsError as error:
            raise RequestError(409, str(error)) from None
        if query.word:
            moved, unknown = _described(alignment, a, query)
        else:
            moved, unknown = alignment.moved(query.words, topn=query.topn), []
        return m.Compared(
            a=a.name,
            b=b.name,
            common=len(alignment.words),
            similarity=_rounded(fit.similarity),
            chance=_rounded(fit.chance),
            p=_rounded(fit.p),
            moved=[m.Moved(w.word, _rounded(w.similarity), _rounded(w.p), w.neighbors_a, w.neighbors_b) for w in moved],
            unknown=unknown,
        )

    return await served.in_thread(search)


def _described(alignment: Alignment, model: ServedModel, query: m.CompareQuery) -> tuple[list[Any], list[str]]:
    places = {word: place for place, word in enumerate(alignment.words)}
    words, unknown = model.typed(query.word)
    known = [places[word] for word in words if word in places]
    found = alignment.described(np.array(known, np.int64), query.topn)
    return found, [*unknown, *(word for word in words if word not in places)]


async def complete(served: Served, query: m.CompleteQuery) -> m.NextWords:
    """Return the most probable next words of a text."""
    return await served.in_thread(served.with_language_model, lambda model: _next_words(model, query))


def _next_words(model: "LanguageModel", query: m.CompleteQuery) -> m.NextWords:
    words = [word for line in model.make_tokenizer().tokenize(query.text) for word in line]
    ids = model.vocabulary.ids(words, missing=model.unk)
    unknown = [word for word, row in zip(words, ids, strict=True) if row == model.unk]
    read = np.array([model.eos, *ids])
    states = model.hidden(read[:-1, None])[1] if len(read) > 1 else None
    probabilities = np.exp(model.log_probabilities(read[-1:], states)[0][0].astype(np.float64))
    end = float(probabilities[model.eos])
    probabilities[[model.eos, model.unk]] = -1
    best = np.argsort(-probabilities, kind="stable")[: query.topn]
    found = [(model.vocabulary.words[row], float(probabilities[row])) for row in best.tolist()]
    return m.NextWords(
        [m.NextWord(word, _rounded(share)) for word, share in found if share >= 0],
        _rounded(end),
        list(dict.fromkeys(unknown)),
    )


async def perplexity(served: Served, query: m.TextRequest) -> m.ScoredText:
    """Return log10 of the probability of every word of a text, and the perplexity of all."""
    return await served.in_thread(served.with_language_model, lambda model: _scored(model, query.text))


def _scored(model: "LanguageModel", text: str) -> m.ScoredText:
    from embeddings.language_model.scoring import score_text

    scored = score_text(model, text)
    if not any(scored.lines):
        return m.ScoredText(None, 0, 0, [])
    lines = [
        [
            m.ScoredWord(word, _rounded(value / math.log(10)), row == scored.unk)
            for word, row, value in zip([*line, EOS], ids.tolist(), log_p.tolist(), strict=True)
        ]
        for line, ids, log_p in zip(scored.lines, scored.ids, scored.log_likelihoods, strict=True)
        if line
    ]
    found = scored.perplexity
    return m.ScoredText(_rounded(found.perplexity), found.words, found.oov, lines)


async def models(served: Served, query: m.Empty) -> m.Models:
    """List the models that are served."""
    described = [
        m.ModelInfo(
            model.name, len(model.vectors), model.vectors.dimension, model.vectors.subwords is not None, model.facts
        )
        for model in served.models.values()
    ]
    language_model = None
    if served.has_language_model:
        language_model = served.with_language_model(
            lambda model: m.LanguageModelInfo(served.language_model_name, len(model.vocabulary), model.config.cell)
        )
    return m.Models(described, language_model)


async def health(served: Served, query: m.Empty) -> m.Health:
    """Say that the service answers; needs no token."""
    return m.Health("ok", _version())


@cache  # half a millisecond: the metadata of the package is a file
def _version() -> str:
    return importlib.metadata.version("vecmill")


HEALTH = "/api/health"
OPERATIONS = (
    Operation("GET", "/api/neighbors", neighbors, m.NeighborsQuery, m.Neighbors),
    Operation("POST", "/api/neighbors", neighbors_batch, m.NeighborsBatch, m.NeighborsOfAll, arrow=True),
    Operation("GET", "/api/analogy", analogy, m.AnalogyQuery, m.Analogy),
    Operation("GET", "/api/vector", vector, m.VectorQuery, m.Vector),
    Operation("POST", "/api/vector", vector_batch, m.WordsBatch, m.Vectors, arrow=True),
    Operation("GET", "/api/similarity", similarity, m.SimilarityQuery, m.Similarity),
    Operation("GET", "/api/doesnt-match", doesnt_match, m.DoesntMatchQuery, m.OddOneOut),
    Operation("POST", "/api/embed", embed, m.EmbedBatch, m.EmbeddedTexts, arrow=True),
    Operation("POST", "/api/axes", axes, m.AxesBatch, m.PlacedWords),
    Operation("GET", "/api/compare", compare, m.CompareQuery, m.Compared, problems=(404, 409)),
    Operation("POST", "/api/complete", complete, m.CompleteQuery, m.NextWords),
    Operation("POST", "/api/perplexity", perplexity, m.TextRequest, m.ScoredText),
    Operation("GET", "/api/models", models, m.Empty, m.Models, problems=()),
    Operation("GET", HEALTH, health, m.Empty, m.Health, problems=()),
)
"""All that are answered with JSON."""
