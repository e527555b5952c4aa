"Give every notebook its Colab link and install cell, from the address in pyproject.toml, and close the cells that pages hide or fold: python .ci/colab.py"
import json
import re
from pathlib import Path

from nbdev.config import get_config

root = Path(__file__).resolve().parent.parent
config = get_config(root)
folders = 'lessons', 'guides', 'api'
install = f'#| hide\n! [ -e /content ] && pip install -q git+{config.git_url}'
link = re.compile(r'(?<=Colab\]\()[^)]*')


def notebooks():
    "The notebooks that carry a link"
    return sorted(p for folder in folders for p in (root/"nbs"/folder).rglob("*.ipynb") if not {"teaching", ".ipynb_checkpoints"} & {*p.parts})


def address(path):
    "Where Colab opens a notebook"
    return f'https://colab.research.google.com/github/{config.user}/{config.repo}/blob/{config.branch}/{path.relative_to(root)}'


def text(cell): return ''.join(cell['source'])


def with_text(cell, source): return cell | dict(source=source.splitlines(keepends=True))


def closed(cell):
    "The cell, closed in JupyterLab and in Colab where a page hides or folds it"
    if cell['cell_type'] != 'code' or not re.search(r'^#\|\s*(hide|code-fold: true)$', text(cell), re.M): return cell
    return cell | dict(metadata=cell['metadata'] | dict(cellView='form', jupyter=dict(source_hidden=True)))


def with_colab(nb, path):
    "The notebook with its link, its install cell, and a GPU asked for if a cell is marked `#| gpu`"
    cells, code = list(nb['cells']), [c for c in nb['cells'] if c['cell_type'] == 'code']
    if not any('pip install -q git+' in text(c) for c in code):
        cells.insert(1, dict(cell_type='code', execution_count=None, id='colab-install', metadata={}, outputs=[], source=['pip install -q git+']))
    if not any(c['cell_type'] == 'markdown' and link.search(text(c)) for c in cells):
        cells.insert(1, dict(cell_type='markdown', id='colab-link', metadata={}, source=['[Open in Colab]()']))
    cells = [with_text(c, link.sub(address(path), text(c))) if c['cell_type'] == 'markdown' else with_text(c, install) if 'pip install -q git+' in text(c) else c for c in cells]
    if path.parent.name == 'lessons': cells = [closed(c) for c in cells] # they hold answers
    metadata = {k: v for k, v in nb['metadata'].items() if k not in ('accelerator', 'colab')}
    if any(text(c).startswith('#| gpu') for c in code): metadata |= dict(accelerator='GPU', colab=dict(gpuType='T4'))
    return nb | dict(cells=cells, metadata=metadata)


if __name__ == '__main__':
    for path in notebooks():
        nb = json.loads(path.read_text(encoding='utf-8'))
        if nb != (new := with_colab(nb, path)): path.write_text(json.dumps(new, ensure_ascii=False, indent=1, sort_keys=True) + '\n', encoding='utf-8')
