"""Extraction of English text from Python source: docstrings, comments, and help texts in string literals."""

import ast
import gc
import inspect
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

_ADMONITIONS = {"note", "warning", "tip", "hint", "important", "seealso"}
_ADMONITIONS |= {"deprecated", "versionadded", "versionchanged"}
_DIRECTIVE = re.compile(r"\.\. ([\w-]+)::\s*(.*)")
_UNDERLINE = re.compile(r"([-=~^\"*#+`.:])\1{2,}")
_LIST_MARK = re.compile(r"([-*+•]|\d+[.)]|\(\w\))\s+")
_ROLE = re.compile(r":[a-zA-Z:+-]+:(?=`)|\[\d+\]_")
_WORD = re.compile(r"[^\W\d_]{2,}")
_COMMENTS = re.compile(r"(?:^[ \t]*#(?!!)[^\n]*\n)+", re.MULTILINE)
_CODE = re.compile(r"[=\\{}]|^\W*(?:def|class|return|import|from|print|raise|assert)\b")


def source_paragraphs(path: Path) -> list[str]:
    """Return the paragraphs of English in a Python source file, or in a documentation file.

    Parameters
    ----------
    path : Path
        ``.py`` files are parsed, not imported; any other file is read as reStructuredText.

    Returns
    -------
    list of str
        Paragraphs without newlines; empty for a file that cannot be parsed.
    """
    source = path.read_bytes().decode("utf-8", "replace")
    if path.suffix != ".py":
        return list(paragraphs(source))
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found = [paragraph for text in _texts(tree) for paragraph in paragraphs(text)]
    return found + list(_comments(source))


def paragraphs_of_files(request: bytes) -> bytes:
    """Return the paragraphs of several files as JSON, a list a file; a worker process calls this.

    Parameters
    ----------
    request : bytes
        Paths with a NUL between them.

    Returns
    -------
    bytes
    """
    gc.disable()  # syntax trees have no cycles, and searching for cycles takes time
    try:
        return json.dumps([source_paragraphs(Path(os.fsdecode(path))) for path in request.split(b"\0")]).encode()
    finally:
        gc.enable()


def _texts(tree: ast.Module) -> Iterator[str]:
    """Yield docstrings, and the literals in ``add_newdoc("name", "text")`` and in the dictionary ``topics``."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            if docstring:
                yield docstring
        for block in ("body", "orelse", "finalbody"):
            for statement in getattr(node, block, ()):
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                    yield from _literals(statement.value.args)
                elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Dict):
                    if getattr(statement.targets[0], "id", "") == "topics":
                        yield from _literals(statement.value.values)
                elif hasattr(statement, "body"):
                    pending.append(statement)


def _literals(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Tuple):  # add_newdoc("class", "name", ("attribute", "text"))
            yield from _literals(node.elts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n\n" in node.value:
            yield node.value


def paragraphs(text: str) -> Iterator[str]:
    """Split a docstring into paragraphs of one line each.

    A paragraph ends at an empty line, at a list item and where the indentation decreases, so that the description of
    a parameter follows its name. Examples at the ``>>>`` prompt, literal blocks, formulas and underlines are omitted.

    Parameters
    ----------
    text : str
        reStructuredText, as in NumPy and the standard library.

    Yields
    ------
    str
        A paragraph of at least two words.
    """
    paragraph: list[str] = []
    previous = 0
    for line in (*_prose(inspect.cleandoc(text).splitlines()), ""):
        stripped = line.strip()
        indentation = len(line) - len(line.lstrip())
        if not stripped or indentation < previous or _LIST_MARK.match(stripped):
            joined = " ".join(paragraph)
            if len(_WORD.findall(joined)) > 1:
                yield joined
            paragraph = []
        if stripped:
            paragraph.append(stripped)
        previous = indentation


def _prose(lines: list[str]) -> Iterator[str]:
    """Yield the lines of prose; an empty line replaces each group of other lines."""
    block: int | None = None  # indentation of the line that introduced the current literal block
    example = False
    for line in lines:
        text = line.strip()
        indentation = len(line) - len(line.lstrip())
        if not text:
            example = False
            yield ""
        elif block is not None and indentation > block:
            continue
        elif example or text.startswith(">>>"):
            example = True
            yield ""
        elif _UNDERLINE.fullmatch(text):
            yield ""
        else:
            block = indentation if text.endswith("::") else None
            directive = _DIRECTIVE.match(text)
            if not directive:
                yield _ROLE.sub("", line)
            elif directive[1] in _ADMONITIONS:
                block = None
                yield ""
                yield " " * indentation + directive[2]
            else:
                block = indentation


def _comments(source: str) -> Iterator[str]:
    """Yield comments of one or more whole lines that look like sentences, not like disabled code."""
    for match in _COMMENTS.finditer(source):
        stripped = "\n".join(line.strip().lstrip("#").strip() for line in match[0].splitlines())
        for paragraph in stripped.split("\n\n"):
            text = " ".join(paragraph.split())
            letters = sum(map(str.isalpha, text)) + text.count(" ")
            if len(_WORD.findall(text)) >= 6 and letters >= 0.85 * len(text) and not _CODE.search(text):
                yield text
