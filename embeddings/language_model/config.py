"""Settings of a language model: architecture and regularization."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

CellName = Literal["lstm", "gru", "rnn"]
OutputName = Literal["full", "sampled", "adaptive"]
FORMER_NAMES = {
    "embedding_size": "dimension",
    "last_size": "last_hidden_size",
    "tied": "tie_weights",
    "frozen": "freeze_embedding",
    "samples": "num_sampled",
    "dropout_between": "dropout_hidden",
    "dropout_words": "embedding_dropout",
    "activation_penalty": "activation_regularization",
    "change_penalty": "temporal_activation_regularization",
}
"""Names of settings in files of earlier versions, and their present names."""


def with_present_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a file, which an earlier version may have written, under their present names."""
    return {FORMER_NAMES.get(name, name): value for name, value in settings.items()}


@dataclass(frozen=True, kw_only=True)
class LanguageModelConfig:
    """Architecture and regularization.

    Attributes
    ----------
    cell : {"lstm", "gru", "rnn"}
        Kind of the recurrent cells.
    layers : int
        L, the number of recurrent layers.
    hidden_size : int
        H, the number of units of a layer.
    dimension : int, optional
        d, the dimension of the word vectors E. Default: the hidden size.
    last_hidden_size : int, optional
        H of the last layer. Default: the hidden size.
    tie_weights : bool
        Use E as the output weights W_ya (Press & Wolf 2017; Inan et al. 2017).
    output : {"full", "sampled", "adaptive"}
        Softmax: all words, sampled noise words in training (Jean et al. 2015), or clusters of rare words (Grave et al.
        2017; needs ``tie_weights = false``).
    num_sampled : int
        Noise words that a sampled softmax draws at each training step.
    freeze_embedding : bool
        Do not train E.
    dropout_input, dropout_hidden, dropout_output : float
        Dropout probability of the inputs, between layers, and of the outputs of the last layer.
    variational : bool
        Drop the same entries at all time steps of a window (Gal & Ghahramani 2016).
    embedding_dropout : float
        Probability of dropping a word at all its places in a window (Gal & Ghahramani 2016).
    weight_drop : float
        Probability of dropping a weight of W_hh for a window (Merity et al. 2018).
    activation_regularization : float
        α of AR: adds α · mean(a²) of the last layer's outputs after dropout to the loss (Merity et al. 2018).
    temporal_activation_regularization : float
        β of TAR: adds β · mean((a<t> - a<t-1>)²) of the outputs before dropout (Merity et al. 2018).

    Raises
    ------
    ValueError
        A value is out of range; the message names the setting.
    """

    cell: CellName = "lstm"
    layers: int = 2
    hidden_size: int = 200
    dimension: int | None = None
    last_hidden_size: int | None = None
    tie_weights: bool = True
    output: OutputName = "full"
    num_sampled: int = 1000
    freeze_embedding: bool = False
    dropout_input: float = 0.0
    dropout_hidden: float = 0.0
    dropout_output: float = 0.0
    variational: bool = True
    embedding_dropout: float = 0.0
    weight_drop: float = 0.0
    activation_regularization: float = 0.0
    temporal_activation_regularization: float = 0.0

    def __post_init__(self) -> None:
        for name, known in (("cell", get_args(CellName)), ("output", get_args(OutputName))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} {getattr(self, name)!r}: expected one of {', '.join(known)}")
        if self.output == "adaptive" and self.tie_weights:
            raise ValueError("output adaptive has its own weights: it needs tie_weights = false")
        for name in ("layers", "hidden_size", "dimension", "last_hidden_size", "num_sampled"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        for name in ("dropout_input", "dropout_hidden", "dropout_output", "embedding_dropout", "weight_drop"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"{name} must be a probability in [0, 1), got {getattr(self, name)}")
        for name in ("activation_regularization", "temporal_activation_regularization"):
            if not getattr(self, name) >= 0.0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")

    @property
    def embedding_dimension(self) -> int:
        """The dimension d of E, as a plain number."""
        return self.dimension or self.hidden_size

    @property
    def layer_sizes(self) -> list[int]:
        """H of each layer, from the bottom up."""
        return [self.hidden_size] * (self.layers - 1) + [self.last_hidden_size or self.hidden_size]
