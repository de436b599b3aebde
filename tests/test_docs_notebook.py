"""The notebooks of the documentation are run, on less text, and hold the results of a run."""

import json

import pytest

from corpora import open_corpus
from tests.conftest import REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "docs" / "notebooks").glob("*.ipynb"))
TEXT = 'text = "pydocs"'
EVERY = 4  # of how many lines one is kept


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def jupyter():
    for name in ("nbclient", "nbformat", "ipykernel", "matplotlib"):
        pytest.importorskip(name)


@pytest.fixture(scope="module")
def less_text(jupyter, tmp_path_factory):
    lines = b"".join(open_corpus("pydocs").blocks()).splitlines(keepends=True)
    path = tmp_path_factory.mktemp("text") / "pydocs.txt"
    path.write_bytes(b"".join(lines[::EVERY]))
    return path


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, less_text):
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    first = code_cells(notebook)[0]
    assert TEXT in first.source
    first.source = first.source.replace(TEXT, f"text = {str(less_text)!r}")
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown = [sorted(output.get("data", {})) for cell in code_cells(notebook) for output in cell.outputs]
    assert shown.count(["image/png", "text/plain"]) == 3
    assert shown.count(["text/html", "text/plain"]) == 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_its_results_and_nothing_of_the_machine(path):
    text = path.read_text("utf-8")
    cells = code_cells(json.loads(text))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell["outputs"] for cell in cells[1:])
    assert not any(output["output_type"] == "error" for cell in cells for output in cell["outputs"])
    assert "site-packages" not in text
    assert " at 0x" not in text
    assert len(text) < 300_000
