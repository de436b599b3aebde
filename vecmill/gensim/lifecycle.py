"""The log of what was done with a model, as ``gensim.utils.SaveLoad`` keeps it."""

import json
import logging
import platform
from datetime import datetime
from typing import Any

import vecmill

logger = logging.getLogger("gensim.utils")


class Lifecycle:
    """Base class of models that keep such a log.

    Attributes
    ----------
    lifecycle_events : list of dict, or None
        What was done, in order, with time and versions; None keeps nothing.
    """

    lifecycle_events: list[dict[str, Any]] | None

    def add_lifecycle_event(self, event_name: str, log_level: int = logging.INFO, **event: Any) -> None:
        """Append an event to `lifecycle_events`, and log it.

        Parameters
        ----------
        event_name : str
        log_level : int
            Level of the message; 0 or False logs none.
        **event : Any
            Kept with the event; `save` writes what JSON has no form for as its str.
        """
        about = {
            **event,
            "datetime": datetime.now().isoformat(),
            "vecmill": vecmill.__version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "event": event_name,
        }
        if log_level:
            logger.log(log_level, "%s lifecycle event %s", type(self).__name__, about)
        if self.lifecycle_events is not None:
            self.lifecycle_events.append(about)

    def _saved_events(self) -> list[dict[str, Any]] | None:
        events: list[dict[str, Any]] | None = json.loads(json.dumps(self.lifecycle_events, default=str))
        return events
