"""Queries of `vecmill.gensim.KeyedVectors` give what gensim's give, on the same vectors."""

import numpy as np
import pytest

from vecmill.gensim import KeyedVectors

WORDS = [f"w{number:02}" for number in range(40)] + ["Paris", "paris", "ROME"]
PAIRS = "w01\tw02\t9\nw03\tw04\t2\nW05\tw06\t7.5\nw07\tnowhere\t1\nw08\tw09\t4\nPARIS\trome\t6\n"
ANALOGIES = ": first\nw01 w02 w03 w04\nw05 w06 w07 nowhere\n: second\nW08 w09 w10 w11\nparis rome w01 w02\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("queries")
    ours = KeyedVectors(6)
    ours.add_vectors(WORDS, np.random.default_rng(8).standard_normal((len(WORDS), 6)))
    ours.save_word2vec_format(folder / "v.bin", binary=True)
    (folder / "pairs.tsv").write_text(PAIRS)
    (folder / "analogies.txt").write_text(ANALOGIES)
    return folder


VECTOR = np.arange(6, dtype=np.float32) - 2
CALLS = {
    "one": lambda kv: kv.most_similar("w03", topn=4),
    "positive and negative": lambda kv: kv.most_similar(["w03", "w04"], ["w05"], topn=4),
    "weights": lambda kv: kv.most_similar([("w03", 2), ("w04", -0.5)], [("w06", -1.5)], topn=4),
    "vectors": lambda kv: kv.most_similar([VECTOR, "w01"], topn=3),
    "rows": lambda kv: kv.most_similar("w03", topn=4, clip_start=5, clip_end=20),
    "restricted": lambda kv: kv.most_similar("w30", topn=4, restrict_vocab=10),
    "all cosines": lambda kv: kv.most_similar("w03", topn=None),
    "3CosMul": lambda kv: kv.most_similar_cosmul(["w03", "w04"], ["w05"], topn=4),
    "all scores": lambda kv: kv.most_similar_cosmul("w03", "w04", topn=None),
    "by key": lambda kv: kv.similar_by_key("w09", 3),
    "by vector": lambda kv: kv.similar_by_vector(VECTOR, 3, restrict_vocab=15),
    "to given": lambda kv: kv.most_similar_to_given("w01", ["w05", "w06", "w07"]),
    "similarity": lambda kv: kv.similarity("w01", "w02"),
    "distances": lambda kv: kv.distances("w01", ["w02", "w03"]),
    "distances of a vector": lambda kv: kv.distances(VECTOR),
    "sets": lambda kv: kv.n_similarity(["w01", "w02"], ["w03"]),
    "relative": lambda kv: kv.relative_cosine_similarity("w01", "w02", 5),
    "closer": lambda kv: kv.closer_than("w01", "w09"),
    "rank": lambda kv: kv.rank("w01", "w09"),
    "odd one": lambda kv: kv.doesnt_match(["w01", "w02", "w03", "w04"]),
    "central": lambda kv: kv.rank_by_centrality(["w01", "w02", "nowhere", "w03"]),
    "central, of any length": lambda kv: kv.rank_by_centrality(["w01", "w02", "w03"], use_norm=False),
    "mean": lambda kv: kv.get_mean_vector(["w01", "w02", VECTOR], weights=[1, 2, -1], post_normalize=True),
    "look-up": lambda kv: kv[["w01", "w02"]],
    "unit": lambda kv: kv.get_vector("w01", norm=True),
    "index": lambda kv: [kv.get_index("w05"), kv.get_index("nowhere", -7), kv.has_index_for("nowhere"), len(kv)],
    "cosines": lambda kv: kv.cosine_similarities(VECTOR, kv.vectors),
    "count": lambda kv: [kv.get_vecattr("w00", "count"), kv.get_vecattr("ROME", "count")],
    "some": lambda kv: kv.vectors_for_all(["w09", "nowhere", "w03", "w09"]).vectors,
    "pairs": lambda kv: kv.evaluate_word_pairs("pairs.tsv"),
    "pairs, unknown too": lambda kv: kv.evaluate_word_pairs("pairs.tsv", dummy4unknown=True),
    "pairs as spelled": lambda kv: kv.evaluate_word_pairs("pairs.tsv", case_insensitive=False),
    "analogies": lambda kv: kv.evaluate_word_analogies("analogies.txt"),
    "analogies, unknown too": lambda kv: kv.evaluate_word_analogies("analogies.txt", dummy4unknown=True),
    "transport": lambda kv: kv.wmdistance(["w01", "w02", "w02", "nowhere"], ["w03", "w04"]),
    "transport of any length": lambda kv: kv.wmdistance(["w01", "w02"], ["w03", "w02"], norm=False),
}


def flat(result):
    """Yield the words and numbers of a result in order."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple, np.ndarray)):
        for part in result:
            yield from flat(part)
    else:
        yield result


@pytest.mark.parametrize("name", CALLS)
def test_a_query_gives_what_gensim_gives(name, folder, monkeypatch):
    models = pytest.importorskip("gensim.models")
    if "transport" in name:
        pytest.importorskip("ot")
    monkeypatch.chdir(folder)
    ours, theirs = (
        list(flat(CALLS[name](kind.load_word2vec_format("v.bin", binary=True))))
        for kind in (KeyedVectors, models.KeyedVectors)
    )
    assert len(ours) == len(theirs)
    for found, expected in zip(ours, theirs, strict=True):
        assert found == expected or found == pytest.approx(expected, abs=1e-5)


def test_options_that_gensim_ignores_are_kept(folder):
    kv = KeyedVectors.load_word2vec_format(folder / "v.bin", binary=True)
    assert {word for word, _ in kv.most_similar_cosmul("w30", topn=4, restrict_vocab=5)} < {*WORDS[:5]}
    added, _ = kv.evaluate_word_analogies(folder / "analogies.txt")
    multiplied, _ = kv.evaluate_word_analogies(folder / "analogies.txt", similarity_function="most_similar_cosmul")
    assert added != multiplied


@pytest.mark.parametrize("binary", [True, False])
def test_files_are_those_of_gensim(folder, tmp_path, binary):
    models = pytest.importorskip("gensim.models")
    for kind, name in ((KeyedVectors, "ours"), (models.KeyedVectors, "theirs")):
        kv = kind.load_word2vec_format(folder / "v.bin", binary=True)
        kv.set_vecattr("w09", "count", 1000)
        kv.save_word2vec_format(tmp_path / name, tmp_path / f"{name}.counts", binary=binary, prefix="x_")
    assert (tmp_path / "ours.counts").read_bytes() == (tmp_path / "theirs.counts").read_bytes()
    if binary:
        assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    both = [models.KeyedVectors.load_word2vec_format(tmp_path / name, binary=binary) for name in ("ours", "theirs")]
    assert both[0].index_to_key == both[1].index_to_key
    assert np.array_equal(both[0].vectors, both[1].vectors)
