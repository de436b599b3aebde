"""Callbacks of training, as in ``gensim.models.callbacks``."""

from typing import Any


class CallbackAny2Vec:
    """Base class of callbacks: override what is needed; each method is called with the model."""

    def on_epoch_begin(self, model: Any) -> None:
        """Run before each epoch."""

    def on_epoch_end(self, model: Any) -> None:
        """Run after each epoch; the vectors of the model are those after this epoch."""

    def on_train_begin(self, model: Any) -> None:
        """Run before training."""

    def on_train_end(self, model: Any) -> None:
        """Run after training."""
