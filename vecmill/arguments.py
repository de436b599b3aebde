"""Arguments of public functions: one line says what was given, what was expected, and what to do."""

import os
import reprlib
from collections.abc import Callable, Collection, Iterable, Mapping, Set, Sized
from os import PathLike
from typing import Any

from vecmill.storage import require_local

_LONGEST_SHOWN = 50  # characters of a value in a message
_LONGEST_NAME = 255  # bytes of the name of a file, on all usual file systems


def described(value: Any) -> str:
    """Return a value, shortened, and its type: "'king' (str)"."""
    shown = " ".join(reprlib.repr(value).split())
    return f"{shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + '...'} ({type(value).__name__})"


def quoted(value: Any) -> str:
    """Return a name in quotes; what is too long for one, or none, is `described`."""
    return repr(value) if isinstance(value, str) and len(value) <= _LONGEST_SHOWN else described(value)


def is_one_of(value: Any, choices: Collection[str]) -> bool:
    """Whether a value is one of some names; a data frame or an array is none."""
    return isinstance(value, str) and value in choices


def is_sequence(value: Any) -> bool:
    """Whether a value can be iterated over in an order of its own; str and bytes can, a table has names alone."""
    if isinstance(value, Set):  # the views of a dict, and those of a graph's edges, have an order
        return not isinstance(value, (set, frozenset))
    if not isinstance(value, Iterable) or isinstance(value, Mapping) or getattr(value, "ndim", 1) == 0:
        return False
    return columns_of(value) is None


def python_values(values: Any) -> Any:
    """Return an array or a column of Arrow as a list, whose values it would give in classes of its own, else `values`.

    Parameters
    ----------
    values : object

    Returns
    -------
    object
    """
    return values.to_pylist() if hasattr(values, "to_pylist") else values


def columns_of(value: Any) -> list[Any] | None:
    """Return the names of the columns of a data frame, an Arrow table or a data set; None for other values."""
    names = value.column_names if hasattr(value, "column_names") else getattr(value, "columns", None)
    return None if names is None or callable(names) or isinstance(value, type) else list(names)


def require_kind(name: str, value: Any, kinds: type | tuple[type, ...], expected: str) -> None:
    """Raise a TypeError that says what was expected if a value is of none of the kinds.

    Parameters
    ----------
    name : str
        Of the argument.
    value : Any
    kinds : type or tuple of type
    expected : str
        What to give, such as "WordVectors, as vecmill.load(path) returns them".

    Raises
    ------
    TypeError
        The value is of another kind.
    """
    if not isinstance(value, kinds):
        raise TypeError(f"{name} is {described(value)}; expected {expected}")


def require_path(name: str, value: Any) -> None:
    """Raise an error for a value that is no path of this machine.

    Parameters
    ----------
    name : str
        Of the argument.
    value : Any

    Raises
    ------
    TypeError
        It is neither a str nor a path object.
    ValueError
        It is an empty str, which would mean the current directory, a str that no file can have as its name, or a URL.
    """
    _require_name(name, value)
    require_local(name, value)


def _require_name(name: str, value: Any) -> None:
    require_kind(name, value, (str, PathLike), "a path: a str or a path object")
    if value == "":
        raise ValueError(f"{name} is empty; expected the path of a file or directory")
    try:
        encoded = os.fsencode(value)
    except UnicodeEncodeError:
        raise ValueError(f"{name} is {described(value)}, which cannot be the name of a file; expected a path") from None
    if any(len(part) > _LONGEST_NAME for part in encoded.split(os.sep.encode())):
        raise ValueError(f"{name} is {described(value)}, which is too long for the name of a file; expected a path")
    if b"\0" in encoded:
        raise ValueError(f"{name} is {described(value)}, which has a NUL; expected the path of a file or directory")


def require_place(name: str, value: Any) -> None:
    """Raise an error for a value that is no path of this machine, where something is to be written.

    Parameters
    ----------
    name : str
        Of the argument.
    value : Any

    Raises
    ------
    TypeError, ValueError
        As `require_path`.
    """
    _require_name(name, value)
    require_local(name, value, "copy the output there")


def require_function(name: str, value: Callable[..., Any] | None) -> None:
    """Raise a TypeError for a value that is neither a function nor None."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} is {described(value)}; expected a function")


def require_words(words: Any) -> None:
    """Raise a TypeError for what is no words: the letters of a str would be read as words, bytes as ids.

    Parameters
    ----------
    words : Any
        Lists, tuples, arrays, sets, columns of a data frame, and iterators are accepted.

    Raises
    ------
    TypeError
        It is one word, a mapping, a data frame, or nothing that can be iterated over.
    """
    if type(words) is list:  # in most calls
        return
    if isinstance(words, str):
        example = [word[:40] for word in words.split()[:3]]
        raise TypeError(f"got the str {words[:40]!r}; expected a list of words, such as {example}")
    if isinstance(words, (bytes, bytearray)):
        raise TypeError(f"got {described(words)}; expected a list of words, each of them a str: decode('utf-8')")
    if (names := columns_of(words)) is not None:
        listed = ", ".join(map(repr, names[:5]))
        raise TypeError(f"got a {type(words).__name__}; expected a list of words: give one of its columns ({listed})")
    if isinstance(words, Mapping):
        raise TypeError(f"got {described(words)}; expected a list of words: give list(words) for its keys")
    if getattr(words, "ndim", 1) == 0:
        raise TypeError(f"got {described(words)}; expected a list of words or ids")
    if not isinstance(words, Iterable):
        raise TypeError(f"got {described(words)}; expected a list of words")


def require_list(words: Any) -> None:
    """Raise a TypeError for what is no list of words: of a set, the rows of a result could not be told apart.

    Parameters
    ----------
    words : Any
        Lists, tuples, arrays and columns of a data frame are accepted.

    Raises
    ------
    TypeError
        As `require_words`, and for a set or an iterator.
    """
    require_words(words)
    if isinstance(words, (set, frozenset)):
        raise TypeError(f"got {described(words)}, which has no order; expected a list of words: give sorted(words)")
    if not isinstance(words, Sized):
        raise TypeError(f"got {described(words)}; expected a list of words: give list(words)")
