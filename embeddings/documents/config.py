"""Settings of a training of paragraph vectors."""

from dataclasses import dataclass
from typing import ClassVar

from embeddings.word2vec.config import Word2VecConfig

DOCUMENT_ARCHITECTURES = ("pv-dbow", "pv-dm")


@dataclass(frozen=True, kw_only=True)
class ParagraphVectorsConfig(Word2VecConfig):
    """Training of document vectors (Le & Mikolov 2014, "Distributed Representations of Sentences and Documents").

    The settings of `Word2VecConfig` that both have mean the same. There are no subwords and position weights,
    nothing is held out, and several threads are not deterministic.

    Attributes
    ----------
    architecture : {"pv-dbow", "pv-dm"}
        "pv-dbow" predicts every word from the vector of its document, and is the better one of documents that are to be
        compared; "pv-dm" predicts it from the mean of the document's vector and those of the words nearby.
    train_words : bool
        PV-DBOW only: train the words' vectors by skip-gram, in the same space; without it they stay random.
    sample : float or None
        See `Word2VecConfig`.
    epochs : int or None
        Passes over the text: 10 to 20 are usual.
    learning_rate : float or None
        None: 0.05 for PV-DBOW, 0.1 for PV-DM.

    Raises
    ------
    ValueError
        A value is out of range, or a setting is not one of documents.
    TypeError
        A value has another type, or a setting is unknown.
    """

    architectures: ClassVar[tuple[str, ...]] = DOCUMENT_ARCHITECTURES
    trains_documents: ClassVar[bool] = True

    architecture: str = "pv-dbow"
    train_words: bool = False
    sample: float | None = 1e-3
    epochs: int | None = 10
    held_out: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("subwords", "held_out", "patience", "deterministic", "position_weights"):
            if getattr(self, name):
                raise ValueError(f"{name} is {getattr(self, name)}; leave it out: vectors of documents have none")
        if self.train_words and self.architecture != "pv-dbow":
            raise ValueError("train_words is a setting of pv-dbow; pv-dm trains words in any case")

    @property
    def kernel(self) -> str:
        """The name of the kernel that trains a block."""
        return "pv-dbow-words" if self.train_words else self.architecture

    @property
    def _default_rates(self) -> dict[str, float]:
        return {"pv-dbow": 0.05, "pv-dm": 0.1}
