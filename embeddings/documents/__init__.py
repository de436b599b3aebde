"""Vectors of documents: paragraph vectors (Le & Mikolov 2014)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # names and modules: __init__.pyi
