"""Numbers that gensim takes: 1 for True, 100.0 for 100; what it would truncate, or fail at later, is refused."""

import math
from numbers import Integral, Real
from typing import Any

from vecmill.arguments import described

_MOST = 2**63 - 1


def whole(name: str, value: Any, least: int | None = None) -> int:
    """Return a whole number as an int.

    Parameters
    ----------
    name : str
        Of the argument.
    value : Any
        An integer, also a bool or one of NumPy, or a float without a fraction.
    least : int, optional

    Returns
    -------
    int

    Raises
    ------
    TypeError
        It is no whole number.
    ValueError
        It is less than `least`, or does not fit into 64 bits.
    """
    if not (isinstance(value, Integral) or (isinstance(value, float) and value.is_integer())):
        raise TypeError(f"{name} is {described(value)}; expected a whole number")
    number = int(value)
    if (least is not None and number < least) or abs(number) > _MOST:
        raise ValueError(f"{name} is {described(value)}; expected {least if least is not None else -_MOST} or more")
    return number


def whole_or_none(name: str, value: Any, least: int | None = None) -> int | None:
    """Return a whole number as an int, None as it is; see `whole`."""
    return None if value is None else whole(name, value, least)


def real(name: str, value: Any) -> float:
    """Return a number as a float; raise a TypeError for what is none, a ValueError for infinity and NaN."""
    if not isinstance(value, Real):
        raise TypeError(f"{name} is {described(value)}; expected a number")
    if not math.isfinite(value):
        raise ValueError(f"{name} is {described(value)}; expected a finite number")
    return float(value)
