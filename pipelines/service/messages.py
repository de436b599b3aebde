"""Requests and responses: their types validate what arrives, write what is sent, and describe both (`openapi.py`)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

LARGEST_BATCH = 10_000
"""Words of a batch."""
MOST_TEXTS = 2_000
"""Texts of a batch."""
LONGEST_TEXT = 20_000
"""Characters of one text."""

Word = Annotated[str, Meta(min_length=1, max_length=200)]
Words = Annotated[list[Word], Meta(min_length=1, max_length=100)]
Batch = Annotated[list[Word], Meta(min_length=1, max_length=LARGEST_BATCH)]
Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]
TopN = Annotated[int, Meta(ge=1, le=1000, description="Number of words to return.")]
ModelName = Annotated[str, Meta(max_length=200, description="A name in /api/models; by default the first.")]


class Request(Struct, forbid_unknown_fields=True, kw_only=True):
    """What every request may have."""

    model: ModelName = ""


class TextRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A text for the language model."""

    text: Annotated[Text, Meta(description="A text; each of its lines is a sentence.")]


class NeighborsQuery(Request):
    """Words whose mean the neighbours are nearest to."""

    word: Annotated[Words, Meta(description="Words; several give the neighbours of their mean.")]
    without: Annotated[
        list[Word], Meta(max_length=100, description="Words that are subtracted, as in king - man + woman.")
    ] = []
    topn: TopN = 10


class WordsBatch(Request):
    """Words, each of which is answered."""

    words: Batch


class NeighborsBatch(WordsBatch):
    """Words whose neighbours are wanted, each for itself."""

    topn: TopN = 10


class AnalogyQuery(Request):
    """Three words: a is to b as c is to what."""

    a: Word
    b: Word
    c: Word
    topn: TopN = 10
    method: Annotated[Literal["3CosAdd", "3CosMul"], Meta(description="Levy & Goldberg (2014).")] = "3CosAdd"


class VectorQuery(Request):
    """A word whose vector is wanted."""

    word: Word


class SimilarityQuery(Request):
    """Two words."""

    a: Word
    b: Word


class DoesntMatchQuery(Request):
    """Words of which one is the odd one out."""

    word: Annotated[list[Word], Meta(min_length=3, max_length=100)]


class EmbedBatch(Request):
    """Texts whose vectors are wanted."""

    texts: Annotated[list[Text], Meta(min_length=1, max_length=MOST_TEXTS)]


class Axis(Struct, forbid_unknown_fields=True):
    """An axis from one pole to the other."""

    positive: Words
    negative: Words


class AxesBatch(Request):
    """Words to be placed on axes."""

    axes: Annotated[list[Axis], Meta(min_length=1, max_length=10)]
    words: Batch


class CompareQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Two models to be compared."""

    a: ModelName
    b: ModelName
    word: Annotated[list[Word], Meta(max_length=100, description="Words; by default those that moved most.")] = []
    topn: Annotated[int, Meta(ge=1, le=100, description="Number of neighbours of each word.")] = 8
    words: Annotated[int, Meta(ge=1, le=200, description="Number of words that moved most.")] = 20


class CompleteQuery(TextRequest):
    """A text whose next word is wanted."""

    topn: TopN = 10


class Empty(Struct, forbid_unknown_fields=True):
    """No parameters."""


class MapQuery(Request):
    """A model whose map is wanted."""


class Similar(Struct, gc=False):  # a batch has thousands, which collections would visit
    """A word and its cosine with what was asked for."""

    word: str
    similarity: float


class Neighbors(Struct):
    """Neighbours, the nearest first."""

    model: str
    words: list[str]
    neighbors: list[Similar]


class WordNeighbors(Struct, gc=False):
    """The neighbours of one word."""

    word: str
    neighbors: list[Similar]


class NeighborsOfAll(Struct):
    """The neighbours of every known word."""

    model: str
    results: list[WordNeighbors]
    unknown: list[str]


class Answer(Struct):
    """A word and its score; with 3CosMul not a cosine."""

    word: str
    score: float


class Analogy(Struct):
    """Answers, the best first."""

    model: str
    words: list[str]
    answers: list[Answer]


class Vector(Struct):
    """The vector of a word."""

    model: str
    word: str
    vector: list[float]


class Vectors(Struct):
    """The vectors of all known words, in their order."""

    model: str
    words: list[str]
    vectors: list[list[float]]
    unknown: list[str]


class Similarity(Struct):
    """The cosine of two words."""

    model: str
    words: list[str]
    similarity: float


class OddOneOut(Struct):
    """The word farthest from the mean of all, and the cosine of every word with that mean."""

    model: str
    word: str
    similarities: list[Similar]
    unknown: list[str]


class EmbeddedTexts(Struct):
    """A vector for every text: zeros for one without a known word."""

    model: str
    vectors: list[list[float]]


class Placed(Struct):
    """A word and its cosine with every axis."""

    word: str
    places: list[float]


class PlacedWords(Struct):
    """The words that are known, on every axis."""

    model: str
    words: list[Placed]
    unknown: list[str]


class Moved(Struct):
    """A word in two models: its cosine after the alignment, how often chance does as well, and its neighbours."""

    word: str
    similarity: float
    p: float
    neighbors_a: list[str]
    neighbors_b: list[str]


class Compared(Struct):
    """Two models after orthogonal Procrustes alignment."""

    a: str
    b: str
    common: int
    similarity: Annotated[float, Meta(description="Mean cosine of words that took no part in the alignment.")]
    chance: Annotated[float, Meta(description="The same for shuffled words.")]
    p: float
    moved: list[Moved]
    unknown: list[str]


class NextWord(Struct):
    """A word and its probability."""

    word: str
    probability: float


class NextWords(Struct):
    """The most probable next words; `unknown` lists words of the text that were read as <unk>."""

    words: list[NextWord]
    end: Annotated[float, Meta(description="Probability that the line ends here.")]
    unknown: list[str]


class ScoredWord(Struct):
    """A word of a text: log10 of its probability, and whether the model does not know it."""

    word: str
    log10: float
    oov: bool


class ScoredText(Struct):
    """A text with the probability of every word; a line ends with <eos>."""

    perplexity: float | None
    words: int
    oov: int
    lines: list[list[ScoredWord]]


class ModelInfo(Struct):
    """A served model of word vectors."""

    name: str
    words: int
    dimension: int
    subwords: bool
    facts: list[str]


class LanguageModelInfo(Struct):
    """The served language model."""

    name: str
    words: int
    cell: str


class Models(Struct):
    """What is served."""

    models: list[ModelInfo]
    language_model: LanguageModelInfo | None


class Health(Struct):
    """The service answers."""

    status: Literal["ok"]
    version: str


class Problem(Struct, omit_defaults=True):
    """What was wrong with a request (RFC 9457)."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
