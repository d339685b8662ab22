# The same verbs on a laptop and in CI. Every target prepares what it needs first.
.PHONY: help setup demo test test-fast check format pins clean
.DEFAULT_GOAL := help
BIN := .venv/bin

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: ## Virtual environment, pinned packages, front-end files
	@scripts/setup.sh

demo: setup ## Everything on one machine, with simulated devices: make demo ARGS="--port 8123"
	@$(BIN)/assets demo $(ARGS)

test: setup ## All tests on two cores; a missing part of the system is named
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

test-fast: setup ## The rules alone, in seconds
	@$(BIN)/python -m pytest tests/rules $(ARGS)

check: setup ## Format, lint, types, imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --strict -p assets
	@MYPYPATH=src:benchmarks $(BIN)/mypy --strict benchmarks/*.py
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

format: setup ## Put the code into its form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

pins: setup ## Resolve requirements/*.txt anew
	@scripts/pins.sh

clean: ## Remove what set-up made
	@rm -rf .venv .venv-tools .setup dashboards/node_modules dashboards/static/vendor dashboards/papers/fonts
