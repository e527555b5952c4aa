"Code fits the page: `make lint` holds all code to 110 characters, and here what a reader of a page sees to less"
import json
from pathlib import Path

import pytest

root = Path(__file__).resolve().parents[2]
pages = sorted(p for p in (root/'nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts)


def visible(path):
    "The code of a page that a reader sees, beside the exported code"
    for cell in json.loads(path.read_text(encoding='utf-8'))['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] == 'code' and not source.startswith(('#| export', '#| hide')): yield source


@pytest.mark.parametrize('path', pages, ids=lambda p: str(p.relative_to(root/'nbs')))
def test_lines_fit(path):
    most = 100 if 'api' in path.parts else 88
    long = [line for source in visible(path) for line in source.splitlines() if len(line) > most]
    assert not long, '\n'.join(long)
