"""Options that several commands share, and the settings that the options of a training command stand for."""

import os
import sys
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from embeddings.text.phrase_table import DEFAULT_THRESHOLD
from pipelines.commands.completion import corpus_names, evaluation_set_names
from pipelines.commands.setting_options import OPPOSITES
from pipelines.console.interruption import expect_output
from pipelines.console.streams import is_stdout_closed, shell
from pipelines.settings.config import ConfigError, Setting
from vecmill.errors import OutputError
from vecmill.files import real_path
from vecmill.hints import did_you_mean
from vecmill.storage import is_url, local_path, shown_url, url_of

if TYPE_CHECKING:
    from pipelines.backends.backend import Backend

COMPRESSED = (".gz", ".zst")
"""Extensions of the compressions that commands write."""
ANALOGY_METHODS = ("3CosAdd", "3CosMul")

SETTING_OF_OPTION = {
    "corpus": "corpus.source",
    "field": "corpus.field",
    "column": "corpus.column",
    "tokenizer": "tokenizer.name",
    "lowercase": "tokenizer.lowercase",
    "punctuation": "tokenizer.punctuation",
    "fold_digits": "tokenizer.fold_digits",
    "normalize": "tokenizer.normalize",
}
"""Settings of the options about text; each training command has more of its own."""
NO_SETTINGS = (
    *("out", "config", "force", "skip_finished", "as_json", "top", "names", "backend", "address", "workers", "work"),
    *("history", "history_words", "watch", "port"),
)
"""Options that are no settings of a model."""


History = Annotated[
    int | None,
    typer.Option(
        min=2,
        max=1000,
        metavar="N",
        help="Keep the vectors of the frequent words at N moments, for 'vecmill map --history'.",
        show_default="none; 40 with --watch",
    ),
]
HistoryWords = Annotated[
    int, typer.Option(min=3, max=65_536, metavar="N", help="Number of frequent words that --history and --watch show.")
]
Watch = Annotated[
    bool,
    typer.Option(
        "--watch", help="Show the map of the frequent words on a page of this machine while they are trained."
    ),
]
WatchPort = Annotated[
    int, typer.Option("--port", min=0, max=65_535, metavar="N", help="Port of the page of --watch; 0 for a free one.")
]


def stage_directory(model: Path, stage: str) -> Path:
    """Return the directory of a stage if `model` is the directory of a run; any other path as it is.

    Parameters
    ----------
    model : Path
        What the user gave: the directory of a run, a model directory, the URL of one, or a file.
    stage : str
        Stage that writes the model: ``"train-embeddings"`` or ``"train-lm"``.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        The run has not finished that stage.
    StorageError
        `model` is a URL, and the storage does not answer.
    """
    if url := url_of(model):
        from pipelines.running.publishing import fetched_model

        return fetched_model(url, stage)
    model = local_path(model)
    from pipelines.running.manifest import MANIFEST_FILE
    from pipelines.running.run_directory import is_run

    if not model.exists() and (real_path(model).parent / f".{model.name}.work").is_dir():
        raise OutputError(
            f"{model} is not finished: the command that makes it runs or was interrupted; repeat it to resume"
        )
    if not is_run(model):
        return model
    directory = model / stage
    if not (directory / MANIFEST_FILE).exists():
        raise OutputError(f"{model} is a run without a finished stage {stage}; see 'vecmill status {shell(model)}'")
    return directory


def fetched(model: Path) -> Path:
    """Return a copy of a model, or of the word vectors of a run, at a URL; any other path as it is."""
    return stage_directory(model, "train-embeddings") if url_of(model) else local_path(model)


def vectors_path(model: Path) -> Path:
    """Return where the word vectors of a model are; of a run, its stage train-embeddings."""
    return stage_directory(model, "train-embeddings")


def optional_vectors_path(model: str | None) -> str | None:
    """Return the value of an option that names word vectors; of a run, its stage train-embeddings."""
    if not model or not (Path(model).is_dir() or is_url(model)):
        return model
    return str(vectors_path(Path(model)))


def language_model_path(model: Path) -> Path:
    """Return the directory of a language model, of a run its stage train-lm; an ARPA file as it is."""
    from embeddings.errors import EmbeddingsError
    from embeddings.language_model.model_files import model_directory

    place = stage_directory(model, "train-lm")
    if place.is_fifo():
        raise EmbeddingsError(f"{place} is a pipe, which cannot be read twice; save it to a file first")
    return model_directory(place) if place.is_dir() or not place.exists() else place


def refuse_url(out: Path | None) -> Path | None:
    """Raise `ConfigError` for a URL, which would become a directory named ``s3:``; return any other path."""
    if out is not None and is_url(out):
        raise ConfigError(
            f"--out: {shown_url(out)} is a URL, expected a path of this machine; mount the storage, or copy the output "
            "there when it is finished"
        )
    return out


def accepts_url(path: Path | None) -> Path | None:
    """Return a path as it is; without a callback, a command refuses a URL in its place."""
    return path


Corpus = Annotated[
    list[str],
    typer.Argument(
        metavar="CORPUS...",
        help="Name (see 'vecmill corpora list'), file, directory, glob, URL, or - for stdin; several are read in turn.",
        autocompletion=corpus_names,
    ),
]
Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="Model directory, run directory, the URL of one, or file of word vectors.",
        callback=vectors_path,
    ),
]
TrainedModel = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", help="Directory that train-embeddings or 'vecmill run' wrote.", callback=vectors_path
    ),
]
LM = Annotated[
    Path,
    typer.Argument(metavar="LM", help="Directory that train-lm or 'vecmill run' wrote.", callback=language_model_path),
]
OutPlace = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        help="Directory to write, or its URL (s3://bucket/runs/mine); it appears when the command has finished.",
        callback=accepts_url,
    ),
]
Work = Annotated[
    Path | None,
    typer.Option(
        "--work",
        metavar="DIR",
        help="Where an --out that is a URL is made; with --backend ray, a folder that all machines see.",
        show_default="the cache",
    ),
]
OutDirectory = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        help="Directory to write; it appears when the command has finished.",
        callback=refuse_url,
    ),
]
Threads = Annotated[int | None, typer.Option(help="Number of threads.", show_default="all cores")]
Seed = Annotated[int, typer.Option(help="Seed of the random numbers.")]
CheckpointEvery = Annotated[
    str,
    typer.Option(
        metavar="SECONDS|90s|5m|1h", help="Checkpoint interval; an interrupted run resumes from the last checkpoint."
    ),
]
Normalize = Annotated[
    str, typer.Option(metavar="nfc|none", help="Unicode normalization: é as one character and é as two are one word.")
]
TokenizerName = Annotated[str, typer.Option(metavar="fast|whitespace|icu:zh|nltk:NAME", help="Tokenizer of the text.")]
Lowercase = Annotated[bool, typer.Option("--lowercase/--no-lowercase", help="Convert the text to lower case.")]
Punctuation = Annotated[bool, typer.Option("--punctuation/--no-punctuation", help="Keep punctuation marks as tokens.")]
FoldDigits = Annotated[bool, typer.Option("--fold-digits/--no-fold-digits", help="Replace every digit by 0.")]
PhrasePasses = Annotated[
    int,
    typer.Option(metavar="N", help="Passes that join phrases such as new_york; two make phrases of up to four words."),
]
PhraseThreshold = Annotated[
    float | None,
    typer.Option(
        help="Join words whose score is above this one; higher for fewer phrases.",
        show_default=", ".join(f"{threshold:g} for {scorer}" for scorer, threshold in DEFAULT_THRESHOLD.items()),
    ),
]
PhraseScorer = Annotated[
    str,
    typer.Option(
        metavar="original|npmi",
        help="Score of Mikolov et al. (2013), or normalized pointwise mutual information, from -1 to 1.",
    ),
]
PhraseMinCount = Annotated[int, typer.Option(help="Leave out phrases that occur less often.")]
ConnectorWords = Annotated[
    str,
    typer.Option(
        metavar="english|WORDS",
        help='Words that may stand inside a phrase (bank_of_america): "english", or words separated by spaces.',
        show_default="none",
    ),
]
PhraseDelimiter = Annotated[str, typer.Option(help="What stands between the words of a phrase.")]
Field = Annotated[str, typer.Option(metavar="NAME", help="Field of JSON Lines records that holds the text.")]
Column = Annotated[str, typer.Option(metavar="NAME", help="Column of CSV and Parquet files that holds the text.")]
Config = Annotated[
    Path | None, typer.Option(metavar="FILE.toml", help="Read settings from this file; options override it.")
]
ForceDirectory = Annotated[
    bool, typer.Option("--force", help="Replace a finished --out; discard unfinished work with other settings.")
]
ForceFile = Annotated[bool, typer.Option("--force", help="Replace --out if it exists.")]
SkipFinished = Annotated[
    bool, typer.Option("--skip-finished", help="Exit successfully if --out already holds this run.")
]
BackendName = Annotated[
    str,
    typer.Option("--backend", metavar="local|ray", help="Run on this machine, or on the machines of a Ray cluster."),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="auto|HOST:PORT",
        help="The Ray cluster; auto is the one that this machine belongs to.",
        show_default="start Ray on this machine",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        help="Workers that train word vectors in rounds; the result depends on their number, not on the machines.",
        show_default="with Ray one for every machine, else no rounds",
    ),
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SET|FILE|FOLDER",
        help="Named evaluation set, file of word pairs, analogies or categories, or folder of such files; repeatable.",
        show_default="all named sets",
        autocompletion=evaluation_set_names,
    ),
]
Method = Annotated[
    str,
    typer.Option(metavar="|".join(ANALOGY_METHODS), help="Score of an analogy (Levy & Goldberg 2014)."),
]
Encoding = Annotated[
    str, typer.Option(metavar="NAME", help="Encoding of the words of a file that is not UTF-8, such as latin-1.")
]

FORMAT_OF_ENDING = {
    ".txt": "text",
    ".tsv": "tsv",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".npy": "npy",
    ".parquet": "parquet",
}
_BINARY_FORMATS = ("npy", "parquet")
VectorsFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help=f"File to write: {', '.join(FORMAT_OF_ENDING)}.",
        show_default="stdout",
    ),
]
VectorsFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="text|tsv|csv|jsonl|npy|parquet",
        help="Numbers separated by spaces or tabs; the line and its numbers; JSON Lines; arrays, to files only.",
        show_default="by the extension of --out, else text",
    ),
]


def given_settings(
    context: typer.Context, section: str, own: Mapping[str, str | tuple[str, ...]]
) -> dict[str, Setting]:
    """Return the settings that the user gave on the command line, without the defaults of options.

    Parameters
    ----------
    context : typer.Context
        Of a training command.
    section : str
        Section of the options that neither `own` nor `SETTING_OF_OPTION` names.
    own : mapping of str to str or tuple of str
        Options of this command that set something in another section, or several settings at once.

    Returns
    -------
    dict of str to Setting
        ``{"train.dimension": Setting(300, "--dimension")}``.
    """
    given: dict[str, Setting] = {}
    for option, value in context.params.items():
        source = context.get_parameter_source(option)
        if option in NO_SETTINGS or source is None or source.name != "COMMANDLINE":
            continue
        of, _, key = option.rpartition("__")  # as `with_options_of` names its options
        name = key.replace("_", "-")
        if value is False:
            name = OPPOSITES.get(key, f"no-{name}")
        origin = "CORPUS" if option == "corpus" else f"--{name}"
        if option == "corpus" and len(value) == 1:
            (value,) = value
        names = own.get(option) or SETTING_OF_OPTION.get(option) or f"{of or section}.{key}"
        given |= {name: Setting(value, origin) for name in ((names,) if isinstance(names, str) else names)}
    return given


def chosen_backend(
    name: str, address: str | None, workers: int | None, threads: int | None = None
) -> "AbstractContextManager[Backend]":
    """Open the backend of a command.

    Parameters
    ----------
    name : str
        Value of ``--backend``.
    address : str, optional
        Value of ``--address``.
    workers : int, optional
        Value of ``--workers``.
    threads : int, optional
        Threads of each process that trains.

    Returns
    -------
    context manager of Backend

    Raises
    ------
    ConfigError
        There is no such backend, or it has no address.
    """
    from pipelines.backends.backend import BACKENDS
    from pipelines.backends.opening import open_backend

    require_choice("--backend", name, BACKENDS)
    if address is not None and name != "ray":
        raise ConfigError("--address is that of a Ray cluster; add --backend ray")
    return open_backend(name, address=address, workers=workers, threads=threads)


def vectors_format(name: str | None, out: Path | None, as_json: bool) -> str:
    """Return the format in which vectors of lines are written."""
    if name is not None:
        require_choice("--format", name, list(FORMAT_OF_ENDING.values()))
    if out is None:
        require_stdout()
        if name in _BINARY_FORMATS:
            raise ConfigError(f"--format: {name} is not written to stdout; give a file with --out")
        if as_json and name not in (None, "jsonl"):
            raise ConfigError(f"--json without --out is --format jsonl, and --format is {name}; leave one of them out")
        return name or ("jsonl" if as_json else "text")
    if name is None and out.suffix not in FORMAT_OF_ENDING:
        raise ConfigError(f"--out: {out} must end in {', '.join(FORMAT_OF_ENDING)}, or needs --format")
    chosen = name or FORMAT_OF_ENDING[out.suffix]
    refuse_compression(out, () if chosen in _BINARY_FORMATS else COMPRESSED)
    return chosen


def require_stdout() -> None:
    """Raise `OutputError` if the results that a command writes to standard output would be lost."""
    if is_stdout_closed():
        raise OutputError("standard output is closed; give a file with --out")


def opened(out: Path | None) -> AbstractContextManager[BinaryIO]:
    """Open the file to write, compressed as its name says; it appears when it is complete. None: standard output."""
    from embeddings.formats.compression import output_file

    return output_file(out) if out else nullcontext(sys.stdout.buffer)


def refuse_compression(out: Path, written: Collection[str] = COMPRESSED) -> None:
    """Raise `ConfigError` for a name of a compressed file that would not be compressed.

    Parameters
    ----------
    out : Path
    written : collection of str
        Extensions of the compressions that the command writes.
    """
    from vecmill.compression import MAGIC

    suffix = out.suffix.lower()
    if suffix in MAGIC and suffix not in written:
        remedy = f"choose {' or '.join(written)}" if written else f"leave {suffix} out"
        raise ConfigError(f"{out}: the file would not be compressed as {suffix}; {remedy}, or compress it afterwards")


def require_choice(option: str, value: str, choices: tuple[str, ...] | list[str]) -> None:
    """Raise `ConfigError`, with the nearest choice, for the value of an option that is not one of its choices."""
    if value not in choices:
        raise ConfigError(f"{option}: {value!r} is none of {', '.join(choices)}{did_you_mean(value, choices)}")


def refuse_without_effect(context: typer.Context, options: Collection[str], reason: str) -> None:
    """Raise `ConfigError` for options that the user gave although they have no effect.

    Parameters
    ----------
    context : typer.Context
        Of a command.
    options : collection of str
        Names of its parameters.
    reason : str
        When they have none: "without --cache N".
    """
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        if parameter.name in options and source is not None and source.name == "COMMANDLINE":
            negated = context.params[parameter.name] is False
            name = (parameter.secondary_opts if negated else parameter.opts)[0]
            raise ConfigError(f"{name} has no effect {reason}; leave it out")


def refuse_foreign(directory: Path, known: Collection[str]) -> None:
    """Raise `OutputError` if a directory that is to be replaced also holds what the command did not write.

    Parameters
    ----------
    directory : Path
    known : collection of str
        Names of files and directories that the command writes.
    """
    if not directory.exists():
        return
    if not directory.is_dir():
        raise OutputError(f"{directory} is a file, but the output is a directory; choose another name")
    foreign = sorted({entry.name for entry in directory.iterdir()} - {*known})
    if foreign:
        raise OutputError(f"{directory} also holds {foreign[0]}, which would be lost; move it away first")


def refuse_existing(out: Path, force: bool, *inputs: str | Path | None) -> None:
    """Raise `OutputError` if the output exists and ``--force`` was not given, or if an input would be lost."""
    refuse_inputs(out, *inputs)
    if out.exists() and not (out.is_file() or out.is_dir()):  # which --force would not replace
        raise OutputError(f"{out} is a device or a pipe; expected the name of a file to write")
    if out.is_dir() and not force:
        raise OutputError(
            f"{out} exists; add --force to replace a directory that vecmill wrote, or choose another name"
        )
    if os.path.lexists(out) and not force:  # a link to nothing would be lost, too
        raise OutputError(f"{out} exists; add --force to replace it")
    expect_output(out)


def refuse_inputs(out: Path, *inputs: str | Path | None) -> None:
    """Raise `OutputError` if an input would be lost: if it is the output, is in it or holds it."""
    refuse_url(out)
    out.absolute()  # fails before any work if the current directory was removed
    for given in inputs:
        if given is not None and _is_part(out, Path(given)):
            raise OutputError(f"{out} is also read by this command and would be lost; choose another name")


def _is_part(out: Path, given: Path) -> bool:
    """Return whether an existing file or directory is an input, in the directory that is one, or holds one."""
    if not (out.exists() and given.exists()):
        return False
    written, read = real_path(out), real_path(given)
    return written.is_relative_to(read) or read.is_relative_to(written)
