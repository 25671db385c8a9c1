# Assay, from a fresh clone: `make demo` shows it at work, `make test` is the whole gate.

PYTHON ?= python3
PORT ?= 8000
ONCE ?=
REGISTRY ?=
ARGS ?=

BIN := .venv/bin
STEP := scripts/step
BUILD := $(BIN)/python -m sandbox.images.build $(if $(REGISTRY),--registry $(REGISTRY))
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help setup images demo test lint format types unit lock

help: ## What there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## The judge at work on port 8000: a bootcamp, real verdicts, a leaderboard (PORT=, ONCE=1 to stop after it)
	@$(STEP) 1/4 "Python packages" $(PYTHON) scripts/bootstrap
	@$(STEP) 2/4 "Docker Engine" scripts/ensure-docker
	@$(STEP) 3/4 "Images" $(BUILD)
	@$(STEP) --last 4/4 "The judge" $(BIN)/assay demo --port $(PORT) $(if $(ONCE),--once)

test: ## The whole gate: packages, engine, images, lint, format, types, imports, all tests
	@$(STEP) 1/8 "Python packages, with those of the tests" $(PYTHON) scripts/bootstrap --dev
	@$(STEP) 2/8 "Docker Engine" scripts/ensure-docker
	@$(STEP) 3/8 "Images" $(BUILD)
	@$(STEP) 4/8 "Programs the tests use" scripts/ensure-packages chromium=chromium docker-registry=docker-registry mmdebstrap=mmdebstrap postgresql=pg_ctlcluster
	@$(STEP) 5/8 "Lint and format" $(MAKE) --no-print-directory lint
	@$(STEP) 6/8 "Types" $(MAKE) --no-print-directory types
	@$(STEP) 7/8 "Import contracts" $(BIN)/lint-imports
	@$(STEP) --last 8/8 "Tests" $(BIN)/python -m pytest $(ARGS)

setup: ## .venv with everything, the engine and the images
	@$(STEP) 1/3 "Python packages, with those of the tests" $(PYTHON) scripts/bootstrap --dev
	@$(STEP) 2/3 "Docker Engine" scripts/ensure-docker
	@$(STEP) 3/3 "Images" $(BUILD)

images: ## The images of the runtimes (REGISTRY=HOST[:PORT]/PREFIX to pull Debian from)
	@$(STEP) 1/3 "Python packages" $(PYTHON) scripts/bootstrap
	@$(STEP) 2/3 "Docker Engine" scripts/ensure-docker
	@$(STEP) 3/3 "Images" $(BUILD)

lint: ## Rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: ## Mend what can be mended by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: ## mypy, over the rooms and over every grader
	@$(BIN)/mypy
	@$(BIN)/python scripts/type-graders

unit: ## The tests alone, on what is already set up (ARGS=)
	@$(BIN)/python -m pytest $(ARGS)

lock: ## New locks out of pyproject.toml and the recipes' requirements.in (UPGRADE=1 for newer versions)
	@scripts/lock $(if $(UPGRADE),--upgrade)
