"""Plain text: files are opened as such, and others recognized by their first bytes and their name.

The message about each other kind says what to do.
"""

import codecs
import io
import json
import re
import shlex
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from vecmill.compression import DAMAGE, MAGIC, NotCompressedError, Prefixed, decompressed, read_fully
from vecmill.errors import VecmillError

STDIN = "stdin"
"""Name of standard input in messages."""
HEAD = 8192
"""Number of bytes at the beginning of a file by which its kind is recognized."""

_MARKED = {
    codecs.BOM_UTF32_LE: "UTF-32LE",  # before UTF-16LE, whose mark it begins with
    codecs.BOM_UTF32_BE: "UTF-32BE",
    codecs.BOM_UTF16_LE: "UTF-16LE",
    codecs.BOM_UTF16_BE: "UTF-16BE",
}
_ESCAPED = {  # from the first escape sequence on, two bytes of ASCII are a character
    b"\x1b$@": "ISO-2022-JP",
    b"\x1b$B": "ISO-2022-JP",
    b"\x1b$)C": "ISO-2022-KR",
    b"\x1b$)A": "ISO-2022-CN",
    b"\x1b$)G": "ISO-2022-CN",
}
_UTF_7_MARK = re.compile(rb"\+/v[89+/]")
_EBCDIC, _EBCDIC_SPACE = "IBM037", b"\x40"
_IMAGE, _ARCHIVE = "extract its text by OCR, or leave it out", "unpack it and give the folder"
_TRAINING_TEXT = "give the text that it was made from"
_PANDOC = "extract the text first: pandoc -t plain {path} -o {stem}-extracted.txt"
_PS2ASCII = "extract the text first: ps2ascii {path} > {stem}-extracted.txt"
_UNPACK = "unpack it: {program} -dc {{path}} > {{stem}}-unpacked.txt"
_UNPACKED = {".gz": "gzip", ".xz": "xz", ".zst": "zstd"}  # before; this is twice compressed, or on standard input
_PARQUET, _NAME_PARQUET = "Parquet file", "rename it to end in .parquet"
_ARROW = "Arrow file", "write its table as Parquet or CSV first"
_PICKLE = "Python pickle", "write its texts as lines of a file, with the program that made it"
_STRINGS = "convert it to lines of text: jq -r . {path} > {stem}-extracted.txt"
_LISTS = "convert it to lines of text: jq -r 'join(\" \")' {path} > {stem}-extracted.txt"
_SIGNATURES = (
    (b"WARC/1.", "WARC file", "extract the text of its records first, with warcio or trafilatura"),
    (b"%PDF-", "PDF document", "extract the text first: pdftotext {path} {stem}-extracted.txt"),
    (b"{\\rtf", "RTF document", _PANDOC),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Microsoft Office document", "save it as plain UTF-8 text first"),
    (b"%!PS-", "PostScript document", _PS2ASCII),
    (b"%!PS\n", "PostScript document", _PS2ASCII),
    (b"%!PS\r", "PostScript document", _PS2ASCII),
    (b"\xc5\xd0\xd3\xc6", "PostScript document", _PS2ASCII),
    (b"PAR1", _PARQUET, _NAME_PARQUET),
    (b"ARROW1\0\0", *_ARROW),
    (b"FEA1", *_ARROW),
    (
        b"SQLite format 3\0",
        "SQLite database",
        "write a column of a table first: sqlite3 {path} 'SELECT COLUMN FROM TABLE' > {stem}-extracted.txt",
    ),
    (b"\x93NUMPY", "NumPy array", _TRAINING_TEXT),
    (b"\xba\x16\x4f\x2f", "fastText model", _TRAINING_TEXT),
    (b"\x89HDF\r\n", "HDF5 file", "write its texts as lines of a file first"),
    (b"\x89PNG\r\n", "PNG image", _IMAGE),
    (b"\xff\xd8\xff", "JPEG image", _IMAGE),
    (b"GIF87a", "GIF image", _IMAGE),
    (b"GIF89a", "GIF image", _IMAGE),
    (b"II*\0", "TIFF image", _IMAGE),
    (b"MM\0*", "TIFF image", _IMAGE),
    (b"7z\xbc\xaf\x27\x1c", "7z archive", _ARCHIVE),
    (b"Rar!\x1a\x07", "RAR archive", _ARCHIVE),
    (b"\x04\x22\x4d\x18", "LZ4 data", _UNPACK.format(program="lz4")),
    (b"\x02\x21\x4c\x18", "LZ4 data", _UNPACK.format(program="lz4")),
    (b"]\0\0", "LZMA data", _UNPACK.format(program="xz")),
    *((MAGIC[suffix], f"{program} data", _UNPACK.format(program=program)) for suffix, program in _UNPACKED.items()),
    (b"\x1f\x9d", "compress data (.Z)", _UNPACK.format(program="gzip")),
)
_ZIPPED = (  # found in the first entries of zip archives; the last one is in all of them
    (b"word/", "Word document", _PANDOC),
    (b"vnd.oasis.opendocument", "OpenDocument file", _PANDOC),
    (b"application/epub+zip", "EPUB book", _PANDOC),
    (b"xl/", "Excel table", "save it as CSV first"),
    (b"/data.pkl", "PyTorch file", _TRAINING_TEXT),
    (b".npy", "file of NumPy arrays", _TRAINING_TEXT),
    (b"", "zip archive", _ARCHIVE),
)
_HTML_FILE = "HTML file", "extract the text first: pandoc -f html -t plain {path} -o {stem}-extracted.txt"
_XML_FILE = "XML file", "extract the text first: xmllint --xpath 'string()' {path} > {stem}-extracted.txt"
_ARPA = re.compile(rb"\\data\\\s")
_SIZES = re.compile(rb"\d+ \d+")  # of a vocabulary and of a vector
_DECIMAL = re.compile(rb"-?(\d*\.\d+|\d+(?=e))(e[-+]?\d+)?", re.IGNORECASE)
_FEWEST_NUMBERS = 10  # after each of two words, where no line tells the sizes
_COMMENTS = re.compile(rb"(<!--.*?-->\s*)*", re.DOTALL)
_PICKLED = re.compile(  # protocols 2 to 5, 1, and 0, which is lines of text
    rb"""\x80[\2-\5]
      | ([\]})] | c[\w.]+\n[\w.]+\n) q[\0\1] | \(?X..\0\0
      | (\([dl] | \(?[VS][^\n]*\n | c[\w.]+\n[\w.]+\n) p[01]\n""",
    re.VERBOSE | re.DOTALL,
)
_XML = re.compile(rb"<!DOCTYPE\s+[\w:.-]+(\s+(PUBLIC|SYSTEM)\s|\s*[\[>])|<[\w:.-]+(\s[^<>]*)?\sxmlns\b")
_HTML = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
# one tag with an attribute after tags without, or two without a space and an end of one: <s> alone, and <user><url> in
# tweets, are marks in plain text
_TAG, _ATTRIBUTES = rb"<[A-Za-z][\w:.-]*", rb"""(\s+[\w:.-]+\s*=\s*("[^"<]*"|'[^'<]*'))+\s*/?>"""
_TAGGED = re.compile(rb"(%b>\s*)*%b%b|(%b>){2}(?s:.*)</" % (_TAG, _TAG, _ATTRIBUTES, _TAG))
_TAGS = "remove its tags: sed 's/<[^>]*>//g' {path} > {stem}-extracted.txt"
_VERTICAL = re.compile(rb"(<[^>\n]*>\r?\n)+[^\t\n<]+\t")  # a word a line, with columns, between tags
_WORDS_OF_COLUMNS = (
    r"""extract its words: awk -F'\t' '/^<\/(s|sent|p)>/ {{print ""}} !/^</ {{printf "%s ", $1}}' {path} """
    "> {stem}-words.txt"
)
# WebVTT and SubRip
_SUBTITLES = re.compile(rb"WEBVTT\s|\d+\s*\n(\d+:)?\d\d:\d\d[,.]\d{3} --> ")
# SubStation Alpha, MicroDVD and lyrics
_SUBSTATION = re.compile(rb"\[Script Info\]")
_SPOKEN_IN_EVENTS = (
    r"extract the text first: sed -n -E 's/\\[Nnh]/ /g; s/\{{[^}}]*\}}//g; s/^Dialogue:([^,]*,){{9}}//p' {path} "
    "> {stem}-extracted.txt"
)
_MICRODVD = re.compile(rb"\{\d+\}\{\d+\}")
_LYRICS = re.compile(rb"(\[[a-z]+:[^\]\n]*\]\s*\n)*\[\d\d:\d\d\.\d{2,3}\]")
_SPOKEN_AFTER_TIMES = (
    r"extract the text first: sed -E 's/\{{[^}}]*\}}//g; s/^(\[[^]]*\])+//; s/\|/ /g' {path} > {stem}-extracted.txt"
)
_SPOKEN = (
    "extract the text first: awk '!/ --> |^WEBVTT|^[0-9]*\\r?$/ {{gsub(/<[^>]*>/, \"\"); print}}' {path} "
    "> {stem}-extracted.txt"
)
# ID, FORM, LEMMA, UPOS, XPOS, FEATS, HEAD, DEPREL, DEPS, MISC; 14 columns or more in CoNLL-2009; named in CoNLL-U Plus
_CONLL = re.compile(
    rb"""\#\ global\.columns\ =\ ID\ FORM\s
      | (\#.*\n)*(?=.*\t_\s)1(-\d+)?((\t[^\t\n]+){5}\t(\d+|_)(\t[^\t\n]+){3}|(\t[^\t\n]+){13,})\n""",
    re.VERBOSE,
)
_FORMS = (
    r"""extract its words: awk -F'\t' '/^[0-9]+\t/ {{printf "%s ", $2}} !NF {{print ""}}' {path} > {stem}-words.txt"""
)
_CONLL_2003 = re.compile(rb"-DOCSTART-\s")
_NAMED_ENTITY = re.compile(
    rb"\S+([ \t]\S+){0,2}[ \t](O|[BIESLU]-[A-Za-z]\S*)"
)  # a word, its analyses, and its part of a name
_FIRST_COLUMN = (
    """extract its words: awk '!/^-DOCSTART-/ {{printf "%s ", $1}} !NF {{print ""}}' {path} > {stem}-words.txt"""
)
_CONLL_2012 = re.compile(rb"#begin document \(")
_FOURTH_COLUMN = """extract its words: awk '!/^#/ {{printf "%s ", $4}} !NF {{print ""}}' {path} > {stem}-words.txt"""
# the labels of a tree of the Penn Treebank, or of sentiment, and its first word
_TREE = re.compile(rb"(\(\s*([A-Z\d][A-Z\d$|=+*_.-]*\s+)?)+\([^\s()a-z]+\s+[^\s()]+\s*\)")
_LEAVES = (
    'extract its words: awk \'/^[(]/ && NR > 1 {{print ""}} {{gsub(/[(]-NONE- [^()]*[)]|[(][^ ()]*|[)]/, ""); '
    'printf "%s ", $0}} END {{print ""}}\' {path} > {stem}-words.txt'
)
_MAILBOX = re.compile(rb"From \S+ +\w{3} \w{3} +\d+ \d\d:\d\d.*\n[\w-]+:")
_MESSAGES = "extract the text of its messages first, with the module mailbox of Python"
_LINE_BREAK = re.compile(b"\r\n|[\n\r]|\xc2\x85|\xe2\x80[\xa8\xa9]")
_BREAK_IN_LINE = re.compile(b"\xc2\x85|\xe2\x80[\xa8\xa9]")
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\v\f\r\x1b")
_SCRIPTS = {*range(0x03, 0x1C), 0x20}  # blocks of scripts whose characters may be two bytes of ASCII; punctuation
_SHORTEST = 8  # characters
_NO_TEXT = ("Cc", "Cf", "Cn", "Co", "Cs")
_INVISIBLE = "\t\n\r\f\u00ad\u200b\u200c\u200d\u200e\u200f\ufeff"  # but part of text


class OtherKindError(VecmillError):
    """A file that is no plain text.

    Parameters
    ----------
    kind : str
        What it is: "binary file".
    message : str
        Message of the error.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@contextmanager
def open_text(path: str | PathLike[str]) -> Iterator[io.BufferedReader]:
    """Open a file of plain UTF-8 text, compressed or not, without its byte order mark.

    Parameters
    ----------
    path : path

    Yields
    ------
    io.BufferedReader

    Raises
    ------
    OtherKindError
        It is not plain UTF-8 text, or is damaged.
    OSError
        It cannot be read.
    """
    with Path(path).open("rb") as stored:
        try:
            yield plain_text(stored, str(path))
        except NotCompressedError as error:
            raise OtherKindError("damaged file", f"{path} is {error}") from error
        except DAMAGE as error:
            raise OtherKindError("damaged file", f"{path} is damaged ({error}); get the file again") from error


def plain_text(stored: BinaryIO, path: str) -> io.BufferedReader:
    """Return plain UTF-8 text, compressed or not, without its byte order mark.

    Parameters
    ----------
    stored : binary file
    path : str
        Its name, for messages.

    Returns
    -------
    io.BufferedReader

    Raises
    ------
    OtherKindError
        It is not plain UTF-8 text.
    """
    head, stream = utf8_text(decompressed(stored, path), path)
    require_plain_text(head, path)
    return stream


def utf8_text(stream: io.BufferedReader, path: str) -> tuple[bytes, io.BufferedReader]:
    """Return the first bytes of UTF-8 text and the text, both without byte order mark; raise for other files.

    Parameters
    ----------
    stream : io.BufferedReader
        Decompressed.
    path : str
        Its name, for messages.

    Returns
    -------
    head : bytes
    text : io.BufferedReader

    Raises
    ------
    OtherKindError
        It is binary or of another encoding.
    """
    head = read_fully(stream, HEAD)
    require_utf8(head, path)
    head = head.removeprefix(codecs.BOM_UTF8)
    return head, io.BufferedReader(Prefixed(head, stream), 1 << 17)


def require_utf8(head: bytes, path: str) -> None:
    """Raise an error for a file that is no text in UTF-8.

    Parameters
    ----------
    head : bytes
        Its first bytes, decompressed.
    path : str
        Its name.

    Raises
    ------
    OtherKindError
        The file is binary or of another encoding; the message says what to do.
    """
    _refuse_encoding(_other_encoding(head), path)
    document = _document(head)
    if document and document[0] == _PARQUET and suffix_of(path) == ".parquet":  # where no reader of tables takes it
        document = _PARQUET, "write its column of text to a file first"
    _refuse(document, path)
    _refuse_encoding(_without_ascii(head) or _with_escapes(head) or _ebcdic(head), path)
    if b"\0" in head:
        remedy = "expected UTF-8 text; unpack archives and convert documents to plain text first"
        raise OtherKindError("binary file", f"{path} is a binary file (it has NUL bytes), {remedy}")


def require_plain_text(head: bytes, path: str) -> None:
    """Raise an error for HTML, XML, JSON, subtitles, CoNLL and trees, whose tags, keys and times would become words.

    Parameters
    ----------
    head : bytes
        First bytes of the file, decompressed.
    path : str
        Its name.

    Raises
    ------
    OtherKindError
        The message says what to do.
    """
    begin, suffix = head.lstrip(), suffix_of(path)
    _refuse(_markup(begin, suffix), path)
    first, _, rest = begin.partition(b"\n")
    if suffix in (".jsonl", ".ndjson") or rest.startswith(b"[") or (suffix == ".json" and begin.startswith(b'"')):
        refuse_json_values(first, path)
    _refuse(_json(begin, suffix), path)
    _refuse(_annotated(begin), path)


def require_text(head: bytes, path: str) -> None:
    """Raise an error for what `require_plain_text` refuses, and for models written as text, whose numbers are no words.

    Parameters
    ----------
    head : bytes
        First bytes of the file, decompressed.
    path : str
        Its name.

    Raises
    ------
    OtherKindError
        The message says what to do.
    """
    require_plain_text(head, path)
    _refuse(_model(head.lstrip()), path)


def without_line_breaks(text: bytes) -> bytes:
    """Return UTF-8 text as one line: a space in the place of every end of a line that tokenizers know."""
    return _LINE_BREAK.sub(b" ", text.rstrip(b"\r\n"))


def without_breaks_in_lines(text: bytes) -> bytes:
    """Return lines of UTF-8 text with a space for U+0085, U+2028 and U+2029, so that they end as lines of files do."""
    return _BREAK_IN_LINE.sub(b" ", text)


def lines_without_ends(file: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a file, which end as those of texts for training do: in LF, CR LF or CR.

    Parameters
    ----------
    file : iterable of bytes
        Lines that end in LF.

    Yields
    ------
    bytes
    """
    for line in file:
        yield from line.removesuffix(b"\n").removesuffix(b"\r").split(b"\r")


def read_lines(path: str | PathLike[str]) -> list[str]:
    """Return the lines of a small file of plain UTF-8 text, without their ends.

    Parameters
    ----------
    path : path

    Returns
    -------
    list of str

    Raises
    ------
    OtherKindError
        It is not plain UTF-8 text, or is damaged.
    OSError
        It cannot be read.
    """
    with open_text(path) as file:
        lines = list(lines_without_ends(file))
    for number, line in enumerate(lines, 1):
        if b"\0" in line or not _is_utf8(line + b" "):  # a character that is cut at the end is none
            raise OtherKindError("binary file", f"{path}, line {number}: not UTF-8; convert the file to UTF-8")
    return [line.decode() for line in lines]


def is_json_lines(head: bytes) -> bool:
    """Return whether the first line of a text is a JSON object, whole or longer than `head`."""
    line, *rest = re.split(rb"[\r\n]", head.lstrip(), maxsplit=1)
    if not rest and len(head) > HEAD // 2:
        return re.match(rb'\{\s*"', line) is not None
    try:
        return isinstance(json.loads(line.decode("utf-8", "replace")), dict)
    except (ValueError, RecursionError):
        return False


def refuse_json_values(line: bytes, path: str) -> None:
    """Raise an error for JSON Lines that are no objects.

    Parameters
    ----------
    line : bytes
        One of them; what is a string or a list of strings is refused.
    path : str
        Name of the file.

    Raises
    ------
    OtherKindError
        The message says what to do.
    """
    try:
        value = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return
    if isinstance(value, str):
        _refuse(("JSON Lines of strings", _STRINGS), path)
    elif isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        _refuse(("JSON Lines of lists", _LISTS), path)


def suffix_of(name: str) -> str:
    """Return the suffix of a file name, in lower case, without that of its compression."""
    path = PurePosixPath(name.lower())
    return path.with_suffix("").suffix if path.suffix in MAGIC else path.suffix


def _refuse_encoding(encoding: str | None, path: str) -> None:
    if encoding:
        kind = "EBCDIC" if encoding == _EBCDIC else encoding.removesuffix("LE").removesuffix("BE")
        remedy = _command(f"convert it: iconv -f {encoding} -t UTF-8 {{path}} > converted.txt", path)
        raise OtherKindError(f"{kind} file", f"{path} is {kind} text, expected UTF-8; {remedy}")


def _refuse(found: tuple[str, str] | None, path: str) -> None:
    if found:
        kind, remedy = found
        raise OtherKindError(kind, f"{path}: {kind}, expected plain UTF-8 text; {_command(remedy, path)}")


def _command(remedy: str, path: str) -> str:
    """Return what to do, with the names of the files; compressed text and standard input become a file first."""
    before, file = "", PurePosixPath(path)
    if path == STDIN or path.startswith(("/dev/", "/proc/")):  # an open file or a pipe, without a name of its own
        path = STDIN
        before, file = "save it to a file, then ", PurePosixPath("FILE")
    elif file.suffix.lower() in MAGIC:
        before, file = "unpack it, then ", file.with_suffix("")
    if path == STDIN and remedy == _NAME_PARQUET:
        return "save it to a file whose name ends in .parquet"
    if "{path}" not in remedy:
        before = ""
    return before + remedy.format(path=shlex.quote(str(file)), stem=shlex.quote(str(file.with_suffix(""))))


def _other_encoding(head: bytes) -> str | None:
    """Return the name of UTF-16 or UTF-32 text, marked or recognized by the characters that it would have."""
    for mark, encoding in _MARKED.items():
        if head.startswith(mark):
            return encoding
    if b"\0" not in head or (_is_utf8(head) and 4 * _controls(head) <= len(head)):  # UTF-8 with a NUL here and there
        return None
    ordinary = {encoding: _ordinary_characters(head, encoding) for encoding in _MARKED.values()}
    best = max(ordinary, key=ordinary.__getitem__)
    return best if ordinary[best] else None


def _without_ascii(head: bytes) -> str | None:
    """Return the name of UTF-16 text without spaces, ends of lines and letters of ASCII.

    A text of one byte a character, or in UTF-8, has next to no control characters. UTF-16 has them: half a character of
    Cyrillic (U+04..), one in eight of Chinese, whose two bytes take all values.
    """
    controls = _controls(head)
    found: tuple[int, str] | None = None
    for encoding in ("UTF-16LE", "UTF-16BE"):
        text = _text(head, encoding)
        # a text keeps to few blocks of 256 characters; bytes in wrong order, or of something else, are in many
        blocks = {ord(c) >> 8 for c in text}
        if _is_utf8(head):
            is_text = controls > len(text) // 8 and blocks <= _SCRIPTS
        else:
            is_text = controls > len(text) // 256 or (len(blocks) == 1 and len(text) >= _SHORTEST)
        if text and is_text and (found is None or len(blocks) < found[0]):
            found = len(blocks), encoding
    return found[1] if found else None


def _with_escapes(head: bytes) -> str | None:
    """Return the name of text whose bytes are ASCII, but not its characters."""
    if _UTF_7_MARK.match(head):
        return "UTF-7"
    return next((encoding for escape, encoding in _ESCAPED.items() if escape in head), None)


def _ebcdic(head: bytes) -> str | None:
    """Return the name of EBCDIC, whose spaces are the @ of ASCII, and whose letters are no UTF-8."""
    spaces = head.count(_EBCDIC_SPACE)
    return _EBCDIC if 16 * spaces > len(head) and b" " not in head and not _is_utf8(head) else None


def _controls(head: bytes) -> int:
    """Return the number of control characters that no text has."""
    return len(head) - len(head.translate(None, _CONTROLS))


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a character may be cut at the end
    except UnicodeError:
        return False
    return True


def _ordinary_characters(head: bytes, encoding: str) -> int:
    """Return the number of spaces, ends of lines and ASCII letters if the bytes are text in an encoding, else 0."""
    return sum(c in " \r\n" or (c.isascii() and c.isalpha()) for c in _text(head, encoding))


def _text(head: bytes, encoding: str) -> str:
    """Return what the bytes are in an encoding; nothing if they are no text in it, or too few to tell."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)  # a character may be cut at the end
    except UnicodeError:
        return ""
    no_text = any(unicodedata.category(c) in _NO_TEXT and c not in _INVISIBLE for c in text)
    return "" if no_text or len(text) == 1 else text


def _document(head: bytes) -> tuple[str, str] | None:
    """Return the kind of an archive, a document or an image, and what to do."""
    begin = head.lstrip()  # some programs write a line before the first of a PDF document
    for signature, kind, remedy in _SIGNATURES:
        if head.startswith(signature) or begin.startswith(signature):
            return kind, remedy
    if head.startswith(b"PK\x03\x04"):
        return next((kind, remedy) for content, kind, remedy in _ZIPPED if content in head)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WebP image", _IMAGE
    if head.startswith(b"\xff\xff\xff\xff") and head[8:12] == b"\x10\0\0\0":  # a stream of Arrow's format
        return _ARROW
    if head[8:10] == b'{"' and 1 < int.from_bytes(head[:8], "little") < 1 << 32:
        return "safetensors file", _TRAINING_TEXT
    if _PICKLED.match(head):
        return _PICKLE
    return ("tar archive", _ARCHIVE) if head[257:262] == b"ustar" else None


def _markup(begin: bytes, suffix: str) -> tuple[str, str] | None:
    """Return the kind of a file of markup, and what to do."""
    begin = _COMMENTS.sub(b"", begin, count=1)
    if begin.startswith(b"<?xml"):
        return _HTML_FILE if _HTML.search(begin) else _XML_FILE
    if _HTML.match(begin) or (begin.startswith(b"<") and suffix in (".html", ".htm", ".xhtml")):
        return _HTML_FILE
    if _VERTICAL.match(begin):
        return "file of words between tags", _WORDS_OF_COLUMNS
    if _XML.match(begin) or (begin.startswith(b"<") and suffix in (".xml", ".svg")):
        return _XML_FILE
    return ("text with tags", _TAGS) if _TAGGED.match(begin) else None


def _annotated(begin: bytes) -> tuple[str, str] | None:
    """Return the kind of a text with a time or an analysis for what is said, and what to do."""
    if _SUBTITLES.match(begin):
        return "subtitles", _SPOKEN
    if _SUBSTATION.match(begin):
        return "subtitles", _SPOKEN_IN_EVENTS
    if _MICRODVD.match(begin) or _LYRICS.match(begin):
        return "subtitles", _SPOKEN_AFTER_TIMES
    if _CONLL.match(begin):
        return "CoNLL file", _FORMS
    if _CONLL_2012.match(begin):
        return "CoNLL file", _FOURTH_COLUMN
    if _CONLL_2003.match(begin) or _names_entities(begin):
        return "CoNLL file", _FIRST_COLUMN
    if _MAILBOX.match(begin):
        return "mailbox", _MESSAGES
    return ("file of trees", _LEAVES) if _TREE.match(begin) else None


def _names_entities(begin: bytes) -> bool:
    """Return whether every line is a word and, last, its part of a name: O, B-PER, I-PER."""
    rows = [line for line in map(bytes.rstrip, begin.split(b"\n")[:-1]) if line]
    return (
        len(rows) > 1
        and all(map(_NAMED_ENTITY.fullmatch, rows))
        and not all(row.endswith((b" O", b"\tO")) for row in rows)
    )


def _model(begin: bytes) -> tuple[str, str] | None:
    """Return the kind of a model that is written as text, and what to do."""
    if _ARPA.match(begin):
        return "n-gram model (ARPA file)", _TRAINING_TEXT
    first, _, rest = begin.partition(b"\n")
    second = rest.partition(b"\n")[0]
    rows, fewest = ([second], 2) if _SIZES.fullmatch(first.strip()) else ([first, second], _FEWEST_NUMBERS)
    numbers = [row.split()[1 : fewest + 1] for row in rows]
    if all(len(row) == fewest and all(map(_DECIMAL.fullmatch, row)) for row in numbers):
        return "file of word vectors", _TRAINING_TEXT
    return None


def _json(begin: bytes, suffix: str) -> tuple[str, str] | None:
    """Return the kind of a JSON file, and what to do."""
    named = suffix == ".json"
    if re.match(rb'\[\s*"' if named else rb'\[\s*"[^"\n]*"\s*,\s*"[^"\n]*"\s*[],]', begin):
        return "JSON array", "convert it to lines of text: jq -r '.[]' {path} > {stem}-extracted.txt"
    if re.match(rb"\[" if named else rb'\[\s*\{\s*"[^"\n]*"\s*:', begin):
        return "JSON array", "convert it to JSON Lines: jq -c '.[]' {path} > {stem}.jsonl"
    if suffix in (".jsonl", ".ndjson") and is_json_lines(begin):  # where no reader of records takes it
        return "JSON Lines file", "write the fields of its records: jq -r '[.[]] | @tsv' {path} > {stem}.tsv"
    if not named and is_json_lines(begin):
        return "JSON Lines file", "save it as {stem}.jsonl"
    if re.match(rb"\{" if named else rb'\{\s*"[^"\n]*"\s*:', begin):
        return "JSON document", "convert its records to JSON Lines: jq -c '.RECORDS[]' {path} > {stem}.jsonl"
    return None
