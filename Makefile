# Two commands do everything, virtual environment included: make book, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SITE := _build/html
PORT ?= 8000
PROCESSES ?= 3
# The figures' sources need Node; a reader never does, so without it their tests are skipped.
NODE_READY := $(if $(shell command -v npm),figures/node_modules/.ready)
PYTEST := NIN_BOOK_FAST=1 TQDM_DISABLE=1 $(BIN)/python -m pytest
IN_PROCESSES := -n $(PROCESSES) --dist loadgroup --no-loadscope-reorder
NBVAL := --nbval-lax --nbval-current-env --nbval-cell-timeout

unexport PYTHONDONTWRITEBYTECODE # where it is set, each process compiles all of torch anew

.DEFAULT_GOAL := help
.PHONY: help book test check serve strip figures address clean
.PHONY: chapters heights links notebooks pdf push-notebooks test-colab test-jax test-slow test-sweeps test-firefox weekly

help: ## say what each command does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(VENV)/.ready ## build the website into _build/html, chapters executed in full
	$(BIN)/python build_tools/build_book.py

test: $(VENV)/.ready $(NODE_READY) ## run every chapter, fast, and every test that is not slow
	$(PYTEST) -m "not slow and not sweep" $(NBVAL)=120 $(IN_PROCESSES)

test-slow: $(VENV)/.ready $(NODE_READY) ## run the slow tests: installations, notebook hosts, processes, training
	$(PYTEST) -m "slow and not sweep" $(IN_PROCESSES) tests

test-sweeps: $(VENV)/.ready $(NODE_READY) ## run the tests of the figures in every width, type and color scheme
	$(PYTEST) -m sweep $(IN_PROCESSES) tests

test-firefox: $(VENV)/.ready $(NODE_READY) ## run the tests of the figures in Firefox, where it is installed
	NIN_BROWSER=firefox $(PYTEST) -m "not slow and not sweep" $(IN_PROCESSES) tests/figures

weekly: $(VENV)/.ready $(NODE_READY) ## run what takes long, in steps; called again, it goes on where it stopped
	$(BIN)/python build_tools/weekly.py

check: $(VENV)/.ready ## look for lint, wrong calls, dead code, slips of the pen, notebooks with outputs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python build_tools/find_unused.py
	$(BIN)/lint-imports
	$(BIN)/codespell $$(git ls-files)
	$(BIN)/python build_tools/strip_notebooks.py --check book/*.ipynb

serve: ## show the built website at http://localhost:8000
	$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory $(SITE)

strip: ## remove outputs and run metadata from the chapters
	@$(BIN)/python build_tools/strip_notebooks.py book/*.ipynb || true

figures: figures/node_modules/.ready ## build the live figures from their TypeScript
	cd figures && npm run --silent check && npm run --silent build

heights: $(VENV)/.ready # measure how tall the live figures are, in the built book, after a change of theirs
	$(BIN)/python build_tools/measure_heights.py

address: $(VENV)/.ready ## stamp the repository's address: make address URL=https://…
	$(BIN)/python build_tools/stamp_address.py $(URL)

pdf: $(VENV)/.ready ## print the built book into _build/network-in-network.pdf
	$(BIN)/python build_tools/print_book.py

links: $(VENV)/.ready ## ask every other site that the built book links to whether it answers
	@$(BIN)/python build_tools/build_book.py --links

notebooks: $(VENV)/.ready ## executed copies of the chapters, from the last make book, in _build/notebooks
	$(BIN)/python build_tools/publish_notebooks.py

push-notebooks: notebooks ## push these as the branch "notebooks": make push-notebooks REMOTE=https://…
	rm -rf _build/notebooks/.git
	cd _build/notebooks && git init --quiet --initial-branch notebooks && git add . && \
	  git -c user.name=book -c user.email=book@localhost commit --quiet --message "Chapters, executed" && \
	  git push --force --quiet "$(REMOTE)" notebooks

chapters: # for test-colab and the weekly run: every chapter, fast, with whatever Python is in BIN
	NIN_BOOK_FAST=1 TQDM_DISABLE=1 $(BIN)/python3 -m pytest $(NBVAL)=300 book

test-colab: .venv-colab/.ready ## run every chapter with the versions that Colab has
	$(MAKE) chapters BIN=.venv-colab/bin

test-jax: .venv-jax/.ready ## run chapter 12 with Keras on JAX
	KERAS_BACKEND=jax NIN_BOOK_FAST=1 TQDM_DISABLE=1 .venv-jax/bin/python -m pytest $(NBVAL)=300 book/12_*.ipynb

clean: ## remove what was built (the virtual environment stays)
	rm -rf _build

$(VENV)/.ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v[:2] <= (3, 13) else f"The book needs Python 3.11, 3.12 or 3.13; {sys.executable} is {v[0]}.{v[1]}. Try: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile -r requirements.txt
	touch $@

# As in Colab: its packages are there, then comes nin_lib, which must change none of them.
.venv-colab/.ready: constraints-colab.txt pyproject.toml
	$(PYTHON) -m venv .venv-colab
	.venv-colab/bin/pip install --quiet --no-compile -r constraints-colab.txt nbval
	.venv-colab/bin/pip freeze > .venv-colab/before
	.venv-colab/bin/pip install --quiet --no-compile .
	.venv-colab/bin/pip freeze > .venv-colab/after
	@! grep -vxFf .venv-colab/after .venv-colab/before || { echo "Installing nin_lib changed these."; exit 1; }
	touch $@

.venv-jax/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-jax
	.venv-jax/bin/pip install --quiet --no-compile -e . keras jax ipykernel nbval
	touch $@

figures/node_modules/.ready: figures/package-lock.json
	cd figures && npm install --no-save --silent
	touch $@
