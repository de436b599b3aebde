"""The code version of a stage: every source file that it runs, and nothing else."""

import importlib
import subprocess
import sys

import pytest

from pipelines.running import source_imports
from pipelines.running.code_version import code_version, source_files
from pipelines.running.source_imports import ROOT, Import, imports, modules_of
from pipelines.running.stage import Stage
from vecmill.errors import VecmillError


def names(stage):
    return {path.relative_to(ROOT).as_posix() for path in source_files(f"pipelines.stages.{stage}").values()}


@pytest.mark.parametrize(
    ("stage", "needs", "does_without"),
    [
        ("fetch", "corpora/download.py", "embeddings/"),
        ("tokenize", "embeddings/text/tokenizer/kernels.py", "embeddings/word2vec/"),
        ("phrases", "embeddings/text/phrase_kernels.py", "embeddings/word2vec/"),
        ("vocabulary", "embeddings/text/vocabulary.py", "embeddings/formats/"),
        ("train", "embeddings/simd.py", "embeddings/formats/"),
        ("train", "pipelines/stages/initial_vectors.py", "embeddings/networks/"),
        ("count_based", "embeddings/count_based/cooccurrence_kernels.py", "embeddings/networks/"),
        ("cooccurrences", "embeddings/count_based/cooccurrence_kernels.py", "embeddings/networks/"),
        ("glove", "embeddings/glove/kernels.py", "embeddings/networks/"),
        ("documents", "embeddings/word2vec/document_architectures.py", "embeddings/networks/"),
        ("export", "embeddings/formats/glove.py", "embeddings/word2vec/"),
        ("evaluate", "embeddings/evaluation/analogy_kernels.py", "embeddings/networks/"),
        ("evaluate", "pipelines/stages/evaluation_sets.py", "embeddings/formats/"),
        ("train_lm", "embeddings/networks/kernels.py", "embeddings/formats/"),
        ("probe", "embeddings/evaluation/probing/tasks.py", "pipelines/reports/"),
        ("probe_report", "pipelines/reports/probe_report.py", "pipelines/commands/"),
        ("report", "pipelines/reports/run_report.py", "pipelines/commands/"),
    ],
)
def test_a_stage_depends_on_the_code_that_it_needs(stage, needs, does_without):
    found = names(stage)
    assert needs in found
    assert not [name for name in found if name.startswith(does_without)]


def stages():
    """Return the modules of `pipelines.stages` in which a stage is defined."""
    modules = map(importlib.import_module, modules_of("pipelines.stages"))
    return sorted({kind.__module__ for module in modules for kind in vars(module).values() if is_stage(kind)})


def is_stage(kind):
    return isinstance(kind, type) and issubclass(kind, Stage) and kind is not Stage


@pytest.mark.parametrize("module", stages())
def test_every_stage_has_a_version_of_its_own(module):
    found = {path.relative_to(ROOT).as_posix() for path in source_files(module).values()}
    assert f"{module.replace('.', '/')}.py" in found
    assert len(found) > 3
    assert not [
        name for name in found if name.startswith(("pipelines/console", "pipelines/running", "pipelines/settings"))
    ]
    assert [code_version(other) for other in stages()].count(code_version(module)) == 1


RUN = """
import sys
from pathlib import Path
import pipelines.settings.run_config
of_settings = set(sys.modules)  # dataclasses of the library: their values are settings of the stages
from pipelines.settings.config import Setting, load_config
from pipelines.stage_lists import embedding_stages
from pipelines.console.progress import LogProgress
from pipelines.running.runner import Runner
options = {"corpus.source": sys.argv[1], "train.dimension": 8, "train.epochs": 1, "train.threads": 1}
config = load_config(None, {name: Setting(value, name) for name, value in options.items()})
Runner(Path(sys.argv[2]), embedding_stages(config), LogProgress()).run()
for name in sys.modules.keys() - of_settings:
    file = sys.modules[name].__file__ if name.partition(".")[0] in ("corpora", "embeddings", "vecmill") else ""
    if file and not file.endswith("__init__.py"):
        print(file)
"""


SETTINGS_ONLY = {"embeddings/language_model/config.py", "embeddings/language_model/training_config.py"}
"""Read with all other settings, whether a language model is asked for or not."""


NO_RESULTS = {"embeddings/compile_ahead.py", "vecmill/python_process.py", "vecmill/visible.py"}
"""A cache of machine code, the process that fills it, and what a terminal shows."""


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
    assert loaded - known <= {*SETTINGS_ONLY, *NO_RESULTS}


# --------------------------------------------------------------------------------------------------- small projects


def forget():
    for function in (code_version, imports, source_imports.source_file, source_imports._reexports):
        function.cache_clear()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A function that writes files into a folder, which is taken for the project."""

    def write(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        forget()

    monkeypatch.setattr(source_imports, "ROOT", tmp_path)
    yield write
    forget()


def test_an_edit_changes_the_version_of_what_needs_the_file_only(project):
    files = {
        "embeddings/__init__.py": "import lazy_loader\n",
        "embeddings/__init__.pyi": "from .near import thing as thing\nfrom .far import other as other\n",
        "embeddings/near.py": "thing = 1\n",
        "embeddings/far.py": "other = 1\n",
        "pipelines/stages/__init__.py": "",
        "pipelines/stages/one.py": "def run():\n    from embeddings import (\n        thing,  # so\n    )\n",
    }

    def version(**edits):
        project(files | {f"embeddings/{name}.py": text for name, text in edits.items()})
        return code_version("pipelines.stages.one")

    assert version() == version(far="other = 2\n") != version(near="thing = 2\n")


def test_an_edit_to_a_format_trains_nothing_again(monkeypatch):
    read = type(ROOT).read_bytes
    first = {
        stage: code_version(f"pipelines.stages.{stage}") for stage in ("vocabulary", "train", "train_lm", "export")
    }
    forget()
    edited = lambda path: read(path) + b"# edited" if path.name == "glove.py" else read(path)  # noqa: E731
    monkeypatch.setattr(type(ROOT), "read_bytes", edited)
    changed = {stage for stage in first if code_version(f"pipelines.stages.{stage}") != first[stage]}
    forget()
    assert changed == {"export"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import embeddings.near", {("embeddings.near", "")}),
        ("from embeddings import near as n", {("embeddings.near", "")}),
        ("from embeddings import thing", {("embeddings.near", "thing")}),
        ("from embeddings.inner import thing", {("embeddings.near", "thing")}),
        ("from embeddings.inner import own", {("embeddings.inner", "own")}),
        ("import embeddings", {("embeddings", "")}),
        ("from .near import thing", {("embeddings.near", "thing")}),
        ("from . import near", {("embeddings.near", "")}),
        ("def f():\n    try:\n        import embeddings.near\n    finally:\n        pass", {("embeddings.near", "")}),
        ("match 1:\n    case 1:\n        import embeddings.near", {("embeddings.near", "")}),
        ("import importlib\nimportlib.import_module(f'embeddings.inner.{1}')", {("embeddings.inner", "*")}),
        ("if TYPE_CHECKING:\n    import embeddings.near\nelse:\n    import embeddings.far", {("embeddings.far", "")}),
        ("import typing\nif typing.TYPE_CHECKING:\n    import embeddings.near", set()),
        ("import numpy\nfrom numpy import array", set()),
        ('"""\nimport embeddings.near\n"""', set()),
    ],
)
def test_imports_are_found_in_all_their_forms(project, code, expected):
    project(
        {
            "embeddings/__init__.py": "",
            "embeddings/__init__.pyi": "from .inner import thing as thing\n",
            "embeddings/near.py": "thing = 1\n",
            "embeddings/far.py": "",
            "embeddings/inner/__init__.py": "from embeddings.near import thing\nown = 1\n",
            "embeddings/it.py": code,
        }
    )
    assert imports("embeddings.it") == {Import(*entry) for entry in expected}


def test_all_modules_of_a_package_count_that_is_imported_as_a_whole(project):
    files = {
        "embeddings/__init__.py": "",
        "embeddings/a.py": "",
        "embeddings/b/__init__.py": "",
        "embeddings/b/c.py": "",
    }
    project(files | {"pipelines/stages/one.py": "import embeddings\n"})
    assert list(source_files("pipelines.stages.one")) == [
        *("embeddings", "embeddings.a", "embeddings.b", "embeddings.b.c"),
        "pipelines.stages.one",
    ]


def test_a_stage_in_a_package_of_the_users_own(tmp_path, monkeypatch):
    package = tmp_path / "mine"
    package.mkdir()
    for name, text in {"__init__": "", "words": "import embeddings.errors\n", "unused": "", "count": ""}.items():
        (package / f"{name}.py").write_text(text)
    (package / "count.py").write_text("from mine.words import words\nfrom pipelines.running.stage import Stage\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("mine")
    try:
        found = list(source_files("mine.count"))
        assert found == ["embeddings.errors", "mine.count", "mine.words", "vecmill.errors"]
        first = code_version("mine.count")
        (package / "words.py").write_text("words = 2\n")
        forget()
        assert code_version("mine.count") != first
    finally:
        del sys.modules["mine"]
        forget()


def test_a_stage_without_a_source_file_is_refused():
    with pytest.raises(VecmillError, match="nowhere has no source file"):
        source_files("nowhere")
