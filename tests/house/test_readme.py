"README.md is the index notebook, by nbconvert's Markdown exporter."
from pathlib import Path

from nbconvert import MarkdownExporter

root = Path(__file__).resolve().parents[2]


def test_readme_is_the_index():
    made, _ = MarkdownExporter().from_filename(str(root/'nbs/index.ipynb'))
    assert (root/'README.md').read_text(encoding='utf-8').strip() == made.strip(), 'Run: make readme'


def test_readme_names_the_command_that_ci_runs():
    assert 'make test' in (root/'README.md').read_text() and 'make test' in (root/'.ci/run').read_text()
