# Two commands: `make run` opens the app on the shipped MNIST, `make test` checks everything.
# Both make .venv when it is missing and use it as it is while pyproject.toml and the pins have not changed.

PYTHON ?= python3
BIN := .venv/bin
PINS := .ci/constraints.txt
INSTALL := $(BIN)/python -m pip install --quiet --constraint $(PINS) --editable

.PHONY: run test clean

run: .venv/.installed
	$(BIN)/umap-explorer serve

test: .venv/.installed-test
	.ci/chromium $(BIN)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

clean:
	rm -rf .venv build dist *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml $(PINS) | $(BIN)/python
	$(INSTALL) .
	@touch $@

.venv/.installed-test: .venv/.installed
	$(INSTALL) '.[test]'
	@touch $@
