"""Scripts written for gensim run on vecmill with the imports changed, and on gensim as they are."""

import importlib.util
import re
from operator import attrgetter
from types import ModuleType

import pytest

from tests.conftest import REPOSITORY
from vecmill import gensim

SCRIPTS = sorted((REPOSITORY / "docs" / "examples" / "gensim").glob("*.py"))

pytestmark = pytest.mark.filterwarnings("ignore")


def run(path, package):
    """Run a script with another package in the place of gensim's modules; return what its main function returns."""
    source = path.read_text("utf-8")
    source = re.sub(r"(?m)^from gensim\.(models|utils)(\.\w+)? import", f"from {package} import", source)
    module = ModuleType(path.stem)
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module.main()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_runs_with_the_imports_changed(path, capsys):
    model = run(path, "vecmill.gensim")
    assert type(model).__module__.startswith("vecmill.gensim")
    printed = capsys.readouterr().out
    assert "like " in printed and "nan" not in printed


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_it_is_a_script_of_gensim(path):
    """Every name that it imports is one of gensim's."""
    if importlib.util.find_spec("gensim") is None:
        pytest.skip("needs gensim: extra interop")
    for package, names in re.findall(r"(?m)^from (gensim[\w.]*) import (.+)$", path.read_text("utf-8")):
        module = importlib.import_module(package)
        assert all(hasattr(module, name) for name in names.split(", "))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_longer_names_are_the_same_things(path):
    """gensim.models.word2vec.LineSentence is found below vecmill.gensim, too, as import and as attribute."""
    for package, names in re.findall(r"(?m)^from (gensim[\w.]*) import (.+)$", path.read_text("utf-8")):
        module = importlib.import_module(f"vecmill.{package}")
        for name in names.split(", "):
            assert getattr(module, name) is getattr(gensim, name)
            assert getattr(attrgetter(package.removeprefix("gensim."))(gensim), name) is getattr(gensim, name)
