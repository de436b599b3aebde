"""Names of gensim 3 and of vecmill where a name of gensim 4 is expected: errors that state it."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from typing import ParamSpec, TypeVar

from embeddings.word2vec.names_elsewhere import NAMES_ELSEWHERE
from vecmill.hints import did_you_mean

P = ParamSpec("P")
T = TypeVar("T")

_SETTINGS = {"size": "vector_size", "iter": "epochs"}
"""Settings of gensim 3; those of vecmill are found by `NAMES_ELSEWHERE`."""

_QUERIES = "a method of the vectors: model.wv.{}"
ATTRIBUTES_OF_KEYED_VECTORS = {
    "vocab": "key_to_index, or get_vecattr(key, 'count')",
    "index2word": "index_to_key",
    "index2entity": "index_to_key",
    "syn0": "vectors",
    "syn0norm": "get_normed_vectors()",
    "vectors_norm": "get_normed_vectors()",
    "wv": "the object itself",
    "similar_by_entity": "similar_by_key",
}
"""Attributes of gensim 3, and what has taken their place."""

ATTRIBUTES_OF_WORD2VEC = {
    **dict.fromkeys(
        ("most_similar", "most_similar_cosmul", "similarity", "n_similarity", "doesnt_match", "similar_by_word"),
        _QUERIES,
    ),
    **dict.fromkeys(("similar_by_vector", "wmdistance", "accuracy", "evaluate_word_pairs", "get_vector"), _QUERIES),
    "vocabulary": "wv",
    "size": "vector_size",
    "iter": "epochs",
}


def no_attribute(of: object, name: str, renamed: Mapping[str, str]) -> AttributeError:
    """Return the error of an attribute that is not there; it states what has taken its place.

    Parameters
    ----------
    of : object
    name : str
    renamed : mapping of str to str

    Returns
    -------
    AttributeError
    """
    hint = f"; in gensim 4 it is {renamed[name].format(name)}" if name in renamed else ""
    return AttributeError(f"{type(of).__name__!r} object has no attribute {name!r}{hint}")


def explains_settings(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a constructor: its TypeError for a keyword of gensim 3 or vecmill states the name in gensim 4."""
    known = signature(function).parameters
    names = {ours: theirs for theirs, ours in NAMES_ELSEWHERE.items() if ours and theirs in known} | _SETTINGS

    @wraps(function)
    def call(*args: P.args, **settings: P.kwargs) -> T:
        for name in settings:
            if name not in known:
                hint = f"; {name} is called {names[name]} here" if name in names else did_you_mean(name, known)
                raise TypeError(f"unknown setting {name!r}{hint}")
        return function(*args, **settings)

    return call
