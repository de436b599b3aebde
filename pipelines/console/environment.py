"""The environment variables of the command line, checked before a command begins."""

import logging
import os
import re

import typer

from pipelines.console.logs import configure_logging
from pipelines.console.streams import LOG_FORMATS
from vecmill.arguments import quoted
from vecmill.errors import VecmillError
from vecmill.hints import did_you_mean

logger = logging.getLogger(__name__)

_PREFIX = "VECMILL_"
VARIABLES = {
    "VECMILL_CACHE": "folder of fetched texts, models and maps, instead of the user's cache",
    "VECMILL_LOG_FORMAT": "format of the log where --log-format is not given",
    "VECMILL_TOKEN": "token of 'vecmill serve' where --token is not given",  # nosec B105 - no token
    "VECMILL_STOPS_WITH_PARENT": "set by batch and tune for a job, which ends when its standard input does",
    "VECMILL_FUZZ_EXAMPLES": "inputs of each kind that the tests try",
    "VECMILL_SHARED": "data of the benchmarks",
}
"""What each variable sets."""

_SHORT_NAMES = [name.removeprefix(_PREFIX) for name in VARIABLES]
_OF_KUBERNETES = re.compile(r"_(SERVICE_HOST|SERVICE_PORT|PORT)(_|$)")  # set for a service that is called vecmill


def check_environment() -> None:
    """Take the settings of the environment.

    Raises
    ------
    BadParameter
        A variable has a value that cannot be used. One that is not known is warned of.
    """
    _read_log_format()
    _require_thread_count()
    for name in os.environ:
        if name.startswith(_PREFIX) and name not in VARIABLES and not _OF_KUBERNETES.search(name):
            hint = did_you_mean(name.removeprefix(_PREFIX), _SHORT_NAMES).replace("'", f"'{_PREFIX}", 1)
            logger.warning("the environment variable %s has no effect%s", name, hint)
    if os.environ.get("VECMILL_CACHE"):
        _require_cache()


def _read_log_format() -> None:
    """Take the log format from the environment."""
    name = os.environ.get("VECMILL_LOG_FORMAT")
    if not name:
        return
    if name not in LOG_FORMATS:
        raise typer.BadParameter(f"VECMILL_LOG_FORMAT: {quoted(name)} is none of {', '.join(LOG_FORMATS)}")
    configure_logging(log_format=name)


def _require_cache() -> None:
    """Raise an error for a folder of the cache that cannot be one."""
    from corpora.cache import require_cache

    try:
        require_cache()
    except VecmillError as error:
        raise typer.BadParameter(str(error)) from None


def _require_thread_count() -> None:
    """Raise an error for a number of threads in the environment that Numba cannot use."""
    if not os.environ.get("NUMBA_NUM_THREADS"):
        return
    from embeddings.threads import thread_count

    try:
        thread_count(None)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
