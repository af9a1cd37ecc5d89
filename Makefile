# Everything runs in .venv, which is made at the first use and again when the dependencies change.
PYTHON ?= python3
BIN := .venv/bin
BENCH := .cache/bench
MCPB := tests/clients/node_modules/.bin/mcpb
# Debian keeps nginx outside the PATH of users. `make test SBIN=` looks in PATH alone.
SBIN ?= /usr/sbin
export PATH := $(PATH)$(if $(SBIN),:$(SBIN))
# Where bytecode is not kept, each process compiles everything anew: to collect the tests takes 11 seconds instead of 5.
export PYTHONDONTWRITEBYTECODE :=
# Without npm and node the tests that need their packages are left out, and make test says so in its last line.
have = $(shell command -v $(1) 2>/dev/null)
NPM_CLIENTS := tests/clients/node_modules/.installed
VENDORS := tests/clients/vendors/node_modules/.installed
FRAMEWORKS := .cache/frameworks
CLIENTS := $(if $(and $(call have,npm),$(call have,node)),$(NPM_CLIENTS) $(VENDORS) $(FRAMEWORKS)/.installed)
BUILD := build
DIST := dist

# No line names a registry, so that any mirror serves. Versions stay as they are unless they no longer fit.
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url \
  --python-version 3.13 --python-platform linux $(if $(UPGRADE),--upgrade)

.PHONY: requirements demo test test-hostile test-cluster clients bundle lint types soak large bench bench-http docs format clean

demo: .venv/installed          ## show the main job on the embedded sandbox
	@$(BIN)/errtrack-mcp demo

test: lint types $(CLIENTS)    ## everything that must pass and that this machine can run
	@$(BIN)/python -m pytest -n auto -m "not slow"
	@$(BIN)/python -m pytest -m slow $$(grep -rl --include='*.py' mark.slow tests)

test-cluster: .venv/installed  ## three replicas behind a real nginx, with a real Redis; a part of make test
	@$(BIN)/python -m pytest -n auto -m cluster

test-hostile: .venv/installed  ## the attacks alone, with tables of tries and failures; a part of make test
	@$(BIN)/python -m pytest -n auto -m "attack and not slow"
	@$(BIN)/python -m pytest -m "attack and slow"

requirements: .venv/installed  ## fix the versions of what the image installs, with hashes; UPGRADE=1 for newer ones
	@$(COMPILE) pyproject.toml --extra redis -o deploy/requirements.txt
	@$(COMPILE) pyproject.toml --extra redis --extra otel -o deploy/requirements-otel.txt
	@echo 'hatchling>=1.27' | $(COMPILE) - -o deploy/requirements-build.txt

clients: $(NPM_CLIENTS) $(VENDORS) $(FRAMEWORKS)/.installed  ## all that tests/clients connects with

bundle: $(NPM_CLIENTS)         ## one file that Claude Desktop and others install (MCPB)
	@rm -rf $(BUILD)/bundle && mkdir -p $(BUILD)/bundle $(DIST)
	@cp -R bundle/manifest.json pyproject.toml README.md LICENSE src $(BUILD)/bundle
	@find $(BUILD)/bundle -name __pycache__ -prune -exec rm -rf {} +
	@$(MCPB) validate $(BUILD)/bundle/manifest.json
	@$(MCPB) pack $(BUILD)/bundle $(DIST)/errtrack-mcp.mcpb

lint: .venv/installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/installed
	@$(BIN)/mypy

soak: .venv/installed          ## 20,000 calls to one process, faults among them
	@ERRTRACK_SOAK_CALLS=20000 $(BIN)/python -m pytest -s tests/e2e/test_soak.py

large: .venv/installed         ## diagnose 1,000, 10,000 and 100,000 symbol sets, and print what it costs
	@ERRTRACK_LARGE_PROJECT=1 $(BIN)/python -m pytest -q tests/e2e/test_large_project.py

bench: .venv/installed $(BENCH)/installed  ## next to others, against limits; writes docs/benchmarks.md
	@$(BIN)/python -m benchmarks

bench-http: .venv/installed $(BENCH)/installed  ## the same over HTTP, 32 callers at once; needs nginx and wrk
	@$(BIN)/python -m benchmarks.over_http

docs: .venv/installed          ## tools' definitions and pages that are made from the code, the plugin's skills, pictures
	@$(BIN)/python -m scripts.definitions
	@$(BIN)/python -m scripts.pages
	@$(BIN)/python -m scripts.picture
	@$(BIN)/python -m scripts.screenshots

format: .venv/installed        ## format the code, and apply automatic fixes
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

# What is measured, each alone in an environment of fixed versions. Without npm its two peers are left out.
$(BENCH)/installed: pyproject.toml $(wildcard benchmarks/peers/*)
	@echo "Installing what is measured into $(BENCH) (once, about a minute) ..."
	@mkdir -p $(BENCH)
	@for peer in errtrack floor fastmcp; do \
	  $(PYTHON) -m venv --clear $(BENCH)/$$peer && \
	  $(BENCH)/$$peer/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/peers/$$peer.txt \
	  || exit 1; done
	@cp benchmarks/peers/package.json $(BENCH)/
	@command -v npm >/dev/null && npm install --prefix $(BENCH) --no-package-lock --no-audit --no-fund --silent \
	  || echo "The peers from npm are left out: npm is missing or failed."

# npm keeps no lock file here: it would name a registry. Versions are fixed in package.json.
NPM_INSTALL := npm install --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel error --prefix
$(NPM_CLIENTS): tests/clients/package.json
	@$(NPM_INSTALL) tests/clients
	@touch $@

# Apart from the others, as they are binaries of 1.6 GB.
$(VENDORS): tests/clients/vendors/package.json
	@$(NPM_INSTALL) tests/clients/vendors
	@touch $@

$(FRAMEWORKS)/.installed: tests/clients/frameworks.txt
	@$(PYTHON) -m venv --clear $(FRAMEWORKS)
	@$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@ \
	  || echo "The tests with Python frameworks are left out: pip failed."
