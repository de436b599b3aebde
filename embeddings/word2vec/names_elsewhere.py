"""Names of settings in gensim, fastText and word2vec.c, mapped to the names of this project."""

from collections.abc import Callable, Collection
from functools import wraps
from inspect import signature
from typing import ParamSpec, TypeVar

from vecmill.hints import did_you_mean

P = ParamSpec("P")
T = TypeVar("T")

NAMES_ELSEWHERE: dict[str, str | None] = {
    "alpha": "learning_rate",
    "batch_words": None,
    "binary": None,
    "bucket": "buckets",
    "callbacks": "progress",
    "cbow": "architecture",
    "classes": None,
    "compute_loss": None,
    "corpus_file": "text",
    "dim": "dimension",
    "embedding_dim": "dimension",
    "embedding_size": "dimension",
    "epoch": "epochs",
    "hashfxn": None,
    "hs": "hierarchical_softmax",
    "input": "text",
    "iter": "epochs",
    "loss": "hierarchical_softmax",
    "lr": "learning_rate",
    "lrUpdateRate": None,
    "max_final_vocab": "max_vocabulary",
    "max_iter": "epochs",
    "max_vocab_size": "max_vocabulary",
    "maxn": "subwords",
    "min_alpha": "min_learning_rate",
    "minCount": "min_count",
    "minn": "subwords",
    "model": "architecture",
    "n_components": "dimension",
    "n_jobs": "threads",
    "neg": "negative",
    "ns_exponent": "noise_exponent",
    "null_word": None,
    "num_threads": "threads",
    "random_state": "seed",
    "sentences": "text",
    "sg": "architecture",
    "shrink_windows": "dynamic_window",
    "size": "dimension",
    "sorted_vocab": None,
    "t": "sample",
    "thread": "threads",
    "trim_rule": None,
    "vector_size": "dimension",
    "verbose": "progress",
    "wordNgrams": None,
    "workers": "threads",
    "ws": "window",
}
"""None marks a setting that this project does not have."""


def is_named_elsewhere(name: str) -> bool:
    """Return whether a name, with dashes or underscores, is that of a setting of these programs."""
    return _spelled(name) in NAMES_ELSEWHERE


def name_here(name: str) -> str | None:
    """Return the name that a setting of these programs has here, or None."""
    return NAMES_ELSEWHERE[_spelled(name)]


def hint_for(name: str, known: Collection[str]) -> str:
    """Return a hint such as "; vector_size is called dimension here", or the closest of the `known` names."""
    if not is_named_elsewhere(name):
        return did_you_mean(name, known)
    ours = name_here(name)
    if ours and ours not in known:
        return ""
    return f"; {name} is called {ours} here" if ours else f"; there is no {name} here"


def _spelled(name: str) -> str:
    """Return a name as the table spells it: that of an option has dashes."""
    return name.replace("-", "_")


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


def points_to(config: type) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate the constructor of an estimator: its TypeError for a setting states that `config` takes it."""
    known = signature(config).parameters

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        own = signature(function).parameters

        @wraps(function)
        def call(*args: P.args, **settings: P.kwargs) -> T:
            for name in settings:
                if name not in own:
                    hint = "" if name in known else hint_for(name, known)
                    raise TypeError(f"{name!r} is no argument{hint}; settings are those of a {config.__name__}")
            return function(*args, **settings)

        return call

    return decorate
