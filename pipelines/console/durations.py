"""Spans of time as people write them: ``90s``, ``5m``, ``1h``, or plain seconds."""

import re

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*")


def seconds(duration: str | float) -> float:
    """Return a duration in seconds.

    Raises
    ------
    ValueError
        If it is not a number that may be followed by s, m or h.
    """
    found = _DURATION.fullmatch(str(duration))
    if not found:
        raise ValueError(f"{duration!r} is no span of time; expected seconds, or a number with s, m or h: 90s, 5m, 1h")
    return float(found[1]) * _SECONDS[found[2]]
