"""`vecmill embed`: one vector for each line of text."""

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from embeddings.errors import EmbeddingsError
from pipelines.commands.options import ForceFile, Model, refuse_existing, require_choice
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError
from pipelines.settings.file_names import CONFIG_FILE

if TYPE_CHECKING:
    from embeddings import Tokenizer, WordVectors

_LINES_AT_A_TIME = 4096  # lines embedded, and rows written, at a time
WEIGHTINGS = ["mean", "sif"]


@dataclass(kw_only=True)
class Tally:
    """Counts of lines and words."""

    lines: int = 0
    lines_without_known_word: int = 0
    words: int = 0
    unknown_words: int = 0


def embed_command(
    model: Model,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="File to write: .npy, or .parquet (columns text and vector).")
    ],
    weighting: Annotated[
        str,
        typer.Option(
            metavar="mean|sif",
            help="Mean of the words' unit vectors, or smooth inverse frequency (Arora et al. 2017).",
        ),
    ] = "mean",
    force: ForceFile = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Embed lines of text from stdin, one vector per line.

    Lines are tokenized as the training text of the model was. Unknown words are left out and counted; a line without
    known words gets a vector of zeros.

    Example: vecmill embed runs/wiki --out sentences.npy < sentences.txt
    """
    if out.suffix not in (".npy", ".parquet"):
        raise ConfigError(f"--out: {out} must end in .npy or .parquet")
    require_choice("--weighting", weighting, WEIGHTINGS)
    refuse_existing(out, force)
    from embeddings import formats
    from embeddings.vectors.model_directory import vectors_path

    vectors, tokenizer, tally = formats.read(model), _tokenizer(vectors_path(model)), Tally()
    if weighting == "sif" and not vectors.vocabulary.counts.any():
        raise EmbeddingsError(f"{model} has no word counts, which --weighting sif needs; use --weighting mean")
    with (
        tempfile.TemporaryFile() as texts,
        tempfile.TemporaryFile() as rows,
        interruptible("nothing was written"),
        make_progress().task("embedding lines", None) as update,
    ):
        for lines in _batches(sys.stdin.buffer):
            texts.writelines(line.encode() + b"\n" for line in lines)
            rows.write(_embed(vectors, tokenizer, lines, weighting, tally).tobytes())
            update(tally.lines, f"{tally.lines:,} lines")
        _write(out, texts, _finished(rows, vectors.dimension, weighting))
    if as_json:
        typer.echo(json.dumps({"out": str(out), "dimension": vectors.dimension, **asdict(tally)}))
        return
    results.print(f"{out}: {tally.lines:,} lines x {vectors.dimension} dimensions")
    share = tally.unknown_words / max(tally.words, 1)
    results.print(f"Words not in the vocabulary: {tally.unknown_words:,} of {tally.words:,} ({share:.1%}).")
    if tally.lines_without_known_word:
        results.print(f"Lines without known words (vectors of zeros): {tally.lines_without_known_word:,}.")


def _batches(stream: IO[bytes]) -> Iterator[list[str]]:
    """Yield lists of lines; other line breaks of Unicode become spaces, because each line has one vector."""
    while batch := list(islice(stream, _LINES_AT_A_TIME)):
        yield [" ".join(line.decode("utf-8", "replace").splitlines()) for line in batch]


def _tokenizer(model: Path) -> "Tokenizer":
    """Return the tokenizer that the model was trained with; the fast one if the model does not say."""
    from embeddings import make_tokenizer
    from pipelines.settings.sections import TokenizerSettings

    settings = asdict(TokenizerSettings()) | _settings(model).get("tokenizer", {})
    return make_tokenizer(settings.pop("name"), **settings)


def _settings(model: Path) -> dict[str, Any]:
    try:
        settings = json.loads((model / CONFIG_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _embed(
    vectors: "WordVectors", tokenizer: "Tokenizer", lines: list[str], weighting: str, tally: Tally
) -> np.ndarray:
    """Return the vectors of lines, (n, d) float32; for sif, before the common component is removed."""
    from embeddings.vectors.postprocessing import known_words, mean_sentence_vectors, weighted_sentence_vectors

    sentences = tokenizer.tokenize("".join(f"{line}\n" for line in lines))
    known = known_words(vectors, sentences)
    words = sum(map(len, sentences))
    tally.lines += len(lines)
    tally.words += words
    tally.unknown_words += words - len(known.ids)
    tally.lines_without_known_word += int(np.count_nonzero(np.diff(known.ends) == 0))
    return (weighted_sentence_vectors if weighting == "sif" else mean_sentence_vectors)(vectors, known)


def _finished(rows: IO[bytes], dimension: int, weighting: str) -> np.ndarray:
    """Return a memory map of all vectors; for sif, without their common component."""
    from embeddings.vectors.postprocessing import common_component, remove_component

    rows.flush()
    size = rows.tell()
    if size == 0:
        raise EmbeddingsError("standard input is empty; expected text, one sentence per line")
    matrix = np.memmap(rows, np.float32, "r+", shape=(size // (4 * dimension), dimension))
    if weighting == "sif":
        component = common_component(matrix)
        for start in range(0, len(matrix), _LINES_AT_A_TIME):
            part = slice(start, start + _LINES_AT_A_TIME)
            matrix[part] = remove_component(matrix[part], component)
    return matrix


def _write(out: Path, texts: IO[bytes], matrix: np.ndarray) -> None:
    from embeddings.array_files import write_array
    from vecmill.extras import needs
    from vecmill.files import atomic_file

    with atomic_file(out) as file:
        if out.suffix == ".npy":
            write_array(file, matrix)
            return
        with needs("parquet", str(out)):
            import pyarrow as pa
            from pyarrow.parquet import ParquetWriter

        vector = pa.list_(pa.field("element", pa.float32(), nullable=False), matrix.shape[1])
        schema = pa.schema([("text", pa.string()), ("vector", vector)])
        texts.seek(0)
        with ParquetWriter(file, schema) as writer:
            for start in range(0, len(matrix), _LINES_AT_A_TIME):
                block = matrix[start : start + _LINES_AT_A_TIME]
                lines = [line.decode().removesuffix("\n") for line in islice(texts, len(block))]
                numbers = pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), type=vector)
                writer.write_batch(pa.record_batch([pa.array(lines, pa.string()), numbers], schema=schema))
