"""`vecmill score-sentences`: log-probabilities of sentences by word vectors with hierarchical softmax."""

import json
import logging
import math
from collections import Counter
from typing import Annotated

import typer

from embeddings.errors import EmbeddingsError
from pipelines.commands.lines import batches_of_lines
from pipelines.commands.options import Column, Field, Model
from pipelines.console.streams import results
from pipelines.settings.sections import STANDARD_INPUT

logger = logging.getLogger(__name__)

_LINES_AT_A_TIME = 1000


def score_sentences_command(
    model: Model,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Text, or - for stdin.")] = STANDARD_INPUT,
    field: Field = "text",
    column: Column = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Print log p of every line of a text by word vectors with hierarchical softmax.

    A line is split by the tokenizer of the model. The score is the sum over its words of the log-probability that their
    neighbours within the window give to them, in nats: it compares models on one text, not texts of other lengths.
    Words that are not in the vocabulary are left out and counted; a line without two known words has the score nan.

    Example: vecmill score-sentences runs/wiki-hs candidates.txt
    """
    from embeddings import formats
    from embeddings.word2vec.scoring import SentenceScorer

    vectors = formats.read(model)
    try:
        scorer = SentenceScorer(vectors)
    except (ValueError, TypeError) as error:  # of the settings in config.json
        raise EmbeddingsError(f"the settings of {model} are damaged: {error}") from None
    tokenizer = vectors.make_tokenizer()
    left_out: Counter[str] = Counter()
    for lines in batches_of_lines(file, "text> ", _LINES_AT_A_TIME, left_out, field=field, column=column):
        sentences = [[token for part in tokenizer.tokenize(f"{line}\n") for token in part] for line in lines]
        for line, sentence, score in zip(lines, sentences, scorer.score(sentences).tolist(), strict=True):
            unknown = sum(token not in vectors for token in sentence)
            has_score = len(sentence) - unknown > 1  # a word is predicted from another one
            left_out["words not in the vocabulary"] += unknown
            left_out["lines without two known words, which have no score"] += not has_score
            if as_json:
                log_p = score if has_score else None
                record = {"text": line, "log_p": log_p, "words": len(sentence), "oov": unknown}
                typer.echo(json.dumps(record, ensure_ascii=False))
            else:
                typer.echo(results.shown(f"{score if has_score else math.nan:.4f}\t{line}"))
    for reason, count in left_out.items():
        if count:
            logger.warning("left out: %s: %s", reason, f"{count:,}")
