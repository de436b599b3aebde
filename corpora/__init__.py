"""Text input of vecmill: named corpora, readers and downloads, which yield blocks of UTF-8 bytes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # names and modules: __init__.pyi
