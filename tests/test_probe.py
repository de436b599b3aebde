"""`vecmill probe`: its tasks on small corpora in NLTK's layout, its figures, and what it says of bad input."""

import json
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from nltk.tree import Tree

from embeddings import Vocabulary, WordVectors
from embeddings.evaluation.probing.constituents import ConstituentLabeller, cleaned, constituent_labels
from embeddings.evaluation.probing.continued import continued
from embeddings.evaluation.probing.learning import Network, learn, learn_side_by_side
from embeddings.evaluation.probing.scores import compare_answers, score
from embeddings.evaluation.probing.task_data import READERS, TaskData
from embeddings.evaluation.probing.task_source import TaskSource
from embeddings.evaluation.probing.tasks import TASKS, TUNED, Examples
from embeddings.executor import InProcess
from embeddings.sequences.word_inputs import WordInputsConfig
from tests.command_line import fails, vecmill
from tests.reference.recurrent import assert_gradient

SENTENCES = """
( (S (NP-SBJ (DT The) (NN cat)) (VP (VBD saw) (NP (DT a) (JJ small) (NN dog))) (. .)) )
( (S (NP-SBJ-1 (DT A) (NN dog)) (VP (VBD fed) (NP (DT the) (NN cat)) (PP-LOC (IN in) (NP (NNP Rome)))) (. .)) )
( (S (NP-SBJ (-NONE- *)) (VP (VB Feed) (NP (DT the) (JJ old) (NN dog))) (. .)) )
"""
UNIVERSAL = {"DT": "DET", "NN": "NOUN", "NNP": "NOUN", "VBD": "VERB", "VB": "VERB", "JJ": "ADJ", "IN": "ADP", ".": "."}
SLASHED = "The/at cat/nn saw/vbd a/at small/jj dog/nn ./.\nA/at dog/nn fed/vbd the/at old/jj cat/nn ./.\n"
WORDS = ["the", "a", "cat", "dog", "saw", "fed", "small", "old", "good", "bad", "film"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder as nltk_data is."""
    folder = tmp_path_factory.mktemp("nltk_data")
    for number in range(1, 11):
        write(folder / f"corpora/treebank/combined/wsj_{number:04}.mrg", SENTENCES * 4)
        write(folder / f"corpora/brown/ca{number:02}", SLASHED * 4)
        for kind, word in (("neg", "bad"), ("pos", "good")):
            write(folder / f"corpora/movie_reviews/{kind}/cv{number:03}.txt", f"a {word} film , the {word} film .\n")
    tags = "".join(f"{tag}\t{universal}\n" for tag, universal in UNIVERSAL.items())
    write(folder / "taggers/universal_tagset/en-ptb.map", tags)
    write(folder / "taggers/universal_tagset/en-brown.map", tags + "AT\tDET\n")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    matrix = np.random.default_rng(0).standard_normal((len(WORDS), 8)).astype(np.float32)
    directory = tmp_path_factory.mktemp("models") / "model"
    WordVectors(Vocabulary.from_words(WORDS, range(len(WORDS), 0, -1)), matrix).save(directory)
    return directory


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_all_tasks_are_learned_and_reported(model, data, tmp_path):
    out = tmp_path / "probe"
    result = vecmill("probe", model, "--data", data, "--out", out, "--fractions", "1", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found == json.loads((out / "scores.json").read_text("utf-8"))
    assert [about["task"] for about in found["tasks"]] == list(TASKS)
    assert len(found["scores"]) == 4 * 5
    for row in found["scores"]:
        assert 0 <= row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"] <= 1
        assert 0 <= row["macro_f1_low"] <= row["macro_f1_high"] <= 1
        if row["task"].startswith("pos"):  # 30 steps learn something, and the table of tags everything
            assert row["accuracy"] > (0.99 if row["initialisation"] == "baseline" else 0.4)
    assert {row["first"] for row in found["comparisons"]} == {"E tuned", "E frozen", "E continued"}
    assert (out / "scores.csv").read_text("utf-8").count("\n") == 1 + len(found["scores"])
    assert (out / "learning_curves.png").read_bytes().startswith(b"\x89PNG")
    curves = (out / "learning_curves.svg").read_text("utf-8")
    for text in ("E tuned", "baseline", "Sentiment of movie reviews", "training reviews"):
        assert text in curves
    fails(1, "exists and is finished; add --force", "probe", model, "--data", data, "--out", out)


def test_tasks_of_an_executor_learn_the_same(model, data, tmp_path):
    class Tasks(InProcess):
        tasks = 2

    network = Network(fraction=1.0, initialisation=TUNED, draw=0, examples=9, words=9, path=tmp_path / "tasks.json")
    source = TaskSource(task="sentiment", model=model, data_folder=data, seed=1)
    networks = list(learn_side_by_side(source, [network], Tasks()))
    assert networks == [network]
    learn(source, replace(network, path=tmp_path / "here.json"))
    answered = [json.loads((tmp_path / name).read_text())["answers"] for name in ("tasks.json", "here.json")]
    assert answered[0] == answered[1]


def test_the_table_names_everything_and_one_task_suffices(model, data, tmp_path):
    out = tmp_path / "probe"
    result = vecmill("probe", model, "--task", "sentiment", "--data", data, "--out", out, "--fractions", "1,0.5")
    assert result.exit_code == 0, result.output
    assert "Sentiment of movie reviews: 15 reviews for training, 5 for testing (5 answers, 2 labels)" in result.stdout
    for start in ("E frozen", "E tuned", "E continued", "random", "baseline"):
        assert f"\n{start} " in result.stdout
    assert "With 50%: E tuned minus random: " in result.stdout
    assert "With 100%: E frozen minus random: " in result.stdout
    again = tmp_path / "again"
    vecmill("probe", model, "--task", "sentiment", "--data", data, "--out", again, "--fractions", "0.5,1")
    first, second = (json.loads((path / "scores.json").read_text("utf-8"))["scores"] for path in (out, again))
    for row in (*first, *second):
        row.pop("seconds")
    assert first == second


def test_texts_are_divided_by_document(data):
    treebank, brown = READERS["pos-treebank"](data), READERS["pos-brown"](data)
    assert (len(treebank.train), len(treebank.test)) == (8 * 12, 2 * 12)
    assert (len(brown.train), len(brown.test)) == (9 * 8, 8)
    assert brown.train_labels[0] == ["DET", "NOUN", "VERB", "DET", "ADJ", "NOUN", "."]
    assert brown.train[0] == ["The", "cat", "saw", "a", "small", "dog", "."]
    assert treebank.train_labels[2] == ["VERB", "DET", "ADJ", "NOUN", "."]  # without the trace
    reviews = READERS["sentiment"](data)
    assert (len(reviews.train), len(reviews.test)) == (15, 5)


def test_packed_and_unpacked_are_the_same(data, tmp_path):
    for package in ("corpora/treebank", "corpora/brown", "corpora/movie_reviews", "taggers/universal_tagset"):
        target = tmp_path / f"{package}.zip"
        target.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(target, "w") as archive:
            for path in sorted((data / package).rglob("*")):
                archive.write(path, path.relative_to((data / package).parent))
    for read in READERS.values():
        assert read(tmp_path).digest == read(data).digest


def test_trees_lose_traces_functions_and_chains():
    tree = Tree.fromstring(
        "( (S (NP-SBJ-1 (NP (DT the) (NN cat))) (VP=2 (VBZ is) (VP|ADJP (VBN fed) (NP (-NONE- *-1)))) (. .)))"
    )
    clean = cleaned(tree)
    wanted = "(ROOT (S (NP (NP (DT the) (NN cat))) (VP (VBZ is) (VP (VBN fed))) (. .)))"
    assert clean == Tree.fromstring(wanted)
    assert sorted(constituent_labels(clean)) == ["NP", "ROOT", "VP"]
    assert cleaned(Tree.fromstring("(NP (-NONE- *))")) is None


def test_labels_come_in_the_same_order_alone_and_together(data):
    task = READERS["constituents"](data)
    labeller = ConstituentLabeller(hidden_size=5, inputs=WordInputsConfig(dimension=4))
    labeller.initialize(task.train, task.train_labels)
    together = labeller.predict(task.test[:5])
    assert together == [labeller.predict([tree])[0] for tree in task.test[:5]]
    assert [len(one) for one in together] == [len(one) for one in task.test_labels[:5]]


def test_every_gradient_of_the_labeller(data):
    task = READERS["constituents"](data)
    rng = np.random.default_rng(0)
    trees, labels = task.train[:3], sorted({label for one in task.train_labels for label in one})
    inputs = WordInputsConfig(dimension=3)
    labeller = ConstituentLabeller(hidden_size=4, dropout=0.0, inputs=inputs, labels=labels, dtype=np.float64)
    labeller.initialize(trees, task.train_labels[:3])
    encoded = labeller.inputs_.encode([tree.leaves() for tree in trees])
    targets = [np.array([labels.index(label) for label in one]) for one in task.train_labels[:3]]

    def loss():
        return labeller.loss_and_gradients(trees, encoded, targets, np.arange(3), None)

    loss()
    gradients = {name: parameter.dense_gradient().copy() for name, parameter in labeller.trainable_parameters_.items()}
    assert_gradient(
        loss, {name: parameter.value for name, parameter in labeller.trainable_parameters_.items()}, gradients, rng
    )


def test_baselines_count():
    words = [["the", "cat"], ["the", "saw"], ["a", "saw"], ["a", "saw"]]
    tags = [["D", "N"], ["D", "N"], ["D", "V"], ["D", "V"]]
    examples = Examples(train=words, labels=tags, test=[["the", "saw", "zebra"]], all_labels=["D", "N", "V"])
    assert TASKS["pos-brown"].baseline(examples) == [["D", "V", "N"]]
    reviews = Examples(train=[["x"]] * 3, labels=[["neg"], ["pos"], ["neg"]], test=[["y"]] * 2, all_labels=[])
    assert TASKS["sentiment"].baseline(reviews) == [["neg"], ["neg"]]


def test_scores_are_those_of_the_definition():
    gold = [np.array([0, 0, 1]), np.array([2, 1])]
    found = [np.array([0, 1, 1]), np.array([0, 1])]
    scored = score(gold, [found], 4, np.random.default_rng(0))
    assert scored.accuracy == pytest.approx(3 / 5)
    assert scored.macro_f1 == pytest.approx((2 / 4 + 4 / 5 + 0) / 3)  # label 3 is nowhere
    assert scored.accuracy_low == pytest.approx(0.5)
    assert scored.accuracy_high == pytest.approx(2 / 3)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(60):
        right = rng.random(200) < 0.8
        scored = score([np.ones(1, np.int64)] * 200, [[np.array([int(r)]) for r in right]], 2, rng)
        hits += scored.accuracy_low <= 0.8 <= scored.accuracy_high
    assert hits >= 51


def test_a_better_set_of_answers_is_found_better():
    rng = np.random.default_rng(0)
    gold = [rng.integers(0, 2, 5) for _ in range(300)]
    worse = [np.where(rng.random(5) < 0.3, 1 - g, g) for g in gold]
    better = [np.where(rng.random(5) < 0.15, 1 - g, g) for g in gold]
    found = compare_answers(gold, [better], [worse], rng)
    assert 0 < found.low < found.difference < found.high
    assert found.p < 0.001
    assert compare_answers(gold, [worse], [better], rng).difference == pytest.approx(-found.difference)
    assert compare_answers(gold, [worse], [worse], rng).p == 1


def test_figures_of_several_draws_are_their_means_and_their_spread_counts():
    gold = [np.array([1])] * 400
    good, bad = ([np.array([int(i % 10 < right)]) for i in range(400)] for right in (9, 6))
    steady = score(gold, [good, good], 2, np.random.default_rng(0))
    mixed = score(gold, [good, bad], 2, np.random.default_rng(0))
    assert steady.accuracy == pytest.approx(0.9)
    assert mixed.accuracy == pytest.approx(0.75)
    assert mixed.accuracy_high - mixed.accuracy_low > 3 * (steady.accuracy_high - steady.accuracy_low)
    rng = np.random.default_rng(0)
    assert compare_answers(gold, [good, good], [bad, bad], rng).p < 0.001
    unsure = compare_answers(gold, [good, bad], [bad, good], rng)
    assert unsure.difference == pytest.approx(0)
    assert unsure.p > 0.3


def test_draws_have_no_example_in_common(model):
    source = TaskSource(task="sentiment", model=model, data_folder=None, seed=1)
    texts, labels = [[f"word{number}"] for number in range(100)], [["pos"], ["neg"]] * 50
    vars(source)["data"] = TaskData(train=texts, train_labels=labels, test=[], test_labels=[], unit="review")
    draws = source.draws(0.1)
    words = {text[0] for draw in draws for text in draw.train}
    assert [len(draw.train) for draw in draws] == [10] * 10
    assert len(words) == 100
    for text, label in zip(draws[0].train, draws[0].labels, strict=True):
        assert label == labels[texts.index(text)]
    assert [len(draw.train) for draw in source.draws(0.3)] == [30] * 3
    assert [len(draw.train) for draw in source.draws(1.0)] == [100]
    texts *= 100
    vars(source)["data"] = TaskData(train=texts, train_labels=labels * 100, test=[], test_labels=[], unit="review")
    assert [len(draw.train) for draw in source.draws(0.1)] == [1000] * 2  # more would be no use


def test_continued_vectors_learn_the_words_of_a_text_and_keep_the_others(model, tmp_path):
    rng = np.random.default_rng(0)
    pairs = [("good", "splendid"), ("bad", "dreadful")]  # the adjectives that nothing but their company tells apart
    texts = [[str(rng.choice(pairs[i % 2])), "film", str(rng.choice(pairs[i % 2]))] * 4 for i in range(200)]
    start = WordVectors.load(model)
    found, again = (continued(start, texts, window=4, seed=1, directory=tmp_path) for _ in range(2))
    np.testing.assert_array_equal(found.matrix, again.matrix)
    assert set(found.words) == {*WORDS, "splendid", "dreadful"}
    np.testing.assert_array_equal(found["cat"], start["cat"])
    assert found.similarity("good", "splendid") > found.similarity("good", "dreadful") + 0.2
    assert list(tmp_path.iterdir()) == []


def test_bad_input_is_one_line(model, data, tmp_path):
    out = tmp_path / "out"
    fails(2, "'pos-brwn' is none of .*did you mean 'pos-brown'", "probe", model, "--task", "pos-brwn", "--out", out)
    fails(2, "--fractions: '0.1,2'", "probe", model, "--fractions", "0.1,2", "--out", out)
    given = "--task", "sentiment", "--out", out
    fails(1, "there is no folder .*missing", "probe", model, *given, "--data", tmp_path / "missing")
    fails(1, "has no corpora/movie_reviews or corpora/movie_reviews.zip", "probe", model, *given, "--data", tmp_path)
    fails(1, "not a known directory of vectors", "probe", data, *given, "--data", data)
    foreign = tmp_path / "foreign"
    WordVectors(Vocabulary.from_words(["kissa", "koira"], [2, 1]), np.eye(2, 8, dtype=np.float32)).save(foreign)
    fails(1, "none of .* words of the text is among", "probe", foreign, *given, "--data", data)
    assert not out.exists()


def test_a_damaged_package_is_named(model, tmp_path):
    write(tmp_path / "corpora/movie_reviews.zip", "no archive")
    given = "--task", "sentiment", "--out", tmp_path / "out", "--data", tmp_path
    fails(1, "movie_reviews", "probe", model, *given)


def test_without_a_network_the_way_out_is_named(model, tmp_path, monkeypatch):
    monkeypatch.setattr("nltk.data.path", [])
    monkeypatch.setattr("nltk.download", lambda *args, **options: False)
    fails(
        1, "could not be fetched.*--data or NLTK_DATA", "probe", model, "--task", "sentiment", "--out", tmp_path / "o"
    )


def test_labels_that_only_the_test_has_are_wrong_and_said(model, data, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    path = folder / "corpora/brown/ca01"  # the first file is of the test
    path.write_text(path.read_text("utf-8").replace("fed/vbd", "fed/uh"), "utf-8")
    given = "--task", "pos-brown", "--data", folder, "--fractions", "1", "--out", tmp_path / "out"
    result = vecmill("probe", model, *given, "--json")
    assert result.exit_code == 0, result.output
    assert "labels that do not occur in training count as wrong: X" in result.stderr
    assert max(row["accuracy"] for row in json.loads(result.stdout)["scores"]) < 1
