# Everything a fresh machine with Python 3.11+ and make needs: `make demo`, `make test`, `make check`, `make fuzz`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# The libraries whose lowest and newest supported versions `make test-edges` tries, and what they pin in their turn.
EDGES := transformers|peft|datasets|pyarrow|numpy
PINNED_BY_EDGES := dill|multiprocess|fsspec

# Number of inputs that `make fuzz` tries in each of its tests.
INPUTS ?= 500

.PHONY: demo test fuzz test-edges tools check format clean

$(READY): pyproject.toml constraints.txt parser.txt
	$(PYTHON) -m venv $(VENV)
	# torch comes first and by its exact version: whatever depends on it then takes the build that is at hand.
	$(BIN)/python -m pip install -q --disable-pip-version-check "$$(grep '^torch==' constraints.txt)" -c constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -r parser.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch $(READY)

demo: $(READY)
	$(BIN)/ninefold demo --out ninefold-demo

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile

# Changed files and odd command lines, many more than in `make test`; ends with what was tried and each kind of fault.
fuzz: $(READY)
	NINEFOLD_FUZZ=$(INPUTS) $(BIN)/python -m pytest tests/fuzz

# Environments of their own; not part of .ci/run. torch and all other libraries are those of constraints.txt.
test-edges: .venv-lowest/.ready .venv-newest/.ready
	.venv-lowest/bin/python -m pytest -n 2 --dist loadfile
	.venv-newest/bin/python -m pytest -n 2 --dist loadfile

.venv-%/.ready: pyproject.toml constraints.txt parser.txt
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install -q --disable-pip-version-check --no-deps -r parser.txt
	grep -vE '^($(EDGES)|$(PINNED_BY_EDGES))==' constraints.txt > .venv-$*/constraints.txt
	test $* = newest || grep -oE '"($(EDGES))>=[0-9.]+' pyproject.toml | tr -d '"' | sed 's/>=/==/' >> .venv-$*/constraints.txt
	.venv-$*/bin/python -m pip install -q --disable-pip-version-check "$$(grep '^torch==' constraints.txt)" -c .venv-$*/constraints.txt
	.venv-$*/bin/python -m pip install -q --disable-pip-version-check -e '.[dev]' -c .venv-$*/constraints.txt
	.venv-$*/bin/python -m pip list --disable-pip-version-check | grep -E '^($(EDGES)) '
	touch $@

# Other people's trainers and evaluators, each in an environment of its own under .tools (NINEFOLD_TOOLS names another
# folder); tests that open what ninefold exports skip without them. TOOLS=trl installs that one alone.
TOOLS ?=
tools: $(READY)
	$(BIN)/python tests/tools/install.py $(TOOLS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .venv-lowest .venv-newest .tools build dist
