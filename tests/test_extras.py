"""Without the packages of the extras, all else works, and one line names the extra that is missing."""

import subprocess
import sys

import pandas as pd
import pytest

from vecmill.extras import PACKAGES, needs

PACKAGES_OF_EXTRAS = ["pyarrow", "fsspec", "matplotlib", "umap", "usearch", "onnx", "ot"]
HIDDEN = f"import sys; sys.modules.update(dict.fromkeys({PACKAGES_OF_EXTRAS}))\n"


def run(code, folder):
    command = [sys.executable, "-c", HIDDEN + code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_the_core_trains_loads_and_writes_without_them(tmp_path):
    code = (
        "import vecmill\n"
        "lines = ['the cat sat', 'the dog sat'] * 60\n"
        "vectors = vecmill.train(lines, dimension=8, threads=1)\n"
        "vecmill.write_vectors(vectors, 'v.txt')\n"
        "vecmill.write_vectors(vectors, 'v.npz')\n"
        "print(vecmill.load('v.txt'), vectors.neighbors_frame(['cat'], topn=1).shape)\n"
        "vecmill.train_language_model(lines, hidden_size=8, epochs=1).save('lm')\n"
    )
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "WordVectors(4 words, 8 dimensions) (1, 4)\n"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("vecmill.train('t.parquet')", "t.parquet needs pyarrow; run: pip install 'vecmill[parquet]'"),
        ("vecmill.train('s3://bucket/t.txt')", "s3://bucket/t.txt needs fsspec; run: pip install 'vecmill[remote]'"),
        ("vecmill.load('t.parquet')", "the format parquet needs pyarrow; run: pip install 'vecmill[parquet]'"),
        ("vecmill.load('t.csv')", "the format csv needs pyarrow; run: pip install 'vecmill[parquet]'"),
    ],
)
def test_what_needs_an_extra_names_it(code, message, tmp_path):
    frame = pd.DataFrame({"word": ["a", "b"], "text": ["a b", "c d"]})
    frame.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("word,0,1\na,1,2\nb,3,4\n")
    done = run(f"import vecmill; {code}", tmp_path)
    assert done.stderr.strip().splitlines()[-1] == f"vecmill.extras.MissingExtraError: {message}"


def test_other_missing_modules_are_not_blamed_on_an_extra():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), needs("parquet", "x"):
        import no_such_module  # noqa: F401
    assert set(PACKAGES) == {"parquet", "remote", "interop", "wmd", "sklearn", "serve", "ray", "cjk", "tune", "spacy"}
