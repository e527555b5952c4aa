# Two commands matter: `make demo` and `make test`. Both make .venv first if it is not there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# one thread per test process: several with all cores each are many times slower
ONE := OMP_NUM_THREADS=1 TQDM_DISABLE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1

.PHONY: demo test gate notebooks pytest lab docs readme bench

demo: $(READY)
	$(BIN)/tokenclean demo

test: gate notebooks pytest

gate: $(READY) # nbdev-clean and nbdev-export must change nothing
	@before=$$( (git diff; git status --porcelain) | sha256sum); $(BIN)/nbdev-clean && $(BIN)/nbdev-export \
	&& { [ "$$before" = "$$( (git diff; git status --porcelain) | sha256sum)" ] || { git status --short; echo 'nbdev-clean or nbdev-export changed files: look at them and commit'; exit 1; }; }

notebooks: $(READY)
	$(ONE) $(BIN)/nbdev-test --n-workers 2

pytest: $(READY)
	$(ONE) $(BIN)/python -m pytest -n 2

lab: $(READY)
	$(BIN)/jupyter lab nbs

docs: $(READY)
	@command -v quarto >/dev/null || { echo 'make docs needs Quarto: https://quarto.org/docs/get-started'; exit 1; }
	$(BIN)/nbdev-docs

readme: $(READY) # README.md is nbs/index.ipynb
	$(BIN)/jupyter nbconvert --to markdown --output-dir . --output README nbs/index.ipynb

bench: $(READY)
	$(BIN)/python benchmarks/losses.py --write
	$(BIN)/python benchmarks/selection.py --write
	$(BIN)/python benchmarks/scale.py --write

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed, for example: make PYTHON=python3.12 demo'; exit 1; }
	@if $(PYTHON) -c 'import sys, torch; sys.exit(tuple(map(int, torch.__version__.split(".")[:2])) < (2, 10))' 2>/dev/null; \
	then $(PYTHON) -m venv --system-site-packages $(VENV) && grep -v '^torch==' constraints.txt > $(VENV)/constraints.txt; \
	else $(PYTHON) -m venv $(VENV) && cp constraints.txt $(VENV)/constraints.txt; fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(VENV)/constraints.txt -e '.[dev,eval]'
	@touch $@
