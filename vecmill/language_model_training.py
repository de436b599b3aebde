"""Training of a language model on a text in one call."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from corpora.parts import part_files, part_files_among, part_named
from embeddings.compile_ahead import compile_ahead
from embeddings.language_model.budget import RESERVED, with_epochs_in
from embeddings.language_model.config import CellName, LanguageModelConfig
from embeddings.language_model.lines import looks_tokenized
from embeddings.language_model.model import LanguageModel
from embeddings.language_model.presets import PRESETS, Preset, PresetName, budget_seconds, preset_for
from embeddings.language_model.trainer import LMTrainer
from embeddings.language_model.training_config import LMTrainingConfig
from embeddings.networks.initial_embedding import initial_embedding
from embeddings.setting_types import require_one_of, require_type
from embeddings.text.split import PARTS, TRAIN, VALID
from embeddings.text.text_to_ids import text_to_ids
from embeddings.text.tokenizer.tokenizers import WHITE_SPACE, HasTokenize, Tokenizer
from embeddings.threads import thread_count
from embeddings.training import ProgressCallback
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec.names_elsewhere import explains_names
from vecmill.arguments import require_kind
from vecmill.files import expanded, temporary_directory
from vecmill.progress_line import reporting
from vecmill.text_input import Text, TextInput, exists
from vecmill.training import tokenizer_for

_SAMPLE_BYTES = 1 << 18


@explains_names
def train_language_model(
    text: Text | Mapping[str, Text],
    *,
    embeddings: WordVectors | None = None,
    preset: PresetName | None = None,
    budget: str | float | None = None,
    network: LanguageModelConfig | None = None,
    training: LMTrainingConfig | None = None,
    cell: CellName | None = None,
    layers: int | None = None,
    hidden_size: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    min_count: int = 1,
    max_vocabulary: int | None = None,
    seed: int = 1,
    valid: float = 0.05,
    test: float = 0.05,
    threads: int | None = None,
    tokenizer: str | Callable[[str], Iterable[str]] | HasTokenize | Tokenizer | None = None,
    lowercase: bool | None = None,
    punctuation: bool = True,
    fold_digits: bool = False,
    normalize: str | None = None,
    field: str = "text",
    column: str = "text",
    progress: ProgressCallback | bool | None = None,
) -> LanguageModel:
    """Train a language model on a text.

    Parameters
    ----------
    text : Text, or mapping of str to Text
        As in `vecmill.train`; a line is a sentence. A folder with the files train, valid and test, or a mapping with
        these names, is already split ("validation" and "dev" are valid); any other text is split in blocks of lines.
    embeddings : WordVectors, optional
        Initial E. For a valid test they must not have been trained on the parts valid and test.
    preset : {"quick", "small", "medium", "awd", "10m", "1h", "3h"}, optional
        Default settings of network and training. Default: "quick", or that of the budget.
    budget : str or float, optional
        Time for the whole call, such as "10m", "1h" or "45m", or seconds: the training has the preset of the largest
        named budget within it, and as many epochs as fit, unless `epochs` are given. Default: train all epochs.
    network : LanguageModelConfig, optional
        All settings of the network, instead of the preset's.
    training : LMTrainingConfig, optional
        All settings of training, in place of the preset's.
    cell : {"lstm", "gru", "rnn"}, optional
        Setting of `network`.
    layers, hidden_size : int, optional
        Settings of `network`.
    epochs, batch_size : int, optional
        Settings of `training`.
    learning_rate : float, optional
        Setting of `training`.
    min_count : int
        Words that occur less often in the training part are ``<unk>``.
    max_vocabulary : int, optional
        Keep only this many of the most frequent words, others are ``<unk>``; by default the preset's number.
    seed : int
        Seed of all random numbers.
    valid, test : float
        Fractions of the lines for these parts.
    threads : int, optional
        Default: all processors that this process may use.
    tokenizer : str, callable, object with a method ``tokenize``, or Tokenizer, optional
        See `vecmill.train`; text that is tokenized already (`looks_tokenized`) is split at white space.
    lowercase : bool, optional
        See `vecmill.train`.
    punctuation : bool
        Predict punctuation marks, too.
    fold_digits : bool
        Replace every digit by 0.
    normalize : {"nfc", "none"}, optional
        See `vecmill.train`.
    field, column : str
        Where .jsonl, and .csv, .tsv and .parquet files, hold their text.
    progress : bool or callable, optional
        True shows a line; a function is called after every window and every epoch: see `vecmill.train`.

    Returns
    -------
    LanguageModel
        The model with the weights of the best validation.

    Raises
    ------
    VecmillError
        The text cannot be read, has too few lines, or shares no word with `embeddings`.
    NotTextError
        `text` or one of its items is not text; a TypeError.
    ValueError, TypeError
        A setting is out of range, of another type, or unknown.
    """
    started = time.monotonic()
    recipe, seconds = _recipe(preset, budget)
    for name, value, kind in (
        ("embeddings", embeddings, WordVectors),
        ("network", network, LanguageModelConfig),
        ("training", training, LMTrainingConfig),
    ):
        if value is not None:
            require_kind(name, value, kind, f"{kind.__name__}, or None")
    network = network or LanguageModelConfig(**recipe.network)
    network = replace(network, **_changed({"cell": cell, "layers": layers, "hidden_size": hidden_size}))
    training = training or LMTrainingConfig(**recipe.training)
    given_training = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    training = replace(training, **_changed(given_training))
    min_count, seed = require_type("min_count", min_count, int), require_type("seed", seed, int)
    if seed < 0:
        raise ValueError(f"seed is {seed}; expected 0 or more")
    for name, share in (("valid", valid), ("test", test)):
        require_type(name, share, float)
    threads = None if threads is None else thread_count(threads)
    max_vocabulary = require_type("max_vocabulary", max_vocabulary, int | None)
    if max_vocabulary is None:
        max_vocabulary = recipe.max_vocabulary
    given = _inputs(text, field=field, column=column)
    compile_ahead(network.cell)
    if tokenizer is None and len(given) > 1 and _is_tokenized(given[TRAIN]):
        tokenizer, lowercase = WHITE_SPACE, False
    options = {"punctuation": punctuation, "fold_digits": fold_digits}
    splitter = tokenizer_for(next(iter(given.values())), tokenizer, lowercase, normalize, **options)
    blocks = {name: part.blocks() for name, part in given.items()}
    rng = np.random.default_rng(seed)
    with reporting(progress) as report, temporary_directory() as folder:
        vocabulary, corpus = text_to_ids(
            blocks if len(blocks) > 1 else next(iter(blocks.values())),
            splitter,
            folder,
            min_count=min_count,
            max_vocabulary=max_vocabulary,
            split=True,
            valid=valid,
            test=test,
            threads=threads,
        )
        for part in given.values():
            part.log_warnings()
        E = None
        if embeddings is not None:
            E, _ = initial_embedding(vocabulary, embeddings, network.embedding_dimension, rng)
        model = LanguageModel(network, vocabulary, rng=rng, embedding=E, tokenizer=splitter.settings)
        train_ids, valid_ids = corpus.part(TRAIN).stream(), corpus.part(VALID).stream()
        if seconds is not None and epochs is None:
            left = (1 - RESERVED) * seconds - (time.monotonic() - started)
            training = with_epochs_in(left, model, training, train_ids, valid_ids, threads=threads)
        trainer = LMTrainer(model, training, seed=seed, threads=threads)
        return trainer.fit(train_ids, valid_ids, progress=report).model_


def _recipe(preset: str | None, budget: str | float | None) -> tuple[Preset, float | None]:
    """Return the default settings of a preset, or of that for a budget, and the seconds of the budget."""
    if budget is None:
        name = "quick" if preset is None else preset
        require_one_of("preset", name, list(PRESETS))
        return PRESETS[name], None
    if preset is not None:
        raise ValueError(
            f"preset {preset!r} and budget {budget!r}: a budget has a preset of its own; give one of the two"
        )
    seconds = budget_seconds(budget)
    return PRESETS[preset_for(seconds)], seconds


def _changed(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _inputs(text: Text | Mapping[str, Text], *, field: str, column: str) -> dict[str, TextInput]:
    """Return the three parts of a split text by name, or the whole text under the name ""."""
    parts: Mapping[str, Any] | None = None
    if isinstance(text, Mapping) and sorted(part_named(str(name)) for name in text) == sorted(PARTS):
        parts = {part_named(str(name)): lines for name, lines in text.items()}
    if parts is None:
        whole = TextInput(text, field=field, column=column)
        parts = _files_of_parts(text, whole)
        if parts is None:
            return {"": whole}
    return {name: TextInput(parts[name], field=field, column=column) for name in PARTS}


def _files_of_parts(text: Any, opened: TextInput) -> dict[str, Path] | None:
    if isinstance(text, (str, PathLike)) and exists(text) and expanded(text).is_dir():
        return part_files(expanded(text))
    if opened.corpus is None or not opened.corpus.rereadable:
        return None
    return part_files_among([Path(file.path) for file in opened.corpus.files])


def _is_tokenized(text: TextInput) -> bool:
    """Return True if words and punctuation marks of a file are already separated by spaces."""
    if text.corpus is None or not text.corpus.rereadable:
        return False
    sample = b"".join(islice(text.corpus.blocks(_SAMPLE_BYTES), 1))
    return looks_tokenized(sample.decode("utf-8", "replace"))
