"""Warnings about text whose tokens are not words, and none about text that is fine."""

import logging
import random
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecmill
from embeddings.text.misread import unsegmented_runs
from embeddings.text.tokenized_corpus import tokenize_corpus
from embeddings.text.tokenizer.counted_words import CountedWords, Words
from embeddings.text.tokenizer.token_lists import TokenLists
from embeddings.text.tokenizer.tokenizers import make_tokenizer

CLAUSES = {
    "Chinese": "自然语言处理是人工智能领域中的一个重要方向。北京是中华人民共和国的首都，上海是最大的城市。",
    "Japanese": "自然言語処理は人工知能の重要な分野である。東京は日本の首都で、とても大きな都市です。",
    "Thai": "ภาษาไทยเป็นภาษาราชการของประเทศไทย กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย",
    "Lao": "ພາສາລາວເປັນພາສາທາງການຂອງປະເທດລາວ ວຽງຈັນເປັນນະຄອນຫຼວງ",
    "Khmer": "ភាសាខ្មែរជាភាសាផ្លូវការរបស់ប្រទេសកម្ពុជា ភ្នំពេញជារាជធានី",
    "Burmese": "မြန်မာဘာသာစကားသည်မြန်မာနိုင်ငံ၏ရုံးသုံးဘာသာစကားဖြစ်သည်။",
}
SEGMENTED = (
    "自然 语言 处理 是 人工智能 领域 中 的 一 个 重要 方向 。",
    "自然 言語 処理 は 人工 知能 の 重要 な 分野 で コンピューター を 使う 。",
    "ภาษา ไทย เป็น ภาษา ราชการ ของ ประเทศ ไทย มหาวิทยาลัย",
    "한국어는 띄어쓰기를 하는 언어이다 대한민국에서 사용한다",
    "हिन्दी में बड़ा लड़का पढ़ता है",
    "The quick brown fox met 北京 and 上海 on its way home, and wrote about both.",
)
FRENCH = "Le café est situé à côté du théâtre, où l'été dernier nous avons dîné."


def warnings_of(caplog, tmp_path, block: bytes, tokenizer=None) -> list[str]:
    with caplog.at_level(logging.WARNING):
        tokenize_corpus([block + b"\n"] * 20, tokenizer or make_tokenizer(), tmp_path / "tokens", threads=2)
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("language", CLAUSES)
@pytest.mark.parametrize("spec", ["fast", "whitespace", str.split])
def test_text_without_spaces_is_named_with_what_to_do(caplog, tmp_path, language, spec):
    (message,) = warnings_of(caplog, tmp_path, CLAUSES[language].encode(), make_tokenizer(spec))
    assert f"long runs of {language} characters" in message
    assert "--tokenizer icu:" in message
    assert "vecmill[cjk]" in message


def test_text_with_some_lines_without_spaces_is_named(caplog, tmp_path):
    mixed = (CLAUSES["Chinese"] + "\nA line of English beside it.\n").encode()
    assert "Chinese" in warnings_of(caplog, tmp_path, mixed)[0]


@pytest.mark.parametrize("text", SEGMENTED)
def test_text_with_spaces_gives_no_warning(caplog, tmp_path, text):
    assert not warnings_of(caplog, tmp_path, text.encode())


def test_tokens_of_lists_are_words_whatever_they_hold(caplog, tmp_path):
    with caplog.at_level(logging.WARNING):
        tokenize_corpus([[[CLAUSES["Chinese"]] * 5] * 5], TokenLists(), tmp_path / "tokens")
    assert not caplog.records


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "mac-roman"])
@pytest.mark.parametrize("spec", ["fast", "whitespace", str.split])
def test_text_of_another_encoding_is_named_with_the_command(caplog, tmp_path, encoding, spec):
    (message,) = warnings_of(caplog, tmp_path, FRENCH.encode(encoding), make_tokenizer(spec))
    assert "invalid UTF-8 sequences" in message
    assert "iconv -f CP1252 -t UTF-8" in message


@pytest.mark.parametrize("spec", ["fast", "whitespace", str.split])
def test_colours_of_a_terminal_are_named_with_the_command(caplog, tmp_path, spec):
    block = b"\x1b[31merror\x1b[0m cannot open the file\n"
    (message,) = warnings_of(caplog, tmp_path, block, make_tokenizer(spec))
    assert message.startswith("40 control characters beside ")
    command = message.partition(": ")[2].replace("text.txt > plain.txt", "")
    if shutil.which("sed"):
        done = subprocess.run(["sh", "-c", command], input=block, capture_output=True, check=True)
        assert done.stdout == b"error cannot open the file\n"


def test_a_few_invalid_bytes_in_a_large_text_give_no_warning(caplog, tmp_path):
    words = random.Random(1).choices(["word", "text", "été"], k=5000)
    assert not warnings_of(caplog, tmp_path, " ".join(words).encode() + b" caf\xe9")


def test_training_in_python_logs_the_warnings(caplog, tmp_path):
    path = tmp_path / "latin1.txt"
    path.write_bytes((FRENCH + "\n").encode("latin-1") * 200)
    with caplog.at_level(logging.WARNING):
        vectors = vecmill.train(path, dimension=4, epochs=1, threads=1)
    assert vectors.dropped["invalid UTF-8 sequences"] == 200 * sum(not c.isascii() for c in FRENCH)
    assert any("iconv" in record.getMessage() for record in caplog.records)


@given(st.lists(st.tuples(st.text("aé的是在", min_size=1, max_size=12), st.integers(1, 9)), min_size=1, max_size=30))
def test_runs_are_counted_word_by_word_whatever_stands_between(words):
    words = list(dict(words).items())
    counted = CountedWords(Words.from_bytes([word.encode() for word, _ in words]), np.array([n for _, n in words]))
    expected = sum(n for word, n in words if sum(character in "的是在" for character in word) > 6)
    assert unsegmented_runs(counted)["Chinese"] == expected
