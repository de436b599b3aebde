"""Fill the pages of the API: the public names of a package, from its ``__init__.pyi``."""

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import vecmill

PAGES = {"reference/vecmill": "vecmill", "reference/corpora": "corpora", "reference/embeddings": "embeddings"}


def fill(app: Any, page: str, source: list[str]) -> None:
    """Append the public names to the source of a page of the reference."""
    if page in PAGES:
        source[0] += "\n".join(entries(PAGES[page]))


def entries(package: str) -> Iterator[str]:
    """Yield a directive of autodoc for each public name of a package, in Markdown."""
    module = importlib.import_module(package)
    names = [name for name in module.__all__ if not name.startswith("_")]
    elsewhere = {id(getattr(vecmill, name)): name for name in vecmill.__all__} if package != "vecmill" else {}
    for name in sorted(names, key=str.lower):
        found = getattr(module, name)
        if inspect.ismodule(found):
            continue
        if id(found) in elsewhere:
            yield f"\n## {name}\n\nSee [](vecmill.md#{elsewhere[id(found)].lower()}).\n"
            continue
        kind = "class" if inspect.isclass(found) else "function" if inspect.isroutine(found) else "data"
        members = "\n:members:" if kind == "class" else ""
        yield f"\n## {name}\n\n```{{eval-rst}}\n.. auto{kind}:: {package}.{name}"
        yield members.replace("\n:", "\n   :").lstrip("\n") + "\n```\n"


def setup(app: Any) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True}
