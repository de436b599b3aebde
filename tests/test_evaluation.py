"""Evaluation: files as their authors spell them, scores equal to their definitions and to gensim's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from embeddings.errors import EmbeddingsError
from embeddings.evaluation import (
    Analogies,
    Categories,
    OddOneOut,
    Topic,
    WordPairs,
    changed_neighbors,
    compare,
    evaluate,
    evaluate_analogies,
    evaluate_categories,
    evaluate_odd_one_out,
    evaluate_similarity,
    read_analogies,
    read_categories,
    read_evaluation_set,
    read_odd_one_out,
    read_word_pairs,
)
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_vectors import WordVectors
from tests.reference import evaluation as reference
from tests.reference.word_vectors import cosine


def make(matrix, words=None):
    words = words or [f"w{i:02}" for i in range(len(matrix))]
    return WordVectors(Vocabulary.from_words(words, np.arange(len(words), 0, -1)), np.asarray(matrix, np.float32))


@pytest.fixture(scope="module")
def vectors():
    return make(np.random.default_rng(7).standard_normal((40, 8)))


def written(path, text):
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# reading


@pytest.mark.parametrize(
    "text",
    [
        "tiger\tcat\t7.35\nnew york\tcity\t5\n",
        "tiger,cat,7.35\nnew york, city, 5\n",
        '"tiger","cat",7.35\n"new york", "city" ,"5"\n',
        '"tiger"\tcat\t7.35\n" new york";city;5\n',
        "\ufefftiger\tcat\t7.35\r\nnew york\tcity\t5",
    ],
)
def test_word_pairs_by_tab_or_comma(tmp_path, text):
    pairs = read_word_pairs(written(tmp_path / "ws.txt", text))
    assert pairs.name == "ws"
    assert pairs.pairs == [("tiger", "cat"), ("new york", "city")]
    assert pairs.scores == [7.35, 5.0]
    assert pairs.skipped == {}


def test_quotation_marks_of_tables_are_no_part_of_words_and_other_ones_are(tmp_path):
    pairs = read_word_pairs(written(tmp_path / "r.csv", '"word1","word2","mean"\n"say ""hi""","a""b",1\n'))
    assert pairs.pairs == [('say "hi"', 'a"b')] and pairs.skipped == {"header": 1}
    assert read_word_pairs(written(tmp_path / "t.tsv", '"\t""\t3\n')).pairs == [('"', '""')]
    assert read_word_pairs(written(tmp_path / "s.txt", '"a" b" 3\n')).pairs == [('"a"', 'b"')]
    [question] = read_analogies(written(tmp_path / "q.csv", '"a","b","c","d"\n')).sections["q"]
    assert question == ("a", "b", "c", "d")
    assert read_categories(written(tmp_path / "c.csv", '"cat","animal"\n"oak","tree"\n')).words == ["cat", "oak"]


def test_word_pairs_by_spaces_with_header_comments_and_more_columns(tmp_path):
    text = "# from a paper\nWord1 Word2 Mean Rater1\n\ntiger  cat 7.35 8\nbook paper 1e1 9\n"
    pairs = read_word_pairs(written(tmp_path / "ws.csv", text))
    assert pairs.pairs == [("tiger", "cat"), ("book", "paper")]
    assert pairs.scores == [7.35, 10.0]
    assert pairs.skipped == {"comment": 1, "header": 1, "blank line": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tiger cat 7\nbook paper high\n", r"line 2: got 'book paper high'; expected 'word1 word2 score'"),
        ("tiger cat 7\nbook paper nan\n", r"line 2: got 'book paper nan'"),
        ("w1 w2 score\nw1 w2 score\n", r"line 2"),
        ("tiger cat\n", r"line 1: got 'tiger cat'"),
        ("# nothing\n", "holds no word pairs"),
        (b"tiger cat 7\nt\xe9l\xe9 radio 6\n", r"line 2: not UTF-8"),
    ],
)
def test_unusable_word_pairs_name_the_line(tmp_path, text, message):
    with pytest.raises(EmbeddingsError, match=message):
        read_word_pairs(written(tmp_path / "bad.txt", text))


def test_analogies_in_sections(tmp_path):
    text = (
        "a b c d\n: capitals of the world\nAthens Greece Paris France\n# no\n\n: plural\ncat cats dog dogs\n: empty\n"
    )
    questions = read_analogies(written(tmp_path / "q.txt", text))
    assert questions.sections == {
        "q": [("a", "b", "c", "d")],
        "capitals of the world": [("Athens", "Greece", "Paris", "France")],
        "plural": [("cat", "cats", "dog", "dogs")],
    }
    with pytest.raises(EmbeddingsError, match="line 2: got 'a b c'; expected four words"):
        read_analogies(written(tmp_path / "bad.txt", ": s\na b c\n"))
    with pytest.raises(EmbeddingsError, match="holds no analogies"):
        read_analogies(written(tmp_path / "bad.txt", ": s\n"))


def test_categories_and_odd_one_out(tmp_path):
    assert read_categories(written(tmp_path / "c", "cat\tanimal\noak\ttree\n")).categories == ["animal", "tree"]
    with pytest.raises(EmbeddingsError, match="line 1: got 'cat'; expected 'word category'"):
        read_categories(written(tmp_path / "c", "cat\n"))
    text = ": cities\nParis\nRome\n\nbanana\nriver\n\n: fruit\n\nfig\nplum\n\nRome\n"
    odd = read_odd_one_out(written(tmp_path / "o.txt", text))
    assert odd.topics == [
        Topic(name="cities", members=["Paris", "Rome"], outliers=["banana", "river"]),
        Topic(name="fruit", members=["fig", "plum"], outliers=["Rome"]),
    ]
    with pytest.raises(EmbeddingsError, match="topic 'o' from line 1: got 2 members and 0 outliers"):
        read_odd_one_out(written(tmp_path / "o.txt", "fig\nplum\n"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("tiger\tcat\t7.35\n", WordPairs),
        ("Word 1,Word 2,Human (mean)\ntiger,cat,7.35\n", WordPairs),
        ("word1 word2 score rater\ntiger cat 7 8\n", WordPairs),
        (": family\nboy girl king queen\nboy girl man woman\n", Analogies),
        ("# four words\nboy girl king queen\n", Analogies),
        ("cat animal\noak tree\n", Categories),
        (": cities\nParis\nRome\n\nbanana\n", OddOneOut),
    ],
)
def test_kind_of_a_file_is_seen_from_its_content(tmp_path, text, kind):
    assert isinstance(read_evaluation_set(written(tmp_path / "any", text)), kind)


def test_a_file_without_words_is_refused(tmp_path):
    with pytest.raises(EmbeddingsError, match="holds no words"):
        read_evaluation_set(written(tmp_path / "any", ": only\n\n# this\n"))


@settings(max_examples=200)
@given(st.binary(max_size=200) | st.text(st.sampled_from("ab1. \t,\n:#"), max_size=60).map(str.encode))
def test_readers_raise_only_their_own_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.txt"
    path.write_bytes(content)
    for read in (read_evaluation_set, read_word_pairs, read_analogies, read_categories, read_odd_one_out):
        try:
            read(path)
        except EmbeddingsError as error:
            assert "\n" not in str(error)


# similarity


def random_pairs(vectors, n=60, unknown=5):
    rng = np.random.default_rng(1)
    pairs = [tuple(vectors.words[i] for i in rng.choice(len(vectors), 2)) for _ in range(n)]
    pairs += [("unseen", vectors.words[0])] * unknown
    return WordPairs(name="r", pairs=pairs, scores=rng.integers(0, 11, len(pairs)).tolist())


def test_correlations_are_those_of_their_definitions(vectors):
    pairs = random_pairs(vectors)
    spearman, pearson, used = reference.similarity(list(vectors.words), vectors.matrix, pairs.pairs, pairs.scores)
    row = evaluate_similarity(vectors, pairs).iloc[0]
    assert row["spearman"] == pytest.approx(spearman, abs=1e-6)
    assert row["pearson"] == pytest.approx(pearson, abs=1e-6)
    assert (row["pairs"], row["used"], row["oov"]) == (65, used, pytest.approx(5 / 65))


def test_interval_holds_the_score_narrows_with_pairs_and_follows_its_seed(vectors):
    pairs = random_pairs(vectors, n=60, unknown=0)
    scores = [
        cosine(vectors[a], vectors[b]) + 0.2 * s / 10 for (a, b), s in zip(pairs.pairs, pairs.scores, strict=True)
    ]

    def interval(n, rng=0):
        row = evaluate_similarity(vectors, WordPairs(name="n", pairs=pairs.pairs[:n], scores=scores[:n]), rng=rng).iloc[
            0
        ]
        assert row["spearman_low"] < row["spearman"] < row["spearman_high"]
        return row["spearman_low"], row["spearman_high"]

    few, many = interval(12), interval(60)
    assert many[1] - many[0] < few[1] - few[0]
    assert interval(60) == many == interval(60, np.random.default_rng(0))
    assert interval(60, rng=1) != many


def test_interval_is_made_of_percentiles_over_resampled_pairs(vectors):
    pairs = random_pairs(vectors, n=15, unknown=0)
    cosines = [cosine(vectors[a], vectors[b]) for a, b in pairs.pairs]
    correlations = [
        reference.spearman([pairs.scores[i] for i in picks], [cosines[i] for i in picks])
        for picks in np.random.default_rng(4).integers(15, size=(100, 15))
    ]
    row = evaluate_similarity(vectors, pairs, resamples=100, rng=4).iloc[0]
    low, high = np.percentile(correlations, [2.5, 97.5])
    assert (row["spearman_low"], row["spearman_high"]) == pytest.approx((low, high), abs=1e-6)


def test_unknown_pairs_count_as_zero_on_demand(vectors):
    pairs = random_pairs(vectors)
    cosines = [cosine(vectors[a], vectors[b]) if a in vectors else 0 for a, b in pairs.pairs]
    row = evaluate_similarity(vectors, pairs, dummy4unknown=True).iloc[0]
    assert row["spearman"] == pytest.approx(reference.spearman(pairs.scores, cosines), abs=1e-6)
    assert row["used"] == 65


def test_case_folding_takes_the_most_frequent_form():
    vectors = make([[1, 0], [0, 1], [1, 1], [3, -1]], ["US", "us", "We", "they"])
    pairs = WordPairs(name="p", pairs=[("us", "we"), ("we", "they"), ("THEY", "Us")], scores=[1, 2, 3])
    folded = evaluate_similarity(vectors, pairs).iloc[0]
    cosines = [cosine(vectors[a], vectors[b]) for a, b in [("US", "We"), ("We", "they"), ("they", "US")]]
    assert folded["pearson"] == pytest.approx(reference.pearson([1, 2, 3], cosines), abs=1e-6)
    assert evaluate_similarity(vectors, pairs, case_insensitive=False).iloc[0]["used"] == 0
    assert evaluate_similarity(vectors, pairs, restrict_vocab=3).iloc[0]["used"] == 1


def test_no_usable_pairs_give_nan(vectors):
    row = evaluate_similarity(vectors, WordPairs(name="p", pairs=[("a", "b")], scores=[1])).iloc[0]
    assert np.isnan([row["spearman"], row["pearson"], row["spearman_low"]]).all()
    assert row["oov"] == 1
    same = WordPairs(name="p", pairs=[("w00", "w01"), ("w02", "w03")], scores=[1, 1])
    assert np.isnan(evaluate_similarity(vectors, same).iloc[0]["spearman"])


# analogies


def random_questions(words, n=40, seed=2):
    rng = np.random.default_rng(seed)
    picked = [tuple(str(word) for word in rng.choice(words, 4)) for _ in range(n)]
    return Analogies(
        name="q", sections={"one": picked[:15], "two": picked[15:], "three": [("no", "such", "w00", "w01")]}
    )


@pytest.mark.parametrize("method", ["3CosAdd", "3CosMul"])
def test_answers_are_those_of_the_definition(method):
    words = [f"w{i:02}" for i in range(30)] + ["W00", "W03", "w03X"]
    vectors = make(np.random.default_rng(8).standard_normal((33, 5)), words)
    sections = {
        name: [
            (a, b, c, reference.answer(words, vectors.matrix, a, b, c, method) if i % 3 else d)
            for i, (a, b, c, d) in enumerate(part)
        ]
        for name, part in random_questions(words).sections.items()
        if name != "three"
    }
    expected = {
        name: sum(reference.answer(words, vectors.matrix, a, b, c, method) == d.upper() for a, b, c, d in part)
        for name, part in sections.items()
    }
    table = evaluate_analogies(vectors, Analogies(name="q", sections=sections), method).set_index("section")
    assert table.loc["one", "correct"] == expected["one"] >= 10
    assert table.loc["two", "correct"] == expected["two"]
    assert table.loc["total", "accuracy"] == pytest.approx(sum(expected.values()) / 40)


def test_sections_unknown_words_and_total(vectors):
    questions = random_questions(list(vectors.words))
    table = evaluate_analogies(vectors, questions).set_index("section")
    assert list(table.index) == ["one", "two", "three", "total"]
    assert table["questions"].tolist() == [15, 25, 1, 41]
    assert table["used"].tolist() == [15, 25, 0, 40]
    assert np.isnan(table.loc["three", "accuracy"])
    assert table["oov"].tolist() == pytest.approx([0, 0, 1, 1 / 41])
    counted = evaluate_analogies(vectors, questions, dummy4unknown=True).set_index("section")
    assert counted.loc["three", "accuracy"] == 0
    assert counted.loc["total", "used"] == 41
    assert evaluate_analogies(vectors, questions, restrict_vocab=5).iloc[-1]["used"] < 40
    with pytest.raises(ValueError, match="method is 'add'"):
        evaluate_analogies(vectors, questions, method="add")


def test_blocks_do_not_change_answers(vectors, monkeypatch):
    questions = random_questions(list(vectors.words))
    expected = evaluate_analogies(vectors, questions)
    monkeypatch.setattr("embeddings.evaluation.analogies.WIDEST", 7)
    monkeypatch.setattr("embeddings.evaluation.analogies.NARROWEST", 3)
    assert evaluate_analogies(vectors, questions).equals(expected)


# categorization and odd-one-out


def test_purity_of_well_and_badly_separated_categories():
    apart = make([[1, 0.1], [1, 0], [0.9, 0], [0, 1], [0.1, 1], [-1, 0]], list("abcdef"))
    sets = Categories(name="c", words=[*"abcdef", "unseen"], categories=["x", "x", "x", "y", "y", "z", "z"])
    row = evaluate_categories(apart, sets).iloc[0]
    assert (row["purity"], row["clusters"], row["used"], row["oov"]) == (1.0, 3, 6, pytest.approx(1 / 7))
    mixed = Categories(name="c", words=[*"abcde"], categories=["x", "y", "y", "x", "x"])
    expected = reference.purity([1, 1, 1, 2, 2], mixed.categories)
    assert evaluate_categories(apart, mixed).iloc[0]["purity"] == pytest.approx(expected)
    assert np.isnan(evaluate_categories(apart, Categories(name="c", words=["no"], categories=["x"])).iloc[0]["purity"])


def test_odd_one_out_by_mean_cosine():
    vectors = make([[1, 0], [0.9, 0.1], [0.8, -0.1], [0, 1], [0.95, 0.05]], ["apple", "pear", "plum", "truck", "fig"])
    topics = [
        Topic(name="fruit", members=["apple", "pear", "plum", "unseen"], outliers=["truck", "fig", "absent"]),
        Topic(name="unknown", members=["apple", "nothing"], outliers=["truck"]),
    ]
    table = evaluate_odd_one_out(vectors, OddOneOut(name="o", topics=topics)).set_index("topic")
    assert table.loc["fruit", ["outliers", "used", "found"]].tolist() == [3, 2, 1]
    assert table.loc["unknown", "used"] == 0
    assert table.loc["total", "accuracy"] == 0.5
    assert table.loc["total", "oov"] == 0.5


def test_vector_of_zeros_is_odd_only_where_cosines_are_positive():
    vectors = make([[1, 0], [-1, 0.1], [1, 0.1], [0, 0]], ["east", "west", "southeast", "nowhere"])
    topics = [
        Topic(name="opposite", members=["east", "west"], outliers=["nowhere"]),
        Topic(name="alike", members=["east", "southeast"], outliers=["nowhere"]),
    ]
    assert evaluate_odd_one_out(vectors, OddOneOut(name="o", topics=topics))["found"].tolist() == [0, 1, 1]


# many sets, two models


@pytest.fixture
def files(tmp_path, vectors):
    pairs = random_pairs(vectors)
    lines = [f"{a} {b} {s}\n" for (a, b), s in zip(pairs.pairs, pairs.scores, strict=True)]
    questions = [" ".join(question) + "\n" for question in random_questions(list(vectors.words)).sections["one"]]
    return {
        "pairs": written(tmp_path / "p.txt", "".join(lines)),
        "questions": written(tmp_path / "q.txt", ": one\n" + "".join(questions)),
        "groups": written(tmp_path / "g.txt", "w00 x\nw01 x\nw02 y\n"),
        "odd": written(tmp_path / "o.txt", "w00\nw01\n\nw02\nw03\n"),
    }


def test_evaluate_has_one_row_a_set(vectors, files):
    table = evaluate(vectors, files, method="3CosMul")
    assert table["set"].tolist() == list(files)
    assert table["measure"].tolist() == ["Spearman", "accuracy (3CosMul)", "purity", "accuracy"]
    assert table["items"].tolist() == [65, 15, 3, 2]
    similarity = evaluate_similarity(vectors, read_word_pairs(files["pairs"])).iloc[0]
    assert (
        table.loc[0, ["score", "low", "high", "pearson"]].tolist()
        == similarity[["spearman", "spearman_low", "spearman_high", "pearson"]].tolist()
    )
    assert table["score"].notna().all()


def test_compare_shows_scores_side_by_side(vectors, files):
    other = make(np.random.default_rng(9).standard_normal((40, 8)))
    comparison = compare(vectors, other, files, words=3, topn=5)
    assert comparison.scores["score_a"].tolist() == evaluate(vectors, files)["score"].tolist()
    assert comparison.scores["score_b"].tolist() == evaluate(other, files)["score"].tolist()
    assert len(comparison.neighbors) == 3


def test_words_whose_neighbours_changed_come_first(vectors):
    moved = vectors.matrix.copy()
    moved[5] *= -1
    other = make(moved[::-1], list(vectors.words)[::-1])  # another order of the same words
    changed = changed_neighbors(vectors, other, words=40, topn=4)
    assert changed.loc[0, "word"] == "w05"
    assert changed.loc[0, "overlap"] == 0
    assert changed["overlap"].is_monotonic_increasing
    assert changed.loc[0, "neighbors_a"] == [word for word, _ in vectors.most_similar("w05", topn=4)]
    assert changed.loc[0, "neighbors_b"] == [word for word, _ in other.most_similar("w05", topn=4)]
    assert (changed_neighbors(vectors, vectors)["overlap"] == 1).all()
    with pytest.raises(EmbeddingsError, match="0 words in common"):
        changed_neighbors(vectors, make(np.eye(3), ["x", "y", "z"]))


def test_the_most_frequent_words_are_passed_over(vectors):
    moved = vectors.matrix.copy()
    moved[[1, 20]] *= -1
    changed = changed_neighbors(vectors, make(moved), words=40, ranks=(10, 30), topn=4)
    assert changed.loc[0, "word"] == "w20"
    assert sorted(changed["word"]) == [f"w{place}" for place in range(10, 30)]


def test_scores_are_those_of_gensim(tmp_path, shared_data):
    keyedvectors = pytest.importorskip("gensim.models.keyedvectors")
    pair_files = sorted((shared_data / "evaluation").glob("EN-*.txt"))
    sections = read_analogies(shared_data / "evaluation" / "questions-words.txt").sections
    lines = [f": {name}\n" + "".join(" ".join(q) + "\n" for q in part[::25]) for name, part in sections.items()]
    questions = written(tmp_path / "questions.txt", "".join(lines))
    words = [word for line in lines for word in line.split()]
    words += [word for path in pair_files for pair in read_word_pairs(path).pairs for word in pair]
    words = [word for word in dict.fromkeys([*words, "athens", "Running", "PARIS"]) if word[-2:] != "er"]
    # neighbours in the list are alike, so that some analogies come out right
    vectors = make(lfilter([1], [1, -0.8], np.random.default_rng(1).standard_normal((len(words), 50)), axis=0), words)
    theirs = keyedvectors.KeyedVectors(50)
    theirs.add_vectors(words, vectors.matrix)
    for path in pair_files:
        pearson, spearman, oov = theirs.evaluate_word_pairs(str(path))
        row = evaluate_similarity(vectors, read_word_pairs(path)).iloc[0]
        assert (row["pearson"], row["spearman"]) == pytest.approx((pearson[0], spearman[0]), abs=5e-5)
        assert 100 * row["oov"] == pytest.approx(oov)
    for restrict in (300_000, 500):
        accuracy, gensim_sections = theirs.evaluate_word_analogies(str(questions), restrict_vocab=restrict)
        table = evaluate_analogies(vectors, read_analogies(questions), restrict_vocab=restrict)
        assert 0 < accuracy < 1
        assert table.iloc[-1]["accuracy"] == pytest.approx(accuracy, abs=5e-5)
        assert table["correct"].tolist() == [len(section["correct"]) for section in gensim_sections]
