"""The commands of `vecmill`, a file each or a few, and the list of all commands.

A command is imported when it is called, so that help, completion and usage errors wait for nothing that only the work
of a command needs. The first line of a command's help is that of its docstring, which is read from the source file.
"""

import ast
from functools import cache
from pathlib import Path

COMMANDS: dict[str, dict[str, str]] = {
    "Pipelines": {
        "init": "init:init_command",
        "run": "run:run_command",
        "batch": "batch:batch_command",
        "status": "status:status_command",
        "verify": "verify:verify_command",
    },
    "Train word vectors": {
        "train-embeddings": "train_embeddings:train_embeddings_command",
        "train-count-based": "train_count_based:train_count_based_command",
        "corpora": "corpora:corpora_app",
    },
    "Query": {
        "neighbors": "queries:neighbors_command",
        "analogy": "queries:analogy_command",
        "vector": "queries:vector_command",
        "embed": "embed:embed_command",
    },
    "Evaluate and plot": {
        "evaluate": "evaluate:evaluate_command",
        "compare": "compare:compare_command",
        "probe": "probe:probe_command",
        "map": "figures:map_command",
        "plot": "figures:plot_command",
    },
    "Export": {
        "export": "convert:export_command",
        "convert": "convert:convert_command",
    },
    "Language models": {
        "train-lm": "train_lm:train_lm_command",
        "perplexity": "language_model:perplexity_command",
        "score": "language_model:score_command",
        "generate": "language_model:generate_command",
        "export-lm": "language_model:export_lm_command",
    },
}
"""By heading of the help: the commands, each with its module in this package and its function or `typer.Typer`."""

PLACES = {name: place for commands in COMMANDS.values() for name, place in commands.items()}

OTHER_NAMES = {
    "cbow": "train-embeddings",
    "fasttext": "train-embeddings",
    "skip-gram": "train-embeddings",
    "skipgram": "train-embeddings",
    "train": "train-embeddings",
    "word2vec": "train-embeddings",
    "glove": "train-count-based",
    "most-similar": "neighbors",
    "nn": "neighbors",
    "similar": "neighbors",
    "analogies": "analogy",
    "print-word-vectors": "vector",
    "print-sentence-vectors": "embed",
    "test": "evaluate",
    "lm": "train-lm",
    "ppl": "perplexity",
    "sample": "generate",
    "help": "--help",
}
"""Names of the same commands in other tools, for hints."""


@cache
def summary(name: str) -> str:
    """Return the first line of the help of a command: of its function's docstring, or of its module's."""
    module, _, function = PLACES[name].partition(":")
    tree = ast.parse(Path(__file__).with_name(f"{module}.py").read_text("utf-8"))
    named = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    return (ast.get_docstring(named[0] if named else tree) or "").partition("\n")[0]
