# Everything runs from a virtual environment in .venv, built from the lock files in requirements/.
# Needs Python 3.11 or newer, make, git and coreutils; offline after the first run.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || command -v python)
BIN := .venv/bin
export DOORWARD_DATA ?= $(CURDIR)/.doorward
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

.DEFAULT_GOAL := help
.PHONY: help serve check lint test test-deps mutation fuzz bench bench-large contract readme lock clean

help: ## what can be made
	@$(PYTHON) -c 'import re,sys;[print(f"make {m[1]:10} {m[2]}") for m in re.finditer(r"^([\w-]+):.*?## (.*)$$",open("Makefile").read(),re.M)]'

serve: .venv/.run ## the server, with an embedded PostgreSQL and a sandbox site
	@exec $(BIN)/doorward serve

lint: .venv/.dev ## style and types
	$(BIN)/ruff format --check --quiet src tests bench tools
	$(BIN)/ruff check --quiet src tests bench tools
	$(BIN)/mypy

check: lint ## what to run at every step: lint, types, the quick tests
	$(BIN)/pytest -q -x -n 2 --dist loadfile -m "not slow and not clients"

test: lint test-deps ## all tests, on PostgreSQL 18; those of the store on 16 too
	DOORWARD_TEST_POSTGRES=16 $(BIN)/pytest -q tests/store --ignore tests/store/embedded
	$(BIN)/pytest -n 2 --dist loadfile

mutation: .venv/.dev ## whether a test notices that a handler ignores a parameter: 50, or DOORWARD_MUTATIONS
	$(BIN)/python -m tests.mutation

test-deps: .venv/.dev ## what the clients' tests need beside Python
	$(BIN)/python tests/clients/deps.py

fuzz: .venv/.dev ## the fuzzers' long form: a million cases, or DOORWARD_FUZZ_CASES of them
	$(BIN)/python -m tests.fuzz

bench: test-deps ## repeatable measurements, each printing ratios
	$(BIN)/python -m bench
	$(BIN)/python -m bench.sizes
	$(BIN)/python -m bench.overload
	$(BIN)/python -m bench.bulk
	$(BIN)/python -m bench.decision
	$(BIN)/python -m bench.plugin

bench-large: test-deps ## the daily calls with a million people, and the server's memory over a million calls
	$(BIN)/python -m bench.sizes --sizes 1000,100000,1000000 --memory-calls 1000000

contract: test-deps ## what changed in the official OpenAPI: VERSION of @seamapi/types, default latest
	$(BIN)/python tools/contract.py $(or $(VERSION),latest)

readme: .venv/.dev ## renews what the README shows of the real thing
	$(BIN)/python tools/readme.py

lock: .venv/.dev ## renews the lock files
	$(COMPILE) pyproject.toml -o requirements/run.lock
	$(COMPILE) --group build -c requirements/run.lock -o requirements/build.lock
	$(COMPILE) --group dev -c requirements/run.lock -c requirements/build.lock pyproject.toml -o requirements/dev.lock

COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --python-version 3.11

.venv/.run: requirements/run.lock requirements/build.lock pyproject.toml
	@$(PYTHON) tools/environment.py run

.venv/.dev: requirements/dev.lock .venv/.run
	@$(PYTHON) tools/environment.py dev

clean: ## removes what was built, not your data
	rm -rf .venv .cache dist
