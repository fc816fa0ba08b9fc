# Every command of the project. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUILD := build
FUZZ_SECONDS ?= 60
BENCH_ARGS ?=

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*## "} {printf "  make %-17s %s\n", $$1, $$2}'

.PHONY: setup-run setup-dev
setup-run:
	@PYTHON=$(PYTHON) scripts/setup run
setup-dev:
	@PYTHON=$(PYTHON) scripts/setup dev

.PHONY: demo
demo: setup-run ## install what is missing, build, and run the main job on real data
	@$(BIN)/python -m examples.countries

.PHONY: serve
serve: ## install what is missing, migrate and seed the example Trailbook, serve it with its admin panel
	@PYTHON=$(PYTHON) scripts/setup serve
	@scripts/serve

.PHONY: test
test: setup-dev ## install and run everything: servers, C tests (also under sanitizers), Python, typing, docs
	@scripts/test all

.PHONY: test-core test-python test-admin test-integration test-matrix test-oldest test-pythons test-typing test-trailbook test-docs
test-core: setup-dev ## C tests of core/ alone
	@scripts/test core
test-python: setup-dev ## Python tests
	@scripts/test python
test-admin: setup-dev ## the admin panel: API, frameworks, front end
	@scripts/test admin
test-integration: setup-dev ## torture, faults and edges on every server
	@scripts/test integration
test-matrix: setup-dev ## Python and integration tests on PostgreSQL 13, 17 and 18 too
	@scripts/test matrix
test-typing: setup-dev ## what type checkers must accept and reject
	@scripts/test typing
test-oldest: setup-dev ## Python tests on the oldest supported Pydantic
	@scripts/test oldest
test-pythons: setup-dev ## Python tests on every CPython 3.10 to 3.14 found here
	@scripts/test pythons
test-trailbook: setup-dev ## the example Trailbook on SQLite, PostgreSQL and MariaDB
	@scripts/test trailbook
test-docs: setup-dev ## every example in README.md and docs/
	@scripts/test docs

.PHONY: servers servers-stop
servers: ## install and start PostgreSQL, MariaDB and MySQL for the tests
	@scripts/servers start
servers-stop: ## stop what `make servers` and the tests have started
	@scripts/servers stop

.PHONY: check
check: setup-dev ## formatters, linters, type checkers, arrows between rooms
	@scripts/check

.PHONY: fmt
fmt: setup-dev ## format C and Python
	@scripts/fmt

.PHONY: asan tsan valgrind fault fuzz cov
asan: setup-dev ## C and Python tests under AddressSanitizer and UBSan
	@scripts/sanitize address
tsan: setup-dev ## C tests under ThreadSanitizer
	@scripts/sanitize thread
valgrind: setup-dev ## C tests under valgrind
	@scripts/sanitize valgrind
fault: setup-dev ## C tests under ASan, where every allocation of every room fails once
	@scripts/sanitize fault
fuzz: setup-dev ## each fuzz target for FUZZ_SECONDS (60)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz
cov: setup-dev ## line coverage of C and Python
	@scripts/coverage

.PHONY: mutants
mutants: setup-dev ## break each rule of docs/internals/*-rules.md in a copy: its tests have to see it
	@$(BIN)/python tools/mutants.py

.PHONY: bench
bench: ## ratios against other drivers and ORMs, alternating in one run, on SQLite, PostgreSQL, MySQL; benchmarks/REPORT.md
	@PYTHON=$(PYTHON) scripts/setup bench
	@scripts/bench --report $(BENCH_ARGS)

.PHONY: bench-scaling
bench-scaling: ## cost of a row, query, column and condition from few to very many, and benchmarks/SCALING.md
	@PYTHON=$(PYTHON) scripts/setup bench
	@scripts/bench --scaling --report $(BENCH_ARGS)

.PHONY: admin
admin: setup-dev ## build the admin panel's front end
	@scripts/admin build

.PHONY: wheel
wheel: setup-dev ## build a wheel into dist/
	@$(BIN)/pip wheel --no-deps --wheel-dir dist .

.PHONY: clean
clean: ## remove what was built (keeps .venv)
	rm -rf $(BUILD) dist
