"""Files that are not plain UTF-8 text are refused by the name of their kind and say what to do; text is read."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from corpora import CorpusError, open_corpus
from embeddings.evaluation import read_evaluation_set
from vecmill import load
from vecmill.errors import VecmillError
from vecmill.plain_text import read_lines

PROSE = "Über Grüße — naïve cafés, 北京, Москва\n" * 20
PAGE = "<html><head><title>x</title></head><body><p>one two</p></body></html>\n"
RECORDS = [{"text": "one two", "id": 1}, {"text": "three"}]


def read(path) -> bytes:
    return b"".join(open_corpus(path).blocks())


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"), io.BytesIO(b""))
    return file.getvalue()


CONLLU = "".join(word + "\t_" * 8 + "\n" for word in ("1-2\tDu", "1\tde", "2\tle", "3\tvin"))


REFUSED = {
    "page.html": (PAGE, "HTML file", "pandoc -f html"),
    "page.htm": ("<div>a fragment</div>", "HTML file", "pandoc -f html"),
    "saved.txt": ("\n\n<!DOCTYPE html>\n" + PAGE, "HTML file", "pandoc -f html"),
    "noname": ("<!-- saved -->\n <HTML lang='en'>" + PAGE, "HTML file", "pandoc -f html"),
    "marked.txt": ("\ufeff<!doctype HTML>" + PAGE, "HTML file", "pandoc -f html"),
    "page.xhtml": ('<?xml version="1.0"?>\n' + PAGE, "HTML file", "pandoc -f html"),
    "dump.xml": ("<export><page/></export>", "XML file", "xmllint"),
    "feed.txt": ('<?xml version="1.0" encoding="UTF-8"?>\n<rss><item/></rss>', "XML file", "xmllint"),
    "a.json": (json.dumps(RECORDS), "JSON array", "jq -c '.[]'"),
    "b.json": (json.dumps(RECORDS, indent=2), "JSON array", "jq -c '.[]'"),
    "c.json": (json.dumps(["one two", "three"]), "JSON array", "jq -r '.[]'"),
    "d.json": (json.dumps({"data": RECORDS}, indent=2), "JSON document", "JSON Lines"),
    "e.txt": (json.dumps(RECORDS), "JSON array", "JSON Lines"),
    "f.txt": (json.dumps(RECORDS, indent=4), "JSON array", "JSON Lines"),
    "g.txt": ("".join(json.dumps(record) + "\n" for record in RECORDS), "JSON Lines file", "g.jsonl"),
    "h.txt": (json.dumps({"text": "word " * 5000}), "JSON Lines file", "h.jsonl"),
    "i.ipynb": (json.dumps({"cells": RECORDS}, indent=1), "JSON document", "JSON Lines"),
    "j": (json.dumps({"data": RECORDS}, indent=None)[:-1], "JSON document", "JSON Lines"),
    "v.txt": ("2 3\nking 0.5 -1.25 1e-05\nqueen 0.25 -0.5 3\n", "file of word vectors", "the text that it was made"),
    "long.vec": (f"9 900\nking {'-0.12345678 ' * 900}\n", "file of word vectors", "the text that it was made"),
    "glove.txt": (f"the {'0.25 ' * 50}\nof {'-.5 ' * 50}\n", "file of word vectors", "the text that it was made"),
    "a.arpa": ("\n\\data\\\nngram 1=3\n", "n-gram model (ARPA file)", "the text that it was made"),
    "film.srt": ("1\r\n00:00:01,000 --> 00:00:02,500\r\none two\r\n\r\n", "subtitles", "awk "),
    "film.vtt": ("WEBVTT\n\n00:01.000 --> 00:02.500\none two\n", "subtitles", "awk "),
    "ud.conllu": ("# text = Du vin\n" + CONLLU, "CoNLL file", "awk "),
    "ud.txt": ("1\tOne" + "\t_" * 8 + "\n\n", "CoNLL file", "awk "),
    "ner.txt": ("-DOCSTART- -X- O O\n\none NN O O\n", "CoNLL file", "awk "),
    "ud.conllup": ("# global.columns = ID FORM UPOS\n1\tDu\tADP\n", "CoNLL file", "awk "),
    "deps.txt": ("1\tOne" + "\t_" * 12 + "\n\n", "CoNLL file", "awk "),
    "coref.txt": ("#begin document (a); part 000\na\t0\t0\tOne\tCD\n", "CoNLL file", "$4"),
    "chunks.txt": ("One CD B-NP\n. . O\n\nTwo CD B-NP\n", "CoNLL file", "$1"),
    "names.iob": ("In\tO\nNew\tB-LOC\nYork\tI-LOC\n", "CoNLL file", "$1"),
    "wsj.mrg": ("( (S \n    (NP (NN Text) )\n    (. .) ))\n", "file of trees", "awk "),
    "parsed.txt": ("(ROOT\n  (S\n    (NP (DT The) (NN fox))))\n", "file of trees", "awk "),
    "sentiment.txt": ("(3 (2 It) (4 (3 lovely) (2 film)))\n", "file of trees", "awk "),
    "quoted.mrg": ("( (S (`` ``) (NP-SBJ|<x> (NN Text)))) \n", "file of trees", "awk "),
    "articles.txt": ('<doc id="1" url="u" title="A">\nA\n\none two\n</doc>\n', "text with tags", "sed "),
    "sentences.sgm": ("<set lang='en'>\n<s>one two</s>\n</set>\n", "text with tags", "sed "),
    "inner.txt": ('<corpus>\n<s id="1">one two</s>\n</corpus>\n', "text with tags", "sed "),
    "fragment.txt": ("<div><p>one <b>two</b></p></div>\n", "text with tags", "sed "),
    "corpus.vrt": ('<text id="1">\n<s>\nOne\tCD\tone\n</s>\n</text>\n', "file of words between tags", "awk "),
    "film.ass": ("[Script Info]\nTitle: x\n[Events]\nDialogue: 0,0:00:01.00\n", "subtitles", "Dialogue"),
    "film.sub": ("{0}{25}one two\n{30}{50}three|four\n", "subtitles", "sed "),
    "song.lrc": ("[ar:one]\n[00:12.00]one two\n", "subtitles", "sed "),
    "mails.mbox": ("From a@b.c Mon Jan  1 00:00:00 2024\nSubject: one\n\ntwo\n", "mailbox", "module mailbox"),
    "crawl.wet": ("WARC/1.0\r\nWARC-Type: conversion\r\n\r\none two\r\n", "WARC file", "warcio"),
    "late.pdf": (b"\r\n%PDF-1.4\n", "PDF document", "pdftotext"),
    "paper.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF document", "pdftotext"),
    "renamed.txt": (b"%PDF-1.4\n", "PDF document", "pdftotext"),
    "letter.docx": (zipped("[Content_Types].xml", "word/document.xml"), "Word document", "pandoc"),
    "letter.odt": (zipped("mimetype") + b"application/vnd.oasis.opendocument.text", "OpenDocument", "pandoc"),
    "book.epub": (zipped("mimetype") + b"application/epub+zip", "EPUB book", "pandoc"),
    "texts.zip": (zipped("a.txt"), "zip archive", "unpack"),
    "texts.tar": (tarred(), "tar archive", "unpack"),
    "old.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "Microsoft Office document", "plain UTF-8 text"),
    "note.rtf": (b"{\\rtf1\\ansi one two}", "RTF document", "pandoc"),
    "photo.jpg": (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG image", "OCR"),
    "plot.png": (b"\x89PNG\r\n\x1a\n\0\0", "PNG image", "OCR"),
    "table.dat": (b"PAR1\x15\0", "Parquet file", ".parquet"),
    "strings.jsonl": ('"one two"\n"three"\n', "JSON Lines of strings", "jq -r . "),
    "strings.json": ('"one two"\n"three"\n', "JSON Lines of strings", "jq -r . "),
    "strings": (json.dumps(["one two", "three"]), "JSON array", "jq -r '.[]'"),
    "strings.txt": (json.dumps(["one two", "three"], indent=1), "JSON array", "jq -r '.[]'"),
    "lists.txt": ('["one", "two"]\n["three"]\n', "JSON Lines of lists", "jq -r 'join"),
    "lists.jsonl": ('["one", "two"]\n["three"]\n', "JSON Lines of lists", "jq -r 'join"),
    "numbers.jsonl": ("1\nnull\n", "no line is a JSON object", "one a line with the field 'text'"),
    "drawing.svg": ("<svg><text>one two</text></svg>", "XML file", "xmllint"),
    "drawing.txt": ('<svg xmlns="http://www.w3.org/2000/svg"><text>one two</text></svg>', "XML file", "xmllint"),
    "typed.txt": ('<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x">\n<svg/>', "XML file", "xmllint"),
    "paper.ps": ("%!PS-Adobe-3.0\n(one two) show\n", "PostScript document", "ps2ascii"),
    "a.db": (b"SQLite format 3\0\x10\0\1\1\0@  ", "SQLite database", "sqlite3 "),
    "a.feather": (b"ARROW1\0\0\xff\xff\xff\xffp\0\0\0\x10\0\0\0", "Arrow file", "Parquet or CSV"),
    "a.arrows": (b"\xff\xff\xff\xffp\0\0\0\x10\0\0\0", "Arrow file", "Parquet or CSV"),
    "b.feather": (b"FEA1\0\0\0\0\7\0\0\0", "Arrow file", "Parquet or CSV"),
    "a.npy": (b"\x93NUMPY\1\0v\0{'descr': '<f8'", "NumPy array", "the text that it was made"),
    "a.npz": (zipped("a.npy"), "file of NumPy arrays", "the text that it was made"),
    "a.pt": (zipped("archive/data.pkl"), "PyTorch file", "the text that it was made"),
    "a.safetensors": (b'8\0\0\0\0\0\0\0{"a":{"dtype":"F32"', "safetensors file", "the text that it was made"),
    "a.h5": (b"\x89HDF\r\n\x1a\n\0\0\0", "HDF5 file", "lines of a file"),
    "ft.bin": (b"\xba\x16\x4f\x2f\x0c\0\0\0", "fastText model", "the text that it was made"),
    "a.lz4": (b"\x04\x22\x4d\x18d@\xa7\x14\0\0", "LZ4 data", "unpack it: lz4 -dc"),
    "a.lzma": (lzma.compress(b"one two", lzma.FORMAT_ALONE), "LZMA data", "unpack it: xz -dc"),
    "a.Z": (b"\x1f\x9d\x90o\xdc\x95\1", "compress data (.Z)", "unpack it: gzip -dc"),
    "data.bin": (b"\0\1\2\3\xfe\xff", "binary file", "UTF-8"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("pack", [None, gzip.compress])
def test_other_kinds_are_refused_with_their_name_and_what_to_do(tmp_path, name, pack):
    content, kind, remedy = REFUSED[name]
    data = content.encode() if isinstance(content, str) else content
    path = tmp_path / (name + ".gz" if pack else name)
    path.write_bytes(pack(data) if pack else data)
    with pytest.raises(CorpusError) as error:
        read(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert kind in message
    if not pack:
        assert remedy in message
    assert "\n" not in message


EXTRACTED = {
    "wsj.mrg": ("( (S \n    (NP (NN One) )\n    (NP (-NONE- *T*-1) )))\n( (S (NN two) (NN three) ))\n", "awk"),
    "sentiment.txt": ("(3 (2 One))\n(3 (2 two) (2 three))\n", "awk"),
    "chunks.txt": ("One CD B-NP\n\ntwo CD B-NP\nthree NN O\n", "awk"),
    "coref.txt": ("#begin document (a)\na\t0\t0\tOne\tCD\n\na\t0\t0\ttwo\tX\na\t0\t1\tthree\tX\n", "awk"),
    "deps.txt": ("1\tOne" + "\t_" * 12 + "\n\n1\ttwo" + "\t_" * 12 + "\n2\tthree" + "\t_" * 12 + "\n", "awk"),
    "corpus.vrt": ('<s n="1">\nOne\tCD\n</s>\n<s>\ntwo\tCD\nthree\tCD\n</s>\n', "awk"),
    "articles.txt": ('<doc id="1">\nOne\n<b>two three</b>\n</doc>\n', "sed"),
    "film.ass": ("[Script Info]\nDialogue: 0,1,2,,,0,0,0,,{\\i1}One\nDialogue: 0,1,2,,,0,0,0,,two\\Nthree\n", "sed"),
    "film.sub": ("{0}{25}One\n{30}{50}two|three\n", "sed"),
    "song.lrc": ("[00:12.00]One\n[00:15.10]two three\n", "sed"),
}


@pytest.mark.parametrize("name", EXTRACTED)
def test_the_command_of_the_message_extracts_the_words(tmp_path, monkeypatch, name):
    content, program = EXTRACTED[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(content)
    with pytest.raises(CorpusError) as error:
        read(name)
    command = program + str(error.value).partition(f": {program}")[2]
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    subprocess.run(["sh", "-c", command], check=True)
    extracted = (tmp_path / command.split("> ")[-1]).read_text()
    assert [line.split() for line in extracted.splitlines() if line.split()] == [["One"], ["two", "three"]]


@pytest.mark.parametrize(
    ("encoding", "name", "kind"),
    [
        ("iso2022_jp", "ISO-2022-JP", "ISO-2022-JP"),
        ("iso2022_kr", "ISO-2022-KR", "ISO-2022-KR"),
        ("cp037", "IBM037", "EBCDIC"),
        ("cp500", "IBM037", "EBCDIC"),
    ],
)
def test_encodings_with_characters_of_ascii_for_others_are_named(tmp_path, encoding, name, kind):
    text = {"iso2022_jp": "東京は 日本の\n", "iso2022_kr": "한국은 서울\n"}.get(encoding, "The fox runs. À bientôt\n")
    (tmp_path / "a.txt").write_bytes((text * 50).encode(encoding))
    with pytest.raises(CorpusError, match=f"is {kind} text, expected UTF-8; convert it: iconv -f {name} -t UTF-8 "):
        read(tmp_path / "a.txt")


def test_utf_7_is_named_by_its_mark(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"+/v8-one caf+AOk-\n")
    with pytest.raises(CorpusError, match="is UTF-7 text"):
        read(tmp_path / "a.txt")


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs /dev/fd")
@pytest.mark.parametrize("content", [json.dumps(RECORDS[0]).encode(), gzip.compress(gzip.compress(b"one")), b"%PDF-1"])
def test_the_message_about_a_pipe_asks_for_a_file(content):
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    try:
        with pytest.raises(CorpusError) as error:
            read(f"/dev/fd/{reading}")
    finally:
        os.close(reading)
    _, _, remedy = str(error.value).partition("; ")
    assert "save it" in remedy and "FILE" in remedy and "/dev/" not in remedy


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [["one two"], {"text": "one two"}, "one two", Counter(["one two"]), ("one", "two")])
def test_a_pickle_of_any_protocol_is_named(tmp_path, value, protocol):
    (tmp_path / "a.txt").write_bytes(pickle.dumps(value, protocol))
    with pytest.raises(CorpusError, match=r"Python pickle, .* write its texts as lines"):
        read(tmp_path / "a.txt")


def test_a_file_compressed_twice_is_named(tmp_path):
    for suffix, pack, name in ((".gz", gzip.compress, "gzip"), (".xz", lzma.compress, "xz")):
        path = tmp_path / f"a.txt{suffix}"
        path.write_bytes(pack(pack(PROSE.encode())))
        with pytest.raises(CorpusError, match=f"{name} data, .* unpack it: {name} -dc"):
            read(path)


def test_lines_of_json_without_objects_are_counted_where_others_have_the_text(tmp_path):
    (tmp_path / "a.jsonl").write_text('"one"\n{"text": "two three"}\n')
    corpus = open_corpus(tmp_path / "a.jsonl")
    assert b"".join(corpus.blocks()) == b"two three\n"
    assert list(corpus.warnings.values()) == [1]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", [PROSE, "plain words of ASCII\n" * 3, "x y\n", "中文 文本\n" * 900, "слова и слова\n"])
def test_wide_encodings_are_named_with_and_without_their_mark(tmp_path, encoding, text):
    (tmp_path / "wide text.txt").write_bytes(text.encode(encoding))
    name = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
    exact = name if name.endswith("E") else name + "LE"
    message = rf"is {name[:6]} text, expected UTF-8; convert it: iconv -f {exact} -t UTF-8 '.*wide text\.txt'"
    with pytest.raises(CorpusError, match=message):
        read(tmp_path / "wide text.txt")


@pytest.mark.parametrize(
    "text",
    [
        "12 7\n3 1 4 1 5 9 2\n",  # a walk, or items
        "2 3\nversion 1.5 of it\n",
        f"a {'1 ' * 20}\nb {'0 ' * 20}\n",
        f"prices: {'9.99 ' * 20}\nand so on\n",
        "see \\data\\ below\n",
        "1\t2\t3\t4\t5\t6\t7\t8\t9\t10\n2\t3\t4\t5\t6\t7\t8\t9\t10\t11\n",
        "1\tone\ttwo\n2\tthree\tfour\n",
        "1\n00:00 is midnight --> go on\n",
    ],
)
def test_numbers_in_a_text_are_read(tmp_path, text):
    (tmp_path / "a.txt").write_text(text)
    assert read(tmp_path / "a.txt") == text.encode()


WITHOUT_ASCII = {
    "Chinese": "自然语言处理是人工智能领域中的一个重要方向。北京是中华人民共和国的首都，上海是最大的城市",
    "Japanese": "これは日本語のぶんしょうです。東京は日本の首都であり",
    "Korean": "서울은대한민국의수도이다",
    "Russian": "Москваявляетсястолицей",
    "Greek": "ΗΑθήναείναιηπρωτεύουσα",
    "Hebrew": "ירושליםהיאבירה",
    "Arabic": "القاهرةعاصمةمصر",
    "Thai": "กรุงเทพเป็นเมืองหลวง",
    "Amharic": "አዲስአበባየኢትዮጵያዋናከተማናት",
}


@pytest.mark.parametrize("repeats", [1, 500])
@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE"])
@pytest.mark.parametrize("language", WITHOUT_ASCII)
def test_utf_16_is_named_without_its_mark_and_without_ascii(tmp_path, language, encoding, repeats):
    (tmp_path / "a.txt").write_bytes((WITHOUT_ASCII[language] * repeats).encode(encoding))
    with pytest.raises(CorpusError, match=f"is UTF-16 text, expected UTF-8; convert it: iconv -f {encoding} "):
        read(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        *((language, "utf-8") for language in WITHOUT_ASCII),
        *(("Russian", encoding) for encoding in ("cp1251", "koi8-r", "iso8859-5")),
        *(("Chinese", encoding) for encoding in ("gb18030", "big5")),
        *(("Japanese", encoding) for encoding in ("shift_jis", "euc-jp")),
        *(("Greek", "cp1253"), ("Hebrew", "cp1255"), ("Korean", "euc-kr"), ("Thai", "cp874")),
    ],
)
def test_other_encodings_are_not_taken_for_utf_16(tmp_path, language, encoding):
    data = (WITHOUT_ASCII[language] * 100).encode(encoding, "ignore")
    (tmp_path / "a.txt").write_bytes(data)
    assert read(tmp_path / "a.txt") == data + b"\n"


def test_control_characters_between_fields_are_read(tmp_path):
    for separator in b"\1\2\x1c\x1d\x1e\x1f":
        for fields in ([b"name", b"value", b"a longer value", b"x"], [b"a", b"b", b"c"], [b"12", b"345"], [b""]):
            data = bytes([separator]).join(fields * 50) + b"\n"
            (tmp_path / "a.txt").write_bytes(data)
            assert read(tmp_path / "a.txt") == data


@pytest.mark.parametrize(
    "data", [b"a b\0" * 100, b"\0", b"ab\0", b"\0\1\2\3" * 50, b"\x7fELF\2\1\1\0\0\0" * 9, bytes(range(256))]
)
def test_binary_data_is_not_taken_for_utf_16(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(CorpusError, match="is a binary file"):
        read(tmp_path / "a")


@pytest.mark.parametrize("before", [b"word ", b"words ", "é ".encode(), "слово и слово ".encode(), b"12\t"])
@pytest.mark.parametrize("after", [b" nul", b"x", b"\nmore words of a log that lost a block"])
def test_text_with_a_nul_here_and_there_is_not_taken_for_utf_16(tmp_path, before, after):
    (tmp_path / "a").write_bytes(before + b"word \0" + after)
    with pytest.raises(CorpusError, match="is a binary file"):
        read(tmp_path / "a")


@pytest.mark.parametrize("end", ["", "\n", " x\n"])
@pytest.mark.parametrize("word", ["a", "5", "ab", "the", "word", "é", "слово", "中文"])
def test_a_short_text_with_a_nul_is_not_taken_for_utf_16(tmp_path, word, end):
    for nul in ("\0" + word, word + "\0", f"{word}\0{word}"):
        (tmp_path / "a").write_bytes((nul + end).encode())
        with pytest.raises(CorpusError, match="is a binary file"):
            read(tmp_path / "a")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.html", "a"])
def test_wide_encodings_are_named_whatever_the_format(tmp_path, name):
    (tmp_path / name).write_bytes('{"text": "one two"}\n'.encode("utf-16"))
    with pytest.raises(CorpusError, match="is UTF-16 text"):
        read(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [
        "< 5 is less than <html> five\n",
        "<s> sentence marks </s>\n",
        "<s> <unk> marks </s>\n<s> <unk> again </s>\n",
        "<user><url> look at this <number>\n",
        "<p> one paragraph\n<p> another\n",
        "<http://a/b> <http://a/c> <http://a/d> .\n",
        "(I (Peter says) think so)\n",
        "(A) one\n(B) two\n",
        "[12:30:45] <nick> good morning\n[12:30:59] <other> hello\n",
        "[Chorus]\none two\n",
        "{1} one\n{2} two\n",
        "vitamin B-12\nB-cells\nGroup O\n",
        "From here to Mon Jan 1 12:30\nTo: nobody\n",
        "a@b.c wrote to d@e.f\n",
        "1\tone\t_\t_\n",
        "[1] See the first reference.\n",
        "[[wiki links]] in text\n",
        '["quoted", he said]\n',
        "{braces} at the beginning\n",
        "[]\n",
        "[]\n[1] a note\n",
        "[1]\n[2]\n",
        "%PDF is a format\n",
        "The page begins with <!DOCTYPE html> as always\n",
        "RIFF and PK and MM and II\n",
        "<html5 is no tag\n",
        "BZh is how it begins\n",
        "%!PS is how it begins\n",
        "SQLite format 3 is a format\n",
        "ARROW1 and FEA1 begin files\n",
        "<!DOCTYPE begins a page\n",
        "<svg is a tag, <a b> none\n",
        "cat\ndog\npony\n",
        "(laughs)\np0\n",
        "V for Vendetta\nanother line\n",
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a", "a.md"])
def test_plain_text_that_looks_similar_is_read(tmp_path, text, name):
    (tmp_path / name).write_text(text, "utf-8")
    assert read(tmp_path / name) == text.encode()


def test_plain_text_under_another_name_is_read(tmp_path):
    for name in ("a.html", "b.json", "c.xml"):
        (tmp_path / name).write_text("one two three\n")
        assert read(tmp_path / name) == b"one two three\n"


def test_json_lines_named_json_are_read_as_records(tmp_path):
    (tmp_path / "a.json").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(json.dumps({"text": "word " * 5000}).encode()))
    assert read(tmp_path / "a.json") == b"one two\nthree\n"
    assert read(tmp_path / "b.json.gz") == b"word " * 5000 + b"\n"


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_records_end_as_lines_of_texts_do(tmp_path, name, end):
    (tmp_path / name).write_bytes("".join(json.dumps(record) + end for record in RECORDS).encode())
    assert read(tmp_path / name) == b"one two\nthree\n"


def test_other_kinds_in_a_directory_are_counted_by_kind(tmp_path):
    for name, (content, _, _) in REFUSED.items():
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (tmp_path / "zz.txt").write_text("the only text\n")
    corpus = open_corpus(tmp_path)
    assert b"".join(corpus.blocks()) == b"the only text\n"
    kinds = {re.sub(r" skipped.*", "", what): count for what, count in corpus.warnings.items()}
    assert kinds["HTML file"] == 6
    assert kinds["JSON array"] == 7
    assert kinds["Arrow file"] == 3
    assert sum(kinds.values()) == len(REFUSED)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_byte_order_marks_of_all_files_are_dropped(tmp_path, pack):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_bytes(pack("\ufeffword next\n".encode()))
    assert read(tmp_path) == b"word next\n" * 2


@pytest.mark.parametrize(
    "lines",
    [
        ['{"body": "one"}'] * 3,
        ["{broken"] * 2,
        ["5", "null"],
        ['"one two"'],
        ['{"text": ["one", "two"]}'],
        ['{"text": null}', "{broken", "[]"],
    ],
)
def test_records_without_text_are_one_file_that_is_left_out(tmp_path, lines):
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    (tmp_path / "b.txt").write_text("the only text\n")
    corpus = open_corpus(tmp_path)
    assert b"".join(corpus.blocks()) == b"the only text\n"
    ((kind, count),) = corpus.warnings.items()
    assert (count, kind.endswith("skipped (first: a.jsonl)")) == (1, True), kind


PLAIN_BUT_NAMED = [f"a{suffix}" for suffix in (".txt.gz", ".gz", ".tsv.xz", ".csv.bz2", ".jsonl.zst")]


@pytest.mark.parametrize("name", PLAIN_BUT_NAMED)
def test_plain_text_named_as_compressed_gets_one_piece_of_advice(tmp_path, name):
    (tmp_path / name).write_text("king\tqueen\t3\n")
    for open_it in (read, read_evaluation_set, read_lines, *([load] if name.endswith(".gz") else [])):
        with pytest.raises(VecmillError, match=r"; rename it if it is plain text$"):
            open_it(tmp_path / name)
