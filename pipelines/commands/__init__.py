"""The commands of `vecmill`, a file each or a few, and the list of all commands.

A command is imported when it is called, so that help, completion and usage errors wait for nothing that only the work
of a command needs. The first line of a command's help is that of its docstring, which is read from the source file.
"""

import re
from functools import cache
from pathlib import Path

COMMANDS: dict[str, dict[str, str]] = {
    "Begin": {
        "demo": "demo:demo_command",
    },
    "Pipelines": {
        "init": "init:init_command",
        "run": "run:run_command",
        "batch": "batch:batch_command",
        "tune": "tune:tune_command",
        "status": "status:status_command",
        "verify": "verify:verify_command",
        "info": "info:info_command",
    },
    "Train word vectors": {
        "train-embeddings": "train_embeddings:train_embeddings_command",
        "train-count-based": "train_count_based:train_count_based_command",
        "train-glove": "train_glove:train_glove_command",
        "train-documents": "documents:train_documents_command",
        "walks": "walks:walks_command",
        "phrases": "phrases:phrases_command",
        "corpora": "corpora:corpora_app",
    },
    "Query": {
        "neighbors": "queries:neighbors_command",
        "analogy": "queries:analogy_command",
        "vector": "queries:vector_command",
        "embed": "embed:embed_command",
        "search": "search:search_command",
        "infer": "documents:infer_command",
        "score-sentences": "score_sentences:score_sentences_command",
    },
    "Evaluate and plot": {
        "evaluate": "evaluate:evaluate_command",
        "compare": "compare:compare_command",
        "align": "align:align_command",
        "probe": "probe:probe_command",
        "serve": "serve:serve_command",
        "map": "figures:map_command",
        "plot": "figures:plot_command",
    },
    "Export": {
        "export": "convert:export_command",
        "convert": "convert:convert_command",
    },
    "Language models": {
        "train-lm": "train_lm:train_lm_command",
        "ngram": "ngram:ngram_command",
        "tune-lm": "tune_lm:tune_lm_command",
        "perplexity": "language_model:perplexity_command",
        "score": "language_model:score_command",
        "generate": "language_model:generate_command",
        "export-lm": "language_model:export_lm_command",
    },
}
"""By heading of the help: the commands, each with its module in this package and its function or `typer.Typer`."""

PLACES = {name: place for commands in COMMANDS.values() for name, place in commands.items()}

ALIASES = {
    "skip-gram": ("train-embeddings", "--architecture", "skip-gram"),
    "skipgram": ("train-embeddings", "--architecture", "skip-gram"),
    "cbow": ("train-embeddings", "--architecture", "cbow"),
    "most-similar": ("neighbors",),
    "nn": ("neighbors",),
    "analogies": ("analogy",),
    "print-word-vectors": ("vector",),
    "print-sentence-vectors": ("embed",),
    "ppl": ("perplexity",),
    "lmplz": ("ngram",),
    "ngram-count": ("ngram",),
}
"""Names of the same commands in other tools, which are understood, and what they stand for."""

OTHER_NAMES = {
    "fasttext": "use 'vecmill train-embeddings'",
    "train": "use 'vecmill train-embeddings' or 'vecmill train-lm'",
    "word2vec": "use 'vecmill train-embeddings'",
    "glove": "use 'vecmill train-glove'",
    "similar": "use 'vecmill neighbors'",
    "similarity": "use 'vecmill neighbors' for the nearest words, or WordVectors.similarity in Python for two words",
    "test": "use 'vecmill evaluate' for word vectors, or 'vecmill perplexity' for a language model",
    "lm": "use 'vecmill train-lm'",
    "sample": "use 'vecmill generate'",
    "word2phrase": "use 'vecmill phrases' to look at phrases, or --phrases of 'vecmill train-embeddings'",
    "node2vec": "use 'vecmill walks', and 'vecmill train-embeddings' on what it writes",
    "help": "use 'vecmill --help'",
    "quantize": "use 'vecmill convert --quantize int8', or 'vecmill export --float16' for files of half the size",
    "dump": "use 'vecmill info' or 'vecmill export'",
    "supervised": "classifiers are SequenceClassifier in Python; 'vecmill probe' trains them to evaluate vectors",
    "predict": "classifiers are SequenceClassifier in Python; 'vecmill probe' trains them to evaluate vectors",
    "predict-prob": "classifiers are SequenceClassifier in Python; 'vecmill probe' trains them to evaluate vectors",
}
"""Names of commands in other tools, and what to do here, for hints."""


@cache
def summary(name: str) -> str:
    """Return the first line of the help of a command: of its function's docstring, or of its module's."""
    module, _, function = PLACES[name].partition(":")
    source = Path(__file__).with_name(f"{module}.py").read_text("utf-8")
    defined = re.search(rf"^def {function}\(", source, re.MULTILINE)
    found = re.compile(r'"""(.*?)(?:"""|$)', re.MULTILINE).search(source, defined.start() if defined else 0)
    return found[1] if found else ""
