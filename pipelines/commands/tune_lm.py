"""`vecmill tune-lm`: cache, dynamic evaluation and n-gram weight of a language model, tuned on a validation text."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.language_model import Interpolate, read_text, refuse_stdin_twice, shown_source
from pipelines.commands.options import LM, Column, Field, refuse_without_effect
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import program, results, shell
from pipelines.console.tables import print_columns
from vecmill.errors import OutputError

if TYPE_CHECKING:
    from embeddings.language_model.adaptation import Adaptation


def tune_lm_command(
    context: typer.Context,
    model: LM,
    validation: Annotated[str, typer.Argument(metavar="FILE", help="Validation text, or - for stdin.")],
    cache: Annotated[int, typer.Option(min=1, metavar="N", help="Words that the neural cache holds.")] = 2000,
    dynamic: Annotated[
        bool, typer.Option("--dynamic/--no-dynamic", help="Tune dynamic evaluation, too: several minutes.")
    ] = True,
    train: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Training text, for the scale of the gradients in dynamic evaluation.",
            show_default="the validation text",
        ),
    ] = None,
    segment: Annotated[int, typer.Option(min=1, help="Words between two steps of dynamic evaluation.")] = 5,
    interpolate: Interpolate = None,
    field: Field = "text",
    column: Column = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Print settings and perplexities as JSON.")] = False,
) -> None:
    """Tune what a language model adapts with, on a validation text.

    Theta and weight of the neural cache, learning rate and decay of dynamic evaluation, and the weight of an n-gram
    model are kept beside the model; its weights stay as they are. perplexity, score and generate use them.

    Example: vecmill tune-lm runs/pydocs-lm valid.txt --interpolate train.txt
    """
    if not dynamic:
        refuse_without_effect(context, ("train", "segment"), "with --no-dynamic")
    refuse_stdin_twice(validation, train)
    from embeddings.language_model.model import LanguageModel
    from embeddings.language_model.ngram_files import load_ngram_model
    from embeddings.language_model.tuning import NgramFile, tune

    lm = LanguageModel.load(model)
    if not os.access(model, os.W_OK):
        raise OutputError(f"{model} cannot be written to, and what is found is kept in it; copy the model first")
    text = read_text(validation, field, column)
    gradients = read_text(train, field, column) if train is not None else None
    ngrams = None
    if interpolate is not None:
        ngrams = NgramFile(load_ngram_model(interpolate, lm.vocabulary, lm.make_tokenizer()), interpolate)
    with interruptible("nothing was written"), make_progress().task("tuning", None) as update:
        found = tune(
            lm,
            text,
            name=shown_source(validation),
            cache=cache,
            dynamic=dynamic,
            train=gradients,
            segment=segment,
            ngrams=ngrams,
            report=lambda what: update(0, what),
        )
    found.save(model)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        _print(found, model, interpolate)


def _print(found: "Adaptation", model: Path, interpolate: Path | None) -> None:
    assert found.validation is not None and found.cache is not None
    results.print(f"Perplexity of {found.validation['file']}, on which everything below was chosen")
    rows = [(name, f"{value:,.2f}") for name, value in found.validation["perplexity"].items()]
    print_columns(rows, left=1)
    settings = [("cache", found.cache), ("dynamic", found.dynamic), ("cache after dynamic", found.dynamic_cache)]
    results.print()
    for name, part in settings:
        if part is not None:
            results.print(f"{name}: " + ", ".join(f"{key} {value:g}" for key, value in vars(part).items()))
    if found.ngrams is not None:
        weights = ", ".join(f"{weight:g} with {name}" for name, weight in found.ngrams.weights.items())
        results.print(f"weight of {found.ngrams.file}: {weights}")
    options = f"--cache {found.cache.size}"
    options += " --dynamic" if found.dynamic is not None else ""
    options += f" --interpolate {shell(interpolate)}" if interpolate is not None else ""
    results.print(f"Kept in {model}. Next: {program()} perplexity {shell(model)} test.txt {options}")
