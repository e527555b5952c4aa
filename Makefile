# Two commands matter: `make demo` and `make test`. Both make .venv first if it is not there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# one thread per test process: several with all cores each are many times slower
ONE := OMP_NUM_THREADS=1 TQDM_DISABLE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1

# make test WING=scoring: the notebooks and tests of one wing
WING :=
WINGS := $(notdir $(patsubst %/,%,$(wildcard nbs/api/*/)))
$(if $(filter-out $(WINGS),$(WING)),$(error WING is $(WING): it must be one of $(WINGS)))

.PHONY: demo test nightly lint gate notebooks pytest save browser lab docs check-site stick readme pictures colab bench results

demo: $(READY)
	$(BIN)/tokenclean demo

test: lint gate notebooks pytest

lint: $(READY) # exported and hidden code fits 110 characters; what readers see is held to less by tests/house/test_lines.py
	@$(BIN)/ruff check --quiet .

gate: $(READY) # nbdev-clean and nbdev-export must change nothing
	@before=$$( (git diff; git status --porcelain) | sha256sum); $(BIN)/nbdev-clean && $(BIN)/nbdev-export \
	&& { [ "$$before" = "$$( (git diff; git status --porcelain) | sha256sum)" ] || { git status --short; echo 'nbdev-clean or nbdev-export changed files: look at them and commit'; exit 1; }; }

notebooks: $(READY)
	$(ONE) $(BIN)/python .ci/notebooks.py $(if $(WING),nbs/api/$(WING))

pytest: $(READY)
	$(ONE) $(BIN)/python -m pytest -n 2 --dist worksteal $(if $(WING),tests/house/test_wings.py $(wildcard tests/$(WING)))

save: $(READY) # make save NB=04_tokens: run a notebook and store its outputs for the site
	PLOTLY_RENDERER=plotly_mimetype+notebook_connected $(ONE) $(BIN)/nbdev-test --path-re '$(NB)' --save && $(BIN)/nbdev-clean

browser: $(READY) .venv-colab/ready build/axe/package/axe.min.js # JupyterLab and static pages in Chromium, notebooks with the versions of Colab; screenshots in build/shots
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(VENV)/constraints.txt -e '.[browser]'
	@command -v chromium >/dev/null || $(BIN)/playwright install chromium
	$(ONE) $(BIN)/python -m pytest tests/browser/test_*.py

build/axe/package/axe.min.js: # finds controls without a name and words without contrast; the tests alone use it
	mkdir -p build/axe && cd build/axe && npm pack --silent axe-core@4.14.1 && tar xzf axe-core-4.14.1.tgz

.venv-colab/ready: tests/browser/colab.txt
	$(PYTHON) -m venv .venv-colab && .venv-colab/bin/python -m pip install --quiet --disable-pip-version-check -r tests/browser/colab.txt
	@touch $@

nightly: $(READY) # the cells that take minutes, none needs a GPU; and properties with new random cases
	$(ONE) $(BIN)/nbdev-test --flags slow --n-workers 2 --cell-timeout 3600
	$(ONE) HYPOTHESIS_PROFILE=house $(BIN)/python -m pytest -n 2

lab: $(READY)
	$(BIN)/jupyter lab nbs

docs: # the site, into _docs: it asks for nothing from elsewhere, and opens from a folder
	@command -v quarto >/dev/null || { echo 'make docs needs Quarto, which is not on PATH: https://quarto.org/docs/get-started'; exit 1; }
	@$(MAKE) --no-print-directory $(READY)
	PYTHONPATH=.ci $(BIN)/nbdev-docs
	$(BIN)/python .ci/offline.py _docs
	@test -s _docs/index.html && echo 'wrote _docs; next: open _docs/index.html'
	@$(MAKE) --no-print-directory check-site SITE=_docs

SITE := build/site
check-site: $(READY) # foreign requests, errors, sideways scrolling, broken links; without SITE, of pages made without Quarto
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(VENV)/constraints.txt -e '.[browser]'
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || $(BIN)/playwright install chromium
	@test $(SITE) != build/site || $(BIN)/python .ci/plain_site.py $(SITE)
	$(BIN)/python .ci/check_site.py $(SITE)

FOR :=
STICK := build/stick
stick: $(READY) # a room without a network: wheels, notebooks, pages, a script that installs from them; for other laptops: make stick FOR='windows-3.12 macos-3.13'
	$(BIN)/python .ci/stick.py $(STICK) $(FOR)

readme: $(READY) # README.md is nbs/index.ipynb, read from here
	$(BIN)/python .ci/readme.py

pictures: $(READY) # those of README.md, of link previews and of the tab; the preview needs `make browser`
	$(BIN)/python .ci/pictures.py

colab: $(READY) # Colab link and install cell of every notebook, from the address in pyproject.toml
	$(BIN)/python .ci/colab.py

bench: $(READY)
	$(BIN)/python benchmarks/losses.py --write
	$(BIN)/python benchmarks/start.py --write
	$(BIN)/python benchmarks/stages.py --write
	$(BIN)/python benchmarks/selection.py --write
	$(BIN)/python benchmarks/training.py --write
	$(BIN)/python benchmarks/scale.py --write
	$(BIN)/python benchmarks/scale.py --clean --tokens 1000000 4000000 16000000 --write

results: $(READY) # what nbs/guides/results.ipynb shows; real text with: make results REAL='--data a.jsonl,b.jsonl --model DIR'
	$(BIN)/tokenclean results $(REAL)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed, for example: make PYTHON=python3.12 demo'; exit 1; }
	@if $(PYTHON) -c 'import sys, torch; sys.exit(tuple(map(int, torch.__version__.split(".")[:2])) < (2, 10))' 2>/dev/null; \
	then $(PYTHON) -m venv --system-site-packages $(VENV) && grep -v '^torch==' constraints.txt > $(VENV)/constraints.txt; \
	else $(PYTHON) -m venv $(VENV) && cp constraints.txt $(VENV)/constraints.txt; fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c $(VENV)/constraints.txt -e '.[dev,eval]'
	@touch $@
