"""Types of settings, checked when a configuration is made or a function called: one line says what was expected."""

from collections.abc import Collection
from dataclasses import fields
from numbers import Integral, Real
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from vecmill.arguments import described, quoted
from vecmill.hints import did_you_mean

LARGEST_SINGLE = 1e38
"""Larger numbers are none in single precision, with which compiled code computes."""
_LARGEST = 2**63
_TYPES: dict[Any, tuple[Any, str]] = {
    bool: (bool, "True or False"),
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    str: (str, "a str"),
}


def require_setting_types(config: Any) -> None:
    """Check that every setting of a frozen dataclass has its type; convert NumPy's numbers to Python's.

    Parameters
    ----------
    config : dataclass

    Raises
    ------
    TypeError
        A setting has another type.
    """
    for setting in fields(config):
        value = require_type(setting.name, getattr(config, setting.name), setting.type)
        object.__setattr__(config, setting.name, value)


def require_type(name: str, value: Any, annotation: Any) -> Any:
    """Check that a value has the type of a setting; return it, with NumPy's numbers converted to Python's.

    Parameters
    ----------
    name : str
        Of the setting, for the message.
    value : Any
    annotation : type
        bool, int, float, str, a Literal of str, ``tuple[int, ...]``, or one of these or None.

    Returns
    -------
    Any

    Raises
    ------
    TypeError
        `value` has another type.
    ValueError
        A number does not fit into 64 bits.
    """
    if get_origin(annotation) is tuple:
        if not isinstance(value, tuple | list):
            raise TypeError(f"{name} is {described(value)}; expected a tuple")
        return tuple(
            require_type(f"{name}[{place}]", part, get_args(annotation)[0]) for place, part in enumerate(value)
        )
    kinds = (str,) if get_origin(annotation) is Literal else get_args(annotation) or (annotation,)
    if value is None and NoneType in kinds:
        return None
    accepted, expected = _TYPES[kinds[0]]
    if not isinstance(value, accepted) or (isinstance(value, bool) and kinds[0] is not bool):
        raise TypeError(f"{name} is {described(value)}; expected {expected}")
    return _number(name, value.item() if hasattr(value, "item") else value, kinds[0])


def require_number(name: str, value: Any, least: int) -> int:
    """Check that a value is a whole number, NumPy's included, that is not too small; return it as an int.

    Parameters
    ----------
    name : str
        Of the argument.
    value : Any
    least : int

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        It is of another type, or out of range.
    """
    number: int = require_type(name, value, int)
    if number < least:
        raise ValueError(f"{name} is {described(value)}; expected {least} or more")
    return number


def require_ranks(ranks: Any) -> tuple[int, int]:
    """Return two places of words by frequency; raise a TypeError or ValueError for what is no such pair."""
    found = require_type("ranks", ranks, tuple[int, ...])
    if len(found) != 2 or min(found) < 0:
        raise ValueError(f"ranks is {described(ranks)}; expected two numbers, such as (100, 2000)")
    return found[0], found[1]


def require_flags(**flags: Any) -> None:
    """Raise a TypeError for a flag that is neither True nor False; NumPy's are accepted."""
    import numpy as np  # settings are read without it

    for name, value in flags.items():
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name} is {described(value)}; expected True or False")


def _number(name: str, value: Any, kind: type) -> Any:
    """Return a value, a fraction as a float; a number that compiled code and files cannot hold is an error."""
    try:
        number = float(value) if kind is float else value
    except OverflowError:
        number = None
    if number is None or (kind is int and abs(value) >= _LARGEST):
        raise ValueError(f"{name} is {described(value)}; expected a number of 64 bits")
    if isinstance(value, int):
        return value if isinstance(value, bool) else int(value)  # of an enumeration, too
    return number


def require_one_of(what: str, value: Any, allowed: Collection[str]) -> None:
    """Raise a ValueError that suggests the closest name if `value` is not one of those allowed."""
    given: Any = value
    if not isinstance(given, str) or given not in allowed:
        hint = did_you_mean(str(value), allowed)
        raise ValueError(f"unknown {what} {quoted(value)}{hint} (one of: {', '.join(allowed)})")
