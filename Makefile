PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
RUN := .venv/bin

.PHONY: help setup demo test check bench drill clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 8

setup: $(VENV)/.installed ## make .venv from the lock and fetch the services' jars
	@$(RUN)/tidemark jars fetch

demo: setup ## start the stack, net, draw and chain a generated day, verify it
	$(RUN)/tidemark demo

test: setup ## run every test, those on the real stack included
	$(RUN)/pytest -n 2 tests/unit
	$(RUN)/pytest tests/jobs tests/cluster

check: $(VENV)/.installed ## lint, format, types, import rules: what CI asks
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports --no-cache

bench: setup ## measure throughput and latency on this machine
	$(RUN)/tidemark bench netting
	$(RUN)/tidemark bench engine --peers

drill: setup ## kill processes and restore savepoints under load, compare results
	$(RUN)/tidemark drill savepoint

clean: ## stop the stack; remove .venv, its data and all caches, keep the jars
	@if [ -x $(RUN)/tidemark ]; then $(RUN)/tidemark down; fi
	rm -rf $(VENV) .tidemark/run .tidemark/checkpoints .tidemark/savepoints .tidemark/archives
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Python 3.11 is needed, this is $$($(PYTHON) --version); set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(RUN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
