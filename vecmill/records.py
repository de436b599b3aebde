"""Records that were read from JSON: dataclasses whose values are of the types that their fields name."""

import types
from dataclasses import fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_LARGEST = 2**63 - 1  # NumPy and compiled code have no larger counts


def require_types(record: Any) -> None:
    """Check the fields of a dataclass whose types JSON has; integers are counts.

    Parameters
    ----------
    record : dataclass instance

    Raises
    ------
    TypeError
        A value is of another type, or an integer is negative or too large; the message names the field.
    """
    hints = get_type_hints(type(record))
    for field in fields(record):
        value = getattr(record, field.name)
        if not fits(value, hints[field.name]):
            raise TypeError(f"{field.name} is {str(value)[:60]!r}")


def fits(value: Any, kind: Any) -> bool:
    """Return whether a value is of a type: one that JSON has, a list, dict or union of such, a literal, or a class.

    Parameters
    ----------
    value : Any
    kind : type

    Returns
    -------
    bool
    """
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if origin is Literal:
        return value in parts and type(value) in map(type, parts)
    if origin is list:
        return isinstance(value, list) and all(fits(item, parts[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(item, parts[1]) for item in value.values())
    if kind is int:
        return type(value) is int and 0 <= value <= _LARGEST
    if kind is float:
        return type(value) is float or (type(value) is int and abs(value) <= _LARGEST)
    return isinstance(value, kind)
