"""The examples of the documentation are run, and must reach the results that they promise."""

import ast
import importlib.util
import re
import sys
import tomllib

import numpy as np
import pytest

from tests.conftest import REPOSITORY

EXAMPLES = REPOSITORY / "docs" / "examples"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
OWN = ("vecmill", "corpora", "embeddings", "pipelines")


def example(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "least"), [("many_to_one", 0.9), ("tagging", 0.95), ("one_to_many", 0.9), ("encoder_decoder", 0.9)]
)
def test_examples_reach_their_accuracy(name, least, capsys):
    right = example(name).main()
    assert right >= least
    assert f"{right:.1%} of" in capsys.readouterr().out


@pytest.mark.parametrize("sklearn", [True, False])
def test_documents_are_classified_with_and_without_scikit_learn(sklearn, monkeypatch, capsys):
    if sklearn:
        pytest.importorskip("sklearn")
    else:
        monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    assert example("documents").main() >= 0.9
    assert "held out" in capsys.readouterr().out


def test_reviews_are_classified_beside_tf_idf(shared_data, monkeypatch, capsys):
    pytest.importorskip("sklearn")
    monkeypatch.setattr("nltk.data.path", [str(shared_data / "nltk_data")])
    found = example("classify_reviews").main(labelled=(400,), splits=1, epochs=2)
    assert all(accuracy > 0.6 for (accuracy,) in found.values())
    assert "word vectors" in capsys.readouterr().out


def guarded(tree):
    """The imports of a module that stand in a try, whose handler raises or has another way."""
    return {node for part in ast.walk(tree) if isinstance(part, ast.Try) for node in ast.walk(part)}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_fails_at_once_if_a_package_is_missing_and_writes_over_nothing(path):
    tree = ast.parse(path.read_text("utf-8"))
    required = {re.match(r"[\w-]+", entry)[0].replace("-", "_") for entry in PROJECT["dependencies"]} | set(OWN)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in guarded(tree):
            for name in [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]:
                package = name.partition(".")[0]
                assert package in required or package in sys.stdlib_module_names, f"{path.name} needs {package}"
        if isinstance(node, ast.Try):
            assert node in tree.body or not any(isinstance(part, ast.Raise) for part in ast.walk(node)), path.name
    for node in ast.walk(tree):  # a default is no tracked folder
        if isinstance(node, ast.keyword) and node.arg == "default":
            for part in ast.walk(node.value):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    assert not (REPOSITORY / part.value.partition("/")[0]).exists() or part.value.startswith("runs"), (
                        part
                    )


def test_items_are_recommended_better_than_by_popularity(capsys):
    found = example("items").main(epochs=5)
    assert found["and noise exponent 1"] > 2 * found["the most popular"]
    assert "hit rate @ 10" in capsys.readouterr().out


def test_nodes_find_their_community(tmp_path, capsys):
    picture = tmp_path / "communities.png"
    found = example("graphs").main(str(picture))
    assert min(found.values()) >= 0.9
    assert "of the nodes without a label" in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_word2vec_by_hand_and_by_the_library_find_the_same_kind_of_neighbours(capsys):
    right = example("word2vec").main()
    assert set(right) == {"NumPy", "vecmill"}
    assert min(right.values()) >= 0.9


def test_language_models_by_hand_and_by_the_library_remember_the_first_noun(capsys):
    module = example("language_model")
    sentence = [module.WORDS.index(word) for word in ("the", "dogs", "near", "the", "cat", "sleep", "<eos>")]
    assert module.gradient_error(module.make_parameters(np.random.default_rng(0)), sentence) < 1e-8
    found = module.main()
    assert set(found) == {"NumPy", "vecmill"}
    assert max(found.values()) < (module.BEST + module.FORGETFUL) / 2


def test_recursive_networks_learn_logic(capsys):
    right = example("recursive").main()
    assert min(right.values()) >= 0.95
    assert set(right) == {"RecursiveNN", "BinaryTreeLSTM"}


def test_gradients_vanish_in_the_order_of_the_units():
    module = example("vanishing_gradient")
    found = {}
    for name in ("sigmoid RNN", "tanh RNN", "LSTM, forget bias 3"):
        net = module.network(module.UNITS[name], np.random.default_rng(0))
        found[name] = module.gradient_norms(net, np.random.default_rng(1), steps=30)
        assert len(found[name]) == 31
        assert found[name][0] == pytest.approx(1)
    last = {name: norms[25] for name, norms in found.items()}
    assert last["sigmoid RNN"] < 1e-10 < last["tanh RNN"] < 0.05 < last["LSTM, forget bias 3"]


def test_gradient_norms_are_those_of_the_whole_sequence():
    module = example("vanishing_gradient")
    net = module.network(module.UNITS["tanh RNN"], np.random.default_rng(0))
    norms = module.gradient_norms(net, np.random.default_rng(1), steps=6)
    rng = np.random.default_rng(1)
    inputs = module.task(rng, 5)[0].dense()
    d_last = rng.standard_normal((module.BATCH, module.HIDDEN))
    outputs, _ = net.forward(inputs)
    _, d_start = net.backward(np.zeros_like(outputs), [(d_last,)])
    ratio = np.linalg.norm(d_start[0][0], axis=1) / np.linalg.norm(d_last, axis=1)
    assert norms[-1] == pytest.approx(np.exp(np.log(ratio).mean()), rel=1e-4)


def test_lstms_remember_what_sigmoid_units_forget(tmp_path):
    module = example("vanishing_gradient")
    accuracy = {
        name: [module.learn(module.UNITS[name], 20, 0, 80)[1]] * 5 for name in ("sigmoid RNN", "LSTM, forget bias 3")
    }
    assert accuracy["sigmoid RNN"][0] < 0.5
    assert accuracy["LSTM, forget bias 3"][0] > 0.95
    curves = {"start": {"LSTM": np.geomspace(1, 1e-3, 10)}, "trained": {"LSTM": np.ones(10)}}
    for path in module.write_pictures(tmp_path, curves, accuracy):
        assert path.read_bytes().startswith(b"\x89PNG")


def names_of(path):
    """The functions and classes of a file, methods as Class.method."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef))


def test_the_page_on_recurrent_networks_names_what_exists():
    page = REPOSITORY / "docs" / "recurrent-networks.md"
    text = page.read_text("utf-8")
    references = re.findall(r"`([\w/]+\.py)(?::([\w.]+))?`", text)
    assert len(references) > 40
    for path, name in references:
        assert (REPOSITORY / path).is_file(), path
        assert not name or name in names_of(REPOSITORY / path), f"{path}:{name}"
    for path in re.findall(r"\]\(([\w./-]+)\)", text):
        assert (page.parent / path).is_file(), path


def test_the_page_for_contributors_names_files_that_exist():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
    paths = re.findall(r"`([\w/]+/[\w.]+\.py)(?:`|:)|\]\(([\w./-]+)\)", text)
    named = {path or link for path, link in paths if "NAME" not in path}
    assert len(named) > 25
    assert [path for path in named if not (REPOSITORY / path).is_file()] == []
