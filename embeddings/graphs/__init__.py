"""Graphs and random walks over them, whose sequences of nodes word2vec trains on."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # names and modules: __init__.pyi
