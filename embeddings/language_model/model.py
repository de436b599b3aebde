"""A recurrent language model: P(w<t> | w<1> ... w<t-1>) from E, a deep recurrent network and a softmax.

::

    word id ──► e_w = E o_w ──► dropout ──► DeepRNN ──► dropout ──► (projection) ──► softmax(W_ya a + b_y)

With tied weights W_ya is E itself (Press & Wolf 2017; Inan et al. 2017); if the last layer is wider or narrower than E,
there is a learned projection between them. Settings give the regularization of AWD-LSTM (Merity et al. 2018):
weight-drop, variational dropout, embedding dropout, AR and TAR.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, fields
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from embeddings.errors import EmbeddingsError
from embeddings.language_model.adaptation import Adaptation
from embeddings.language_model.adapted_reading import AdaptedReader
from embeddings.language_model.config import LanguageModelConfig, with_present_names
from embeddings.language_model.dynamic_evaluation import DynamicEvaluation
from embeddings.language_model.generation import SamplingConfig, continue_text, next_words, write_out
from embeddings.language_model.lines import encode_lines
from embeddings.language_model.perplexity import hidden_states
from embeddings.language_model.scoring import as_text, score_text, warn_if_foreign
from embeddings.networks.cells import CELLS, Cell, MogrifierCell, State
from embeddings.networks.dropout import Dropout, dropout_mask
from embeddings.networks.embedding import Embedding, RepeatedVectors
from embeddings.networks.initial_embedding import random_embedding
from embeddings.networks.initializers import glorot_uniform
from embeddings.networks.losses import AdaptiveSoftmax, OutputLoss, SampledSoftmax, SoftmaxCrossEntropy
from embeddings.networks.noise import LogUniformNoise
from embeddings.networks.parameters import Parameter, Parameters, clear_gradients, distinct
from embeddings.networks.stacking import DeepRNN
from embeddings.parallel import product
from embeddings.setting_types import require_type
from embeddings.text.tokenizer.tokenizers import Tokenizer, tokenizer_of
from embeddings.text.vocabulary import EOS, UNK, Vocabulary
from embeddings.vectors.model_directory import VECTORS_FILE
from vecmill.arguments import described, require_path
from vecmill.files import atomic_directory, write_json, writing
from vecmill.records import fits, require_types

_FORMAT = 1
_STAGE = "train-lm"  # of a run directory, where the model is
LANGUAGE_MODEL_FILES = _WEIGHTS, _ABOUT, _VOCABULARY = "model.safetensors", "language_model.json", "vocabulary.tsv"


class LanguageModel:
    """A recurrent language model over a vocabulary.

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
        for word in (EOS, UNK):
            if word not in vocabulary:
                raise EmbeddingsError(f"the vocabulary has no {word}: build it from a split text")
        self.config, self.vocabulary, self.tokenizer_settings = config, vocabulary, dict(tokenizer or {})
        self.eos, self.unk = vocabulary.id(EOS), vocabulary.id(UNK)
        shape = (len(vocabulary), config.embedding_dimension)
        E = random_embedding(rng, *shape) if embedding is None else embedding
        if E.shape != shape:
            raise ValueError(f"an embedding of shape {E.shape}: expected {shape}, words and dimensions of the model")
        self.embedding = Embedding(Parameter(E.astype(dtype)))
        dropout = Dropout(
            hidden=config.dropout_hidden,
            variational=config.variational,
            recurrent_weights=config.weight_drop,
        )
        cell: Cell = MogrifierCell(rounds=config.mogrifier) if config.mogrifier else CELLS[config.cell]()
        self.network = DeepRNN(
            cell, config.embedding_dimension, config.layer_sizes, rng=rng, dropout=dropout, dtype=dtype
        )
        self._projection: Parameter | None = None
        self.output = self._make_output(rng, dtype)
        self.parameters = self._named_parameters()
        frozen = self.embedding.weight if config.freeze_embedding else None
        self.trainable_parameters = {name: p for name, p in self.parameters.items() if p is not frozen}
        self._masks: dict[str, np.ndarray] = {}
        self._adaptation: Adaptation | Path = Adaptation()

    @property
    def adaptation(self) -> Adaptation:
        """The settings of cache, dynamic evaluation and n-grams that `tune` found; a file is read when it is used."""
        if isinstance(self._adaptation, Path):
            self._adaptation = Adaptation.load(self._adaptation)
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

    def _make_output(self, rng: np.random.Generator, dtype: type) -> OutputLoss:
        config, words, hidden = self.config, len(self.vocabulary), self.network.output_size
        if config.output == "adaptive":
            return AdaptiveSoftmax(hidden, words, _cutoffs(words), rng=rng, dtype=dtype)
        if not config.tie_weights:
            weight = Parameter(random_embedding(rng, words, hidden).astype(dtype))
        else:
            weight = self.embedding.weight
            if hidden != config.embedding_dimension:
                self._projection = Parameter(glorot_uniform(rng, (config.embedding_dimension, hidden)).astype(dtype))
        bias = Parameter(_log_frequencies(self.vocabulary.counts).astype(dtype))
        if config.output == "full":
            return SoftmaxCrossEntropy(weight, bias)
        return SampledSoftmax(weight, bias, noise=LogUniformNoise(words), num_sampled=config.num_sampled, rng=rng)

    def draw_from(self, rng: np.random.Generator) -> None:
        """Draw the noise words of a sampled softmax from this generator from now on."""
        if isinstance(self.output, SampledSoftmax):
            self.output.rng = rng

    def _named_parameters(self) -> Parameters:
        named = {"embedding.weight": self.embedding.weight}
        named |= {f"rnn.{name}": parameter for name, parameter in self.network.parameters.items()}
        if self._projection is not None:
            named["output.projection"] = self._projection
        named |= {f"output.{name}": parameter for name, parameter in self.output.parameters.items()}
        return distinct(named)

    def make_tokenizer(self) -> Tokenizer:
        """Return the tokenizer that the settings stored with the model describe."""
        return tokenizer_of(self.tokenizer_settings or {"spec": "whitespace", "lowercase": False})

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
        for name, value, kind in (("prompt", prompt, str), ("length", length, int)):
            require_type(name, value, kind)
        for name, number in (("beam", beam), ("seed", seed)):
            require_type(name, number, int | None)
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
            A prompt is not a str.
        ValueError
            `topn` is less than 1.
        """
        if require_type("topn", topn, int) < 1:
            raise ValueError(f"topn must be at least 1, got {topn}")
        if isinstance(prompts, str):
            return next_words(self, [prompts], topn)[0]
        given = list(prompts)
        for place, prompt in enumerate(given):
            if not isinstance(prompt, str):
                raise TypeError(f"prompt {place} is {described(prompt)}; expected a str")
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
        scored = score_text(self, as_text(text), reader=reader)
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
        scored = score_text(self, as_text(lines), independent=True, reader=self.adapted_reader(cache=cache))
        return np.array([math.fsum(log_p) / math.log(10) for log_p in scored.asked_for])

    def loss_and_gradients(
        self, inputs: np.ndarray, targets: np.ndarray, states: list[State] | None, rng: np.random.Generator | None
    ) -> tuple[float, list[State]]:
        """Run a window forwards and backwards, and set the gradients of the parameters.

        Parameters
        ----------
        inputs, targets : (T, B) integers
            Word ids; negative targets do not count.
        states : list of State or None
            Initial states; zeros for None.
        rng : Generator or None
            Draws the dropout; no dropout for None.

        Returns
        -------
        loss : float
            Mean cross-entropy in nats, without AR and TAR; that of the sampled words with sampled softmax.
        states : list of State
            Final states, the initial ones of the next window.
        """
        clear_gradients(self.parameters)
        self._require_targets(targets)
        outputs, ends = self._forward(inputs, states, rng)
        mask = self._drawn_mask("output", self.config.dropout_output, outputs, rng)
        hidden = outputs if mask is None else outputs * mask
        flat = np.ascontiguousarray(hidden.reshape(-1, hidden.shape[-1]))
        loss, d_projected = self.output.value_and_gradient(self._projected(flat), targets.ravel())
        d_hidden = self._through_projection(d_projected, flat).reshape(hidden.shape)
        if self.config.activation_regularization:
            d_hidden += (2 * self.config.activation_regularization / hidden.size) * hidden
        if mask is not None:
            d_hidden *= mask
        if self.config.temporal_activation_regularization:
            _add_change_gradient(self.config.temporal_activation_regularization, outputs, d_hidden)
        self._backward(d_hidden)
        return loss, ends

    def read_with_gradients(
        self, inputs: np.ndarray, targets: np.ndarray, states: list[State] | None = None
    ) -> tuple[np.ndarray, np.ndarray, list[State]]:
        """Read a window without dropout, and set the gradients of its mean cross-entropy.

        Parameters
        ----------
        inputs, targets : (T, B) integers
            Word ids; negative targets do not count.
        states : list of State, optional
            Initial states. Default: zeros.

        Returns
        -------
        hidden : (T, B, H or d)
            Inputs of the softmax.
        log_likelihood : (T, B) float64
            ln P(target), as `log_likelihood` gives it.
        states : list of State
            Final states.
        """
        clear_gradients(self.parameters)
        self._require_targets(targets)
        outputs, ends = self._forward(inputs, states, None)
        flat = np.ascontiguousarray(outputs.reshape(-1, outputs.shape[-1]))
        hidden = self._projected(flat)
        log_p = self.output.log_likelihood(hidden, targets.ravel())
        _, d_projected = self.output.value_and_gradient(hidden, targets.ravel())
        kept = hidden.copy()  # the backward pass overwrites what the forward pass kept
        self._backward(self._through_projection(d_projected, flat).reshape(outputs.shape))
        return kept.reshape(*inputs.shape, -1), log_p.reshape(inputs.shape), ends

    def copy(self) -> "LanguageModel":
        """Return a model with the same weights in memory of their own; a sampled softmax is full in the copy."""
        shared = (self.vocabulary, self._adaptation)
        model = deepcopy(self, {id(part): part for part in shared})
        if isinstance(model.output, SampledSoftmax):
            model.output = SoftmaxCrossEntropy(**model.output.parameters)
        return model

    def hidden(
        self, inputs: np.ndarray, states: list[State] | None = None, lengths: np.ndarray | None = None
    ) -> tuple[np.ndarray, list[State]]:
        """Run without dropout, up to the input of the softmax.

        Parameters
        ----------
        inputs : (T, B) integers
            Word ids.
        states : list of State, optional
            Initial states. Default: zeros.
        lengths : (B,), optional
            Words of each column. Default: all T.

        Returns
        -------
        hidden : (T, B, H or d)
            Inputs of the softmax.
        states : list of State
            Final states.
        """
        outputs, ends = self._forward(inputs, states, None, lengths)
        flat = np.ascontiguousarray(outputs.reshape(-1, outputs.shape[-1]))
        return self._projected(flat).reshape(*inputs.shape, -1), ends

    def outputs(self, inputs: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Return the states of the last layer after each of the words `inputs` (T, B), of `lengths` (B,): (T, B, H)."""
        return self._forward(inputs, None, None, lengths)[0]

    def log_likelihood(
        self,
        inputs: np.ndarray,
        targets: np.ndarray,
        states: list[State] | None = None,
        lengths: np.ndarray | None = None,
    ) -> tuple[np.ndarray, list[State]]:
        """Return ln P(target) normalised over all V words, (T, B) float64, 0 for padding; and the final states."""
        self._require_targets(targets)
        hidden, ends = self.hidden(inputs, states, lengths)
        flat = self.output.log_likelihood(hidden.reshape(-1, hidden.shape[-1]), targets.ravel())
        return flat.reshape(inputs.shape), ends

    def log_probabilities(self, ids: np.ndarray, states: list[State] | None = None) -> tuple[np.ndarray, list[State]]:
        """Return ln P of every word after the words `ids` (B,), which follow `states`: (B, V); and the new states."""
        hidden, ends = self.hidden(np.asarray(ids)[None], states)
        return self.output.log_probabilities(hidden[0]), ends

    def _require_targets(self, ids: np.ndarray) -> None:
        """Check ids before compiled code, which checks nothing, uses them; negative targets do not count."""
        if ids.size and ids.max() >= len(self.vocabulary):
            raise EmbeddingsError(
                f"word id {ids.max():,} is not below {len(self.vocabulary):,}, the words of the model; "
                "encode the text with its vocabulary"
            )

    def layers(self) -> Iterator[tuple[Cell, dict[str, np.ndarray]]]:
        """Yield the cell of each layer and its weights, `weight_ih`, `bias` and others, from the bottom up."""
        for number, layer in enumerate(self.network.layers):
            suffix = f"_l{number}"
            weights = {name.removesuffix(suffix): parameter.value for name, parameter in layer.parameters.items()}
            yield layer.cell, weights  # type: ignore[union-attr]

    def _forward(
        self,
        inputs: np.ndarray,
        states: list[State] | None,
        rng: np.random.Generator | None,
        lengths: np.ndarray | None = None,
    ) -> tuple[np.ndarray, list[State]]:
        if inputs.size and inputs.min() < 0:  # NumPy would count from the end
            raise EmbeddingsError(f"word id {inputs.min()} is negative; expected one below {len(self.vocabulary):,}")
        self._require_targets(inputs)
        looked_up = self.embedding.forward(inputs)
        vectors = looked_up.vectors
        self._masks = {}
        if rng is not None and self.config.embedding_dropout:
            shape = (len(vectors), 1)
            self._masks["words"] = dropout_mask(rng, shape, self.config.embedding_dropout, vectors.dtype)
            looked_up = RepeatedVectors(vectors * self._masks["words"], looked_up.index)
        self._looked_up = looked_up
        x: RepeatedVectors | np.ndarray = looked_up
        if rng is not None and self.config.dropout_input:
            dense = looked_up.dense()
            mask = self._drawn_mask("input", self.config.dropout_input, dense, rng)
            x = dense * mask
        return self.network.forward(x, states, lengths, rng)

    def _backward(self, d_hidden: np.ndarray) -> None:
        wanted = not self.config.freeze_embedding
        d_inputs, _ = self.network.backward(d_hidden, input_gradient=wanted)
        if d_inputs is None:
            return
        if "input" in self._masks:
            d_inputs = self._looked_up.summed(d_inputs * self._masks["input"])
        if "words" in self._masks:
            d_inputs *= self._masks["words"]
        self.embedding.backward(d_inputs)

    def _drawn_mask(
        self, name: str, probability: float, values: np.ndarray, rng: np.random.Generator | None
    ) -> np.ndarray | None:
        if rng is None or not probability:
            return None
        shape = (1, *values.shape[1:]) if self.config.variational else values.shape
        self._masks[name] = dropout_mask(rng, shape, probability, values.dtype)
        return self._masks[name]

    def _through_projection(self, d_projected: np.ndarray, flat: np.ndarray) -> np.ndarray:
        """Return the gradient of the outputs `flat` of the network, given that of the inputs of the softmax."""
        if self._projection is None:
            return d_projected
        self._projection.add_gradient(product(d_projected.T, flat))
        return product(d_projected, self._projection.value)

    def _projected(self, flat: np.ndarray) -> np.ndarray:
        return flat if self._projection is None else product(flat, self._projection.value.T)

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
        require_path("directory", directory)
        with atomic_directory(directory) as new, writing(directory):
            weights = save({name: parameter.value for name, parameter in self.parameters.items()})
            (new / _WEIGHTS).write_bytes(weights)  # save_file would make a file that nobody else can read
            about = {"format": _FORMAT, "model": asdict(self.config), "tokenizer": self.tokenizer_settings}
            write_json(new / _ABOUT, about)
            self.vocabulary.save(new / _VOCABULARY)
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
        directory = Path(directory)
        if (directory / _STAGE / _ABOUT).is_file():
            directory /= _STAGE
        if not (directory / _ABOUT).is_file():
            hint = "; it holds word vectors" if (directory / VECTORS_FILE).is_file() else ""
            raise EmbeddingsError(
                f"{directory} is not a language model: it has no {_ABOUT}{hint}; expected the output of train-lm"
            )
        try:
            about = json.loads((directory / _ABOUT).read_text("utf-8"))
            if about["format"] != _FORMAT:
                raise EmbeddingsError(
                    f"{directory} has format {about['format']}, expected {_FORMAT}: train the model again"
                )
            known = {entry.name for entry in fields(LanguageModelConfig)}
            settings = with_present_names(about["model"])
            config = LanguageModelConfig(**{name: settings[name] for name in known})
            tokenizer = about["tokenizer"]
            if not fits(tokenizer, dict[str, Any]):
                raise TypeError(f"tokenizer is {str(tokenizer)[:60]!r}")
            require_types(config)
            arrays = load_file(directory / _WEIGHTS)
            _require_weights_of(config, arrays)
        except (ArithmeticError, AttributeError, LookupError, OSError, SafetensorError, TypeError, ValueError) as error:
            raise EmbeddingsError(f"{directory} is damaged ({error}); train the model again") from error
        model = cls(
            config,
            Vocabulary.load(directory / _VOCABULARY),
            rng=np.random.default_rng(0),
            tokenizer=tokenizer,
        )
        model.assign(arrays, str(directory))
        model._adaptation = directory
        return model

    def assign(self, arrays: Mapping[str, np.ndarray], origin: str) -> None:
        """Set all parameters.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Values by the names of `parameters`.
        origin : str
            Where they were read from, for the message.

        Raises
        ------
        EmbeddingsError
            The arrays are not those of this architecture; the message names the first that differs.
        """
        for name in sorted(self.parameters.keys() | arrays.keys()):
            here = self.parameters[name].value.shape if name in self.parameters else "no such array"
            there = arrays[name].shape if name in arrays else "no such array"
            if here != there:
                raise EmbeddingsError(f"{name} is {there} in {origin} and {here} in this model: another architecture")
        for name, parameter in self.parameters.items():
            parameter.value[...] = arrays[name]


def _require_weights_of(config: LanguageModelConfig, arrays: Mapping[str, np.ndarray]) -> None:
    """Check sizes of a record against the weights beside it, before memory is allocated for them."""
    sizes = [config.last_hidden_size or config.hidden_size, *([config.hidden_size] if config.layers > 1 else [])]
    numbers = sum(array.size for array in arrays.values())
    if config.layers > len(arrays) or max(sizes) ** 2 > numbers or (config.dimension or 0) > numbers:
        raise ValueError("the architecture has more weights than the file")


def _cutoffs(words: int) -> list[int]:
    """Return the first ids of two clusters of rarer words, about 2/5 of the words each; 1/5 is in the head."""
    return sorted({max(1, words // 5), max(1, 3 * words // 5)} - {words})


def _log_frequencies(counts: np.ndarray) -> np.ndarray:
    """Return ln of the share of each word: with this bias and zero weights a softmax is the unigram model."""
    counts = np.maximum(np.asarray(counts, np.float64), 0.5)
    return np.asarray(np.log(counts / counts.sum()))


def _add_change_gradient(strength: float, outputs: np.ndarray, d_outputs: np.ndarray) -> None:
    """Add the gradient of `strength` · mean((a<t> - a<t-1>)²)."""
    if len(outputs) > 1:
        change = np.diff(outputs, axis=0)
        change *= 2 * strength / change.size
        d_outputs[1:] += change
        d_outputs[:-1] -= change
