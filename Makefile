# Needs GNU make >= 3.81 and Python >= 3.11 with venv. Everything else goes into .venv, built by the first
# target that needs it. PYTHON=/path/to/python chooses another Python.
SHELL := /bin/sh
PYTHON ?=
RUN := .venv/bin/python
TIMED := sh scripts/timed.sh
AGAIN := $(MAKE) --no-print-directory
WORKERS ?= 2
HARP := harpcheck harpdump harpconvert harpmerge
CHROMIUM := chromium chromium-browser google-chrome google-chrome-stable

.PHONY: help environment demo test lint types layers unit test-wheel test-page peers bench truth fresh clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       simulate a small study with known truth, run it, say where its report is"
	@echo "make test       style, types, layers, tests, and a built wheel in its own environment"
	@echo "make test-page  tests of the report in headless Chromium"
	@echo "make peers      what we write read by HARP, what HARP makes of granules read by us"
	@echo "make bench      speed and memory, against the peers that are installed"
	@echo "make truth      long tests: stated uncertainty against many simulated truths"
	@echo "make fresh      demo and test in a bare Debian 12 (needs root and debootstrap)"
	@echo "make clean      remove the environment, caches and built files (demo/ stays)"

environment:
	@sh scripts/environment.sh "$(PYTHON)"

demo: environment
	@$(TIMED) "make demo" .venv/bin/yaotan demo demo

test: environment
	+@$(TIMED) "make test" $(AGAIN) lint types layers unit test-wheel

lint: environment
	@$(TIMED) "ruff" $(RUN) -m ruff check .
	@$(TIMED) "ruff format" $(RUN) -m ruff format --check .

types: environment
	@$(TIMED) "mypy" $(RUN) -m mypy

layers: environment
	@$(TIMED) "import-linter" .venv/bin/lint-imports

unit: environment
	@$(TIMED) "pytest" $(RUN) -m pytest -q -n $(WORKERS) -m "not page and not wheel and not truth and not peers"

test-wheel: environment
	@$(TIMED) "wheel" $(RUN) -m pytest -q -m wheel tests/wheel

test-page: environment
	@for browser in $(CHROMIUM); do command -v $$browser >/dev/null 2>&1 && exit 0; done; \
	echo "Chromium is not installed: apt-get install chromium fonts-noto-cjk (Debian, Ubuntu)." >&2; exit 1
	@$(TIMED) "make test-page" $(RUN) -m pytest -q -m page tests/page

peers: environment
	@for tool in $(HARP); do command -v $$tool >/dev/null 2>&1 || { \
	echo "HARP is not installed ($$tool): apt-get install harp (Debian, Ubuntu)." >&2; exit 1; }; done
	@$(TIMED) "make peers" $(RUN) -m pytest -q -m peers tests/peers

bench: environment
	@$(TIMED) "make bench" sh -ec 'for script in benchmarks/bench_*.py; do echo "-- $$script"; $(RUN) "$$script"; done'

# exit status 5 of pytest: no test is marked so
truth: environment
	@$(TIMED) "make truth" sh -c '$(RUN) -m pytest -q -m truth tests || [ $$? -eq 5 ]'

fresh: environment
	@$(TIMED) "make fresh" bash scripts/fresh.sh

clean:
	rm -rf .venv .venv.next .venv-* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +
