# Assay, from a fresh clone: `make demo` shows it at work, `make test` is the whole gate.

PYTHON ?= python3
PORT ?= 8000
ONCE ?=
REGISTRY ?=
CLEAN ?=
ARGS ?=

BIN := .venv/bin
STEP := scripts/step
BUILD := $(BIN)/python -m sandbox.images.build $(if $(REGISTRY),--registry $(REGISTRY))
SERVICES := $(BIN)/python -m deploy.build $(if $(REGISTRY),--registry $(REGISTRY)) $(if $(AGAIN),--again)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help setup images service-images demo test gate faults bench engines lint format types unit lock screenshots

help: ## What there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## The judge at work on port 8000: a bootcamp, real verdicts, a leaderboard (PORT=, ONCE=1 to stop after it)
	@$(STEP) 1/4 "Python packages" $(PYTHON) scripts/bootstrap
	@$(STEP) 2/4 "Docker Engine" scripts/ensure-docker
	@$(STEP) 3/4 "Images" $(BUILD)
	@$(STEP) --last 4/4 "The judge" $(BIN)/assay demo --port $(PORT) $(if $(ONCE),--once)

test: ## The whole gate: packages, engine, images, lint, format, types, imports, all tests
	@$(STEP) 1/9 "Python packages, with those of the tests" $(PYTHON) scripts/bootstrap --dev
	@$(STEP) 2/9 "Docker Engine" scripts/ensure-docker
	@$(STEP) 3/9 "Images" $(BUILD)
	@$(STEP) 4/9 "Images of the services" $(SERVICES)
	@$(STEP) 5/9 "Programs the tests use" scripts/ensure-packages chromium=chromium docker-registry=docker-registry mmdebstrap=mmdebstrap postgresql=pg_ctlcluster docker-compose=docker-compose nginx=nginx openssl=openssl
	@$(STEP) 6/9 "Lint and format" $(MAKE) --no-print-directory lint
	@$(STEP) 7/9 "Types" $(MAKE) --no-print-directory types
	@$(STEP) 8/9 "Import contracts" $(BIN)/lint-imports
	@$(STEP) --last 9/9 "Tests" $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 25 $(ARGS)

gate: ## The quality gate of challenges in full, an hour or more; writes gate.json (ARGS="churn-f1 kmeans-pca" for some)
	@$(STEP) 1/4 "Python packages" $(PYTHON) scripts/bootstrap
	@$(STEP) 2/4 "Docker Engine" scripts/ensure-docker
	@$(STEP) 3/4 "Images" $(BUILD)
	@$(STEP) --last 4/4 "Challenges" $(BIN)/assay challenge check --full $(ARGS)

faults: ## Everything that kills, freezes or cuts off a part of the judge, at length (ARGS="-k postgres" for some)
	@$(STEP) 1/5 "Python packages, with those of the tests" $(PYTHON) scripts/bootstrap --dev
	@$(STEP) 2/5 "Docker Engine" scripts/ensure-docker
	@$(STEP) 3/5 "Images" $(BUILD)
	@$(STEP) 4/5 "Programs the tests use" scripts/ensure-packages postgresql=pg_ctlcluster
	@$(STEP) --last 5/5 "Faults" $(BIN)/python -m pytest --faults long -m fault -v $(ARGS)

bench: ## How fast it is here, each figure beside a plain way of doing the same (ARGS=--only=sandbox, --quick)
	@$(STEP) 1/5 "Python packages" $(PYTHON) scripts/bootstrap
	@$(STEP) 2/5 "Docker Engine" scripts/ensure-docker
	@$(STEP) 3/5 "Images" $(BUILD)
	@$(STEP) 4/5 "Programs it measures with" scripts/ensure-packages postgresql=pg_ctlcluster
	@$(STEP) --last 5/5 "Figures" $(BIN)/python -m bench $(ARGS)

engines: ## The sandbox's promises on a newer Docker Engine and under gVisor, too; root on Debian (CLEAN=1 removes what it keeps)
	@$(STEP) 1/4 "Python packages, with those of the tests" $(PYTHON) scripts/bootstrap --dev
	@$(STEP) 2/4 "Docker Engine" scripts/ensure-docker
	@$(STEP) 3/4 "Images" $(BUILD)
	@$(STEP) --last 4/4 "Engines" $(BIN)/python -m tests.engines $(if $(CLEAN),--clean) $(ARGS)

setup: ## .venv with everything, the engine and the images
	@$(STEP) 1/3 "Python packages, with those of the tests" $(PYTHON) scripts/bootstrap --dev
	@$(STEP) 2/3 "Docker Engine" scripts/ensure-docker
	@$(STEP) 3/3 "Images" $(BUILD)

images: ## The images of the runtimes (REGISTRY=HOST[:PORT]/PREFIX to pull Debian from)
	@$(STEP) 1/3 "Python packages" $(PYTHON) scripts/bootstrap
	@$(STEP) 2/3 "Docker Engine" scripts/ensure-docker
	@$(STEP) 3/3 "Images" $(BUILD)

service-images: ## The images docker-compose.yml needs, where no container registry is in reach (AGAIN=1 for newer packages)
	@$(STEP) 1/3 "Python packages" $(PYTHON) scripts/bootstrap
	@$(STEP) 2/3 "Docker Engine" scripts/ensure-docker
	@$(STEP) 3/3 "Images of the services" $(SERVICES)

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

screenshots: ## New pictures of the pages in docs/images, out of an installation with made-up people
	@scripts/ensure-packages chromium=chromium
	@$(BIN)/python -W ignore scripts/screenshots.py
