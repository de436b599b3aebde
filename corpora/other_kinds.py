"""Recognition of files that are not plain text, by their first bytes and their name, and what to do with each kind."""

import codecs
import json
import re
import shlex
import unicodedata
from pathlib import PurePosixPath

from corpora.skipped import UnusableFileError
from vecmill.compression import MAGIC

HEAD = 8192
"""Number of bytes at the beginning of a file by which its kind is recognized."""

_MARKED = {
    codecs.BOM_UTF32_LE: "UTF-32LE",  # before UTF-16LE, whose mark it begins with
    codecs.BOM_UTF32_BE: "UTF-32BE",
    codecs.BOM_UTF16_LE: "UTF-16LE",
    codecs.BOM_UTF16_BE: "UTF-16BE",
}
_IMAGE, _ARCHIVE = "extract its text by OCR, or leave it out", "unpack it and give the folder"
_PANDOC = "extract the text first: pandoc -t plain {path} -o {stem}-extracted.txt"
_SIGNATURES = (
    (b"%PDF-", "PDF document", "extract the text first: pdftotext {path} {stem}-extracted.txt"),
    (b"{\\rtf", "RTF document", _PANDOC),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Microsoft Office document", "save it as plain UTF-8 text first"),
    (b"PAR1", "Parquet file", "rename it to end in .parquet"),
    (b"\x89PNG\r\n", "PNG image", _IMAGE),
    (b"\xff\xd8\xff", "JPEG image", _IMAGE),
    (b"GIF87a", "GIF image", _IMAGE),
    (b"GIF89a", "GIF image", _IMAGE),
    (b"II*\0", "TIFF image", _IMAGE),
    (b"MM\0*", "TIFF image", _IMAGE),
    (b"7z\xbc\xaf\x27\x1c", "7z archive", _ARCHIVE),
    (b"Rar!\x1a\x07", "RAR archive", _ARCHIVE),
)
_ZIPPED = (  # found in the first entries of zip archives; the last one is in all of them
    (b"word/", "Word document", _PANDOC),
    (b"vnd.oasis.opendocument", "OpenDocument file", _PANDOC),
    (b"application/epub+zip", "EPUB book", _PANDOC),
    (b"xl/", "Excel table", "save it as CSV first"),
    (b"", "zip archive", _ARCHIVE),
)
_HTML_FILE = "HTML file", "extract the text first: pandoc -f html -t plain {path} -o {stem}-extracted.txt"
_XML_FILE = "XML file", "extract the text first: xmllint --xpath 'string()' {path} > {stem}-extracted.txt"
_COMMENTS = re.compile(rb"(<!--.*?-->\s*)*", re.DOTALL)
_HTML = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\v\f\r\x1b")
_SCRIPTS = {*range(0x03, 0x1C), 0x20}  # blocks of scripts whose characters may be two bytes of ASCII; punctuation
_SHORTEST = 8  # characters
_NO_TEXT = ("Cc", "Cf", "Cn", "Co", "Cs")
_INVISIBLE = "\t\n\r\f\u00ad\u200b\u200c\u200d\u200e\u200f\ufeff"  # but part of text


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
    UnusableFileError
        The file is binary or of another encoding; the message says what to do.
    """
    _refuse_encoding(_other_encoding(head), path)
    _refuse(_document(head), path)
    _refuse_encoding(_without_ascii(head), path)
    if b"\0" in head:
        remedy = "expected UTF-8 text; unpack archives and convert documents to plain text first"
        raise UnusableFileError("binary file", f"{path} is a binary file (it has NUL bytes), {remedy}")


def require_plain_text(head: bytes, path: str) -> None:
    """Raise an error for HTML, XML and JSON, whose tags and keys would become words.

    Parameters
    ----------
    head : bytes
        First bytes of the file, decompressed.
    path : str
        Its name.

    Raises
    ------
    UnusableFileError
        The message says what to do.
    """
    begin, suffix = head.lstrip(), suffix_of(path)
    _refuse(_markup(begin, suffix), path)
    _refuse(_json(begin, suffix), path)


def is_json_lines(head: bytes) -> bool:
    """Return whether the first line of a text is a JSON object, whole or longer than `head`."""
    line, newline, _ = head.lstrip().partition(b"\n")
    if not newline and len(head) > HEAD // 2:
        return re.match(rb'\{\s*"', line) is not None
    try:
        return isinstance(json.loads(line.decode("utf-8", "replace")), dict)
    except (ValueError, RecursionError):
        return False


def suffix_of(name: str) -> str:
    """Return the suffix of a file name, in lower case, without that of its compression."""
    path = PurePosixPath(name.lower())
    return path.with_suffix("").suffix if path.suffix in MAGIC else path.suffix


def _refuse_encoding(encoding: str | None, path: str) -> None:
    if encoding:
        kind, remedy = encoding[:6], f"convert it: iconv -f {encoding} -t UTF-8 {shlex.quote(path)} > converted.txt"
        raise UnusableFileError(f"{kind} file", f"{path} is {kind} text, expected UTF-8; {remedy}")


def _refuse(found: tuple[str, str] | None, path: str) -> None:
    if found:
        kind, remedy = found
        names = {"path": shlex.quote(path), "stem": shlex.quote(str(PurePosixPath(path).with_suffix("")))}
        message = f"{path}: {kind}, expected plain UTF-8 text; {remedy.format(**names)}"
        raise UnusableFileError(kind, message)


def _other_encoding(head: bytes) -> str | None:
    """Return the name of UTF-16 or UTF-32 text, marked or recognized by the characters that it would have."""
    for mark, encoding in _MARKED.items():
        if head.startswith(mark):
            return encoding
    if b"\0" not in head:
        return None
    ordinary = {encoding: _ordinary_characters(head, encoding) for encoding in _MARKED.values()}
    best = max(ordinary, key=ordinary.__getitem__)
    return best if ordinary[best] else None


def _without_ascii(head: bytes) -> str | None:
    """Return the name of UTF-16 text without spaces, ends of lines and letters of ASCII.

    A text of one byte a character, or in UTF-8, has next to no control characters. UTF-16 has them: half a character of
    Cyrillic (U+04..), one in eight of Chinese, whose two bytes take all values.
    """
    controls = len(head) - len(head.translate(None, _CONTROLS))
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
    """Return what the bytes are in an encoding; nothing if they are no text in it."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)  # a character may be cut at the end
    except UnicodeError:
        return ""
    no_text = any(unicodedata.category(c) in _NO_TEXT and c not in _INVISIBLE for c in text)
    return "" if no_text else text


def _document(head: bytes) -> tuple[str, str] | None:
    """Return the kind of an archive, a document or an image, and what to do."""
    for signature, kind, remedy in _SIGNATURES:
        if head.startswith(signature):
            return kind, remedy
    if head.startswith(b"PK\x03\x04"):
        return next((kind, remedy) for content, kind, remedy in _ZIPPED if content in head)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WebP image", _IMAGE
    return ("tar archive", _ARCHIVE) if head[257:262] == b"ustar" else None


def _markup(begin: bytes, suffix: str) -> tuple[str, str] | None:
    """Return the kind of a file of markup, and what to do."""
    begin = _COMMENTS.sub(b"", begin, count=1)
    if begin.startswith(b"<?xml"):
        return _HTML_FILE if _HTML.search(begin) else _XML_FILE
    if _HTML.match(begin) or (begin.startswith(b"<") and suffix in (".html", ".htm", ".xhtml")):
        return _HTML_FILE
    return _XML_FILE if begin.startswith(b"<") and suffix == ".xml" else None


def _json(begin: bytes, suffix: str) -> tuple[str, str] | None:
    """Return the kind of a JSON file, and what to do."""
    named = suffix == ".json"
    if named and re.match(rb'\[\s*"', begin):
        return "JSON array", "convert it to lines of text: jq -r '.[]' {path} > {stem}-extracted.txt"
    if re.match(rb"\[" if named else rb'\[\s*\{\s*"[^"\n]*"\s*:', begin):
        return "JSON array", "convert it to JSON Lines: jq -c '.[]' {path} > {stem}.jsonl"
    if not named and is_json_lines(begin):
        return "JSON Lines file", "save it as {stem}.jsonl"
    if re.match(rb"\{" if named else rb'\{\s*"[^"\n]*"\s*:', begin):
        return "JSON document", "convert its records to JSON Lines: jq -c '.RECORDS[]' {path} > {stem}.jsonl"
    return None
