"""Scripts written for gensim run on vecmill with the imports changed, and on gensim as they are."""

import importlib.util
import re
from types import ModuleType

import pytest

from tests.conftest import REPOSITORY

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
