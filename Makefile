BIN := .venv/bin
.PHONY: demo test test-slow lint bench clean

demo: .venv/.ready
	$(BIN)/saddlescape run xor -o demo/xor
	$(BIN)/saddlescape plot demo/xor/result.h5 --kind curve -o demo/xor-curve.png
	$(BIN)/saddlescape plot demo/xor/result.h5 --kind trajectories -o demo/xor-trajectories.png
	$(BIN)/saddlescape run xor-slice -o demo/xor-slice
	$(BIN)/saddlescape plot demo/xor-slice/result.h5 --kind map -o demo/xor-slice.png

test: .venv/.ready
	$(BIN)/pytest -n auto

test-slow: .venv/.ready
	$(BIN)/pytest -m slow

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.ready
	$(BIN)/pytest bench --benchmark-enable --benchmark-only

clean:
	rm -rf .venv demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/.ready: requirements.lock pyproject.toml
	python3 -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@
