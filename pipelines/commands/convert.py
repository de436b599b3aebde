"""Commands that write word vectors in other formats: export, convert."""

import json
import logging
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from pipelines.commands.completion import choices, format_names, input_format_names
from pipelines.commands.options import (
    Encoding,
    ForceFile,
    Model,
    refuse_compression,
    refuse_existing,
    refuse_without_effect,
    require_choice,
    vectors_path,
)
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results, shell
from pipelines.running.recorded_tokenizer import rules_of
from pipelines.settings.config import ConfigError
from pipelines.settings.file_names import CONFIG_FILE
from vecmill.errors import OutputError
from vecmill.files import atomic_file, read_json, require_writable, require_writable_directory, shown_size
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings.formats.tokenizer_rules import TokenizerRules

logger = logging.getLogger(__name__)

SPACY, EMBEDDING_ATLAS = "spacy", "embedding-atlas"  # which are written by export only
_SPACY_FILES = {"config.cfg", "meta.json", "tokenizer", "vocab"}
_OPTION_OF = {"field": ("jsonl",), "column": ("csv", "parquet")}
_SAMPLE_BYTES, _SAMPLE_LINES = 1 << 20, 2000

Quantize = Annotated[
    str | None,
    typer.Option(
        metavar="int8|pq",
        help="Write a model directory with a byte a number (int8), or a byte for two numbers (product quantisation).",
        show_default="float32",
    ),
]
Prune = Annotated[
    int | None, typer.Option(metavar="N", help="Keep only the N most frequent words.", show_default="all")
]
Prefix = Annotated[
    int | None,
    typer.Option(metavar="N", help="Rotate to principal axes and keep the first N dimensions.", show_default="all"),
]
HalfPrecision = Annotated[bool, typer.Option("--float16", help="Write half precision, in formats that support it.")]


def _export_names(incomplete: str) -> list[str]:
    return [*format_names(incomplete), *choices((SPACY, EMBEDDING_ATLAS))(incomplete)]


def export_command(
    context: typer.Context,
    model: Model,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="File to write; a directory for some formats.")
    ],
    name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="word2vec-text, word2vec-binary, glove, fasttext-vec, fasttext-bin, floret, npz, safetensors, "
            "parquet, arrow, csv, static-embedding, projector, spacy or embedding-atlas.",
            show_default="by the extension of --out",
            autocompletion=_export_names,
        ),
    ] = None,
    half: HalfPrecision = False,
    quantize: Quantize = None,
    prune: Prune = None,
    prefix: Prefix = None,
    encoding: Encoding = "utf-8",
    approximate: Annotated[
        bool,
        typer.Option(
            "--approximate", help="For static-embedding: write the closest rules of a tokenizer that has no exact ones."
        ),
    ] = False,
    sample: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Text on which --approximate measures how many lines are cut differently.",
            show_default="the training text",
        ),
    ] = None,
    lang: Annotated[
        str, typer.Option(metavar="NAME", help="For spacy: language of the pipeline's tokenizer, such as en.")
    ] = "xx",
    force: ForceFile = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print path and size as JSON.")] = False,
) -> None:
    """Export vectors in a format that other tools read; .gz and .zst compress.

    A static-embedding holds the tokenizer of the training text too; spacy is a pipeline that spacy.load opens;
    embedding-atlas is a Parquet file of a map with neighbours. --quantize writes a model directory.

    Example: vecmill export runs/pydocs --format word2vec-text --out pydocs.txt
    """
    from embeddings import formats

    refuse_compression(out)
    refuse_existing(out, force, model, sample)
    formats.require_source(vectors_path(model))
    if name != "static-embedding":
        refuse_without_effect(context, ("approximate", "sample"), "without --format static-embedding")
    elif not approximate:
        refuse_without_effect(context, ("sample",), "without --approximate")
    if name != SPACY:
        refuse_without_effect(context, ("lang",), f"without --format {SPACY}")
    if name in (SPACY, EMBEDDING_ATLAS):
        refuse_without_effect(context, ("half",), f"with --format {name}")
    smaller = _Smaller(quantize, prune, prefix)
    if name == SPACY:
        _export_to_spacy(model, out, smaller, lang, force, encoding, as_json)
        return
    if name == EMBEDDING_ATLAS:
        _export_to_embedding_atlas(model, out, smaller, encoding, as_json)
        return
    rules = _rules(model, approximate, sample) if name == "static-embedding" else None
    with interruptible("nothing was written"), make_progress().task(f"writing {out}", _size(model)) as update:
        try:
            name = smaller.format_of(out, name, formats.has_subwords(model))
            smaller.convert(
                model,
                out,
                format=name,
                dtype="float16" if half else "float32",
                progress=update,
                overwrite=force,
                encoding=encoding,
                rules=rules,
            )
        except formats.UnknownFormatError as error:
            raise ConfigError(f"--format: {error}") from None
    if as_json:
        differing = {"lines_cut_differently": rules.differing} if rules else {}
        typer.echo(json.dumps({"out": str(out), "bytes": _size(out), **differing}))
        return
    results.print(f"{out}: {shown_size(_size(out))}")
    if rules and rules.differing is not None:
        results.print(
            f"The tokenizer is approximated: {rules.differing:.1%} of {rules.lines:,} lines are cut into other words."
        )
    elif name == "static-embedding" and not rules:
        results.print(f"{model} records no tokenizer: rules that suit its words were written.")


def _export_to_spacy(
    model: Path, out: Path, smaller: "_Smaller", lang: str, force: bool, encoding: str, as_json: bool
) -> None:
    """Write a spaCy pipeline: a directory that spaCy itself writes."""
    from embeddings import formats
    from embeddings.vectors.spacy_pipeline import write_pipeline
    from vecmill.files import atomic_directory, writing

    if smaller.asked:
        raise ConfigError("--format spacy: spaCy has no smaller vectors; leave --quantize, --prune and --prefix out")
    require_writable_directory(out)
    with interruptible("nothing was written"), make_progress().task(f"writing {out}", None):
        vectors = formats.read(model, encoding=encoding)
        pipeline = vectors.to_spacy(lang)
        if vectors.subwords and not vectors.subwords.ngrams.floret_hashes:
            logger.warning("%s: the vectors of n-grams are left out; spaCy takes those of --floret-hashes 2", out)
        foreign = {file.name for file in out.iterdir()} - _SPACY_FILES if out.is_dir() else set()
        if foreign:
            raise OutputError(f"{out} also holds {min(foreign)}, which would be lost; move it away first")
        with atomic_directory(out, replace=force) as folder, writing(out):
            write_pipeline(pipeline, folder)
    if as_json:
        typer.echo(json.dumps({"out": str(out), "bytes": _size(out)}))
        return
    results.print(f"{out}: {shown_size(_size(out))}; in Python: spacy.load({str(out)!r})")


def _export_to_embedding_atlas(model: Path, out: Path, smaller: "_Smaller", encoding: str, as_json: bool) -> None:
    """Write the map of the vocabulary, or of its most frequent words, as a table."""
    from embeddings import formats
    from embeddings.vectors.embedding_atlas import ENDING, OPTIONS, write_embedding_atlas
    from embeddings.vectors.small_vectors import make_smaller
    from embeddings.vectors.word_map import make_word_map

    if out.suffix != ENDING:
        raise ConfigError(f"--out: {out} must end in {ENDING}, by which Embedding Atlas knows the format")
    if smaller.quantize is not None:
        raise ConfigError("--format embedding-atlas: the file holds a map, no vectors; leave --quantize out")
    require_writable(out)
    with interruptible("nothing was written"), make_progress().task("laying out words", None):
        vectors = formats.read(model, encoding=encoding)
        if smaller.asked:
            vectors = make_smaller(vectors, words=smaller.prune, dimension=smaller.prefix)
        layout = make_word_map(vectors, words=len(vectors))
        counts = vectors.vocabulary.counts
        with atomic_file(out) as file:
            write_embedding_atlas(file, layout, counts if counts.any() else None)
    if as_json:
        made = {"words": len(layout.words), "method": layout.method}
        typer.echo(json.dumps({"out": str(out), **made, "bytes": _size(out)}))
        return
    shown = f"{counted(len(layout.words), 'word')} laid out by {layout.method}, {shown_size(_size(out))}"
    results.print(f"{out}: {shown}; embedding-atlas {shell(out)} {OPTIONS}")


def convert_command(
    source: Model,
    destination: Annotated[Path, typer.Argument(metavar="OUT", help="File or directory to write.")],
    name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Format of OUT.",
            show_default="by the extension of OUT",
            autocompletion=format_names,
        ),
    ] = None,
    source_name: Annotated[
        str | None,
        typer.Option(
            "--input-format",
            metavar="NAME",
            help="Format of MODEL.",
            show_default="by the content and name of MODEL",
            autocompletion=input_format_names,
        ),
    ] = None,
    half: HalfPrecision = False,
    quantize: Quantize = None,
    prune: Prune = None,
    prefix: Prefix = None,
    encoding: Encoding = "utf-8",
    errors: Annotated[
        str,
        typer.Option(
            "--encoding-errors",
            metavar="strict|replace",
            help="Refuse words of another encoding, or put U+FFFD in the place of such bytes.",
        ),
    ] = "strict",
    counts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Counts of the words of MODEL: lines 'word count', as word2vec's -save-vocab and GloVe write them.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print formats and size as JSON.")] = False,
) -> None:
    """Convert word vectors from one format to another.

    Formats are recognized by name and content: word2vec-text, word2vec-binary, word2vec-binary-newline, glove,
    fasttext-vec, fasttext-bin, npz, safetensors, parquet, arrow, csv, static-embedding, projector, model, and, to read
    only, spacy. GloVe's own binary file needs --input-format glove-binary and --counts. A model with n-grams keeps them
    in model and fasttext-bin, which is the format of OUT.bin then; floret's n-grams are written as floret too. The
    extensions .gz and .zst compress.

    With --quantize, --prune and --prefix the vectors become smaller, and an OUT without an extension is a model
    directory.

    Example: vecmill convert GoogleNews-vectors.bin.gz vectors.parquet --float16

    Example: vecmill convert runs/wiki runs/small --quantize int8 --prune 50000 --prefix 64
    """
    from embeddings import formats

    require_choice("--encoding-errors", errors, formats.ERRORS)
    refuse_compression(destination)
    refuse_existing(destination, force, source, counts)
    formats.require_source(vectors_path(source))
    dtype, smaller = "float16" if half else "float32", _Smaller(quantize, prune, prefix)
    try:
        source_name = formats.guess_format(source) if source_name is None else source_name
        name = smaller.format_of(destination, name, formats.has_subwords(source, source_name))
        with interruptible("nothing was written"), make_progress().task(f"writing {destination}", None) as update:
            size = _size(source)
            smaller.convert(
                source,
                destination,
                source_format=source_name,
                format=name,
                dtype=dtype,
                progress=lambda done: update(done, total=size),
                overwrite=force,
                encoding=encoding,
                errors=errors,
                counts=counts,
                rules=_rules(source) if name == "static-embedding" else None,
            )
    except formats.UnknownFormatError as error:
        raise ConfigError(f"{error} (options --format and --input-format)") from None
    if as_json:
        report = {"in": str(source), "in_format": source_name, "out": str(destination), "out_format": name}
        typer.echo(json.dumps({**report, "dtype": quantize or dtype, "bytes": _size(destination)}))
    else:
        results.print(f"{source} ({source_name}) -> {destination} ({name}): {shown_size(_size(destination))}")


class _Smaller(NamedTuple):
    """The options that make vectors smaller."""

    quantize: str | None
    prune: int | None
    prefix: int | None

    @property
    def asked(self) -> bool:
        """Whether any of the options was given."""
        return any(option is not None for option in self)

    def format_of(self, destination: Path, name: str | None, has_subwords: bool) -> str:
        """Return the format to write; a model directory if vectors become smaller and no other format is named."""
        from embeddings import formats

        if not self.asked:
            return formats.format_of_name(destination, has_subwords) if name is None else name
        if self.quantize is not None:
            from embeddings.vectors.small_vectors import QUANTIZATIONS

            require_choice("--quantize", self.quantize, QUANTIZATIONS)
        with suppress(formats.UnknownFormatError):
            name = formats.format_of_name(destination, has_subwords) if name is None else name
        if self.quantize is not None and name not in (None, "model"):
            raise ConfigError(
                f"--quantize: vectors of format {name} are not quantised; give a model directory, whose name has no "
                "extension, and leave --format out"
            )
        return "model" if name is None else name

    def convert(self, source: Path, destination: Path, **options: Any) -> None:
        """Convert vectors as `formats.convert` does, and make them smaller."""
        from embeddings import formats

        if not self.asked:
            formats.convert(source, destination, **options)
            return
        from embeddings.vectors.small_vectors import make_smaller

        require_writable_directory(destination)  # a file's too: its folder
        read = {name: options[name] for name in ("encoding", "errors", "counts") if name in options}
        vectors = formats.read(source, options.get("source_format"), options["progress"], **read)
        vectors = make_smaller(vectors, words=self.prune, dimension=self.prefix, quantization=self.quantize)
        written = {name: options[name] for name in ("format", "dtype", "overwrite", "rules")}
        formats.write(vectors, destination, **written)


def _rules(model: Path, approximate: bool = False, sample: Path | None = None) -> "TokenizerRules | None":
    """Return the rules of the tokenizer that a model was trained with; None if the model does not say."""
    from embeddings import formats
    from embeddings.formats.tokenizer_rules import InexactTokenizerError, closest_rules

    try:
        return rules_of(vectors_path(model))
    except InexactTokenizerError as error:
        if approximate:
            tokenizer = formats.read(model).make_tokenizer()
            return closest_rules(tokenizer, _sample_lines(vectors_path(model), sample))
        raise InexactTokenizerError(
            f"{model}: {error}; 'vecmill export --approximate' writes the closest rules and measures the difference"
        ) from None


def _sample_lines(model: Path, sample: Path | None) -> list[str]:
    """Return the first lines with words of a file, or of the text that a model was trained on."""
    from corpora import open_corpus
    from corpora.readers import format_of

    corpus = (read_json(model / CONFIG_FILE) or {}).get("corpus", {})
    source = str(sample) if sample else corpus.get("source", "-")
    if source == "-":
        raise ConfigError(f"--approximate: {model} does not say on which text it was trained; give --sample FILE")
    kind = format_of(source)
    names = [name for name, kinds in _OPTION_OF.items() if not sample or kind in kinds]
    text = open_corpus(source, **{name: corpus[name] for name in names if name in corpus})
    data = b"".join(islice(text.blocks(_SAMPLE_BYTES), 1)).decode("utf-8", "replace")
    return [line for line in data.splitlines() if line.strip()][:_SAMPLE_LINES]


def _size(path: Path) -> int:
    return sum(entry.stat().st_size for entry in ([path] if path.is_file() else path.rglob("*")))
