"Code fits the page: ruff holds exported code, lessons and guides; what a reader of an API page sees is held here"
import json
from pathlib import Path

import pytest

root = Path(__file__).resolve().parents[2]
pages = sorted(p for p in (root/'nbs/api').rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts)


def visible(path):
    "The code of a page that a reader sees, beside the exported code"
    for cell in json.loads(path.read_text(encoding='utf-8'))['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] == 'code' and not source.startswith(('#| export', '#| hide')): yield source


@pytest.mark.parametrize('path', pages, ids=lambda p: str(p.relative_to(root/'nbs/api')))
def test_lines_of_an_api_page(path):
    long = [line for source in visible(path) for line in source.splitlines() if len(line) > 100]
    assert not long, '\n'.join(long)
