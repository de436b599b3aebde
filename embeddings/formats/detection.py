"""Detection of the format of a file from its name and its first bytes."""

import codecs
import re
from pathlib import Path

from embeddings.formats.compression import VectorFile, plain_name
from embeddings.formats.decoding import BYTE_ORDER_MARK
from embeddings.formats.errors import FormatError, UnknownFormatError, shown
from embeddings.formats.registry import FORMATS
from embeddings.vectors.model_directory import ALL_FILES
from vecmill.arguments import require_path
from vecmill.plain_text import OtherKindError, require_text, require_utf8

_PICKLE_REMEDY = (
    "loading it could run code that it contains: refused. If you trust it, load it with the program that wrote it and "
    "save word2vec's format there (gensim: KeyedVectors.load(path).save_word2vec_format('vectors.bin', binary=True))"
)

_BY_SUFFIX = {
    ".txt": "word2vec-text",
    ".bin": "word2vec-binary",
    ".vec": "fasttext-vec",
    ".floret": "floret",
    ".npz": "npz",
    ".safetensors": "safetensors",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".csv": "csv",
}
_BY_FILES = {entry.name: entry.files[:2] for entry in FORMATS.values() if entry.is_directory}
_SPACY_KEYS = Path("vocab", "key2row")  # in a directory that spaCy's nlp.to_disk wrote
_FASTTEXT_MAGIC = (793712314).to_bytes(4, "little")
_HEAD_BYTES = 1 << 16


def format_of_name(path: str | Path, subwords: bool = False) -> str:
    """Return the format in which a file with this name is written.

    Parameters
    ----------
    path : str or Path
    subwords : bool
        There are vectors of n-grams: ``.bin`` is then fastText's format, else word2vec's.

    Returns
    -------
    str
        A name in `FORMATS`.

    Raises
    ------
    UnknownFormatError
        The extension is unknown.
    """
    name = plain_name(Path(path)).lower()
    if name.endswith(".txt") and "glove" in name:
        return "glove"
    suffix = Path(name).suffix
    if subwords and Path(path).suffix.lower() == ".bin":
        return "fasttext-bin"
    if suffix not in _BY_SUFFIX:
        raise UnknownFormatError(
            f"{path}: its name does not determine a format; end it in {', '.join(_BY_SUFFIX)} (also with .gz or .zst), "
            "or name the format, such as 'model' for a model directory"
        )
    return _BY_SUFFIX[suffix]


def guess_format(path: str | Path) -> str:
    """Return the format of an existing file or directory, from its content and then from its name.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    str
        A name in `FORMATS`.

    Raises
    ------
    FormatError
        The format is unknown, or the file is a pickle.
    OSError
        The file cannot be read.
    TypeError, ValueError
        `path` is no path.
    """
    require_path("path", path)
    path = Path(path)
    if path.is_dir():
        names = {entry.name for entry in path.iterdir()}
        for name, needed in _BY_FILES.items():
            if names.issuperset(needed):
                return name
        if (path / _SPACY_KEYS).is_file():
            return "spacy"
        if names & {*ALL_FILES}:
            return "model"  # incomplete: reading it reports the missing file
        expected = " or ".join(", ".join(needed) for needed in _BY_FILES.values())
        raise FormatError(f"{path}: not a known directory of vectors; expected the files {expected}")
    with VectorFile(path) as file:
        head = file.read(_HEAD_BYTES)
    if not head.strip():
        raise FormatError(f"{path}: is empty, expected word vectors; get the file again")
    binary = _by_magic(head, path)
    if binary:
        return binary
    text = _text_format(head.removeprefix(BYTE_ORDER_MARK), path)
    if text is None:
        _refuse_other_kind(head, path)
        raise FormatError(
            f"{path}: begins with {shown(head[:40])}, which is no known format of word vectors; expected a model, or "
            "vectors as word2vec, GloVe or fastText write them"
        )
    return text


def _refuse_other_kind(head: bytes, path: Path) -> None:
    """Raise a FormatError for what is known as something else, such as a document or an n-gram model."""
    try:
        require_utf8(head, str(path))
        require_text(head, str(path))
    except OtherKindError as error:
        if "iconv" in str(error):  # of another encoding
            raise FormatError(str(error)) from error
        if error.kind != "binary file":
            raise FormatError(f"{path}: {error.kind}, expected word vectors") from error


def _by_magic(head: bytes, path: Path) -> str | None:
    """Detect formats by their magic bytes; raise a FormatError for files that hold no vectors with words."""
    if re.match(rb"\x80[\x02-\x05]", head):
        raise FormatError(f"{path}: is a Python pickle (a gensim model, or one of PyTorch); {_PICKLE_REMEDY}")
    if head.startswith(b"\x93NUMPY"):
        raise FormatError(f"{path}: is one NumPy array, which has no words; save both with numpy.savez as .npz")
    if head.startswith(_FASTTEXT_MAGIC):
        return "fasttext-bin"
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) and b"\0" in head[:8]:  # or UTF-32
        _refuse_other_kind(head, path)
    if head.startswith(b"PK\x03\x04"):
        return "npz"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1"):
        return "arrow"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        return "safetensors"
    return None


def _text_format(head: bytes, path: Path) -> str | None:
    """Detect the formats of word2vec, GloVe, fastText and CSV from the first two lines."""
    from embeddings.formats.header import parse_header  # imported here: it loads kernels, which directories do not need
    from embeddings.formats.text_rows import is_number

    line, newline, rest = head.partition(b"\n")
    if not newline:
        return None
    if parse_header(line):
        second = rest.partition(b"\n")[0].split()
        # few bytes of binary vectors look like numbers between spaces
        if len(second) < 2 or 2 * sum(map(is_number, second[1:])) < len(second) - 1:
            return "word2vec-binary"
        return "fasttext-vec" if plain_name(path).lower().endswith(".vec") else "word2vec-text"
    fields = line.split()
    if len(fields) == 2 and fields[1].isdigit() and b"\t" in line:
        raise FormatError(
            f"{path}: its lines hold a word and a count, as a vocabulary does; expected vectors, of several numbers "
            "a word: give the directory of the model, or the file of the vectors"
        )
    if len(fields) > 1 and all(map(is_number, fields[1:])):
        return "glove"
    if b"," in line and (plain_name(path).lower().endswith(".csv") or re.match(rb"\W*word\W*,", line)):
        return "csv"
    return None
