# `make help` lists the targets. Every target sets up what it needs.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INPUT ?= sample
JAVASCRIPT := tests/integration/javascript
PEERS := tests/bench/peers
ONLY ?=
MINUTES ?=
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c packaging/constraints.txt

.PHONY: help setup setup-test run test lint types contracts unit real drills drills-quick soak \
        format bench bench-quick clean

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.scribe-installed ## Install the system packages and the project into .venv/

setup-test: $(VENV)/.scribe-test-installed ## The same, and what the tests need

run: setup ## Start Scribe with its built-in server (INPUT=mic: record 30 s from the microphone)
	@PATH="$(CURDIR)/$(BIN):$$PATH" packaging/try-scribe.sh "$(INPUT)"

test: setup-test lint types contracts unit real drills-quick ## Set everything up, then run all checks and tests

lint: setup-test ## Style and common mistakes (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-test ## Types (mypy, strict)
	$(BIN)/mypy

contracts: setup-test ## Who may import whom (import-linter)
	$(BIN)/lint-imports

unit: setup-test ## Tests without real parts: fast
	$(BIN)/pytest -q -n 2 -m "not real"

real: setup-test ## Tests with real parts: server process, microphone, tray, keyring, browser
	$(BIN)/pytest -q -n 4 -m real

drills: setup-test ## Faults that really happen, all of them, and docs/RELIABILITY.md: 1 hour (ONLY=kill-server: one)
	$(BIN)/python -m tests.faults $(if $(ONLY),--only $(ONLY))

soak: setup-test ## An hour of recording under random faults (MINUTES=5: shorter, without a report)
	$(BIN)/python -m tests.faults.soak $(if $(MINUTES),--minutes $(MINUTES))

drills-quick: setup-test ## Each of these faults twice, in 2 minutes; what needs root says so
	$(BIN)/python -m tests.faults --quick $(if $(ONLY),--only $(ONLY))

format: setup-test ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.scribe-bench-installed ## Compare with others, write docs/PERFORMANCE.md: 15 min (ONLY=ingest: one of them)
	$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

bench-quick: $(VENV)/.scribe-bench-installed ## The same in 3 minutes, less exact, into run/bench-quick/
	$(BIN)/python -m tests.bench --quick $(if $(ONLY),--only $(ONLY))

clean: ## Remove what set-up and runs have made (recordings in run/ stay)
	rm -rf $(VENV) $(JAVASCRIPT)/node_modules $(PEERS)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.scribe-installed: pyproject.toml packaging/constraints.txt packaging/system-deps.sh
	packaging/system-deps.sh run
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) -e '.[all]'
	@touch $@

$(VENV)/.scribe-test-installed: $(VENV)/.scribe-installed $(JAVASCRIPT)/package.json
	packaging/system-deps.sh test
	$(PIP_INSTALL) -e '.[dev]'
	npm install --prefix $(JAVASCRIPT) --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@

$(VENV)/.scribe-bench-installed: $(VENV)/.scribe-installed $(PEERS)/package.json
	packaging/system-deps.sh bench
	$(PIP_INSTALL) -e '.[bench]'
	npm install --prefix $(PEERS) --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@
