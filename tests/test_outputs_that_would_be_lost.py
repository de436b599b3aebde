"""Commands replace neither what they read nor what others wrote; one process at a time writes an output."""

import errno
import os
import shutil
import threading

import numpy as np
import pytest
from filelock import FileLock

import vecmill
from corpora.evaluation_data import find_sets
from embeddings.documents.model import ParagraphVectors
from embeddings.errors import EmbeddingsError
from embeddings.evaluation import evaluate, read_evaluation_set
from embeddings.vectors import postprocessing, small_vectors
from pipelines.commands.ngram import _work_directory
from pipelines.running.directory_lock import DirectoryLock
from tests.command_line import fails
from tests.command_line import vecmill as command
from tests.small_language_model import make_model

LINES = ["the cat sat on the mat", "a dog sat on the rug"] * 20
SETTINGS = {"dimension": 4, "epochs": 1, "min_count": 1, "threads": 1}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    (folder / "text.txt").write_text("\n".join(LINES) + "\n")
    (folder / "names.txt").write_text("".join(f"text {i}\n" for i in range(len(LINES))))
    (folder / "words.txt").write_text("the\ncat\nmat\nrug\nsat\n")
    for seed, name in ((1, "model"), (2, "other")):
        vecmill.train(LINES, **SETTINGS, seed=seed).save(folder / name)
    vecmill.train_documents(LINES, **SETTINGS).save(folder / "documents")
    make_model(dtype=np.float32).save(folder / "lm")
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "folder"))
    return tmp_path / "folder"


def contents(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


READ_AND_WRITTEN = {
    "ngram": ("text.txt", "--out", "text.txt", "--force"),
    "infer": ("documents", "text.txt", "--out", "text.txt", "--force"),
    "infer a model": ("documents", "text.txt", "--out", "documents/a.npy", "--force"),
    "export-lm": ("lm", "--out", "lm/model.safetensors", "--force"),
    "train-documents": ("text.txt", "--out", "text.txt", "--force"),
    "train-documents names": ("text.txt", "--names", "names.txt", "--out", ".", "--force"),
    "align": ("model", "other", "--out", "other", "--force"),
    "align a folder": ("model", "other", "--out", ".", "--force"),
    "align anchors": ("model", "other", "--anchors", "words.txt", "--out", "words.txt", "--force"),
    "convert": ("model/vectors.npy", ".", "--format", "projector", "--force"),
}


@pytest.mark.parametrize("case", READ_AND_WRITTEN)
def test_what_is_read_is_not_replaced(folder, case):
    (folder / "documents" / "a.npy").write_bytes(b"")
    before = contents(folder)
    fails(1, "is also read by this command and would be lost", case.split()[0], *READ_AND_WRITTEN[case])
    assert contents(folder) == before


WRITTEN = {
    "train-documents": ("text.txt", "--min-count", 1),
    "align": ("model", "other"),
}
REFUSED = {
    "train-documents": ("mine exists and was not written by vecmill; choose another directory",) * 2,
    "align": ("mine exists; add --force", r"mine also holds notes\.txt, which would be lost"),
}
"""What is said of a directory with other files, without and with ``--force``."""


@pytest.mark.parametrize("name", WRITTEN)
def test_a_directory_with_other_files_is_not_replaced(folder, monkeypatch, name):
    monkeypatch.setattr(ParagraphVectors, "fit", lambda *_, **__: pytest.fail("it was trained"))
    (folder / "mine").mkdir()
    (folder / "mine" / "notes.txt").write_text("notes")
    (folder / "a.txt").write_text("a file")
    before = contents(folder)
    for message, more in zip(REFUSED[name], [(), ("--force",)], strict=True):
        fails(1, message, name, *WRITTEN[name], "--out", "mine", *more)
    fails(1, r"a\.txt is a file, but the output is a directory", name, *WRITTEN[name], "--out", "a.txt", "--force")
    fails(1, "cannot write .*sub: (File exists|Not a directory)", name, *WRITTEN[name], "--out", "a.txt/sub")
    assert contents(folder) == before


@pytest.mark.parametrize("name", WRITTEN)
def test_a_directory_of_the_command_is_replaced(folder, name):
    for _ in range(2):
        result = command(name, *WRITTEN[name], "--out", "new/out", "--force")
        assert result.exit_code == 0, result.output
    assert len(vecmill.load("new/out")) == len(vecmill.load("model"))
    assert [path.name for path in (folder / "new").iterdir()] == ["out"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("infer", "documents", "text.txt", "--out", "absent/a.npy"),
        ("embed", "model", "text.txt", "--out", "absent/a.npy"),
        ("ngram", "text.txt", "--out", "absent/a.arpa"),
        ("ngram", "text.txt", "--out", "model", "--force"),
        ("embed", "model", "text.txt", "--out", "lm", "--format", "npy", "--force"),
        ("map", "model", "--out", "directory.html", "--force"),
    ],
)
def test_an_output_that_cannot_be_written_is_found_before_the_work(folder, arguments):
    (folder / "directory.html").mkdir()
    before = contents(folder)
    fails(1, "cannot write .*absent.*|is a directory, a device or a pipe; expected the name of a file", *arguments)
    assert contents(folder) == before


def test_an_evaluation_does_not_replace_a_table(folder):
    (folder / "pairs.tsv").write_text("cat\tdog\t8\nmat\trug\t7\nthe\ta\t1\n")
    (folder / "scores.csv").write_text("mine")
    fails(1, r"scores\.csv exists; add --force", "evaluate", "model", "--data", "pairs.tsv", "--out", "scores.csv")
    assert (folder / "scores.csv").read_text() == "mine"


def test_a_demonstration_does_not_replace_a_page_of_somebody_else(folder, monkeypatch):
    (folder / "index.html").write_text("<!doctype html>mine")
    monkeypatch.setattr("pipelines.running.make.make", lambda *_, **__: pytest.fail("it was trained"))
    fails(1, r"index\.html is no map of vecmill", "demo", "text.txt", "--out", "index", "--no-open")
    assert (folder / "index.html").read_text() == "<!doctype html>mine"


def test_a_demonstration_draws_its_own_page_again(folder):
    for _ in range(2):
        result = command("demo", "text.txt", "--out", "runs/demo", "--no-open", "--json")
        assert result.exit_code == 0, result.output
    assert (folder / "runs" / "demo.html").stat().st_size > 10_000


@pytest.mark.parametrize("name", ["a.arpa", "a.arpa.gz"])
def test_one_process_at_a_time_writes_an_ngram_model(folder, name):
    work = folder / f".{name}.counts"
    work.mkdir()
    lock = DirectoryLock(work, folder / name)
    lock.acquire()
    (work / "counts").mkdir()
    try:
        fails(1, f"{name} is being written by another process", "ngram", "text.txt", "--out", name, "--order", 2)
        assert (work / "counts").exists()
    finally:
        lock.release()
    assert command("ngram", "text.txt", "--out", name, "--order", 2).exit_code == 0
    assert not work.exists()


def test_an_ngram_model_leaves_unfinished_work_of_others(folder):
    work = folder / ".model.arpa.work"
    work.mkdir()
    (work / "checkpoint").write_text("of a training with the same name")
    assert command("ngram", "text.txt", "--out", "model.arpa", "--order", 2).exit_code == 0
    assert [path.name for path in work.iterdir()] == ["checkpoint"]


def test_a_lock_that_fails_leaves_no_work_directory(folder, monkeypatch):
    def fail(lock, **settings):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(FileLock, "acquire", fail)
    before = set(folder.rglob("*"))
    fails(1, "model.arpa", "ngram", "text.txt", "--out", "model.arpa", "--order", 2)
    assert set(folder.rglob("*")) == before


@pytest.mark.parametrize("ending", [".bz2", ".xz", ".zst"])
def test_an_arpa_file_is_compressed_as_its_name_says(folder, ending):
    fails(2, r"compressed as \.gz alone", "ngram", "text.txt", "--out", f"model.arpa{ending}")


# ------------------------------------------------------------------------------------------------------- evaluation


def test_sets_of_the_same_name_are_all_used(folder):
    for place, score in (("a", 8), ("b", 1)):
        (folder / place).mkdir()
        (folder / place / "pairs.tsv").write_text(f"cat\tdog\t{score}\nmat\trug\t7\nthe\ta\t3\n")
    (folder / "a" / "more.tsv").write_text("cat\tdog\t8\nmat\trug\t7\nthe\ta\t1\n")
    sets = find_sets(["a", "b/pairs.tsv", "a/pairs.tsv"])
    assert {name: str(path) for name, path in sets.items()} == {
        "more": "a/more.tsv",
        "a/pairs.tsv": "a/pairs.tsv",
        "b/pairs.tsv": "b/pairs.tsv",
    }
    assert sorted(evaluate(vecmill.load("model"), sets)["set"]) == ["a/pairs.tsv", "b/pairs.tsv", "more"]


@pytest.mark.parametrize(
    "rows", [["<unk>\t0", "<eos>\t3", "the\t9", "cat\t5"], ["the\t9", "cat\t5", "dog\t5"], ["a 3", "b 2"]]
)
def test_words_with_counts_are_no_categories(tmp_path, rows):
    (tmp_path / "vocabulary.tsv").write_text("\n".join(rows) + "\n")
    with pytest.raises(EmbeddingsError, match="words and their counts, as a vocabulary does"):
        read_evaluation_set(tmp_path / "vocabulary.tsv")


@pytest.mark.parametrize(
    "rows", [["cat\t1", "dog\t1", "iron\t2"], ["cat\tanimal", "iron\tmetal"], ["iron 2", "cat 1", "tin 2"]]
)
def test_words_with_numbers_of_categories_are(tmp_path, rows):
    (tmp_path / "categories.tsv").write_text("\n".join(rows) + "\n")
    assert len(read_evaluation_set(tmp_path / "categories.tsv").words) == len(rows)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(
    ("arguments", "is_read"),
    [
        (("evaluate", "model", "--data", "pipe"), False),
        (("perplexity", "lm", "text.txt", "--interpolate", "pipe"), False),
        (("neighbors", "pipe", "cat"), False),
        (("embed", "model", "pipe"), True),
        (("perplexity", "lm", "pipe"), True),
        (("train-documents", "text.txt", "--names", "pipe", "--out", "out", "--min-count", 1), True),
    ],
)
def test_a_pipe_is_read_once_or_refused(folder, arguments, is_read):
    os.mkfifo(folder / "pipe")
    if not is_read:
        fails(1, "pipe is a pipe, which cannot be read twice; save it to a file first", *arguments)
        return
    lines = (folder / "names.txt").read_text()
    writer = threading.Thread(target=(folder / "pipe").write_text, args=[lines], daemon=True)
    writer.start()
    result = command(*arguments)
    writer.join(10)
    assert result.exit_code == 0, result.output


# ------------------------------------------------------------------------------------- what is known of the text

CHANGED = {
    "unit_norm": postprocessing.unit_norm,
    "add_context": postprocessing.add_context,
    "remove_top_components": lambda vectors: postprocessing.remove_top_components(vectors, 1),
    "prune": lambda vectors: small_vectors.prune(vectors, 5),
    "prefix": lambda vectors: small_vectors.prefix(vectors, 2),
    "quantize": lambda vectors: small_vectors.quantize(vectors, "int8"),
    "align": lambda vectors: vecmill.align(vectors, vectors).aligned(),
}


@pytest.mark.parametrize("change", CHANGED)
def test_changed_vectors_keep_their_tokenizer_and_phrases(tmp_path, change):
    vectors = vecmill.train(["The Cat's 9 lives", "A Dog's 5 lives"] * 30, **SETTINGS, lowercase=False, phrases=1)
    vectors.save(tmp_path / "old")
    vectors = vecmill.load(tmp_path / "old")
    CHANGED[change](vectors).save(tmp_path / "new")
    changed = vecmill.load(tmp_path / "new")
    assert changed.tokenizer_settings == vectors.tokenizer_settings != {}
    assert (changed.phrases is None) == (vectors.phrases is None)
    tokens = vectors.make_tokenizer().tokenize("The Cat's 9 lives")
    assert changed.make_tokenizer().tokenize("The Cat's 9 lives") == tokens


WRITTEN_WITHOUT_FORCE = {
    "ngram": ("text.txt", "--order", 2),
    "export": ("model", "--format", "npz"),
    "export a directory": ("model", "--format", "projector"),
    "walks": ("edges.csv", "--walks", 1, "--length", 2),
}


@pytest.mark.parametrize("target", ["nothing", "link"])
@pytest.mark.parametrize("case", WRITTEN_WITHOUT_FORCE)
def test_a_link_to_nothing_is_not_replaced(folder, case, target):
    (folder / "edges.csv").write_text("a,b\nb,c\n")
    (folder / "link").symlink_to(target)
    fails(1, "link exists; add --force", case.split()[0], *WRITTEN_WITHOUT_FORCE[case], "--out", "link")
    assert str((folder / "link").readlink()) == target


@pytest.mark.parametrize("out", ["link", "link/below"])
@pytest.mark.parametrize(
    "name", ["run", "batch", "tune", "train-embeddings", "train-glove", "train-documents", "train-lm"]
)
def test_a_link_to_nothing_is_no_place_of_a_run(folder, name, out):
    (folder / "run.toml").write_text('[corpus]\nsource = "text.txt"\n')
    (folder / "batch.toml").write_text('[base.corpus]\nsource = "text.txt"\n[grid]\ntrain.seed = [1, 2]\n')
    (folder / "link").symlink_to("nothing")
    text = f"{name}.toml" if name in ("run", "batch") else "text.txt"
    fails(1, "link is a link to nothing; remove it or choose", "--log-format", "text", name, text, "--out", out)
    assert str((folder / "link").readlink()) == "nothing"
    assert not (folder / "nothing").exists()


def test_a_link_to_nothing_is_no_place_of_settings_and_of_a_page(folder):
    for name in ("link.toml", "link.html"):
        (folder / name).symlink_to("nothing")
    fails(1, "link.toml exists and is not overwritten", "init", "--out", "link.toml")
    fails(1, "link.html is no map of vecmill and would be lost", "demo", "text.txt", "--out", "link", "--no-open")
    assert not (folder / "nothing").exists()


def test_a_link_to_itself_is_no_place_of_a_training(folder):
    (folder / "link").symlink_to("link")
    fails(1, "link is a link to itself", "train-embeddings", "text.txt", "--out", "link")
    assert str((folder / "link").readlink()) == "link"


def test_the_current_directory_is_no_file(folder):
    (folder.parent / "edges.csv").write_text("a,b\nb,c\n")
    fails(1, "is a directory", "walks", "../edges.csv", "--out", ".", "--force")
    fails(1, "--index: . is a directory", "search", "model", "text.txt", "cat", "--index", ".", "--force")


def test_an_index_is_no_pipe(folder):
    os.mkfifo("pipe")
    fails(
        1, "--index: pipe is a directory, a device or a pipe", "search", "model", "text.txt", "cat", "--index", "pipe"
    )


@pytest.mark.parametrize("name", ["text.txt", "link.txt", "vectors.txt"])
def test_an_index_replaces_no_text_and_no_model(folder, name):
    assert command("convert", "model", "vectors.txt").exit_code == 0
    (folder / "link.txt").symlink_to("text.txt")
    before = contents(folder)
    search = ("search", "vectors.txt", "text.txt", "cat", "--force", "--index")
    fails(1, "--index: .* is also read by this command and would be lost", *search, name)
    assert contents(folder) == before


@pytest.mark.parametrize("case", ["walks edges.csv", "ngram text.txt", "export model --format npz"])
@pytest.mark.parametrize("url", ["file:///tmp/out", "s3://bucket/out"])
def test_a_url_is_no_file(folder, case, url):
    fails(2, f"--out: {url} is a URL", *case.split(), "--out", url)


OUTPUTS = [
    "walks edges.csv --out",
    "ngram text.txt --out",
    "export model --format npz --out",
    "export model --format model --out",
    "convert model --format npz",
    "embed model text.txt --format csv --out",
    "train-embeddings text.txt --out",
    "tune text.txt --out",
    "init --out",
    "search model text.txt cat --index",
]


@pytest.mark.parametrize("case", OUTPUTS)
def test_an_empty_path_is_not_the_current_directory(folder, case):
    """As from a variable of the shell that is not set; with --force the current directory would be replaced."""
    before = contents(folder)
    *others, name = case.split()
    fails(2, "is empty; expected a path", *others, *((f"{name}=",) if name.startswith("--") else (name, "")))
    fails(2, "is empty; expected a path", *case.split(), "")
    assert contents(folder) == before


@pytest.mark.parametrize("case", OUTPUTS)
def test_a_hyphen_is_no_file(folder, case):
    before = contents(folder)
    fails(2, "expected the name of an output, not -", *case.split(), "-")
    assert contents(folder) == before


def test_what_can_be_printed_says_so_when_a_hyphen_is_given(folder):
    fails(2, "without --out the result is written to standard output", "embed", "model", "text.txt", "--out", "-")


def test_walks_find_a_place_that_cannot_be_written_to_before_they_walk(folder):
    (folder / "edges.csv").write_text("a,b\nb,c\n")
    result = command("walks", "edges.csv", "--out", "missing/walks.txt")
    assert (result.exit_code, "edges from" in result.stderr) == (1, False), result.output


@pytest.mark.parametrize("failing", [1, 2])
def test_counts_of_ngrams_are_removed_or_named(tmp_path, monkeypatch, caplog, failing):
    remove, tried = shutil.rmtree, []

    def fail_at_first(path, ignore_errors=False):
        tried.append(path)
        if len(tried) > failing:
            remove(path, ignore_errors)

    monkeypatch.setattr("shutil.rmtree", fail_at_first)
    with _work_directory(tmp_path / "m.arpa") as folder:
        (folder / "counts").mkdir()
        (folder / "counts" / "1-grams.bin").write_bytes(b"counts")
    assert folder.exists() == (failing == 2)
    assert ("cannot be removed; remove it" in caplog.text) == (failing == 2)
