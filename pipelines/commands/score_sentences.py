"""`vecmill score-sentences`: log-probabilities of sentences by word vectors with hierarchical softmax."""

import json
import logging
from collections import Counter
from typing import Annotated

import typer

from pipelines.commands.lines import batches_of_lines
from pipelines.commands.options import Model
from pipelines.console.streams import results
from pipelines.settings.sections import STANDARD_INPUT

logger = logging.getLogger(__name__)

_LINES_AT_A_TIME = 1000


def score_sentences_command(
    model: Model,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Text, or - for stdin.")] = STANDARD_INPUT,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Print log p of every line of a text by word vectors with hierarchical softmax.

    A line is split by the tokenizer of the model. The score is the sum over its words of the log-probability that their
    neighbours within the window give to them, in nats: it compares models on one text, not texts of other lengths.

    Example: vecmill score-sentences runs/wiki-hs candidates.txt
    """
    from embeddings import formats
    from embeddings.word2vec.scoring import SentenceScorer

    vectors = formats.read(model)
    scorer, tokenizer = SentenceScorer(vectors), vectors.make_tokenizer()
    skipped: Counter[str] = Counter()
    for lines in batches_of_lines(file, "text> ", _LINES_AT_A_TIME, skipped):
        sentences = [[token for part in tokenizer.tokenize(f"{line}\n") for token in part] for line in lines]
        for line, sentence, score in zip(lines, sentences, scorer.score(sentences).tolist(), strict=True):
            if as_json:
                known = sum(token in vectors for token in sentence)
                record = {"text": line, "log_p": score, "words": len(sentence), "oov": len(sentence) - known}
                typer.echo(json.dumps(record, ensure_ascii=False))
            else:
                typer.echo(results.shown(f"{score:.4f}\t{line}"))
    for reason, count in skipped.items():
        logger.warning("left out: %s: %s", reason, f"{count:,}")
