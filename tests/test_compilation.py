"""One way to compile kernels, and no stale machine code."""

import ast
import importlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock
from numba import config

from embeddings import compilation, compile_ahead

ROOT = Path(compilation.__file__).parents[1]
SOURCES = [path for package in ("corpora", "embeddings", "pipelines") for path in (ROOT / package).rglob("*.py")]
DECORATORS = {"jit", "njit", "vectorize", "guvectorize", "cfunc", "stencil", "jit_module"}

HELPER = """
from embeddings.compilation import inlined

@inlined
def step(x):
    return x + {step}
"""
KERNEL = """
from embeddings.compilation import compiled
from helper import step

@compiled
def kernel(x):
    return 10 * step(x)
"""

needs_compiler = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled")


def trees():
    return {path: ast.parse(path.read_text("utf-8")) for path in SOURCES}


def test_every_kernel_is_compiled_by_the_decorators_of_one_module():
    found = set()
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("numba"):
                names = {alias.name for alias in node.names}
            else:
                names = {node.attr} if isinstance(node, ast.Attribute) else set()
            if names & DECORATORS:
                found.add(path.relative_to(ROOT).as_posix())
    assert found == {"embeddings/compilation.py"}


def test_kernels_use_names_of_kernel_modules_only():
    """Else the code that is compiled into them would not be watched."""
    decorators = {"compiled", "exact", "inlined", "subroutine"}
    for path, tree in trees().items():
        imported = {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("embeddings")
            for alias in node.names
        }
        kernels = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and decorators & {ast.unparse(d) for d in node.decorator_list}
        ]
        used = {name.id for kernel in kernels for name in ast.walk(kernel) if isinstance(name, ast.Name)}
        for name in used & imported.keys() - decorators:
            place = ROOT / f"{imported[name].replace('.', '/')}.py"
            source = place if place.exists() else place.parent.with_suffix(".py")
            assert b"embeddings.compilation" in source.read_bytes(), f"{path}: {name}"


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A package of one kernel and its helper; the function returns the kernel as a new process would see it."""
    monkeypatch.setattr(compilation, "_PACKAGE", tmp_path)
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    compilation._warn_once.cache_clear()
    compilation._temporary_directory.cache_clear()
    (tmp_path / "kernel.py").write_text(KERNEL)
    (tmp_path / "helper.py").write_text(HELPER.format(step=1))

    def load():
        compilation.kernel_sources_digest.cache_clear()
        for name in ("helper", "kernel"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return importlib.import_module("kernel").kernel

    yield load
    compilation.kernel_sources_digest.cache_clear()
    compilation._temporary_directory.cache_clear()
    for name in ("helper", "kernel"):
        sys.modules.pop(name, None)


def hits(kernel):
    return sum(kernel.stats.cache_hits.values())


@needs_compiler
def test_a_change_of_an_inlined_helper_compiles_the_kernel_again(tiny, tmp_path):
    assert tiny()(1) == 20
    again = tiny()
    assert (again(1), hits(again)) == (20, 1)
    (tmp_path / "helper.py").write_text(HELPER.format(step=5))
    changed = tiny()
    assert (changed(1), hits(changed)) == (60, 0)


@needs_compiler
def test_another_time_of_change_and_the_same_contents_find_the_cache(tiny, tmp_path):
    tiny()(1)
    os.utime(tmp_path / "helper.py", (1, 1))
    os.utime(tmp_path / "kernel.py", (1, 1))
    kernel = tiny()
    assert (kernel(1), hits(kernel)) == (20, 1)


@needs_compiler
def test_sources_are_not_read_before_a_kernel_is_called(tiny):
    kernel = tiny()
    assert compilation.kernel_sources_digest.cache_info().currsize == 0
    kernel(1)
    assert compilation.kernel_sources_digest.cache_info().currsize == 1


@needs_compiler
def test_processes_that_need_the_same_kernel_compile_it_once(tiny, tmp_path):
    """As many processes as began at the same time: all have the result, one has compiled."""
    tiny()
    program = f"""
import sys
sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]
from pathlib import Path
from embeddings import compilation
compilation._PACKAGE = Path({str(tmp_path)!r})
from kernel import kernel
sys.stdin.readline()
print(kernel(1), sum(kernel.stats.cache_hits.values()))
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")},
        )
        for _ in range(3)
    ]
    for process in processes:
        process.stdin.write("begin\n")
        process.stdin.flush()
    answers = sorted(process.communicate()[0].split() for process in processes)
    assert answers == [["20", "0"], ["20", "1"], ["20", "1"]]


@needs_compiler
def test_a_process_that_never_ends_its_compilation_stops_no_other(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(compilation, "_LONGEST_WAIT", 0.01)
    kernel = tiny()
    place = compilation.cache_directory(kernel)
    with FileLock(place / f"{kernel._cache._cache._impl.filename_base}.lock"):
        assert kernel(1) == 20
    assert compilation.is_compiled(kernel)


@needs_compiler
@pytest.mark.parametrize("model", ["cbow", "gru"])
def test_a_second_process_compiles_all_kernels_of_a_training(model, tmp_path):
    """A training after it finds every kernel in the cache; once more there is nothing to compile."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    main = f"from embeddings.compile_ahead import main; main({model!r}, {str(tmp_path / 'lock')!r})"
    subprocess.run([sys.executable, "-c", main], check=True, cwd=ROOT, env=environment)
    training = """
import json, sys
from numba.core import event
import vecmill
from embeddings import compile_ahead
compiled = []
class Listener(event.Listener):
    def on_start(self, event):
        compiled.append(event.data["dispatcher"].py_func.__module__)
    def on_end(self, event):
        pass
event.register("numba:compile", Listener())
compile_ahead._PROGRAM = "raise SystemExit('nothing to compile')"
lines = ["a b c d", "b c a"] * 100
if sys.argv[1] == "cbow":
    for settings in ({}, {"deterministic": True}, {"architecture": "skip-gram", "window": 3, "negative": 2}):
        vecmill.train(lines, **{"architecture": "cbow", "dimension": 24, "epochs": 1, **settings})
else:
    vecmill.train_language_model(lines, cell="gru", hidden_size=24, epochs=1)
print(json.dumps(compiled))
"""
    result = subprocess.run(
        [sys.executable, "-c", training, model], check=True, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    compiled = json.loads(result.stdout)
    assert "embeddings.text.tokenizer.kernels" in compiled
    ahead = "embeddings.networks" if model == "gru" else "embeddings.text.encoding_kernels"
    assert [name for name in compiled if name.startswith(("embeddings.word2vec", ahead))] == []


def test_a_log_tells_that_kernels_are_compiled(monkeypatch, caplog):
    """It was silent for seconds at the first training on a machine."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(compile_ahead, "thread_count", lambda threads: 1)
    for compiled, told in ((True, 0), (False, 1)):
        monkeypatch.setattr(compile_ahead, "is_compiled", lambda kernel, compiled=compiled: compiled)
        compile_ahead.compile_ahead("cbow")
        assert caplog.text.count("compiling the kernels of cbow, once on this machine") == told


def test_nothing_is_compiled_ahead_with_one_processor_or_twice(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda *arguments, **_: started.append(arguments))
    monkeypatch.setattr(compile_ahead, "is_compiled", lambda kernel: False)
    monkeypatch.setattr(compile_ahead, "cache_directory", lambda kernel: tmp_path)
    monkeypatch.setattr(compile_ahead, "thread_count", lambda threads: 1)
    compile_ahead.compile_ahead("skip-gram")
    monkeypatch.setattr(compile_ahead, "thread_count", lambda threads: 2)
    monkeypatch.setattr(sys, "executable", "/usr/bin/another-program")
    compile_ahead.compile_ahead("skip-gram")
    monkeypatch.undo()
    monkeypatch.setattr(subprocess, "Popen", lambda *arguments, **_: started.append(arguments))
    monkeypatch.setattr(compile_ahead, "is_compiled", lambda kernel: True)
    compile_ahead.compile_ahead("skip-gram")
    assert started == []


@pytest.fixture
def nothing_writable(tmp_path, monkeypatch):
    """Regular files where the directories of the cache belong: not even root can write there."""
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    (tmp_path / "__pycache__").write_text("")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(config, "CACHE_DIR", str(blocked))
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(blocked))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


@needs_compiler
def test_where_no_lasting_directory_can_be_written_a_temporary_one_is_used(tiny, nothing_writable, tmp_path, caplog):
    assert tiny()(1) == 20
    kernel = tiny()
    assert (kernel(1), hits(kernel)) == (20, 1)
    assert Path(kernel.stats.cache_path).is_relative_to(tmp_path / "temporary")
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.WARNING
    assert "NUMBA_CACHE_DIR" in caplog.text
    assert str(tmp_path / "temporary") in caplog.text


@needs_compiler
def test_for_a_user_without_a_home_no_folder_named_after_it_is_made(tiny, nothing_writable, tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "~")  # what ~ is where nobody knows the user
    monkeypatch.chdir(tmp_path)
    kernel = tiny()
    assert kernel(1) == 20
    assert Path(kernel.stats.cache_path).is_relative_to(tmp_path / "temporary")
    assert not list(tmp_path.glob("~*"))


@needs_compiler
def test_without_any_directory_kernels_are_compiled_and_not_kept(tiny, nothing_writable, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "blocked"))
    assert tiny()(1) == 20
    assert tiny()(1) == 20
    assert len(caplog.records) == 1
    assert "NUMBA_CACHE_DIR" in caplog.text


@needs_compiler
def test_a_full_disk_costs_a_warning_only(tiny, caplog, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compilation.IndexDataCacheFile, "save", fail)
    assert tiny()(1) == 20
    assert "No space left on device" in caplog.text


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="temporary files belong to the user")
def test_a_temporary_directory_that_others_can_write_to_is_not_used(tiny, nothing_writable, tmp_path):
    shared = tmp_path / "temporary" / f"vecmill-kernels-{os.getuid()}"
    shared.mkdir()
    shared.chmod(0o777)
    assert compilation._temporary_directory() != shared
    assert compilation._temporary_directory().stat().st_mode & 0o077 == 0
