"""One way to compile kernels, and no stale machine code."""

import ast
import importlib
import logging
import os
import sys
import tempfile
from pathlib import Path

import pytest
from numba import config

from embeddings import compilation

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
