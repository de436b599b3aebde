"""The code version of a stage: every source file that it runs, and nothing else."""

import subprocess
import sys

import pytest

from pipelines.running import code_version as module
from pipelines.running.code_version import ROOT, code_version, source_files


def names(stage):
    return {path.relative_to(ROOT).as_posix() for path in source_files(f"pipelines.stages.{stage}")}


@pytest.mark.parametrize(
    ("stage", "needs", "does_without"),
    [
        ("tokenize", "embeddings/text/tokenizer/kernels.py", "embeddings/word2vec/"),
        ("vocabulary", "embeddings/text/vocabulary.py", "corpora/"),
        ("train", "embeddings/word2vec/simd.py", "embeddings/networks/"),
        ("export", "embeddings/formats/glove.py", "embeddings/word2vec/"),
        ("evaluate", "embeddings/evaluation/analogy_kernels.py", "embeddings/networks/"),
        ("train_lm", "embeddings/networks/kernels.py", "embeddings/evaluation/"),
    ],
)
def test_a_stage_depends_on_the_code_that_it_needs(stage, needs, does_without):
    found = names(stage)
    assert needs in found
    assert f"pipelines/stages/{stage}.py" in found
    assert not [name for name in found if name.startswith(does_without)]
    assert "pipelines/console/progress.py" not in found


RUN = """
import sys
from pathlib import Path
from pipelines.settings.config import Given, load_config
from pipelines.stage_lists import embedding_stages
from pipelines.console.progress import LogProgress
from pipelines.running.runner import Runner
options = {"corpus.source": sys.argv[1], "train.dimension": 8, "train.epochs": 1, "train.threads": 1}
config = load_config(None, {name: Given(value, name) for name, value in options.items()})
Runner(Path(sys.argv[2]), embedding_stages(config), LogProgress()).run()
for name, module in sys.modules.items():
    if name.partition(".")[0] in ("corpora", "embeddings") and not module.__file__.endswith("__init__.py"):
        print(module.__file__)
"""


def test_no_module_that_runs_is_missed(tmp_path):
    (tmp_path / "text.txt").write_text("one two three\n" * 50)
    (tmp_path / "work").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", RUN, tmp_path / "text.txt", tmp_path / "work"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.removeprefix(f"{ROOT}/") for line in done.stdout.split()}
    known = set().union(*(names(stage) for stage in ("fetch", "tokenize", "vocabulary", "encode", "train")))
    assert loaded
    assert loaded - known <= {"embeddings/lazy_exports.py"}


def test_an_edit_changes_the_version_of_what_needs_the_file_only(tmp_path, monkeypatch):
    for name, text in {
        "embeddings/__init__.py": "if TYPE_CHECKING:\n    from embeddings.near import thing\n",
        "embeddings/near.py": "thing = 1\n",
        "embeddings/far.py": "other = 1\n",
        "pipelines/stages/one.py": "def run():\n    from embeddings import (\n        thing,  # so\n    )\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(module, "ROOT", tmp_path)

    def version():
        code_version.cache_clear()
        module._imports.cache_clear()
        return code_version("pipelines.stages.one")

    first = version()
    (tmp_path / "embeddings" / "far.py").write_text("other = 2\n")
    assert version() == first
    (tmp_path / "embeddings" / "near.py").write_text("thing = 2\n")
    assert version() != first
    code_version.cache_clear()
    module._imports.cache_clear()
