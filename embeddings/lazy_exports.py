"""Names of a package that are imported when they are first asked for (PEP 562): Numba and SciPy take half a second."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazy_exports(
    package: str, names_of: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the functions ``__getattr__`` and ``__dir__`` of a package.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    names_of : mapping of str to sequence of str
        Module to the public names that it defines.
    """
    home = {name: module for module, names in names_of.items() for name in names}

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        value = getattr(importlib.import_module(home[name]), name)
        setattr(sys.modules[package], name, value)  # from now on without this detour
        return value

    return get, lambda: sorted({*vars(sys.modules[package]), *home})
