"""What a language model is: settings of `model`."""

from dataclasses import dataclass
from typing import Literal, get_args

CellName = Literal["lstm", "gru", "rnn"]
OutputName = Literal["full", "sampled", "adaptive"]
FORMER_NAMES = {"embedding_size": "dimension"}
"""Settings that files of earlier versions have under another name."""


@dataclass(frozen=True, kw_only=True)
class LanguageModelConfig:
    """Architecture and regularization.

    Attributes
    ----------
    cell
        Kind of the recurrent cells.
    layers, hidden_size
        L and H.
    dimension
        d, columns of E; None is H.
    last_size
        H of the last layer; None is H.
    tied
        Whether W_ya is E.
    output
        "full" softmax, "sampled" softmax in training, or "adaptive" softmax (not tied).
    samples
        Noise words of a step of sampled softmax.
    frozen
        Whether E stays as it is given.
    dropout_input, dropout_between, dropout_output
        Probabilities of hiding an entry of the input, of the output of a layer below the last, and of the last.
    variational
        Whether these hide the same entries at all time steps of a window.
    dropout_words
        Probability of hiding a word wherever it comes in a window (Gal & Ghahramani 2016).
    weight_drop
        Probability of leaving a weight of W_hh out for a window.
    activation_penalty, change_penalty
        AR: α · mean(a²) of the last layer's outputs after dropout; TAR: β · mean((a<t> - a<t-1>)²) before it.
    """

    cell: CellName = "lstm"
    layers: int = 2
    hidden_size: int = 200
    dimension: int | None = None
    last_size: int | None = None
    tied: bool = True
    output: OutputName = "full"
    samples: int = 1000
    frozen: bool = False
    dropout_input: float = 0.0
    dropout_between: float = 0.0
    dropout_output: float = 0.0
    variational: bool = True
    dropout_words: float = 0.0
    weight_drop: float = 0.0
    activation_penalty: float = 0.0
    change_penalty: float = 0.0

    def __post_init__(self) -> None:
        for name, known in (("cell", get_args(CellName)), ("output", get_args(OutputName))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} {getattr(self, name)!r}: expected one of {', '.join(known)}")
        if self.output == "adaptive" and self.tied:
            raise ValueError("output adaptive has weights of its own: it needs tied = false")
        for name in ("layers", "hidden_size", "dimension", "last_size", "samples"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        for name in ("dropout_input", "dropout_between", "dropout_output", "dropout_words", "weight_drop"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"{name} must be a probability in [0, 1), got {getattr(self, name)}")
        for name in ("activation_penalty", "change_penalty"):
            if not getattr(self, name) >= 0.0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")

    @property
    def embedding_dimension(self) -> int:
        """The dimension d of E, as a plain number."""
        return self.dimension or self.hidden_size

    @property
    def layer_sizes(self) -> list[int]:
        """H of each layer, from the bottom up."""
        return [self.hidden_size] * (self.layers - 1) + [self.last_size or self.hidden_size]
