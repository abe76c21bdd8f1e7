PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Settings of the caller that would lead pip or Python past the environment made here, and one that
# would have each process of each run compile anew whatever has changed since.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_USER := 0

.DEFAULT_GOAL := run
.PHONY: run test test-slow lint bench clean lock setup FORCE

# The environment is made anew when it is missing, when an installation was cut short (pip may
# then take a half-written package for a whole one), when it was made in another folder (a copy
# of a checkout would run the original's code), and when another PYTHON is asked for.
MADE := $(VENV)/.made
MADE_HERE := $(shell test "$$(sed -n 1p $(MADE) 2>/dev/null)" = "$$(pwd -P)" && echo yes)
MADE_BY := $(shell sed -n 2p $(MADE) 2>/dev/null)
ifneq ($(MADE_HERE),yes)
$(MADE): FORCE
else ifneq ($(origin PYTHON),file)
ifneq ($(MADE_BY),$(PYTHON))
$(MADE): FORCE
endif
endif

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "OpsDeck needs Python 3.11 or newer, and $(PYTHON) is older or missing." \
		"Name another one: make PYTHON=python3.12 run" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@{ pwd -P; echo "$(PYTHON)"; } > $@

# What the app needs. The stamp is newer than the lock, or the lock is installed again. While pip
# works the environment does not count as made.
$(VENV)/.run-stamp: requirements.lock pyproject.toml $(MADE)
	@mv $(MADE) $(VENV)/.making
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index -e .
	$(BIN)/python -m compileall -q src
	@mv $(VENV)/.making $(MADE)
	@touch $@

$(VENV)/.dev-stamp: requirements-dev.lock $(VENV)/.run-stamp
	@mv $(MADE) $(VENV)/.making
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@mv $(VENV)/.making $(MADE)
	@# Compiles the tests as pytest does, or each worker of the first run would do it for itself.
	@$(BIN)/python -m pytest --collect-only >/dev/null 2>&1 || true
	@touch $@

setup: $(VENV)/.dev-stamp

run: $(VENV)/.run-stamp
	@$(BIN)/opsdeck $(ARGS)

test: $(VENV)/.dev-stamp
	$(BIN)/python -m pytest -m "not slow" -n 6 --dist worksteal $(ARGS)

# Side by side what only computes and asks partners; one after the other what a busy machine would
# disturb: terminals, idle bytes, memory. (5: ARGS chose none of these.)
APART := $(addprefix tests/,checks drills gauges incidents screens signoff worlds)

test-slow: $(VENV)/.dev-stamp
	$(BIN)/python -m pytest -m slow -n 4 --dist worksteal $(APART) $(ARGS) || [ $$? -eq 5 ]
	$(BIN)/python -m pytest -m slow $(APART:%=--ignore=%) $(ARGS) || [ $$? -eq 5 ]

lint: $(VENV)/.dev-stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev-stamp
	$(BIN)/python -m bench $(ARGS)

# Writes the locks again from pyproject.toml; needs uv and the network.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header pyproject.toml requirements-build.in -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --group dev pyproject.toml requirements-build.in -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
