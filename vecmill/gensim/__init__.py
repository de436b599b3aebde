"""gensim's names over vecmill: change the import, and code written for gensim 4 runs.

>>> from vecmill.gensim import Word2Vec
>>> model = Word2Vec([["oat milk", "tea"], ["tea", "sugar"]] * 50, vector_size=16, min_count=1, workers=1)
>>> len(model.wv)
3
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
