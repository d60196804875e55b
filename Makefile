# `make run` and `make test` work on a fresh machine: both set up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
REQUIREMENTS := requirements.txt requirements-recbole.txt requirements-dev.txt

.PHONY: run test test-slow lint setup clean

run: setup
	$(BIN)/python run_recbole_ext.py --model=FPARec --dataset=ml-100k \
		--config_files=properties/experiment/quick_ml-100k.yaml

test: setup lint
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-slow: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(STAMP)

$(STAMP): $(REQUIREMENTS) pyproject.toml
	@started=$$(date +%s); \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")' && \
	$(PYTHON) -m venv $(VENV) && \
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0 && \
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-dev.txt && \
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-recbole.txt && \
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable . && \
	touch $(STAMP) && \
	echo "set up in $$(( $$(date +%s) - started )) s"

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build *.egg-info
