"Give every notebook its Colab link and install cell, from the address in pyproject.toml: python .ci/colab.py"
import json
from pathlib import Path

from nbdev.config import get_config

root = Path(__file__).resolve().parent.parent
config = get_config(root)
folders = 'lessons', 'guides', 'api'
install = f'#| hide\n![ -e /content ] && pip install -q git+{config.git_url}@{config.branch}'


def notebooks():
    "The notebooks that carry a link"
    return sorted(p for folder in folders for p in (root/'nbs'/folder).glob('*.ipynb'))


def link(path):
    "The Colab link of a notebook"
    return f'[Open in Colab](https://colab.research.google.com/github/{config.user}/{config.repo}/blob/{config.branch}/{path.relative_to(root)})'


def cells(path):
    "The two cells that stand below a notebook's title"
    lines = lambda source: source.splitlines(keepends=True)
    return [dict(cell_type='markdown', id='colab-link', metadata={}, source=lines(link(path))),
        dict(cell_type='code', execution_count=None, id='colab-install', metadata={}, outputs=[], source=lines(install))]


def with_colab(nb, path):
    "The notebook with its link, its install cell, and a GPU asked for if it has a cell marked `#| gpu`"
    others = [c for c in nb['cells'] if c.get('id') not in ('colab-link', 'colab-install')]
    metadata = {k: v for k, v in nb['metadata'].items() if k not in ('accelerator', 'colab')}
    if any(''.join(c['source']).startswith('#| gpu') for c in others): metadata |= dict(accelerator='GPU', colab=dict(gpuType='T4'))
    return nb | dict(cells=[others[0], *cells(path), *others[1:]], metadata=metadata)


if __name__ == '__main__':
    for path in notebooks():
        nb = json.loads(path.read_text(encoding='utf-8'))
        if nb != (new := with_colab(nb, path)): path.write_text(json.dumps(new, ensure_ascii=False, indent=1, sort_keys=True) + '\n', encoding='utf-8')
