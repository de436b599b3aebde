"""All benchmarks, one after the other: ``python -m benchmarks [NAME ...]``."""

import subprocess
import sys

ALL = (
    "text_to_ids_speed",
    "wikipedia_speed",
    "token_lists_speed",
    "phrases_speed",
    "word2vec_speed",
    "gensim_layer_speed",
    "word2vec_memory",
    "word2vec_quality",
    "word2vec_deterministic",
    "subwords_speed",
    "subwords_quality",
    "quality_for_time",
    "korean_quality",
    "glove_speed",
    "compilation_time",
    "documents",
    "walks_speed",
    "search_speed",
    "queries_speed",
    "unseen_words_speed",
    "small_vectors",
    "evaluation_speed",
    "formats_speed",
    "recurrent_speed",
    "cells_at_equal_time",
    "ngram_speed",
    "language_model_time",
    "language_model_start",
    "language_model_answers",
    "tree_speed",
    "command_line_start",
    "map_frames",
    "page_speed",
    "scatterplot_components",
    "serve_load",
    "watch_speed",
    "memory_and_linearity",
    "kills",
)


def main() -> int:
    """Run each benchmark in a process of its own."""
    names = sys.argv[1:] or ALL
    for name in names:
        if name not in ALL:
            print(f"unknown benchmark {name!r}; one of: {', '.join(ALL)}", file=sys.stderr)
            return 2
    return max(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode for name in names)


if __name__ == "__main__":
    sys.exit(main())
