# Everything runs in .venv, which is made at the first use and again when the dependencies change.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-cluster lint types soak format clean

demo: .venv/installed          ## show the main job on the embedded sandbox
	@$(BIN)/errtrack-mcp demo

test: lint types               ## everything that must pass
	@$(BIN)/python -m pytest -n auto -m "not cluster"

test-cluster: .venv/installed  ## three replicas behind a real nginx, with a real Redis
	@$(BIN)/python -m pytest -n auto -m cluster

lint: .venv/installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/installed
	@$(BIN)/mypy

soak: .venv/installed          ## 20,000 calls to one process, faults among them
	@ERRTRACK_SOAK_CALLS=20000 $(BIN)/python -m pytest -s tests/e2e/test_soak.py

format: .venv/installed        ## format the code and mend what can be mended
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache

# Dependency groups need pip 25.1; the one that comes with Python may be older.
.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "errtrack-mcp needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up .venv (once, about half a minute) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@
