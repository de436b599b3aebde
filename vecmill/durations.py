"""Durations in settings: ``90s``, ``5m``, ``1h``, or plain seconds."""

import re

from vecmill.arguments import quoted

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*")


def seconds(duration: str | float) -> float:
    """Return a duration in seconds.

    Parameters
    ----------
    duration : str or float

    Returns
    -------
    float

    Raises
    ------
    ValueError
        `duration` is not a number, optionally followed by s, m or h.
    """
    found = _DURATION.fullmatch(str(duration))
    if not found:
        raise ValueError(
            f"{quoted(duration)} is not a duration; expected seconds, or a number with s, m or h, such as 90s, 5m, 1h"
        )
    return float(found[1]) * _SECONDS[found[2]]
