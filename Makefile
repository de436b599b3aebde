# vecmill. `make help` lists the targets; every target first creates .venv if it is missing.

CORPUS ?= pydocs
# runs/pydocs, runs/wiki-en for ../data/wiki-en.txt.xz
OUT ?= runs/$(firstword $(subst ., ,$(notdir $(patsubst %/,%,$(CORPUS)))))
LM ?= $(OUT)-lm
FORMAT ?= word2vec-text
DATA ?=
ARGS ?=
VENV := .venv
WINDOWS := $(filter Windows_NT,$(OS))
BIN := $(VENV)/$(if $(WINDOWS),Scripts,bin)
PYTHON_FILE := $(BIN)/python$(if $(WINDOWS),.exe)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help train-embeddings train-lm serve export evaluate test test-nojit lint bench clean \
    smoke interop ray browser coverage coverage-combined lowest docs build release-check upload

help:
	@echo "make train-embeddings   train word vectors: CORPUS=$(CORPUS) OUT=$(OUT) ARGS=\"--dimension 200 ...\""
	@echo "make train-lm           train a language model and its initial word vectors: LM=$(LM)"
	@echo "make serve              serve OUT, and LM if there is one, with a page to explore them: ARGS=\"--port 8000\""
	@echo "make export             export the vectors in OUT for other tools: FORMAT=$(FORMAT) FILE=$(OUT).$(FORMAT)"
	@echo "make evaluate           evaluate the vectors in OUT: DATA=set, file or folder"
	@echo "make test               run the tests: ARGS=\"-k words\""
	@echo "make test-nojit         run the kernel tests in plain Python, without Numba's compiler"
	@echo "make lint               check style, types, docstrings, security and known vulnerabilities"
	@echo "make smoke              train, run and verify on real text, as a newcomer does"
	@echo "make interop            run the tests beside gensim, fastText, torch, ONNX and other readers of our files"
	@echo "make ray                run the tests of Ray clusters and of remote storage"
	@echo "make browser            run the tests of pages in Chromium"
	@echo "make coverage           run all tests and print the lines that none reaches"
	@echo "make lowest             run the tests with the oldest supported versions of the dependencies"
	@echo "make docs               build the documentation site: build/site/index.html"
	@echo "make build              build wheel and sdist twice, compare them, and try the wheel in a new environment"
	@echo "make upload             upload dist/ to PyPI, from a workflow that PyPI trusts"
	@echo "make release-check      do everything that a release needs but the upload, and print a table"
	@echo "make bench              run the benchmarks against gensim and torch"
	@echo "make clean              remove .venv and caches; keep runs/"
	@echo
	@echo "Finished outputs are kept; ARGS=--force replaces them."
	@echo "CORPUS is a name (.venv/bin/vecmill corpora list), a file, a directory, a glob, a URL, or - for stdin."
	@echo "All options: .venv/bin/vecmill train-embeddings --help"

# --- .venv: created with the first suitable Python; updated when pyproject.toml changes ----------------------------

IS_SUITABLE := import sys, venv; sys.exit(sys.version_info < (3, 11))

$(PYTHON_FILE):
	@for python in $(PYTHON) $(if $(PYTHON),,python3 python3.14 python3.13 python3.12 python3.11 python); do \
	    if "$$python" -c '$(IS_SUITABLE)' 2>/dev/null; then \
	        echo "creating .venv with $$("$$python" --version)"; \
	        exec "$$python" -m venv --clear $(VENV); \
	    fi; \
	done; \
	echo "vecmill needs Python 3.11 or later with the venv module, but found none:" \
	     "$(or $(PYTHON),python3) is $$($(or $(PYTHON),python3) --version 2>&1 | head -1)." >&2; \
	echo "Set its path: make ... PYTHON=/path/to/python3.12" >&2; \
	exit 1

$(VENV)/core.stamp: pyproject.toml | $(PYTHON_FILE)
	@echo "installing vecmill into .venv (about a minute, once)"
	@$(PIP) --editable '.[parquet,remote]'
	@touch $@

$(VENV)/%.stamp: $(VENV)/core.stamp
	@echo "installing the dependencies of 'make $*'"
	@$(PIP) --editable '.[$*]'
	@touch $@

# --- word vectors and language models ------------------------------------------------------------------------------

# With --backend ray among the ARGS, Ray is installed too.
RAY := $(if $(findstring backend ray,$(subst =, ,$(ARGS))),$(VENV)/ray.stamp)

train-embeddings: $(VENV)/core.stamp $(RAY)
	@$(BIN)/vecmill train-embeddings '$(CORPUS)' --out '$(OUT)' --skip-finished $(ARGS)

train-lm: $(VENV)/core.stamp $(RAY)
	@$(BIN)/vecmill train-lm '$(CORPUS)' --out '$(LM)' --skip-finished $(ARGS)

serve: $(VENV)/serve.stamp
	@$(BIN)/vecmill serve '$(OUT)' $(if $(wildcard $(LM)),--lm '$(LM)') $(ARGS)

export: FILE ?= $(OUT).$(FORMAT)
export: $(VENV)/core.stamp
	@$(BIN)/vecmill export '$(OUT)' --format '$(FORMAT)' --out '$(FILE)' $(ARGS)

evaluate: $(VENV)/core.stamp
	@$(BIN)/vecmill evaluate '$(OUT)' $(if $(DATA),--data '$(DATA)') $(ARGS)

# --- development ---------------------------------------------------------------------------------------------------

test: $(VENV)/test.stamp
	$(BIN)/pytest -n auto $(ARGS)

# Tests of compiled code that are fast enough without the compiler.
NOJIT_TESTS := $(wildcard tests/test_*kernels.py tests/test_recurrent_*.py) \
    $(patsubst %,tests/test_%.py,parallel sampling tokenization normalization tokenized_corpus encoded_corpus vocabulary \
    word2vec_blocks count_based small_vectors evaluation formats_text formats_round_trip subwords ngram)

test-nojit: $(VENV)/test.stamp
	NUMBA_DISABLE_JIT=1 $(BIN)/pytest -n auto $(NOJIT_TESTS) $(ARGS)

PACKAGES := $(wildcard vecmill corpora embeddings pipelines)

lint: $(VENV)/lint.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/numpydoc lint $$(find $(PACKAGES) tools -name '*.py')
	$(BIN)/bandit -q -c pyproject.toml -r $(PACKAGES)
	$(BIN)/zizmor --offline --quiet .github/workflows
	$(BIN)/hadolint Dockerfile .devcontainer/Dockerfile
	@$(BIN)/python -m tools.vulnerabilities

SCRATCH := build/smoke

smoke: $(VENV)/core.stamp
	rm -rf $(SCRATCH) && mkdir -p $(SCRATCH)
	$(BIN)/vecmill train-embeddings pydocs --out $(SCRATCH)/pydocs --dimension 32 --epochs 1
	$(BIN)/vecmill init --out $(SCRATCH)/pipeline.toml
	$(BIN)/vecmill run $(SCRATCH)/pipeline.toml --out $(SCRATCH)/run --set lm.enabled=false
	$(BIN)/vecmill verify $(SCRATCH)/run
	$(BIN)/vecmill run $(SCRATCH)/pipeline.toml --out $(SCRATCH)/run --set lm.enabled=false | grep "nothing to do"

# Tests that are skipped where what they need is not installed: a cluster; the peers and the readers of our files.
CLUSTER_TESTS = $(shell grep -lE 'importorskip."(ray|s3fs)"' tests/test_*.py)
COMPARED = $(filter-out $(CLUSTER_TESTS),$(shell grep -l importorskip tests/test_*.py))

interop: $(VENV)/test.stamp $(VENV)/ann.stamp $(VENV)/onnx.stamp $(VENV)/interop.stamp
	$(BIN)/pytest -n auto --dist loadfile $(COMPARED) $(ARGS)

ray: $(VENV)/test.stamp $(VENV)/cluster.stamp
	$(BIN)/pytest -n auto --dist loadfile $(CLUSTER_TESTS) $(ARGS)  # one Ray cluster, not one for every process

browser: $(VENV)/test.stamp $(VENV)/map.stamp $(VENV)/browser.stamp
	$(BIN)/pytest -n auto --dist loadfile $(shell grep -l selenium tests/test_*.py) $(ARGS)

coverage: $(VENV)/coverage.stamp
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto $(ARGS)
	NUMBA_DISABLE_JIT=1 $(BIN)/coverage run -m pytest -n auto $(NOJIT_TESTS) $(ARGS)
	$(MAKE) --no-print-directory coverage-combined

coverage-combined: $(VENV)/coverage.stamp
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

LOWEST := build/lowest

lowest: $(VENV)/release.stamp
	@mkdir -p $(LOWEST)
	$(BIN)/uv pip compile --quiet --resolution lowest-direct --extra parquet --extra remote pyproject.toml \
	    --output-file $(LOWEST).txt
	$(BIN)/uv venv --quiet --clear --python $(PYTHON_FILE) $(LOWEST)
	$(BIN)/uv pip install --quiet --python $(LOWEST) --constraint $(LOWEST).txt --editable '.[test]'
	$(LOWEST)/$(notdir $(BIN))/python -m pytest -n auto $(ARGS)

docs: $(VENV)/docs.stamp
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/site $(ARGS)
	@echo "documentation: build/site/index.html"

build: $(VENV)/release.stamp
	$(BIN)/python -m tools.distributions dist

release-check: $(VENV)/release.stamp $(VENV)/lint.stamp
	$(BIN)/python -m tools.release_check

upload: $(VENV)/release.stamp
	$(BIN)/uv publish --trusted-publishing always dist/*

bench: $(VENV)/bench.stamp
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
