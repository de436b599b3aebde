"""Settings of a language model: architecture and regularization."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from embeddings.setting_types import require_setting_types

CellName = Literal["lstm", "gru", "rnn", "mingru"]
OutputName = Literal["full", "sampled", "adaptive"]
MOST_LAYERS = 100
MOST_ROUNDS = 100  # of a Mogrifier LSTM; each has weights of its own
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
    """The network of the language model: its size, and its protection from overfitting.

    Attributes
    ----------
    cell : {"lstm", "gru", "rnn", "mingru"}
        Kind of recurrent unit: "lstm" is usually best, "gru" is faster, "rnn" forgets after a few words; "mingru" is
        the fastest, with gates that do not depend on the state (Feng et al. 2024).
    mogrifier : int, optional
        Rounds in which input and state of an "lstm" gate each other before each step (Melis et al. 2020): 2 to 6.
        None: no rounds.
    layers : int
        Number of recurrent layers L: 1 to 3; more need more text.
    hidden_size : int
        Units H in a layer, the size of the hidden state: 100 to 1500; more need more text, time and dropout.
    dimension : int, optional
        Dimension d of the word vectors E. None: the hidden size.
    last_hidden_size : int, optional
        Units in the last layer; tied weights need those of the word vectors. None: the hidden size.
    tie_weights : bool
        Use the word vectors E as the output weights too: fewer weights, better on little text (Press & Wolf 2017; Inan
        et al. 2017).
    output : {"full", "sampled", "adaptive"}
        Softmax: "full" is exact; "sampled" trains on sampled noise words (Jean et al. 2015) and "adaptive" on clusters
        of rare words (Grave et al. 2017; needs ``tie_weights = false``); both are faster for many words.
    num_sampled : int
        Noise words at each step of a sampled softmax: 500 to 5000; more are nearer to the full softmax.
    freeze_embedding : bool
        Keep the word vectors as they are; for good vectors and little text.
    dropout_input : float
        Share of the inputs of the first layer that is dropped in training: 0 for much text, up to 0.5 for little.
    dropout_hidden : float
        Share of the hidden units that is dropped between two layers, in the same range.
    dropout_output : float
        Share of the outputs of the last layer that is dropped, in the same range.
    variational : bool
        Drop the same units at all steps of a window (Gal & Ghahramani 2016); false draws anew at every step.
    embedding_dropout : float
        Share of the words whose vector is dropped at all their places in a window: 0 to 0.2.
    weight_drop : float
        Share of the recurrent weights that is dropped for a window: 0 to 0.5 (Merity et al. 2018).
    activation_regularization : float
        Strength of the penalty on large outputs of the last layer (AR): 0 to 2 (Merity et al. 2018).
    temporal_activation_regularization : float
        Strength of the penalty on outputs that change much from word to word (TAR): 0 to 1.

    Raises
    ------
    ValueError
        A value is out of range; the message names the setting.
    TypeError
        A value has another type.
    """

    cell: CellName = "lstm"
    mogrifier: int | None = None
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
        require_setting_types(self)
        for name, known in (("cell", get_args(CellName)), ("output", get_args(OutputName))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} {getattr(self, name)!r}: expected one of {', '.join(known)}")
        if self.mogrifier and self.cell != "lstm":
            raise ValueError(f"mogrifier {self.mogrifier}: only an lstm has such rounds, but the cell is {self.cell}")
        if self.mogrifier and self.mogrifier > MOST_ROUNDS:
            raise ValueError(f"mogrifier {self.mogrifier}: expected 1 to {MOST_ROUNDS}; 5 are usual")
        if self.output == "adaptive" and self.tie_weights:
            raise ValueError("output adaptive has its own weights: it needs tie_weights = false")
        for name in ("mogrifier", "layers", "hidden_size", "dimension", "last_hidden_size", "num_sampled"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if self.layers > MOST_LAYERS:
            raise ValueError(f"layers must be at most {MOST_LAYERS}, got {self.layers}; 1 to 4 are usual")
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
