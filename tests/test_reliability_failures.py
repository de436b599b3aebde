"""Files that grow too large, damaged files, clocks that jump, rights that are missing: really caused, then put right.

After each of them the same command, given again, ends with what an undisturbed run has made.
"""

import contextlib
import hashlib
import importlib
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import zipf
from embeddings.language_model.model_files import LANGUAGE_MODEL_FILES
from tests.command_line import vecmill

TOO_LARGE = r"\S+ would be larger than a file may be; raise that limit \(ulimit -f\) and repeat the command to resume"
REPOSITORY = Path(__file__).resolve().parents[1]
SETTINGS = """
[corpus]
source = "text.txt"
[vocabulary]
min_count = 1
[train]
dimension = 16
epochs = 2
threads = 1
[evaluate]
data = ["similar.txt"]
[export]
formats = ["word2vec-text"]
[lm]
max_vocabulary = 50
[lm_network]
hidden_size = 8
[lm_training]
epochs = 1
"""
STAGES = {
    "fetch": "fetch.FetchStage",
    "tokenize": "tokenize.TokenizeStage",
    "split": "split.SplitStage",
    "vocabulary": "vocabulary.VocabularyStage",
    "encode": "encode.EncodeStage",
    "train-embeddings": "train.TrainEmbeddingsStage",
    "evaluate": "evaluate.EvaluateStage",
    "export": "export.ExportStage",
    "train-lm": "train_lm.TrainLMStage",
}
RESULTS = ("train-embeddings/vectors.npy", "train-embeddings/vocabulary.tsv", "train-lm/model.safetensors")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a text, an evaluation set and settings, which is the current one."""
    monkeypatch.chdir(tmp_path)
    zipf.write(tmp_path / "text.txt", 0.03, types=200, seed=5)
    (tmp_path / "similar.txt").write_text(
        "".join(f"ba\t{word}\t{score}\n" for score, word in enumerate(["be", "bi", "bo"]))
    )
    (tmp_path / "pipeline.toml").write_text(SETTINGS)
    return tmp_path


def run(*options):
    return vecmill("run", "pipeline.toml", "--out", "run", *options)


def results(directory):
    return {name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in RESULTS}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What an undisturbed run makes."""
    with pytest.MonkeyPatch.context() as patch:
        made = folder.__wrapped__(tmp_path_factory.mktemp("undisturbed"), patch)
        result = run()
        assert result.exit_code == 0, result.output
        return made / "run", results(made / "run")


@contextlib.contextmanager
def files_up_to(size):
    """Let no file of this process grow beyond `size` bytes: a write stops in the middle, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def within(stage, context):
    """Return a method for a stage's class that runs it within a context."""
    module, name = STAGES[stage].split(".")
    kind = getattr(importlib.import_module(f"pipelines.stages.{module}"), name)
    original = kind.run

    def limited(self, directory, stage_context):
        with context(directory, stage_context):
            return original(self, directory, stage_context)

    return kind, limited


def finish(expected_results):
    result = run()
    assert result.exit_code == 0, result.output
    assert results(Path("run")) == expected_results
    assert not [path for path in Path("run").rglob("*") if path.suffix == ".partial" or "checkpoint" in path.name]
    return result.output


def fails_with_one_line(result, pattern):
    errors = [line for line in result.stderr.splitlines() if "error" in line]
    assert result.exit_code == 1, result.output
    assert len(errors) == 1, result.stderr
    assert re.search(pattern, errors[0]), errors[0]
    assert "unexpected" not in result.stderr
    assert "Traceback" not in result.output


# --------------------------------------------------------------------------------------------- limit on size of files


@pytest.mark.parametrize("stage", STAGES)
def test_a_file_that_is_too_large_at_any_stage(folder, expected, monkeypatch, stage):
    kind, limited = within(stage, lambda *_: files_up_to(10))
    with monkeypatch.context() as patch:
        patch.setattr(kind, "run", limited)
        result = run()
    fails_with_one_line(result, TOO_LARGE)
    finished = list(STAGES)[: list(STAGES).index(stage)]
    finished = (
        [] if finished == ["fetch"] else finished
    )  # a text that is there is not fetched: nothing is worth keeping
    assert Path("run").exists() == bool(finished)
    assert sorted(path.name for path in Path("run").glob("[!.]*") if path.is_dir()) == sorted(finished)
    output = finish(expected[1])
    assert [name for name in finished if f"{name}: unchanged, skipped" not in output] == []


def test_a_checkpoint_that_is_too_large(folder, expected, monkeypatch):
    @contextlib.contextmanager
    def while_saving(directory, context):
        from embeddings import training

        original = training.save_checkpoint

        def save(*arguments):
            with files_up_to(1000):
                original(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(training, "save_checkpoint", save)
            yield

    kind, limited = within("train-embeddings", while_saving)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "run", limited)
        fails_with_one_line(run(), TOO_LARGE)
    finish(expected[1])


def test_a_record_of_a_stage_that_is_too_large(folder, expected, monkeypatch):
    from pipelines.running.manifest import Manifest

    original = Manifest.write

    def write(self, directory):
        with files_up_to(10):
            original(self, directory)

    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "write", write)
        fails_with_one_line(run(), TOO_LARGE)
    finish(expected[1])


# ----------------------------------------------------------------------------------------------------------- rights


@pytest.fixture
def rights():
    """Skip where rights mean nothing, as for the superuser; `test_rights_without_privileges` runs these without any."""
    if os.geteuid() == 0 and not os.environ.get("VECMILL_TEST_RIGHTS"):
        pytest.skip("the superuser may do everything")


def test_an_output_in_a_place_that_may_not_be_written(folder, rights):
    Path("locked").mkdir(mode=0o500)
    fails_with_one_line(vecmill("run", "pipeline.toml", "--out", "locked/run"), "cannot write locked/run: Permission")
    command = ("train-embeddings", "text.txt", "--out", "locked/vectors")
    fails_with_one_line(vecmill(*command), "cannot write locked/vectors: Permission denied")


def test_smaller_vectors_in_a_place_that_may_not_be_written(folder, rights, expected, monkeypatch):
    Path("locked").mkdir(mode=0o500)
    monkeypatch.setattr("embeddings.vectors.small_vectors.make_smaller", lambda *_, **__: pytest.fail("too late"))
    for option, out in (("--quantize=int8", "locked/small"), ("--prefix=2", "locked/small.txt")):
        for command in (("export", "--out"), ("convert",)):
            result = vecmill(command[0], expected[0] / "train-embeddings", *command[1:], out, option)
            fails_with_one_line(result, f"cannot write {out}: Permission denied")


def test_an_output_that_became_read_only(folder, rights, expected):
    shutil.copytree(expected[0], "run")
    Path("pipeline.toml").write_text(SETTINGS.replace("dimension = 16", "dimension = 17"))
    Path("run").chmod(0o500)
    try:
        fails_with_one_line(run(), "run.*: Permission denied")
    finally:
        Path("run").chmod(0o700)
    assert results(Path("run")) == expected[1]


def test_text_that_may_not_be_read(folder, rights):
    Path("text.txt").chmod(0)
    fails_with_one_line(run(), r"text\.txt.*Permission denied")
    assert not Path("run/tokenize").exists()


@pytest.mark.parametrize("name", LANGUAGE_MODEL_FILES)
def test_a_language_model_that_may_not_be_read(folder, rights, expected, name):
    shutil.copytree(expected[0] / "train-lm", "lm")
    Path("lm", name).chmod(0)
    fails_with_one_line(vecmill("generate", "lm"), rf"cannot read .*lm/{name}: Permission denied")


@pytest.mark.skipif(os.geteuid() != 0, reason="the tests of rights run by themselves")
def test_rights_without_privileges(tmp_path):
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv, of util-linux")
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", "--"]
    command = [
        *drop,
        sys.executable,
        "-m",
        "pytest",
        "-q",
        __file__,
        "-k",
        "may_not or read_only",
        f"--basetemp={tmp_path}/t",
    ]
    environment = {**os.environ, "VECMILL_TEST_RIGHTS": "1", "PYTEST_ADDOPTS": ""}
    run = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-2000:]


# ----------------------------------------------------------------------------------------------------------- damage


def damaged(path, how):
    content = bytearray(path.read_bytes())
    path.unlink()  # it may be mapped into memory, or linked to the undisturbed run
    if how == "flipped":
        content[len(content) // 2] ^= 0x10
    if how != "missing":
        path.write_bytes(content[: len(content) // 2] if how == "cut" else content)


DAMAGED = ["encode/train-ids-0.npy", "encode/train-offsets-0.npy", "encode/encoded.json", "vocabulary/vocabulary.tsv"]


@pytest.mark.parametrize("how", ["flipped", "cut", "missing"])
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_of_a_finished_stage_is_named_and_made_again(folder, expected, name, how):
    shutil.copytree(expected[0], "run")
    shutil.rmtree("run/train-embeddings")  # which reads all of these
    damaged(Path("run", name), how)
    output = finish(expected[1])
    assert Path(name).name in output
    assert f"{Path(name).parent}: running again" in output


@pytest.mark.parametrize("how", ["flipped", "cut", "missing"])
@pytest.mark.parametrize(
    "name", ["train-embeddings/vectors.npy", "train-lm/model.safetensors", "train-lm/vocabulary.tsv"]
)
def test_a_damaged_file_of_a_model_is_named_and_the_model_trained_again(folder, expected, name, how):
    shutil.copytree(expected[0], "run")
    damaged(Path("run", name), how)
    output = finish(expected[1])
    assert f"{Path(name).parent}: running again: {Path(name).name} is" in output


@pytest.mark.parametrize("how", ["cut", "missing"])
def test_a_damaged_record_of_a_stage_is_named_and_the_stage_made_again(folder, expected, how):
    shutil.copytree(expected[0], "run")
    damaged(Path("run/encode/manifest.json"), how)
    assert re.search(r"encode: running again: .*manifest\.json: ", finish(expected[1]))


def interrupt_training(monkeypatch):
    """Run until the middle of the training of word vectors; return the files of its checkpoint."""
    from embeddings.word2vec import Word2Vec

    original = Word2Vec.fit

    def fit(self, *arguments, **options):
        def stop(progress):
            if progress.done > 0.5 * progress.total:
                raise KeyboardInterrupt

        return original(self, *arguments, **options | {"progress": stop})

    with monkeypatch.context() as patch:
        patch.setattr(Word2Vec, "fit", fit)
        assert run().exit_code == 130
    (directory,) = Path("run").glob(".train-embeddings.checkpoint-*")
    return sorted(path for path in directory.rglob("*") if path.is_file())


@pytest.mark.parametrize("how", ["flipped", "cut", "missing"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_damaged_checkpoint_is_named_and_skipped(folder, expected, monkeypatch, number, how):
    files = interrupt_training(monkeypatch)
    assert len(files) == 3
    damaged(files[number], how)
    output = finish(expected[1])
    assert "is damaged and skipped" in output
    assert files[number].name in output


def test_a_whole_checkpoint_is_gone_on_with(folder, expected, monkeypatch):
    interrupt_training(monkeypatch)
    assert "resuming after epoch" in finish(expected[1])


# ------------------------------------------------------------------------------------------------------------ clock


def test_a_clock_that_jumps_back(folder, expected, monkeypatch):
    """By an hour whenever anybody looks; the text is from the future, too."""
    true_time, jumps = time.time, iter(range(10**9))
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: true_time() - 3600 * next(jumps))
        os.utime("text.txt", (true_time() + 1e6, true_time() + 1e6))
        finish(expected[1])
        assert "train-lm: unchanged, skipped" in finish(expected[1])
    text = Path("text.txt")
    status = text.stat()
    content = text.read_bytes()
    text.write_bytes(content.replace(b"ba", b"zz"))
    os.utime(text, ns=(status.st_atime_ns, status.st_mtime_ns))  # as if it had not been touched
    assert run().exit_code == 0
    assert results(Path("run")) != expected[1], (
        "a text of the same size and date, but other words, was taken for the old one"
    )


# ------------------------------------------------------------------------------------------------- several processes

HOLD = """
import sys, time
from pathlib import Path
from pipelines.running.run_directory import RunDirectory
with RunDirectory(Path("run")) as directory:
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_refused_by_pid_and_the_lock_of_a_killed_one_is_void(folder, expected):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        fails_with_one_line(run(), f"run is being written by process {holder.pid} on .*; wait until it has ended")
        holder.kill()
    assert f"process {holder.pid} on" in finish(expected[1])
