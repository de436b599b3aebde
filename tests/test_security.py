"""What no file may use, held against the syntax trees; archives, permissions and names of temporary files."""

import ast
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora import CorpusError
from corpora.archives import members
from corpora.catalog import catalog
from embeddings.checkpoint import save_checkpoint
from embeddings.language_model import LanguageModel, LanguageModelConfig
from embeddings.text.vocabulary import Vocabulary
from tools.vulnerabilities import verdict
from vecmill.files import atomic_directory, atomic_file, write_json

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("corpora", "embeddings", "pipelines", "vecmill", "benchmarks")
SOURCES = sorted(path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py"))
FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "telnetlib"}
FORBIDDEN_CALLS = {
    *("eval", "exec", "__import__", "os.system", "os.popen", "tempfile.mktemp", "mktemp", "os.chmod", "os.umask"),
    *("yaml.load", "yaml.full_load", "yaml.unsafe_load", "torch.load", "pd.read_pickle", "pandas.read_pickle"),
    *(
        "joblib.load",
        "joblib.dump",
        "joblib.Memory",
        "xml.etree.ElementTree.parse",
        "subprocess.getoutput",
        "subprocess.getstatusoutput",
        "os.tmpnam",
        "os.mktemp",
    ),
}
FORBIDDEN_METHODS = {"extractall", "to_pickle", "read_pickle", "chmod"}
ONLY_FALSE = {"allow_pickle", "shell", "trust_remote_code"}


def imported_modules(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted_name(node):
    if isinstance(node, ast.Attribute):
        return f"{dotted_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def forbidden(tree):
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = dotted_name(node.func)
        if name in FORBIDDEN_CALLS or ("." in name and name.rpartition(".")[2] in FORBIDDEN_METHODS):
            yield name
        for keyword in node.keywords:
            if keyword.arg in ONLY_FALSE and getattr(keyword.value, "value", None) is not False:
                yield f"{keyword.arg}={ast.unparse(keyword.value)}"
            elif keyword.arg == "verify" and getattr(keyword.value, "value", None) is False and "requests" in name:
                yield "verify=False"
        if name.startswith("subprocess.") and node.args and isinstance(node.args[0], ast.Constant | ast.JoinedStr):
            yield f"{name} of a string"
    imported = set(imported_modules(tree))
    yield from FORBIDDEN_MODULES & {name.split(".")[0] for name in imported}
    yield from FORBIDDEN_CALLS & imported


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_forbidden_calls(path):
    assert not list(forbidden(ast.parse(path.read_text("utf-8"))))


@pytest.mark.parametrize(
    "code",
    [
        "eval('1')",
        "exec(x)",
        "import pickle",
        "from pickle import loads",
        "np.load(p, allow_pickle=flag)",
        "np.load(p, allow_pickle=True)",
        "subprocess.run(c, shell=True)",
        "subprocess.run('ls ' + d)\nsubprocess.run(f'ls {d}')",
        "import os\nos.system('x')",
        "from os import system\nfrom os.path import join\nsystem('x')",
        "joblib.load(p)",
        "from joblib import dump",
        "def f():\n    import dill.source",
        "yaml.load(text)",
        "tempfile.mktemp()",
        "archive.extractall(folder)",
        "frame.to_pickle(path)",
        "path.chmod(0o777)",
        "requests.get(url, verify=False)",
        "torch.load(path)",
    ],
)
def test_the_rules_can_be_broken(code):
    assert list(forbidden(ast.parse(code)))


def test_harmless_code_passes():
    assert not list(forbidden(ast.parse("ast.literal_eval(x)\nnp.load(p, allow_pickle=False)\nre.compile(x)")))
    assert not list(forbidden(ast.parse("yaml.safe_load(x)\nsubprocess.run(['ls', d])\ncorpus.open(d, verify=False)")))


# -------------------------------------------------------------------------------------------------------- archives

SEGMENT = st.sampled_from(["a", "b.txt", "..", ".", "", "C:", "~", "...", "a b", "\0", "nul", "é"])


@settings(max_examples=int(os.environ.get("VECMILL_FUZZ_EXAMPLES", "60")))
@given(st.lists(SEGMENT, min_size=1, max_size=6), st.sampled_from("/\\"), st.booleans())
def test_no_name_in_an_archive_leads_out_of_its_folder(segments, separator, absolute):
    name = separator * absolute + separator.join(segments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.zip")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name or "x"), b"text\n")
        try:
            found = [member for member, _ in members(path, "a.zip")]
        except CorpusError:
            return
        for member in found:
            assert isinstance(member, PurePosixPath)
            inside = Path(os.path.normpath(Path(folder, "in", member)))
            assert inside.is_relative_to(Path(folder, "in"))


# ------------------------------------------------------------------------------------------------------- downloads


@pytest.mark.parametrize("entry", catalog(), ids=lambda entry: entry.name)
def test_every_download_of_the_catalog_has_its_checksum(entry):
    if entry.renewed:  # the archive changes, and no checksum lasts
        assert all(url.startswith("https://") for url in entry.urls)
    elif entry.urls:
        checksum = entry.checksum()
        assert checksum is not None
        assert checksum.source, "who says so?"


# ----------------------------------------------------------------------------------------------------- permissions


def write_everything(folder):
    """Write with every way in the house of writing a file or folder; return all that is there meanwhile and after."""
    with atomic_directory(folder / "directory") as partial:
        (partial / "file").write_text("x")
        seen = [(path, path.stat().st_mode) for path in folder.rglob("*")]
    with atomic_file(folder / "file") as stream:
        stream.write(b"x")
        seen += [(path, path.stat().st_mode) for path in folder.rglob("*")]
    write_json(folder / "file.json", {})
    save_checkpoint(folder / "checkpoint", {"a": np.arange(3)}, {})
    vocabulary = Vocabulary.from_counts({"<unk>": 1, "<eos>": 1, "a": 1})
    LanguageModel(LanguageModelConfig(hidden_size=2), vocabulary, rng=np.random.default_rng(0)).save(
        folder / "language model"
    )
    return seen + [(path, path.stat().st_mode) for path in folder.rglob("*")]


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_what_is_written_has_the_permissions_that_the_user_wants(tmp_path, mask):
    before = os.umask(mask)
    try:
        seen = write_everything(tmp_path)
    finally:
        os.umask(before)
    assert len({path for path, _ in seen}) >= 8
    for path, mode in seen:
        wanted = 0o777 if stat.S_ISDIR(mode) else 0o666
        assert stat.S_IMODE(mode) == wanted & ~mask, path


def test_temporary_files_elsewhere_are_for_nobody_else(tmp_path):
    code = (
        "import os, tempfile; os.umask(0)\n"
        "import vecmill.training, embeddings.count_based.positive_pmi\n"
        "with tempfile.TemporaryDirectory(prefix='vecmill-') as folder: print(oct(os.stat(folder).st_mode & 0o777))"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "0o700"


def test_a_link_that_somebody_laid_in_the_way_is_not_followed(tmp_path):
    """In a folder that others may write to, too, the name of our temporary file can be guessed."""
    (tmp_path / "precious").write_text("do not touch")
    (tmp_path / ".out.partial").symlink_to(tmp_path / "precious")
    with atomic_file(tmp_path / "out") as file:
        file.write(b"ours")
    assert (tmp_path / "out").read_bytes() == b"ours"
    assert not (tmp_path / "out").is_symlink()
    assert (tmp_path / "precious").read_text() == "do not touch"


def test_a_link_in_the_way_of_a_directory_is_not_followed(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis").write_text("do not touch")
    (tmp_path / ".out.partial").symlink_to(tmp_path / "precious")
    with atomic_directory(tmp_path / "out") as partial:
        (partial / "file").write_text("ours")
    assert (tmp_path / "out" / "file").read_text() == "ours"
    assert [path.name for path in (tmp_path / "precious").iterdir()] == ["thesis"]


# ----------------------------------------------------------------------------------------------------------- tools


def test_bandit_finds_nothing():
    if shutil.which("bandit", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("bandit is not installed; it comes with the extra 'lint'")
    command = [sys.executable, "-m", "bandit", "-q", "-c", "pyproject.toml", "-r", *PACKAGES[:4]]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    ("answer", "line", "well"),
    [
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', "none known in 1 packages", True),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}', "a 1: CVE-1", False),
        ('{"dependencies": [{"name": "a", "skip_reason": "unknown"}]}', "not checked", True),
        ("", r"not checked, no answer from the service \(ConnectionError: no route\)", True),
    ],
)
def test_the_audit_says_in_one_line_what_it_could_do(answer, line, well):
    text, found = verdict(1, answer, "Traceback\nConnectionError: no route")
    assert found is well
    assert "\n" not in text
    assert re.search(line, text)
