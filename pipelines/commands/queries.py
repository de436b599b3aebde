"""Commands that query word vectors: neighbors, analogy, vector."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, TypeGuard, TypeVar

import typer

from pipelines.commands.lines import arriving_lines
from pipelines.commands.options import ANALOGY_METHODS, Encoding, Method, Model, require_choice
from pipelines.console.streams import results
from pipelines.model_words import ModelWords
from pipelines.settings.config import ConfigError
from pipelines.settings.sections import STANDARD_INPUT
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings import WordVectors

logger = logging.getLogger(__name__)

Question = TypeVar("Question")
Words = Annotated[list[str] | None, typer.Argument(metavar="WORD...", help="Words; none, or -, for those on stdin.")]

_WORDS_AT_A_TIME = 256  # words that one matrix product answers


def neighbors_command(
    model: Model,
    words: Words = None,
    topn: Annotated[int, typer.Option(min=1, help="Number of neighbours of each word.")] = 10,
    encoding: Encoding = "utf-8",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per word.")] = False,
) -> None:
    """Print the words with the most similar vectors (cosine).

    Words on stdin are answered line by line.

    Example: vecmill neighbors runs/pydocs array dataframe --topn 5
    """
    from embeddings import formats

    vectors = formats.read(model, encoding=encoding)
    model_words = ModelWords(vectors)
    failed = False
    for batch in [words] if _are_given(words) else _batches(arriving_lines("word> "), model_words):
        known = []
        for word in batch:
            try:
                known.append(model_words.find(word))
            except KeyError as error:
                failed = True
                logger.error(error.args[0])
        if known:
            _print_neighbors(vectors, known, topn, as_json)
    if failed:
        raise typer.Exit(1)


def _batches(arriving: Iterable[list[str]], model_words: ModelWords) -> Iterator[list[str]]:
    """Yield the words of lines; of many lines, a batch that one matrix product answers at a time."""
    for lines in arriving:
        words = [word for line in lines for word in model_words.split(line)]
        for start in range(0, len(words), _WORDS_AT_A_TIME):
            yield words[start : start + _WORDS_AT_A_TIME]


def _print_neighbors(vectors: "WordVectors", words: list[str], topn: int, as_json: bool) -> None:
    for word, ids, similarities in zip(words, *vectors.neighbors(words, topn), strict=True):
        found = [(vectors.words[row], float(similarity)) for row, similarity in zip(ids, similarities, strict=True)]
        if as_json:
            pairs = [{"word": neighbor, "similarity": round(similarity, 4)} for neighbor, similarity in found]
            typer.echo(json.dumps({"word": word, "neighbors": pairs}, ensure_ascii=False))
            continue
        results.print(word, style="bold")
        for neighbor, similarity in found:
            results.print(f"  {similarity:.3f}  {neighbor}")


def analogy_command(
    model: Model,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="A B C", help="Three words; none, or -, for lines of three words on stdin."),
    ] = None,
    topn: Annotated[int, typer.Option(min=1, help="Number of answers to each question.")] = 5,
    method: Method = "3CosAdd",
    encoding: Encoding = "utf-8",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per question.")] = False,
) -> None:
    """Answer "A is to B as C is to ...?".

    3CosAdd adds cosine similarities, 3CosMul multiplies them (Levy & Goldberg 2014).

    Example: vecmill analogy runs/wiki man king woman
    """
    require_choice("--method", method, ANALOGY_METHODS)
    if _are_given(words) and len(words) != 3:
        raise ConfigError(f"got {counted(len(words), 'word')}; expected three: A is to B as C is to ...?")
    from embeddings import formats

    vectors = formats.read(model, encoding=encoding)
    model_words = ModelWords(vectors)

    def answer(question: list[str]) -> None:
        if len(question) != 3:
            raise KeyError(f"{' '.join(question)!r}: expected three words a line, A is to B as C is to ...?")
        a, b, c = map(model_words.find, question)
        answers = vectors.analogy(a, b, c, topn, method)
        if as_json:
            found = [{"word": word, "score": round(score, 4)} for word, score in answers]
            typer.echo(json.dumps({"a": a, "b": b, "c": c, "answers": found}, ensure_ascii=False))
            return
        results.print(f"{a} is to {b} as {c} is to", style="bold")
        for word, score in answers:
            results.print(f"  {score:.3f}  {word}")

    typed = (model_words.split(line) for lines in arriving_lines("A B C> ") for line in lines if line.strip())
    _answer_all([words] if _are_given(words) else typed, answer)


def vector_command(
    model: Model,
    words: Words = None,
    unit: Annotated[bool, typer.Option("--unit", help="Scale vectors to length 1.")] = False,
    encoding: Encoding = "utf-8",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per word.")] = False,
) -> None:
    """Print the vectors of words.

    Each line holds a word and its components.

    Example: vecmill vector runs/wiki king queen
    """
    import numpy as np

    from embeddings import formats

    vectors = formats.read(model, encoding=encoding)
    model_words = ModelWords(vectors)

    def answer(typed: str) -> None:
        word = model_words.find(typed)
        numbers = [str(number) for number in np.asarray(vectors.get_vector(word, norm=unit))]  # shortest exact form
        if as_json:
            typer.echo(json.dumps({"word": word, "vector": [float(number) for number in numbers]}, ensure_ascii=False))
        else:
            typer.echo(results.shown(" ".join([word, *numbers])))

    typed = (word for batch in _batches(arriving_lines("word> "), model_words) for word in batch)
    _answer_all(words if _are_given(words) else typed, answer)


def _are_given(words: list[str] | None) -> TypeGuard[list[str]]:
    """Return whether there are words to answer, not those on standard input."""
    return bool(words) and words != [STANDARD_INPUT]


def _answer_all(questions: Iterable[Question], answer: Callable[[Question], None]) -> None:
    """Answer every question that can be answered; exit with 1 if one could not."""
    failed = False
    for question in questions:
        try:
            answer(question)
        except KeyError as error:
            failed = True
            logger.error(error.args[0])
    if failed:
        raise typer.Exit(1)
