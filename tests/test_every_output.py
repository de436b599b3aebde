"""Every command that writes: no room for the output is one line and leaves nothing, a place that cannot be written to
is the one thing that is said; files have the permissions of the umask."""

import json
import os
import re
import signal
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from embeddings.formats import FORMATS
from embeddings.text.character_ngrams import CharacterNgrams
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.subwords import SubwordVectors
from embeddings.vectors.word_vectors import WordVectors
from tests.command_line import fails, vecmill
from tests.small_language_model import make_model
from tests.topics import ANIMALS, METALS
from vecmill.compression import decompressed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files, and a umask")
METRICS = {"epoch": 1, "learning_rate": 0.1, "loss": 3.0, "held_out_loss": 4.0}
COMMANDS = {
    **{
        name: ("export", "hashed" if name == "floret" else "model", "--format", name, "--out", "out")
        for name, entry in FORMATS.items()
        if entry.can_write and name != "model"
    },
    "csv.gz": ("export", "model", "--out", "out.csv.gz"),
    "txt.zst": ("export", "model", "--out", "out.txt.zst"),
    "model": ("convert", "model", "out", "--format", "model"),
    "embed .npy": ("embed", "model", "--out", "out.npy"),
    "embed .parquet": ("embed", "model", "--out", "out.parquet"),
    "embed .txt.gz": ("embed", "model", "text.txt", "--format", "text", "--out", "out.txt.gz"),
    "walks .gz": ("walks", "similar.txt", "--weight", "none", "--walks", 2, "--length", 9, "--out", "out.txt.gz"),
    "map": ("map", "model", "--out", "out.html"),
    "plot .svg": ("plot", "model", "--out", "out.svg"),
    "plot .png": ("plot", "model", "--out", "out.png"),
    "evaluate": ("evaluate", "model", "--data", "similar.txt", "--out", "out.json"),
    "init": ("init", "--out", "out.toml"),
    **{f"export-lm {name}": ("export-lm", "lm", "--format", name, "--out", "out") for name in ("safetensors", "torch")},
    "train-embeddings": ("train-embeddings", "text.txt", "--out", "out", "--min-count", 1, "--epochs", 1),
    "train-count-based": ("train-count-based", "model", "--out", "out", "--dimension", 2),
    "train-glove": ("train-glove", "text.txt", "--out", "out", "--min-count", 1, "--epochs", 1),
    "train-documents": ("train-documents", "text.txt", "--out", "out", "--min-count", 1, "--epochs", 1),
    "train-lm": ("train-lm", "text.txt", "--out", "out", "--epochs", 1, "--min-count", 1, "--hidden-size", 4),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        lines = [" ".join(np.random.default_rng(i).permutation(ANIMALS + METALS)[:9]) for i in range(60)]
        (folder / "text.txt").write_text("\n".join(lines) + "\n")
        (folder / "similar.txt").write_text("".join(f"{ANIMALS[0]}\t{word}\t{i}\n" for i, word in enumerate(METALS)))
        result = vecmill("train-embeddings", "text.txt", "--out", "model", "--min-count", 1, "--epochs", 1)
        assert result.exit_code == 0, result.output
        make_model(dtype=np.float32).save(folder / "lm")
        ngrams = CharacterNgrams(buckets=20, floret_hashes=2)
        subwords = SubwordVectors(ngrams, np.arange(20, dtype=np.int32), np.ones((20, 2), np.float32))
        words = Vocabulary.from_words(ANIMALS)
        WordVectors(words, subwords.vectors(ANIMALS), subwords=subwords).save(folder / "hashed")
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """A folder with links to what the commands read, which is the current one."""
    monkeypatch.chdir(tmp_path)
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


def needed(name):
    for part, module in [("parquet", "pyarrow"), ("arrow", "pyarrow"), ("plot", "matplotlib"), ("torch", "torch")]:
        if part in name:
            pytest.importorskip(module)


def new_files(folder):
    return [path for path in folder.rglob("*") if not path.is_symlink()]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_room_for_the_output_is_one_line_and_leaves_nothing(folder, name):
    needed(name)
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5, hard))
    try:
        result = vecmill(*COMMANDS[name], stdin="the cat\n" if "embed" in name else None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert (result.exit_code, len(errors)) == (1, 1), result.output
    assert re.search(r"\S+ would be larger than a file may be; raise that limit \(ulimit -f\)", errors[0]), errors
    assert [path.name for path in new_files(folder)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_files_have_the_permissions_of_the_umask(folder, name):
    needed(name)
    before = os.umask(0o027)
    try:
        result = vecmill(*COMMANDS[name], stdin="the cat\n" if "embed" in name else None)
    finally:
        os.umask(before)
    assert result.exit_code == 0, result.output
    modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in new_files(folder)}
    assert modes
    assert set(modes.values()) <= {"0o640", "0o750"}, json.dumps(modes)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_place_that_cannot_be_written_to_is_the_one_thing_that_is_said(folder, name):
    needed(name)
    (folder / "a file").touch()
    arguments = [f"a file/{word}" if str(word).startswith("out") else word for word in COMMANDS[name]]
    result = vecmill(*arguments, stdin="the cat\n" if "embed" in name else None)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (1, "", 1), result.output
    assert result.stderr.startswith("error: cannot write ")
    assert [path.name for path in new_files(folder)] == ["a file"]


MORE_COMMANDS = {
    "align": ("align", "model", "model", "--out", "out"),
    "infer": ("infer", "documents", "text.txt", "--out", "out.npy"),
    "ngram": ("ngram", "text.txt", "--out", "out.arpa", "--order", 2),
    "phrases": ("phrases", "text.txt", "--out", "out.tsv"),
    "walks": ("walks", "edges.csv", "--out", "out.txt"),
}


@pytest.mark.parametrize("name", [*COMMANDS, *MORE_COMMANDS])
def test_a_signal_after_the_output_has_its_name_says_that_it_is_complete(folder, name, monkeypatch):
    needed(name)
    if name == "infer":
        made = vecmill("train-documents", "text.txt", "--out", "documents", "--min-count", 1, "--epochs", 1)
        assert made.exit_code == 0, made.output
    (folder / "edges.csv").write_text("a,b\nb,c\n")
    before = set(folder.iterdir())

    def interrupting(method):
        def renamed(path, target):
            found = method(path, target)
            if str(target) == out or Path(target) == folder / out:
                signal.raise_signal(signal.SIGTERM)
            return found

        return renamed

    arguments = {**COMMANDS, **MORE_COMMANDS}[name]
    out = "out" if name == "model" else arguments[arguments.index("--out") + 1]
    for method in ("rename", "replace"):
        monkeypatch.setattr(Path, method, interrupting(getattr(Path, method)))
    result = vecmill(*arguments, stdin="the cat\n" if "embed" in name else None)
    assert result.exit_code == 143, result.output
    assert result.stderr.splitlines()[-1].endswith(f"stopped; {out} is complete"), result.output
    assert {*folder.iterdir()} == before | {folder / out}


TEXTS = {
    "walks": ("walks", "similar.txt", "--weight", "none", "--walks", 2, "--length", 9, "--out"),
    "embed": ("embed", "model", "text.txt", "--format", "text", "--out"),
    "export": ("export", "model", "--format", "word2vec-text", "--out"),
    "convert": ("convert", "model", "--format", "word2vec-text"),
}


@pytest.mark.parametrize("ending", [".gz", ".zst", ".GZ"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_file_is_compressed_as_its_name_says(folder, name, ending):
    for out in ("out", f"out{ending}"):
        result = vecmill(*TEXTS[name], out)
        assert result.exit_code == 0, result.output
    with (folder / f"out{ending}").open("rb") as file:
        assert decompressed(file, f"out{ending}").read() == (folder / "out").read_bytes()
    assert (folder / f"out{ending}").read_bytes() != (folder / "out").read_bytes()


NOT_WRITTEN = {
    **{f"{name} {ending}": (*TEXTS[name], f"out{ending}") for name in TEXTS for ending in (".xz", ".bz2")},
    "embed npy": ("embed", "model", "text.txt", "--format", "npy", "--out", "out.gz"),
    "export-lm": ("export-lm", "lm", "--format", "safetensors", "--out", "out.safetensors.gz"),
}


@pytest.mark.parametrize("name", NOT_WRITTEN)
def test_a_name_of_a_compression_that_is_not_written_is_refused(folder, name):
    fails(2, "the file would not be compressed as", *NOT_WRITTEN[name])
    assert not new_files(folder)
