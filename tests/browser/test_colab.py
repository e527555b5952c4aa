"The notebooks of views, figures and widgets run with the versions that Colab has"
import json
import os
import subprocess
from pathlib import Path

import pytest

from conftest import notebook, root

colab = Path(os.environ.get('COLAB_PYTHON', root / '.venv-colab/bin/python'))
pytestmark = pytest.mark.skipif(not colab.exists(), reason='`make browser` makes an environment with the versions of Colab')
run = '''import json, sys, nbformat
from nbclient import NotebookClient
nb = nbformat.read(sys.argv[1], 4)
NotebookClient(nb, timeout=300, kernel_name='python3', store_widget_state=False).execute()
print(json.dumps([[o.get('data', {}) for o in c.outputs] for c in nb.cells if c.cell_type == 'code']))'''


def executed(path, folder):
    "Run a notebook with the versions of Colab; the data of all outputs, a list for each code cell"
    environment = {k: v for k, v in os.environ.items() if k not in ('IN_TEST', 'PYTHONPATH', 'PLOTLY_RENDERER')} | dict(PYTHONPATH=str(root), HOME=str(folder), JUPYTER_DATA_DIR=str(folder))
    done = subprocess.run([colab, '-c', run, path], env=environment, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_versions():
    code = "import ipywidgets, plotly, IPython, traitlets; print(ipywidgets.__version__, plotly.__version__, IPython.__version__, traitlets.__version__)"
    assert subprocess.run([colab, '-c', code], capture_output=True, text=True).stdout.split() == ['7.7.1', '5.24.1', '7.34.0', '5.7.1']


pictures = sorted(p for wing in ('figures', 'widgets') for p in (root/'nbs/api'/wing).glob('*.ipynb'))


@pytest.mark.parametrize('path', pictures, ids=lambda p: f'{p.parent.name}/{p.stem}')
def test_notebook(path, tmp_path): executed(path, tmp_path)


def test_widgets_are_published_with_their_twins(tmp_path):
    "Each widget is shown once, as a widget with HTML and text beside it, and follows its traits"
    cells = ['''from types import SimpleNamespace
import numpy as np, pandas as pd
from tokenclean_nb.worlds.recorded import example_table
from tokenclean_nb import BoundExplorer, RoundPlayer, SelectionGame, TokenExplorer, TokenLabeller
ds = example_table()
run = SimpleNamespace(data=ds, rounds=pd.DataFrame(dict(round=[1, 2], tokens=[30] * 2, kept=[30, 18])))''',
        'e = TokenExplorer(ds)\ne', 'g = SelectionGame(ds, 0)\ng', 'r = RoundPlayer(run)\nr', 'l = TokenLabeller(ds, n=5)\nl', 'b = BoundExplorer()\nb',
        '''before = e.widget.children[-1].value
e.widget.children[0].children[0].value = .2
assert e.fraction == .2 and e.widget.children[-1].value != before
g._toggles[2].value = True
g.widget.children[0].children[1].click()
assert g.revealed and g.marked.sum() == 1 and 'decide alike' in g.widget.children[-1].value
r.widget.children[1].value = 2
assert r.round == 2 and 'Round 2' in r.widget.children[-1].value
l.widget.children[0].children[0].click()
assert len(l.labels) == 1 and '1 of 5' in l.widget.children[-1].value
b.widget.children[0].children[1].value = .9
assert 'All tokens win' in b.widget.children[-1].value''']
    outputs = executed(notebook(tmp_path / 'w.ipynb', cells), tmp_path)
    for shown in outputs[1:6]:
        assert len(shown) == 1 and {'application/vnd.jupyter.widget-view+json', 'text/html', 'text/plain'} <= set(shown[0])
