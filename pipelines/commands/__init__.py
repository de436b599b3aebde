"""The commands of `vecmill`, a file each or a few; and the list of them all.

A command is imported when it is called, so that help, completion and usage errors need none of what it works with.
"""

# Heading of the help: {command: (module of this package:function or Typer, first line of its help)}
COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Run everything": {
        "init": (
            "init:init_command",
            "Write a commented settings file for 'vecmill run'; it can be run as it is, in a few minutes.",
        ),
        "run": ("run:run_command", "Run the stages that a file asks for; skip those that are unchanged."),
        "batch": ("batch:batch_command", "Run a sweep: every combination of the lists in [grid]."),
        "status": (
            "status:status_command",
            "Show the stages of a run or of a model: what is finished, stale, running or unfinished.",
        ),
        "verify": (
            "verify:verify_command",
            "Read every file that stages have written and compare its SHA-256 with the manifest.",
        ),
    },
    "Train word vectors": {
        "train-embeddings": (
            "train_embeddings:train_embeddings_command",
            "Train word vectors on raw text with skip-gram or CBOW.",
        ),
        "train-count-based": (
            "train_count_based:train_count_based_command",
            "Make the count-based baseline of a model.",
        ),
        "corpora": ("corpora:corpora_app", "List the named corpora, fetch one, or see where it comes from."),
    },
    "Ask them": {
        "neighbors": ("vectors:neighbors_command", "Print the words with the most similar vectors (cosine)."),
        "analogy": ("queries:analogy_command", 'Answer "A is to B as C is to ...?".'),
        "vector": ("queries:vector_command", "Print the vectors of words."),
        "embed": ("embed:embed_command", "Turn lines of text into vectors."),
    },
    "Measure and see them": {
        "evaluate": ("vectors:evaluate_command", "Measure vectors on word similarity, analogies and categories."),
        "compare": ("compare:compare_command", "Put two models side by side."),
        "probe": ("probe:probe_command", "Measure what word vectors are worth in use."),
        "map": ("figures:map_command", "Draw a map of the vocabulary."),
        "plot": ("figures:plot_command", "Plot losses and word frequencies."),
    },
    "Take them elsewhere": {
        "export": (
            "vectors:export_command",
            "Write vectors in a format that other tools read; .gz and .zst compress.",
        ),
        "convert": ("convert:convert_command", "Rewrite word vectors in another format."),
    },
    "Language models": {
        "train-lm": (
            "train_lm:train_lm_command",
            "Train a recurrent language model with backpropagation through time.",
        ),
        "perplexity": (
            "language_model:perplexity_command",
            "Print the perplexity of texts, normalised over the whole vocabulary; logarithms are to base 10.",
        ),
        "score": (
            "language_model:score_command",
            "Print log10 P of every line of stdin, each on its own, before the line: for choosing among candidates.",
        ),
        "generate": ("language_model:generate_command", "Write text."),
        "export-lm": ("language_model:export_lm_command", "Write the model for other tools."),
    },
}
