"""Names of settings in gensim, fastText and word2vec.c, mapped to the names of this project."""

from collections.abc import Callable, Iterable
from functools import wraps
from inspect import signature
from typing import ParamSpec, TypeVar

from vecmill.hints import did_you_mean

P = ParamSpec("P")
T = TypeVar("T")

NAMES_ELSEWHERE = {
    "alpha": "learning_rate",
    "bucket": None,
    "callbacks": "progress",
    "cbow": "architecture",
    "corpus_file": "text",
    "dim": "dimension",
    "embedding_size": "dimension",
    "epoch": "epochs",
    "hs": None,
    "input": "text",
    "iter": "epochs",
    "lr": "learning_rate",
    "max_final_vocab": "max_vocabulary",
    "max_vocab_size": "max_vocabulary",
    "maxn": None,
    "min_alpha": "min_learning_rate",
    "minCount": "min_count",
    "minn": None,
    "model": "architecture",
    "neg": "negative",
    "ns_exponent": "noise_exponent",
    "num_threads": "threads",
    "random_state": "seed",
    "sentences": "text",
    "sg": "architecture",
    "shrink_windows": "dynamic_window",
    "size": "dimension",
    "t": "sample",
    "thread": "threads",
    "vector_size": "dimension",
    "workers": "threads",
    "ws": "window",
}
"""None marks a setting that this project does not have."""


def hint_for(name: str, known: Iterable[str]) -> str:
    """Return a hint such as "; vector_size is called dimension here", or the closest of the `known` names."""
    if name not in NAMES_ELSEWHERE:
        return did_you_mean(name, known)
    ours = NAMES_ELSEWHERE[name]
    return f"; {name} is called {ours} here" if ours else f"; there is no {name} here"


def explains_names(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function: its TypeError for an unknown keyword states the name that the setting has here."""
    known = signature(function).parameters

    @wraps(function)
    def call(*args: P.args, **settings: P.kwargs) -> T:
        for name in settings:
            if name not in known:
                raise TypeError(f"unknown setting {name!r}{hint_for(name, known)}")
        return function(*args, **settings)

    return call
