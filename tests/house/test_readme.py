"README.md is the index notebook without its hidden cells, by nbconvert's Markdown exporter."
import re
from pathlib import Path

from nbconvert import MarkdownExporter
from traitlets.config import Config

root = Path(__file__).resolve().parents[2]


def test_readme_is_the_index():
    visible = Config(RegexRemovePreprocessor=dict(patterns=[r'#\| hide']))
    made, _ = MarkdownExporter(config=visible).from_filename(str(root/'nbs/index.ipynb'))
    assert (root/'README.md').read_text(encoding='utf-8').strip() == made.strip(), 'Run: make readme'


def test_readme_names_the_command_that_ci_runs():
    assert 'make test' in (root/'README.md').read_text() and 'make test' in (root/'.ci/run').read_text()


def test_files_it_reads_are_where_it_says():
    "From the root of the repository, where a reader of README.md stands"
    read = re.findall(r"read_csv\('(.*?)'\)", (root/'README.md').read_text(encoding='utf-8'))
    assert read and all((root/path).exists() for path in read)
