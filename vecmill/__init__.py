"""Word vectors and language models from raw text, in minutes on a CPU.

>>> import vecmill
>>> vectors = vecmill.train(["the cat sat on the mat", "the dog sat on the rug"] * 100, dimension=16)
>>> vectors.most_similar("cat")                                     # doctest: +SKIP
>>> vectors = vecmill.load("runs/wiki")                             # doctest: +SKIP

The public names are listed in ``__init__.pyi``; each is imported at its first use, so that this import is fast.
"""

import importlib


def _places() -> dict[str, tuple[str, str]]:
    """Return module and name of each public name, from the lines ``from MODULE import NAME as PUBLIC_NAME``."""
    stub = __file__.rpartition(".")[0] + ".pyi"
    with open(stub, encoding="utf-8") as file:  # noqa: PTH123 - pathlib alone would double the time of this import
        imports = [line.split() for line in file if line.startswith("from ")]
    return {public: (module, name) for _, module, _, name, _, public in imports}


_PLACES = _places()
__all__ = ["__version__", *_PLACES]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'vecmill' has no attribute {name!r}")
    value: object
    if name == "__version__":
        from importlib.metadata import version

        value = version("vecmill")
    else:
        from vecmill.shadowing import require_own_packages

        require_own_packages()
        module, original = _PLACES[name]
        value = getattr(importlib.import_module(module), original)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
