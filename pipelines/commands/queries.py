"""Commands that ask single questions of finished vectors: analogy, vector."""

import json
import logging
import sys
from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar

import numpy as np
import typer

from pipelines.commands.vectors import ANALOGY_METHODS, Model
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError
from vecmill.hints import did_you_mean

logger = logging.getLogger(__name__)

Question = TypeVar("Question")


def analogy_command(
    model: Model,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="A B C", help="Three words; if none, three a line from stdin.")
    ] = None,
    topn: Annotated[int, typer.Option(min=1, help="Answers to each question.")] = 5,
    method: Annotated[
        str, typer.Option(metavar="3CosAdd|3CosMul", help="Add up similarities, or multiply them (Levy & Goldberg).")
    ] = "3CosAdd",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a question.")] = False,
) -> None:
    """Answer "A is to B as C is to ...?".

    Example: vecmill analogy runs/wiki man king woman
    """
    if method not in ANALOGY_METHODS:
        raise ConfigError(
            f"--method: {method!r} is none of {', '.join(ANALOGY_METHODS)}{did_you_mean(method, ANALOGY_METHODS)}"
        )
    if words and len(words) != 3:
        raise ConfigError(f"got {len(words)} words; expected three: A is to B as C is to ...?")
    from embeddings import formats

    vectors = formats.read(model)

    def answer(question: list[str]) -> None:
        if len(question) != 3:
            raise KeyError(f"{' '.join(question)!r}: expected three words a line, A is to B as C is to ...?")
        a, b, c = question
        answers = vectors.analogy(a, b, c, topn, method)
        if as_json:
            found = [{"word": word, "score": round(score, 4)} for word, score in answers]
            typer.echo(json.dumps({"a": a, "b": b, "c": c, "answers": found}, ensure_ascii=False))
            return
        results.print(f"{a} is to {b} as {c} is to", style="bold")
        for word, score in answers:
            results.print(f"  {score:.3f}  {word}")

    _answer_all([words] if words else (line.split() for line in sys.stdin if line.strip()), answer)


def vector_command(
    model: Model,
    words: Annotated[list[str] | None, typer.Argument(metavar="WORD...", help="Words; if none, from stdin.")] = None,
    unit: Annotated[bool, typer.Option("--unit", help="Scale vectors to length 1.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a word.")] = False,
) -> None:
    """Print the vectors of words.

    A line a word: the word, then its numbers.

    Example: vecmill vector runs/wiki king queen
    """
    from embeddings import formats

    vectors = formats.read(model)

    def answer(word: str) -> None:
        numbers = [str(number) for number in np.asarray(vectors.get_vector(word, norm=unit))]  # shortest exact form
        if as_json:
            typer.echo(json.dumps({"word": word, "vector": [float(number) for number in numbers]}, ensure_ascii=False))
        else:
            typer.echo(" ".join([word, *numbers]))

    _answer_all(words or (word for line in sys.stdin for word in line.split()), answer)


def _answer_all(questions: Iterable[Question], answer: Callable[[Question], None]) -> None:
    """Answer every question that can be; exit with 1 if one could not."""
    failed = False
    for question in questions:
        try:
            answer(question)
        except KeyError as error:
            failed = True
            logger.error(error.args[0])
    if failed:
        raise typer.Exit(1)
