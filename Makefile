# Everything runs in .venv, which is made when it is missing and renewed when pyproject.toml changes.
#   make quickstart   the main job on this machine, with the embedded model
#   make test         lint, types and the default tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODEL ?= local/qwen2.5-coder-0.5b
LIMIT ?= 12
DATA ?= ../shared/conformance
CORPUS ?= ../shared/claims
SHELL := /bin/sh

.PHONY: quickstart test lint types unit test-long conformance claims bench bench-long simulate clean help machine

help:
	@sed -n 's/^#   //p' Makefile

machine:
	@$(PYTHON) evalkit/local/machine.py $(NEEDS)

$(VENV)/.user: pyproject.toml
	@$(MAKE) --no-print-directory machine
	@echo "Setting up $(VENV) (about a minute) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local,math,bwrap]'
	@touch $@

$(VENV)/.dev: pyproject.toml
	@$(MAKE) --no-print-directory machine NEEDS='--no-sandbox --no-local-model'
	@echo "Setting up $(VENV) for the tests (about two minutes) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.user

quickstart: $(VENV)/.user
	@$(BIN)/python -m evalkit local pull $(MODEL:local/%=%)
	@$(BIN)/python -m evalkit run humaneval -m $(MODEL) --limit $(LIMIT) --out .quickstart/runs
	@$(BIN)/python -m evalkit diff .quickstart/runs
	@echo
	@$(BIN)/python -m evalkit publish .quickstart/runs --format md --to -
	@$(BIN)/python -m evalkit publish .quickstart/runs --format md --to .quickstart/tables
	@echo "runs: .quickstart/runs   table: .quickstart/tables/scores.md   answers: the response cache"

test: lint types unit

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy

# Three at once: much of a test is waiting for its server or its box.
unit: $(VENV)/.dev
	@$(BIN)/python -m pytest -n 3 --dist loadfile

# Real models, whole benchmarks: minutes to hours.
test-long: $(VENV)/.dev
	@$(BIN)/python -m pytest -m "" --timeout 3600

claims: $(VENV)/.dev
	@$(BIN)/python -m evalkit.reported.train $(CORPUS)

conformance: $(VENV)/.dev
	@$(BIN)/python -m tests.conformance.run $(DATA)

bench: $(VENV)/.dev
	@$(BIN)/python -m tests.benchmarks.run

# Boxes and a contest's grading (some 15 minutes), and a site of 100,000 attempts.
bench-long: $(VENV)/.dev
	@$(BIN)/python -m tests.benchmarks.sandbox
	@$(BIN)/python -m tests.benchmarks.site

# How often verdicts and intervals are wrong, by simulation: several minutes on one core.
simulate: $(VENV)/.dev
	@$(BIN)/python -m tests.benchmarks.coverage
	@$(BIN)/python -m tests.benchmarks.sequential

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache

# The published tables, from the runs that are in git and the ledger; nothing is asked of anybody.
.PHONY: results
results: $(VENV)/.user
	@$(BIN)/python -m evalkit publish $$(git ls-files 'results/runs/*/run.json' | xargs -n1 dirname) \
		--format md,csv,latex --to results/tables
