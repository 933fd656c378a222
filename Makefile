# ethops: every target that people, CI and the README use. `make` alone lists them.

VENV := .venv
RUN := $(VENV)/bin
MANAGE := $(RUN)/python manage.py
SYNCED := $(VENV)/.synced
UV_VERSION := 0.13.8
TESTS := tests/unit tests/contract tests/integration tests/chaos tests/acceptance tests/architecture tests/hostile
WORKERS ?= 2
LIVE_CACHE ?= $(or $(ETHOPS_LIVE_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ethops-live)
ARGS ?=

# The first interpreter that really runs, is new enough and can make environments.
PYTHON ?= $(shell for name in python3.12 python3.11 python3 python3.13; do \
	"$$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && { echo "$$name"; break; }; done)

# Without bytecode every start compiles everything again, ten times over.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup demo up down status test test-live check bench \
	lint format types imports django yaml playbooks spelling lock wheel hooks clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SYNCED) ## make .venv and install exactly what requirements.lock names

$(SYNCED): requirements.lock
	@test -n "$(PYTHON)" || { \
		echo "no   Python 3.11 or later with venv was not found."; \
		echo "     On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "..   environment          installing what requirements.lock names; once, about a minute"
	@test -x $(RUN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(RUN)/uv || $(RUN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@# pip knows mirrors and certificates of its own configuration that uv does not read.
	@$(RUN)/uv pip sync --quiet --system-certs --compile-bytecode --python $(RUN)/python requirements.lock \
		|| $(RUN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	@touch $(SYNCED)
	@echo "ok   environment          $$($(RUN)/python --version), as locked"

demo: $(SYNCED) ## one real incident from alert to proven repair (ARGS=--keep leaves it running)
	@$(MANAGE) demo $(ARGS)

up: $(SYNCED) ## start everything in the background and say where it is
	@$(MANAGE) up --detach $(ARGS)

down: $(SYNCED) ## stop everything
	@$(MANAGE) down $(ARGS)

status: $(SYNCED) ## every process, with pid and age
	@$(MANAGE) status $(ARGS) || test $$? -eq 3 # nothing runs: that is an answer, no error

test: $(SYNCED) ## all tests on real servers that are started for them (ARGS for pytest)
	$(RUN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(wildcard $(TESTS)) $(ARGS)

test-live: $(SYNCED) ## tests against real servers, which it builds once into LIVE_CACHE
	@$(RUN)/python -m tests.live.install --cache "$(LIVE_CACHE)"
	$(RUN)/pytest tests/live --live-cache "$(LIVE_CACHE)" $(ARGS)

check: lint types imports django yaml playbooks spelling ## everything that reads the code

bench: $(SYNCED) ## measure the figures of docs/figures.md
	$(RUN)/python -m tests.bench $(ARGS)

lint: $(SYNCED) ## ruff: rules and format
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

format: $(SYNCED) ## let ruff write the format and mend what it can
	$(RUN)/ruff check --fix-only .
	$(RUN)/ruff format .

types: $(SYNCED) ## mypy, strict
	$(RUN)/mypy

imports: $(SYNCED) ## who may import whom
	$(RUN)/lint-imports

django: $(SYNCED) ## system checks, declared files, and that migrations are written
	$(MANAGE) check
	ETHOPS_HTTPS=1 $(MANAGE) check --deploy --fail-level WARNING
	@# Without a database it says so and compares the files all the same.
	$(RUN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

yaml: $(SYNCED) ## yamllint
	$(RUN)/yamllint --strict .

playbooks: $(SYNCED) ## ansible-lint, without any network
	PATH="$(CURDIR)/$(RUN):$$PATH" $(RUN)/ansible-lint --offline --strict -q playbooks/remediation

spelling: $(SYNCED) ## codespell
	$(RUN)/codespell

lock: ## write requirements.lock anew from pyproject.toml (ARGS=--upgrade for newer versions)
	$(RUN)/uv pip compile pyproject.toml --extra servers --group dev --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command "make lock" --quiet --output-file requirements.lock $(ARGS)

wheel: $(SYNCED) ## build the wheel into dist/
	$(RUN)/python -m hatchling build --target wheel

hooks: $(SYNCED) ## run the checks of .pre-commit-config.yaml before each commit
	$(RUN)/pre-commit install

clean: ## remove caches; the environment and the state folder stay
	rm -rf dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
