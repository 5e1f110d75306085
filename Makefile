# `make dev` and `make test` need Python >= 3.11 and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# The tests start the platform hundreds of times: it need not be compiled each time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help dev test lint bench lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: requirements/dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Lambent needs Python 3.11 or newer, this is %s (set PYTHON=...)" % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV) || { echo "No venv module: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	# uv is in the lock, with its hashes: it takes a quarter of pip's time for the rest.
	@awk '/^uv==/{p=1} p{print} p&&!/\\$$/{exit}' requirements/dev.lock >$(VENV)/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.lock || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

dev: $(VENV)/.installed ## Run examples/shop on 127.0.0.1:3000, with hot reload
	@cd examples/shop && PATH="$(CURDIR)/$(BIN):$$PATH" lambent dev

# Workers begin with a share each, so that the tests of a module meet one platform; who is done takes from the others.
test: $(VENV)/.installed ## The whole suite
	$(BIN)/python -m pytest -n auto --dist worksteal

.venv-sam/bin/sam: $(VENV)/.installed
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-sam
	$(BIN)/uv pip install --quiet --python .venv-sam/bin/python 'aws-sam-cli>=1.140'

lint: $(VENV)/.installed ## ruff, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed ## Speed and memory beside their floors (needs wrk)
	$(BIN)/python -m bench

lock: $(VENV)/.installed ## Resolve requirements/dev.lock anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --generate-hashes --no-annotate --no-header --python-version 3.11 \
		--all-extras --group dev pyproject.toml --output-file requirements/dev.lock

clean: ## Remove the environment and caches
	rm -rf $(VENV) .venv-peers .venv-sam .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
