"""Word vectors and language models from raw text, in minutes on a CPU.

>>> import vecmill
>>> vectors = vecmill.train(["the cat sat on the mat", "the dog sat on the rug"] * 100, dimension=16)
>>> vectors.most_similar("cat")        # doctest: +SKIP

The names of this package stand in `__init__.pyi`; each is imported when it is first used.
"""

import ast
import importlib
from pathlib import Path
from typing import Any


def _public_names() -> dict[str, tuple[str, str]]:
    """Return module and name there of every name that the stub hands on."""
    stub = ast.parse(Path(__file__).with_suffix(".pyi").read_text("utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: (str(node.module), alias.name) for node in imports for alias in node.names}


_PLACES = _public_names()
__all__ = ["__version__", *_PLACES]  # noqa: PLE0604 - strings


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("vecmill")
    elif name in _PLACES:
        from vecmill.shadowing import require_own_packages

        require_own_packages()
        module, original = _PLACES[name]
        value = getattr(importlib.import_module(module), original)
    else:
        raise AttributeError(f"module 'vecmill' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
