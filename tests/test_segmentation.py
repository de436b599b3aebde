"""Languages without spaces are segmented by name and counted as others are; marks and joiners stay in words."""

import numpy as np
import pytest

from embeddings import make_tokenizer, tokenize_corpus
from embeddings.text.tokenizer import segmentation
from embeddings.text.tokenizer.tokenizers import ICU_LANGUAGES, UnknownTokenizerError, tokenizer_of
from tests.command_line import fails, vecmill
from vecmill.extras import MissingExtraError

SENTENCES = {
    "zh": ("北京是中华人民共和国的首都。", ["北京", "是", "中华", "人民", "共和国", "的", "首都"]),
    "ja": ("東京は日本の首都です。", ["東京", "は", "日本", "の", "首都", "です"]),
    "th": ("กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย", ["กรุงเทพมหานคร", "เป็น", "เมือง", "หลวง", "ของ", "ประเทศไทย"]),
    "km": ("ភ្នំពេញជារាជធានីនៃប្រទេសកម្ពុជា", ["ភ្នំពេញ", "ជា", "រាជធានី", "នៃ", "ប្រទេស", "កម្ពុជា"]),
    "lo": ("ວຽງຈັນເປັນນະຄອນຫຼວງຂອງປະເທດລາວ", ["ວຽງຈັນ", "ເປັນ", "ນະຄອນຫຼວງ", "ຂອງ", "ປະເທດ", "ລາວ"]),
}
SPACED = {  # one word between two spaces: marks, joiners and their order are part of it
    "Arabic": "اَلْعَرَبِيَّةُ لغة جميلة يتحدث بها الملايين",
    "Persian": "می\u200cخواهم کتاب\u200cهای فارسی بخوانم",
    "Hindi": "हिन्दी भारत की राजभाषा है और देवनागरी में लिखी जाती है",
    "Marathi": "श्री क्षेत्र र्\u200dया विद्यार्थी",
    "Bengali": "বাংলা ভাষা ও র্\u200cযাম",
    "Thai": "ผม กิน ข้าว ที่ร้าน นี้",
}


@pytest.fixture(autouse=True)
def icu():
    pytest.importorskip("icu4py")


@pytest.mark.parametrize("language", SENTENCES)
def test_sentences_are_split_into_the_words_of_the_dictionary(language):
    sentence, words = SENTENCES[language]
    assert make_tokenizer(f"icu:{language}").tokenize(f"{sentence}\n{sentence}") == [words, words]


@pytest.mark.parametrize("language", ICU_LANGUAGES)
def test_text_with_spaces_is_split_as_without_segmentation(language):
    text = "Don't panic: it's 3.14!\nread_csv, naïve\n\nende"
    for options in ({}, {"punctuation": True}, {"fold_digits": True, "lowercase": False}):
        assert make_tokenizer(f"icu:{language}", **options).tokenize(text) == make_tokenizer(**options).tokenize(text)


@pytest.mark.parametrize("language", SPACED)
@pytest.mark.parametrize("spec", ["fast", "icu:th"])
def test_marks_and_joiners_stay_in_their_words(language, spec):
    words = SPACED[language].split()
    if spec == "fast" or language != "Thai":
        assert make_tokenizer(spec, normalize="none").tokenize(SPACED[language]) == [words]


@pytest.mark.parametrize("threads", [1, 3])
def test_processes_count_what_one_call_counts(threads, tmp_path, monkeypatch):
    monkeypatch.setattr(segmentation, "_AT_ONCE", 100)  # so that blocks go to processes
    lines = [sentence for sentence, _ in SENTENCES.values()] * 30
    blocks = [("\n".join(lines[at : at + 7]) + "\n").encode() for at in range(0, len(lines), 7)]
    corpus = tokenize_corpus(blocks, make_tokenizer("icu:ja"), tmp_path / "tokens", threads=threads)
    words = make_tokenizer("icu:ja").tokenize("\n".join(lines))
    assert corpus.token_count == sum(map(len, words))


def test_bytes_that_are_no_text_are_counted_and_the_other_lines_segmented():
    sentence, words = SENTENCES["zh"]
    counter = make_tokenizer("icu:zh").counter()
    block = sentence.encode() + b"\nbad \xff line\n" + sentence.encode() + b"\n"
    ids = np.concatenate([part.copy() for part in counter.ids(block)])
    assert (ids > 0).sum() == 2 * len(words) + 2
    assert sum(counter.skipped.values()) == 1


@pytest.mark.parametrize("bad", [b"\xff", b"\xe4\xb8", b"\xff\xc0\xed\xa0\x80"])
@pytest.mark.parametrize("language", SENTENCES)
def test_a_line_with_bytes_that_are_no_text_is_segmented_around_them(language, bad):
    sentence, words = SENTENCES[language]
    counter = make_tokenizer(f"icu:{language}").counter()
    block = bad + sentence.encode() + bad + sentence.encode() + b"\n"
    ids = np.concatenate([part.copy() for part in counter.ids(block)])
    found = [word.decode() for word in counter.take_words().words.to_bytes()]
    assert [found[number - 1] for number in ids if number] == words * 2
    assert sum(counter.skipped.values()) == 2 * bad.decode("utf-8", "replace").count("\ufffd")


def test_the_tokenizer_is_recorded_by_its_name():
    tokenizer = make_tokenizer("icu:zh", punctuation=True)
    assert tokenizer.settings["spec"] == "icu:zh"
    assert tokenizer_of(tokenizer.settings) == tokenizer


def test_an_unknown_language_is_answered_with_those_there_are():
    for name in ("cn", "vi", "", "zh-CN"):
        with pytest.raises(UnknownTokenizerError, match=rf"no tokenizer 'icu:{name}'; icu: is for zh, ja, th, lo, km"):
            make_tokenizer(f"icu:{name}")


def test_without_the_package_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "icu4py", None)
    monkeypatch.setitem(__import__("sys").modules, "icu4py.breakers", None)
    with pytest.raises(MissingExtraError, match=r"icu:zh needs icu4py; run: pip install 'vecmill\[cjk\]'"):
        make_tokenizer("icu:zh")


def test_the_command_line_trains_on_segmented_text(tmp_path):
    sentence, words = SENTENCES["zh"]
    (tmp_path / "zh.txt").write_text(f"{sentence}\n" * 50, "utf-8")
    options = ["--out", tmp_path / "model", "--dimension", 8, "--epochs", 1, "--tokenizer", "icu:zh"]
    result = vecmill("train-embeddings", tmp_path / "zh.txt", *options)
    assert result.exit_code == 0, result.output
    assert f"{50 * len(words)} tokens" in result.stdout
    assert "long runs" not in result.stderr
    found = vecmill("embed", tmp_path / "model", "-", "--out", tmp_path / "lines.npy", stdin="北京是首都\n")
    assert found.exit_code == 0, found.output
    assert np.load(tmp_path / "lines.npy").any()
    fails(2, "icu:xx", "train-embeddings", tmp_path / "zh.txt", "--out", tmp_path / "x", "--tokenizer", "icu:xx")
