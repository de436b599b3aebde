"""A directory that sentence-transformers (``StaticEmbedding``) and Model2Vec both load.

These libraries encode a sentence as the mean of its word vectors, scaled to unit length. Vectors are written with unit
length, so that all words have the same weight; their original lengths are lost. (For a sentence without known words,
sentence-transformers returns NaN in float16; in float32 it returns zeros, like Model2Vec.)

==================== ==================================================================================
model.safetensors    tensor ``embeddings`` (V + 1, d); the last row, zeros, is that of unknown words
tokenizer.json       rules that split text into words, and the id of each word
config.json          settings of Model2Vec, and the tokenizer of the training text
modules.json         settings of sentence-transformers
README.md            what it is, and whether text is split exactly as the training text was
==================== ==================================================================================
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from embeddings.formats.errors import FormatError, shown
from embeddings.formats.safetensors_file import open_tensors, row_blocks, write_header
from embeddings.formats.stream import Progress, VectorBlock, VectorStream, as_dtype, as_float32, encoded, sliced
from embeddings.formats.tokenizer_rules import TokenizerRules, guessed_rules
from vecmill.files import write_json

_TAGS = ("sentence-transformers", "model2vec", "static-embeddings", "word-embeddings", "word2vec", "vecmill")
_USAGE = """\
```python
from model2vec import StaticModel

StaticModel.from_pretrained("PATH OR NAME").encode(["some text"])
```

```python
from sentence_transformers import SentenceTransformer

SentenceTransformer("PATH OR NAME").encode(["some text"])
```
"""


@contextmanager
def open_stream(path: Path, progress: Progress | None = None) -> Iterator[VectorStream]:
    """Open a directory of a static model: words and vectors, without the row of unknown words.

    Directories that sentence-transformers and Model2Vec save are read too; Model2Vec's rows are looked up by
    ``mapping`` and scaled by ``weights``.
    """
    tensors = open_tensors(path / "model.safetensors")
    vectors = tensors.get("embeddings", tensors.get("embedding.weight"))
    if vectors is None or vectors.ndim != 2 or vectors.size == 0 or vectors.dtype.kind != "f":
        found = ", ".join(f"{name} {tensor.shape}" for name, tensor in tensors.items())
        raise FormatError(
            f"{path}/model.safetensors: holds {shown(found, 200)}, expected a tensor 'embeddings' or "
            "'embedding.weight' of shape (V, d)"
        )
    words, unknown = _read_tokenizer(path / "tokenizer.json")
    mapping, weights = tensors.get("mapping"), tensors.get("weights")
    rows = _rows(vectors, mapping, weights, len(words), path)
    if unknown == len(words) - 1 and not np.any(rows[unknown]):
        words, rows = words[:-1], rows[:-1]
    if not words:
        raise FormatError(f"{path}: the model knows no words; expected one or more")
    yield VectorStream(
        dimension=vectors.shape[1],
        count=len(words),
        matrix=rows if rows.dtype == np.float32 else None,
        blocks=sliced(words, None, row_blocks(rows), progress),
    )


def write_stream(stream: VectorStream, directory: Path, dtype: str, *, rules: TokenizerRules | None = None) -> None:
    """Write the files of the directory.

    Parameters
    ----------
    stream : VectorStream
    directory : Path
    dtype : {"float32", "float16"}
    rules : TokenizerRules, optional
        Those that split text into words; by default those that the words seem to come from.
    """
    words: list[str] = []
    shape = [(stream.count or 0) + 1, stream.dimension]
    with (directory / "model.safetensors").open("wb") as file:
        write_header(file, {"embeddings": ("F16" if dtype == "float16" else "F32", shape)})
        for block in stream.blocks:
            encoded(block.words)  # raises for half of a surrogate pair
            words += block.words
            file.write(as_dtype(VectorBlock(block.words, unit_rows(block.matrix)), dtype).data)
        zeros = VectorBlock([""], np.zeros((1, stream.dimension), np.float32))
        file.write(as_dtype(zeros, dtype).data)
    unknown = "[UNK]"
    known = set(words)
    while unknown in known:
        unknown = f"[{unknown}]"
    rules = rules or guessed_rules(words)
    write_json(directory / "tokenizer.json", tokenizer_entries(words, unknown, rules), indent=None)
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "hidden_dim": stream.dimension,
        "normalize": True,
        "max_length": None,
        "embedding_dtype": dtype,
        "tokenizer": {"name" if name == "spec" else name: value for name, value in rules.settings.items()},
        "lines_cut_differently": rules.differing,
    }
    write_json(directory / "config.json", config)
    (directory / "README.md").write_text(_about(len(words), stream.dimension, rules), "utf-8")
    package = "sentence_transformers.models"
    modules = [
        {"idx": 0, "name": "0", "path": ".", "type": f"{package}.StaticEmbedding"},
        {"idx": 1, "name": "1", "path": "1_Normalize", "type": f"{package}.Normalize"},
    ]
    write_json(directory / "modules.json", modules)


def unit_rows(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return rows scaled to unit length; zero rows stay zero."""
    exact = matrix.astype(np.float64)
    lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = np.divide(exact, lengths, out=exact, where=lengths > 0).astype(np.float32)
    return unit


def tokenizer_entries(words: list[str], unknown: str, rules: TokenizerRules) -> dict[str, Any]:
    """Return the content of ``tokenizer.json``."""
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": rules.normalizers},
        "pre_tokenizer": rules.pre_tokenizer,
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: index for index, word in enumerate([*words, unknown])},
            "unk_token": unknown,
        },
    }


def _about(words: int, dimension: int, rules: TokenizerRules) -> str:
    """Return the text of ``README.md``."""
    options = ", ".join(f"{name} {value}" for name, value in rules.settings.items())
    how = "The rules in `tokenizer.json` cut text into the same words."
    if rules.guessed:
        how = "It was not recorded; these settings suit the words."
    elif rules.differing is not None:
        how = (
            f"The rules in `tokenizer.json` are an approximation: of {rules.lines:,} lines of a sample they cut "
            f"{rules.differing:.1%} into other words."
        )
    tags = "".join(f"- {tag}\n" for tag in _TAGS)
    return (
        f"---\nlibrary_name: model2vec\npipeline_tag: sentence-similarity\ntags:\n{tags}---\n\n# Word vectors\n\n"
        f"{words:,} words, {dimension} dimensions, each vector of length 1. Exported by vecmill.\n\n"
        f"Tokenizer of the training text: {options}. {how}\n\n{_USAGE}"
    )


def _read_tokenizer(path: Path) -> tuple[list[str], int]:
    """Return the words by id, and the id of unknown words, or -1 without one."""
    try:
        content = json.loads(path.read_bytes())
        model = content["model"]
        unknown = model.get("unk_token")
        if isinstance(model["vocab"], dict):
            ids = dict(model["vocab"])
        else:
            ids = {word: index for index, (word, _) in enumerate(model["vocab"])}
            unknown = None if model.get("unk_id") is None else model["vocab"][model["unk_id"]][0]
        ids |= {token["content"]: token["id"] for token in content.get("added_tokens") or []}
        words = sorted(ids, key=ids.__getitem__)
        complete = [ids[word] for word in words] == list(range(len(words))) and all(isinstance(w, str) for w in words)
        encoded(words)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); a static model needs it") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(
            f"{path}: no tokenizer with a vocabulary ({shown(str(error), 100)}); save it with the library 'tokenizers'"
        ) from error
    if not complete:
        raise FormatError(f"{path}: the ids of its {len(words)} words are not 0, 1, 2, …; the file is damaged")
    return words, ids.get(unknown, -1) if isinstance(unknown, str) else -1


def _rows(
    vectors: npt.NDArray[Any],
    mapping: npt.NDArray[Any] | None,
    weights: npt.NDArray[Any] | None,
    count: int,
    path: Path,
) -> npt.NDArray[Any]:
    if mapping is not None:
        if mapping.ndim != 1 or mapping.dtype.kind != "i" or ((mapping < 0) | (mapping >= len(vectors))).any():
            raise FormatError(f"{path}: 'mapping' points beyond the {len(vectors)} rows of 'embeddings'; it is damaged")
        vectors = vectors[mapping]
    if weights is not None:
        if weights.shape != (len(vectors),):
            raise FormatError(f"{path}: 'weights' has shape {weights.shape}, expected one number per word")
        vectors = as_float32(vectors * weights[:, None])
    if len(vectors) != count:
        raise FormatError(
            f"{path}: {len(vectors)} vectors in model.safetensors, but {count} words in tokenizer.json; they do not "
            "belong together"
        )
    return vectors
