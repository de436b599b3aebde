"""A recurrent language model: a network that predicts the next word, and the vocabulary and tokenizer of its text."""

import math
from collections.abc import Iterable, Mapping
from copy import deepcopy
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.language_model.adaptation import Adaptation
from embeddings.language_model.adapted_reading import AdaptedReader
from embeddings.language_model.checkpoint import not_finite
from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.dynamic_evaluation import DynamicEvaluation
from embeddings.language_model.generation import continue_text, next_words, write_out
from embeddings.language_model.lines import encode_lines
from embeddings.language_model.model_files import StoredModel, model_directory
from embeddings.language_model.network import NextWordNetwork
from embeddings.language_model.perplexity import hidden_states
from embeddings.language_model.sampling import SamplingConfig
from embeddings.language_model.scoring import as_text, score_text, warn_if_foreign
from embeddings.parallel import ModelLock
from embeddings.setting_types import require_flags, require_type
from embeddings.text.tokenizer.tokenizers import Tokenizer, UnknownTokenizerError, tokenizer_of
from embeddings.text.vocabulary import Vocabulary
from vecmill.arguments import described, is_sequence, require_path, require_place
from vecmill.files import atomic_directory, writing
from vecmill.plurals import counted


class LanguageModel(NextWordNetwork):
    """A recurrent language model over a vocabulary.

    Several threads may call the methods that take text; one of them is served at a time.

    Parameters
    ----------
    config : LanguageModelConfig
        Architecture and regularization.
    vocabulary : Vocabulary
        With ``<eos>`` and ``<unk>``; ordered by falling count if the softmax is sampled or adaptive.
    rng : Generator
        Draws the starting weights; sampled softmax keeps it and draws noise words from it.
    embedding : (V, d), optional
        Starting values of E (`initial_embedding`). Default: random.
    tokenizer : mapping, optional
        Settings of the text's tokenizer (`Tokenizer.settings`), stored with the model. Default: whitespace.
    dtype : type
        float32, or float64 for gradient checks.

    Attributes
    ----------
    parameters : dict of str to Parameter
        All parameters, each once, under their names in files.
    trainable_parameters : dict of str to Parameter
        The parameters that an optimizer changes: all, but E if it is frozen.
    eos, unk : int
        Ids of ``<eos>`` and ``<unk>``.

    Raises
    ------
    EmbeddingsError
        The vocabulary lacks ``<eos>`` or ``<unk>``.
    ValueError
        `embedding` is not (V, d).
    """

    def __init__(
        self,
        config: LanguageModelConfig,
        vocabulary: Vocabulary,
        *,
        rng: np.random.Generator,
        embedding: np.ndarray | None = None,
        tokenizer: Mapping[str, Any] | None = None,
        dtype: type = np.float32,
    ):
        super().__init__(config, vocabulary, rng=rng, embedding=embedding, dtype=dtype)
        self.tokenizer_settings = dict(tokenizer or {})
        self._lock = ModelLock()
        self._adaptation: Adaptation | str = Adaptation()  # or what is wrong with its file

    def __repr__(self) -> str:
        network = f"{counted(self.config.layers, 'layer')} of {self.config.hidden_size:,} units ({self.config.cell})"
        return f"{type(self).__name__}({counted(len(self.vocabulary), 'word')}, {network})"

    @property
    def adaptation(self) -> Adaptation:
        """What `tune` found for cache, dynamic evaluation and n-grams; raises an error if its file is damaged."""
        if isinstance(self._adaptation, str):
            raise EmbeddingsError(self._adaptation)
        return self._adaptation

    @adaptation.setter
    def adaptation(self, adaptation: Adaptation) -> None:
        self._adaptation = adaptation

    def adapted_reader(
        self,
        *,
        cache: int | None = None,
        theta: float | None = None,
        cache_weight: float | None = None,
        dynamic: bool = False,
    ) -> AdaptedReader | None:
        """Return a reader of texts that adapts as the model was tuned to.

        Parameters
        ----------
        cache : int, optional
            Words in a neural cache. Default: no cache.
        theta, cache_weight : float, optional
            Default: as tuned.
        dynamic : bool
            Read with dynamic evaluation; with `cache`, also with both.

        Returns
        -------
        AdaptedReader or None
            None if nothing is asked for.

        Raises
        ------
        EmbeddingsError
            The model was not tuned for dynamic evaluation.
        ValueError
            A setting of the cache is out of range.
        """
        require_flags(dynamic=dynamic)
        if cache is None and not dynamic:
            return None
        tuned = self.adaptation
        evaluation = None
        if dynamic:
            rms = tuned.gradient_rms()
            assert tuned.dynamic is not None
            evaluation = DynamicEvaluation(self, tuned.dynamic, rms)
        if cache is None:
            return AdaptedReader(self, dynamic=evaluation)
        settings = tuned.cache_settings(cache, theta, cache_weight)
        after = tuned.cache_settings(cache, theta, cache_weight, after_dynamic=True) if dynamic else None
        return AdaptedReader(self, cache=settings, dynamic=evaluation, dynamic_cache=after)

    def make_tokenizer(self) -> Tokenizer:
        """Return the tokenizer that the settings stored with the model describe."""
        try:
            return tokenizer_of(self.tokenizer_settings or {"spec": "whitespace", "lowercase": False})
        except UnknownTokenizerError:
            raise
        except (LookupError, TypeError, ValueError) as error:
            raise EmbeddingsError(f"the model records no usable tokenizer ({error}); train it again") from error

    def generate(
        self,
        prompt: str = "",
        length: int = 50,
        *,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float = 0.95,
        beam: int | None = None,
        cache: int | None = None,
        seed: int | None = None,
        stop_at_line_end: bool = True,
        allow_unknown: bool = False,
    ) -> str:
        """Continue a text.

        Parameters
        ----------
        prompt : str
            The beginning of the text.
        length : int
            Largest number of words.
        temperature, top_k, top_p : float, int, float
            See `SamplingConfig`.
        beam : int, optional
            Search for the most probable text with this number of beams. Default: sample.
        cache : int, optional
            Make words of the text so far more probable with a neural cache of this number of words.
        seed : int, optional
            Seed of the sampling. Default: random.
        stop_at_line_end : bool
            End the text at the end of a line.
        allow_unknown : bool
            Allow ``<unk>`` in the output.

        Returns
        -------
        str
            The prompt and its continuation.

        Raises
        ------
        ValueError, TypeError
            A setting is out of range or of another type; the message names it.
        """
        require_type("prompt", prompt, str)
        length, beam = require_type("length", length, int), require_type("beam", beam, int | None)
        seed = require_type("seed", seed, int | None)
        if beam is not None and beam < 1:
            raise ValueError(f"beam is {beam}; expected 1 or more, or None to draw words")
        require_flags(stop_at_line_end=stop_at_line_end)
        if beam is not None and not stop_at_line_end:
            raise ValueError(
                "stop_at_line_end=False has no effect with beam, which finds sentences; leave one of them out"
            )
        for name, number in (("length", length), ("seed", seed)):
            if number is not None and number < 0:
                raise ValueError(f"{name} is {number}; expected 0 or more")
        config = SamplingConfig(temperature=temperature, top_k=top_k, top_p=top_p, allow_unknown=allow_unknown)
        settings = None if cache is None else self.adaptation.cache_settings(cache)
        how: dict[str, Any] = {"config": config, "beam": beam, "cache": settings, "seed": seed}
        with self._lock:
            texts = continue_text(self, prompt, length, stop_at_eos=stop_at_line_end, **how)
        return write_out(texts[0])

    def next_words(self, prompts: str | Iterable[str], topn: int = 10) -> list[Any]:
        """Find the most probable next words of a text, or of several texts at once.

        Parameters
        ----------
        prompts : str or iterable of str
            The beginning of one text, or of several.
        topn : int
            Number of words; ``<unk>`` is never among them.

        Returns
        -------
        list of (str, float)
            Words and their probabilities among all V words, the highest first; ``<eos>`` is the end of the line. For
            several texts a list of such lists.

        Raises
        ------
        TypeError
            `prompts` is no list, such as a data frame, or a prompt is not a str.
        ValueError
            `topn` is less than 1.
        """
        topn = require_type("topn", topn, int)
        if topn < 1:
            raise ValueError(f"topn must be at least 1, got {topn}")
        if isinstance(prompts, str):
            return self.next_words([prompts], topn)[0]
        given: Any = prompts
        if isinstance(given, (bytes, bytearray)) or not is_sequence(given):
            raise TypeError(f"prompts is {described(given)}; expected a str, or a list of str")
        given = list(given)
        for place, prompt in enumerate(given):
            if not isinstance(prompt, str):
                raise TypeError(f"prompt {place} is {described(prompt)}; expected a str")
        with self._lock:
            return next_words(self, given, topn)

    def hidden_states(self, lines: str | Iterable[str]) -> list[np.ndarray]:
        """Compute features of the words of lines: the states of the last layer after each word.

        Parameters
        ----------
        lines : str or iterable of str
            A text, each of whose lines is read on its own, or its lines.

        Returns
        -------
        list of (n, H) float32
            A row for each of the n words of a line, as ``make_tokenizer().tokenize`` splits it.

        Raises
        ------
        TypeError
            A line is not a str; the message gives its position.
        """
        _, ids = encode_lines(as_text(lines), self.vocabulary, self.make_tokenizer())
        with self._lock:
            return hidden_states(self, [line[:-1] for line in ids])

    def perplexity(self, text: str | Iterable[str], *, cache: int | None = None, dynamic: bool = False) -> float:
        """Compute the perplexity of a text, read as one stream from line to line.

        Every word and every end of a line counts; `embeddings.language_model.score_text` gives the other counts.

        Parameters
        ----------
        text : str or iterable of str
            A text, each of whose lines is a sentence, or its lines.
        cache : int, optional
            Adapt to the text with a neural cache of this number of words.
        dynamic : bool
            Adapt to the text with dynamic evaluation; the model itself does not change.

        Returns
        -------
        float

        Raises
        ------
        EmbeddingsError
            The text has no words, or dynamic evaluation diverged, or the model was not tuned for it.
        TypeError
            A line is not a str; the message gives its position.
        """
        reader = self.adapted_reader(cache=cache, dynamic=dynamic)
        given = as_text(text)
        with self._lock:
            scored = score_text(self, given, reader=reader)
        plain = scored.perplexity
        warn_if_foreign(plain.words, plain.oov)
        if reader is not None and reader.diverged:
            raise EmbeddingsError(f"{reader.diverged}; without it the perplexity is {plain.perplexity:.2f}")
        return [plain, *scored.adapted_perplexities.values()][-1].perplexity

    def score(self, lines: Iterable[str], *, cache: int | None = None) -> np.ndarray:
        """Compute log10 P of every line with its end, each line read on its own.

        Parameters
        ----------
        lines : iterable of str
        cache : int, optional
            Words in a neural cache, which goes on from line to line: the score of a line depends on those before it.

        Returns
        -------
        (n,) float64

        Raises
        ------
        TypeError
            `lines` is a str, or a line is not.
        """
        if isinstance(lines, str):
            raise TypeError(f"got the str {lines[:40]!r}; expected a list of lines: [text] or text.splitlines()")
        given, reader = as_text(lines), self.adapted_reader(cache=cache)
        with self._lock:
            scored = score_text(self, given, independent=True, reader=reader)
        return np.array([math.fsum(log_p) / math.log(10) for log_p in scored.asked_for])

    def copy(self) -> "LanguageModel":
        """Return a model with the same weights in memory of their own."""
        shared = (self.vocabulary, self._adaptation)
        return deepcopy(self, {id(part): part for part in shared})

    def save(self, directory: str | PathLike[str]) -> None:
        """Write ``model.safetensors``, ``language_model.json`` and ``vocabulary.tsv`` into a new directory.

        If the model was tuned, ``adaptation.json`` and ``gradient_rms.safetensors`` are written, too.

        The directory is written under a temporary name and renamed when it is complete.

        Parameters
        ----------
        directory : str or path

        Raises
        ------
        OutputError
            `directory` exists and is not empty, or cannot be written.
        """
        require_place("directory", directory)
        with atomic_directory(directory) as new, writing(directory):
            StoredModel(
                config=self.config,
                tokenizer=self.tokenizer_settings,
                vocabulary=self.vocabulary,
                arrays={name: parameter.value for name, parameter in self.parameters.items()},
            ).write(new)
            if self.adaptation.validation:
                self.adaptation.save(new)

    @classmethod
    def load(cls, directory: str | PathLike[str]) -> "LanguageModel":
        """Read a model that `save` wrote.

        Parameters
        ----------
        directory : str or path
            Directory of a model, or of a `vecmill run` that has trained a language model.

        Returns
        -------
        LanguageModel

        Raises
        ------
        EmbeddingsError
            A file is missing or damaged, or weights and architecture do not fit.
        """
        require_path("directory", directory)
        place = model_directory(Path(directory))
        stored = StoredModel.read(place)
        rng = np.random.default_rng(0)
        model = cls(stored.config, stored.vocabulary, rng=rng, tokenizer=stored.tokenizer)
        model.assign(stored.arrays, str(place))
        if name := not_finite(model.parameters):
            raise EmbeddingsError(f"{place} is damaged ({name} holds what is no number); train the model again")
        try:
            model._adaptation = Adaptation.load(place)
        except EmbeddingsError as error:  # without its settings the model can be used
            model._adaptation = str(error)
        return model
