"""Packages of other distributions, and files of the user, in the place of vecmill's."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ["corpora", "embeddings", "pipelines", "vecmill"]
USES = ["import vecmill; vecmill.WordVectors", "import vecmill.__main__ as command; command.main()"]


def run(code, folder, *path):
    """Run Python in a folder, with `path` before what is installed; return its last line on stderr."""
    program = (
        f"import sys; sys.path[1:1] = {[str(place) for place in path]!r}; sys.argv = ['vecmill', '--version']; {code}"
    )
    command = [sys.executable, "-S", "-c", program]  # without site-packages: an editable vecmill may be there
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={})
    assert done.returncode == 1, done.stdout
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory):
    """A copy of the packages, as they are installed."""
    place = tmp_path_factory.mktemp("installed") / "site-packages"
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / package, place / package, ignore=ignored)
    return place


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("package", PACKAGES[:3])
def test_a_file_of_the_user(package, use, tmp_path):
    (tmp_path / f"{package}.py").write_text("x = 1\n")
    told = run(use, tmp_path, REPOSITORY)
    expected = f"{tmp_path / package}.py shadows vecmill's package {package}; rename it or move it away"
    assert expected in told


@pytest.mark.parametrize("use", USES)
def test_another_distribution_elsewhere(use, tmp_path):
    other = tmp_path / "other" / "embeddings"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("from nowhere import nothing\n")
    told = run(use, tmp_path, tmp_path / "other", REPOSITORY)
    assert f"{other / '__init__.py'} shadows vecmill's package embeddings" in told
    assert "pip uninstall embeddings" in told


def test_another_distribution_installed_over_ours_and_uninstalled(site_packages, tmp_path):
    shutil.copytree(site_packages, tmp_path / "site-packages")
    initial = tmp_path / "site-packages" / "embeddings" / "__init__.py"
    initial.write_text('"""Embeddings of another project."""\n')
    told = run(USES[0], tmp_path, tmp_path / "site-packages")
    assert f"{initial} is of another distribution, installed over vecmill" in told
    assert "pip uninstall embeddings" in told
    initial.unlink()
    told = run(USES[1], tmp_path, tmp_path / "site-packages")
    assert told.startswith(f"error: {initial} is missing")
    assert "pip install --force-reinstall --no-deps vecmill" in told


def test_what_is_installed_is_not_refused(site_packages, tmp_path):
    program = (
        f"import sys; sys.path.insert(1, {str(site_packages)!r}); import vecmill; print(vecmill.WordVectors.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "embeddings.vectors.word_vectors\n", done.stderr
