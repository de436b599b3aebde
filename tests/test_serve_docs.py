"""The curl examples of docs/serve.md run, and answer what the document shows."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from embeddings import Vocabulary, WordVectors
from tests.served_models import serving
from tests.small_language_model import make_model

pytest.importorskip("uvicorn")
pytest.importorskip("msgspec")
pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")

DOCUMENT = (Path(__file__).parents[1] / "docs" / "serve.md").read_text("utf-8")
EXAMPLES = re.findall(r"^\$ (curl .*)\n(.*)$", DOCUMENT, re.MULTILINE)
WORDS = [
    *("coffee", "tea", "bananas", "espresso", "coe", "coulee"),
    *("france", "paris", "germany", "berlin", "vienna"),
    *("violin", "piano", "senator", "a", "cup", "of"),
]


@pytest.fixture(scope="module")
def address():
    from pipelines.service.application import make_application
    from pipelines.service.layouts import Layouts
    from pipelines.service.metrics import Metrics
    from pipelines.service.served import Served, ServedModel

    matrix = np.random.default_rng(0).standard_normal((len(WORDS), 8)).astype(np.float32)
    models = [ServedModel("wiki", WordVectors(Vocabulary.from_words(WORDS), matrix))]
    served = Served(models, make_model(dtype=np.float32), "wiki-lm")
    with serving(make_application(served, Layouts(models, 0), Metrics())) as place:
        yield place


def shape(value):
    """Return names and types of what JSON holds, of lists those of the first item."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


@pytest.mark.parametrize(("command", "answer"), EXAMPLES)
def test_an_example_answers_as_shown(command, answer, address, tmp_path):
    command = command.replace("127.0.0.1:8000", address)
    run = subprocess.run(f"{command} --silent --show-error", shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    if not answer.startswith("{"):
        pa = pytest.importorskip("pyarrow")
        with (tmp_path / "vectors.arrow").open("rb") as file:
            assert pa.ipc.open_stream(file).read_all().num_rows == 1
        return
    got, shown = json.loads(run.stdout), json.loads(answer)
    without = {"unknown"}  # other words are unknown to the small language model
    for name in shown.keys() - without:
        assert shape(got[name]) == shape(shown[name])
    assert got.get("status") == shown.get("status")


def test_all_examples_are_found():
    assert len(EXAMPLES) == DOCUMENT.count("$ curl")
