"""word2vec's binary format as the C tool writes it: a newline follows each vector."""

import functools

from embeddings.formats import word2vec_binary

open_stream = word2vec_binary.open_stream
write_stream = functools.partial(word2vec_binary.write_stream, newline=True)
