"""The settings that a search varies, and the values that they may have."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

from embeddings.word2vec.config import ARCHITECTURES, Word2VecConfig
from pipelines.settings.config import ConfigError, Setting
from vecmill.arguments import quoted
from vecmill.hints import did_you_mean

OPTION = "--search"
_DIGITS = 3  # of a proposed number: 0.0437, not 0.043721984
_BOUNDS = re.compile(r"(?P<low>[^,]+?)\.\.(?P<high>[^,]+)")

Value: TypeAlias = int | float | str
Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; `logarithmic` ones are drawn evenly by their logarithm."""

    low: float
    high: float
    whole: bool = False
    logarithmic: bool = True

    def __contains__(self, value: object) -> bool:
        """Return whether a number lies in the range."""
        return isinstance(value, int | float) and self.low <= value <= self.high

    def rounded(self, value: float) -> float:
        """Return a number of the range with few digits."""
        if self.whole:
            return value
        return min(max(float(f"{value:.{_DIGITS}g}"), self.low), self.high)

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest number."""
        return self.low, self.high


@dataclass(frozen=True)
class Choices:
    """Some values of a setting that is no number."""

    ends: tuple[str, ...]

    def __contains__(self, value: object) -> bool:
        """Return whether a value is one of them."""
        return value in self.ends

    def rounded(self, value: str) -> str:
        """Return the value."""
        return value


SearchSpace: TypeAlias = Mapping[str, Range | Choices]
"""By the name of a setting, such as "train.window"."""

DEFAULT_VALUES: dict[str, Range | Choices] = {
    "learning_rate": Range(0.01, 0.2),
    "window": Range(2, 12, whole=True),
    "sample": Range(1e-5, 1e-2),
    "negative": Range(2, 20, whole=True),
    "noise_exponent": Range(0.0, 1.0, logarithmic=False),
    "epochs": Range(3, 15, whole=True),
    "dimension": Range(50, 300, whole=True),
    "architecture": Choices(ARCHITECTURES),
}
"""What can be searched, by its key in [train], and its values unless others are given."""

WITH_A_SET = ("learning_rate", "window", "sample", "negative", "noise_exponent", "epochs")
WITH_HELD_OUT = ("learning_rate", "epochs")
COMPARABLE = ("learning_rate", "epochs", "dimension")
"""Settings that do not change which examples the held-out loss is a mean of."""
_OF_NOISE = ("negative", "noise_exponent")


def read_search(
    given: Sequence[str], settings: Word2VecConfig, *, by_held_out_loss: bool
) -> dict[str, Range | Choices]:
    """Return the search space that the option ``--search`` describes.

    Parameters
    ----------
    given : sequence of str
        ``"window"``, ``"window=2..20"`` or ``"architecture=skip-gram,cbow"``. Empty: the settings that the metric can
        compare, without dimension and architecture.
    settings : Word2VecConfig
        What stays as it is: with hierarchical softmax there are no noise words to search.
    by_held_out_loss : bool
        Whether trials are compared by their held-out loss.

    Returns
    -------
    SearchSpace

    Raises
    ------
    ConfigError
        A setting is unknown or given twice, its values cannot be read, or held-out losses do not compare them.
    """
    names: Sequence[str] = given or (WITH_HELD_OUT if by_held_out_loss else WITH_A_SET)
    space: dict[str, Range | Choices] = {}
    for text in names:
        key, values = _read_one(text)
        if by_held_out_loss and key not in COMPARABLE:
            raise ConfigError(
                f"{OPTION} {text}: the held-out loss is another quantity with another {key}, so that its values cannot "
                "be compared; add --metric with an evaluation set"
            )
        if f"train.{key}" in space:
            raise ConfigError(f"{OPTION} {text}: {key} is given twice")
        if given or not (settings.hierarchical_softmax and key in _OF_NOISE):
            space[f"train.{key}"] = values
    return space


def _read_one(text: str) -> tuple[str, Range | Choices]:
    """Return the key of a setting and its values."""
    name, equals, values = (part.strip() for part in text.partition("="))
    key = name.removeprefix("train.").replace("-", "_")
    if key not in DEFAULT_VALUES:
        known = ", ".join(DEFAULT_VALUES)
        raise ConfigError(
            f"{OPTION}: cannot search {quoted(name)}{did_you_mean(key, DEFAULT_VALUES)} (one of: {known})"
        )
    default = DEFAULT_VALUES[key]
    if not equals:
        return key, default
    return key, _range(text, default, values) if isinstance(default, Range) else _choices(text, default, values)


def _range(text: str, default: Range, values: str) -> Range:
    found = _BOUNDS.fullmatch(values)
    try:
        low, high = ((int if default.whole else float)(found[end]) for end in ("low", "high")) if found else (0, 0)
    except ValueError:
        low, high = 0, 0
    if not low < high:
        kind = "whole numbers" if default.whole else "numbers"
        raise ConfigError(
            f"{OPTION} {text}: expected two {kind}, the lower one first, such as {default.low:g}..{default.high:g}"
        )
    if default.logarithmic and not low > 0:
        raise ConfigError(f"{OPTION} {text}: the lower number must be above 0, since the scale is logarithmic")
    return replace(default, low=low, high=high)


def _choices(text: str, default: Choices, values: str) -> Choices:
    chosen = tuple(value.strip() for value in values.split(","))
    if len(set(chosen)) < max(2, len(chosen)) or not {*chosen} <= {*default.ends}:
        raise ConfigError(f"{OPTION} {text}: expected two or more different ones of {', '.join(default.ends)}")
    return Choices(chosen)


def ends_as_settings(space: SearchSpace) -> list[dict[str, Setting]]:
    """Return the lowest and the highest values of a search space as settings, to find out whether both are allowed."""
    return [
        {name: Setting(values.ends[end], f"{OPTION} {name.partition('.')[2]}") for name, values in space.items()}
        for end in (0, -1)
    ]


def as_json(space: SearchSpace) -> dict[str, list[Any]]:
    """Return the ends of every range and the choices, for the record of a search."""
    return {name: list(values.ends) for name, values in space.items()}
