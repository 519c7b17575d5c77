BIN := .venv/bin
PEERS := PYTHONPATH=engine .venv-peers/bin/python
QUICK :=
ONLY :=
READERS := READERS_FILES=build/readers .venv-readers/bin/python
# What another release of a dependency breaks first: the spec, the store, the analysis.
LANE := $(addprefix tests/test_,$(addsuffix .py,digests spec store committed results export software analysis scaling survival ptx_links explore_server))
# What files, locks, signals and the console do; of the tests of writers not the races, of which Windows may lose all.
PORTABLE := $(addprefix tests/test_,$(addsuffix .py,store writers status committed verify export init leaving explore_server))
PYTHONS := 3.12 3.13 3.14
.PHONY: demo test test-slow reliability test-peers test-readers test-browser test-jupyter lint bench bench-peers bench-gpu pictures tables clean
.PHONY: test-lowest test-pythons test-portable test-wheel test-cuda test-device test-examples test-walks wheel site test-site test-slurm

demo: .venv/.ready
	$(BIN)/saddlescape run xor -o demo/xor
	$(BIN)/saddlescape plot demo/xor/result.h5 --kind curve -o demo/xor-curve.png
	$(BIN)/saddlescape plot demo/xor/result.h5 --kind trajectories -o demo/xor-trajectories.png
	$(BIN)/saddlescape run xor-slice -o demo/xor-slice
	$(BIN)/saddlescape plot demo/xor-slice/result.h5 --kind map -o demo/xor-slice.png

test: .venv/.ready
	$(BIN)/pytest -n auto --dist worksteal

# Thousands of variants are compiled: hours.
test-slow: .venv/.ready
	$(BIN)/pytest -m slow -n auto

# Every fault of docs/reliability.md, the long forms too: half an hour.
reliability: .venv/.ready
	$(BIN)/pytest tests -m fault -n auto --faults docs/reliability.md

test-peers: .venv-peers/.ready
	$(PEERS) -m pytest -o addopts= tests/peers

# h5dump (1.10, as Debian's hdf5-tools has it) and ncdump (netcdf-bin) are used where they are installed.
test-readers: .venv/.ready .venv-readers/.ready
	rm -rf build/readers && mkdir -p build/readers
	$(BIN)/python tests/readers/make_files.py build/readers
	$(READERS) -m pytest -q -o addopts= -o filterwarnings= tests/readers

# The explorer in Debian's chromium; pictures of it in build/browser.
test-browser: .venv/.ready .venv-browser/.ready
	.venv-browser/bin/python -m pytest -q -o addopts= -o filterwarnings= tests/browser

# Notebooks in a kernel, and the explorer's widget in JupyterLab in Debian's chromium; pictures of it in build/jupyter.
test-jupyter: .venv-jupyter/.ready
	.venv-jupyter/bin/python -m pytest -q -o addopts= -o filterwarnings= tests/jupyter

# The documents as pages with a search, in build/site; a warning is an error.
site: .venv-site/.ready
	rm -rf build/site
	PYTHONPATH=$(CURDIR)/engine .venv-site/bin/sphinx-build -q -E -W --keep-going -d build/doctrees -c docs/site . build/site
	cp build/site/README.html build/site/index.html

test-site: site
	PYTHONPATH=engine .venv-site/bin/python -m pytest -q -o addopts= -o filterwarnings= tests/site

# What three kinds of users type, in a terminal.
test-walks: .venv/.ready
	$(BIN)/pytest -q -o addopts= tests/walks

# The recipes of docs/scaling.md, with Debian's Slurm on this machine.
test-slurm: .venv/.ready
	@if .ci/slurm; then $(BIN)/pytest -q -o addopts= tests/slurm; \
	else echo "Slurm cannot be installed on this machine: its recipes are NOT tested"; fi

# The examples of the documents.
test-examples: .venv/.ready
	$(BIN)/pytest -q -m examples

# Kernels of each kind as threads of a GPU, on this processor.
test-device: .venv/.ready
	$(BIN)/pytest -q -m "device and not slow"

# The real numba.cuda, without a GPU.
test-cuda: .venv-cuda/.ready
	PYTHONPATH=engine:cli .venv-cuda/bin/python -m pytest -q -o addopts= -o pythonpath= tests/cuda

# The least releases that pyproject.toml allows, with the least Python.  Old releases of others warn of newer ones.
test-lowest: .venv-3.11/.ready wheel
	$(BIN)/uv pip install -q -p .venv-3.11 --no-deps --reinstall build/wheel/*.whl
	.venv-3.11/bin/python -m pytest -W ignore::DeprecationWarning $(LANE)

# The releases of the lock with each Python that this machine has.
test-pythons: wheel
	@for python in $(PYTHONS); do \
	    if .ci/python $$python > /dev/null; then $(MAKE) test-python-$$python || exit; \
	    else echo "Python $$python is not on this machine: NOT tested"; fi; \
	done

test-python-%: .venv-%/.ready
	$(BIN)/uv pip install -q -p .venv-$* --no-deps --reinstall build/wheel/*.whl
	.venv-$*/bin/python -m pytest $(LANE)

# On Linux, without what Windows lacks (tests/portable/sitecustomize.py).
test-portable: .venv/.ready
	PYTHONPATH=tests/portable $(BIN)/python -m pytest -k "not one_of_many and not tears" tests/portable $(PORTABLE)

# The wheel without extras, from another folder.
test-wheel: wheel
	.ci/wheel

wheel: .venv/.ready
	rm -rf build/wheel
	$(BIN)/hatchling build -t wheel -d build/wheel

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Each run is kept in .benchmarks, and compared with the last; ONLY=test_kernels.py selects.
bench: .venv/.ready
	@ls bench/$(firstword $(subst ::, ,$(ONLY))) > /dev/null 2>&1 || \
	    { echo "ONLY=$(ONLY): must be one of" bench/test_*.py | sed 's:bench/::g'; exit 2; }
	$(BIN)/pytest bench/$(ONLY) --benchmark-enable --benchmark-only --benchmark-autosave \
	    --benchmark-columns=min,median,iqr,rounds $(if $(wildcard .benchmarks/*/0*.json),--benchmark-compare)

# All of docs/performance.md: half an hour; QUICK=--quick tries the machinery in minutes.
bench-peers: .venv/.ready .venv-peers/.ready
	$(PEERS) bench/limit.py $(QUICK)
	$(PEERS) bench/scaling.py $(QUICK)
	$(PEERS) bench/peers.py $(QUICK)
	$(PEERS) bench/whole_map.py $(QUICK)
	$(PEERS) bench/recording.py $(QUICK)
	$(PEERS) bench/starts.py $(QUICK)
	$(BIN)/python bench/first_run.py $(QUICK)
	$(BIN)/python bench/explorer.py $(QUICK)
	$(BIN)/python bench/plot.py
	$(BIN)/python bench/report.py

# On a machine with a GPU: ten minutes.  Install numba-cuda in .venv first (docs/gpu.md), and jax and torch to compare them.
bench-gpu: .venv/.ready
	$(BIN)/python bench/gpu.py $(QUICK)
	$(BIN)/python bench/report.py

# The pictures of docs/explorer.md, in chromium.
pictures: .venv/.ready .venv-browser/.ready
	.venv-browser/bin/python docs/explorer_pictures.py

# The tables of docs/, and the schema of a spec, that are made from the words.
tables: .venv/.ready
	$(BIN)/python docs/tables.py
	$(BIN)/python docs/spec_schema.py

clean:
	rm -rf .venv .venv-* demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/.ready: requirements.lock pyproject.toml
	.ci/environment .venv requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q engine cli
	touch $@

.venv-3.11/.ready: requirements-lowest.lock .venv/.ready
	$(BIN)/uv venv -q --clear -p "$$(.ci/python 3.11 || echo 3.11)" .venv-3.11
	$(BIN)/uv pip install -q -p .venv-3.11 --require-hashes -r requirements-lowest.lock
	touch $@

.PRECIOUS: .venv-3.1%/.ready
.venv-3.1%/.ready: requirements.lock .venv/.ready
	$(BIN)/uv venv -q --clear -p "$$(.ci/python 3.1$*)" .venv-3.1$*
	$(BIN)/uv pip install -q -p .venv-3.1$* --require-hashes -r requirements.lock
	touch $@

# PyTorch is no part of the lock: its CPU build has another hash on each index.
.venv-peers/.ready: bench/peers.lock
	.ci/environment .venv-peers bench/peers.lock
	@echo "PyTorch: a minute or two"
	.venv-peers/bin/pip install --quiet --no-deps torch==2.13.0
	touch $@

.venv-browser/.ready: tests/browser/browser.lock
	.ci/environment .venv-browser tests/browser/browser.lock
	touch $@

.venv-jupyter/.ready: tests/jupyter/jupyter.lock
	.ci/environment .venv-jupyter tests/jupyter/jupyter.lock
	touch $@

.venv-site/.ready: docs/site.lock
	.ci/environment .venv-site docs/site.lock
	touch $@

.venv-cuda/.ready: tests/cuda/cuda.lock
	.ci/environment .venv-cuda tests/cuda/cuda.lock
	touch $@

.venv-readers/.ready: tests/readers/readers.lock
	.ci/environment .venv-readers tests/readers/readers.lock
	touch $@
