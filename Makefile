# `make run` and `make test` set up what they need: .venv, and tshark where it is missing.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# Stamps: what is installed is as old as the files that say what to install.
RUN := $(VENV)/.run-ready
DEV := $(VENV)/.dev-ready
WANTED := pyproject.toml constraints.txt scripts/setup

.PHONY: help run test test-all test-thorough plugin rows screenshots bench fuzz clean

help:
	@echo "make run       read the captures in pcaps/ and print the calls in them"
	@echo "make test      linters, types, import contracts, tests"
	@echo "make test-all  the same, and the tests that take minutes"
	@echo "make test-thorough  all of these with every capture and seed: an hour or more"
	@echo "make plugin    assemble plugins/legs.lua from its sources"
	@echo "make rows      write the types of the tables' rows from their declarations"
	@echo "make screenshots  take the README's pictures of Wireshark and of a report again"
	@echo "make bench     time and memory beside those of other programs"
	@echo "make fuzz      ten minutes of mutated captures, logs, lists and settings (ARGS=--help)"
	@echo "make clean     remove .venv, caches, results"

run: $(RUN)
	@PYTHON=$(PYTHON) scripts/setup tshark
	$(VENV)/bin/postproc run pcaps/

# Compiled first: the tests start the program hundreds of times, and Python may be told to keep no byte code.
test: $(DEV)
	@PYTHON=$(PYTHON) scripts/setup tshark
	@scripts/setup lua
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	@$(PY) -m compileall -q postproc tests pcaps
	$(VENV)/bin/pytest -n auto --dist loadfile -m "not slow"

test-all: test
	@scripts/setup browser
	@scripts/setup gui
	@tests/plugins/chroots.sh || echo "no newer Wiresharks to test with: those tests are skipped"
	$(VENV)/bin/pytest -n auto --dist loadscope -m slow -rs

# Where test-all takes one in so many of captures, seeds and steps, this takes all (tests/sample.py).
test-thorough: export LEGSHARK_THOROUGH = 1
test-thorough: test-all

plugin: $(RUN)
	$(PY) scripts/assemble.py

rows: $(DEV)
	$(PY) scripts/rows.py

screenshots: $(DEV)
	@scripts/setup gui
	@scripts/setup browser
	$(PY) -m tests.plugins.pictures docs/pictures
	$(PY) -m tests.show.report.pictures docs/pictures

bench: $(RUN)
	@PYTHON=$(PYTHON) scripts/setup tshark
	$(PY) bench/run.py --sip --folder $(ARGS)

fuzz: $(DEV)
	@PYTHON=$(PYTHON) scripts/setup tshark
	$(PY) -m tests.fuzz $(ARGS)

$(RUN): $(WANTED)
	PYTHON=$(PYTHON) scripts/setup python .
	@touch $@

$(DEV): $(WANTED)
	PYTHON=$(PYTHON) scripts/setup python '.[dev]'
	@touch $@ $(RUN)

clean:
	rm -rf $(VENV) build dist postproc-out bench/captures fuzz-found
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
