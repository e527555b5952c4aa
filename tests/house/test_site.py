"The site, its workflows and its Colab cells hold together: every link leads somewhere, every command exists."
import ast
import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest
import yaml

root = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location('colab', root/'.ci/colab.py')
colab = importlib.util.module_from_spec(spec)
spec.loader.exec_module(colab)

pages = sorted(p for p in (root/'nbs').rglob('*') if p.suffix in ('.ipynb', '.qmd') and '.ipynb_checkpoints' not in p.parts) + [root/'README.md']
workflows = sorted((root/'.github/workflows').iterdir())


def prose(path):
    "The Markdown of a page, without its code"
    text = path.read_text(encoding='utf-8')
    if path.suffix == '.ipynb': text = '\n\n'.join(''.join(c['source']) for c in json.loads(text)['cells'] if c['cell_type'] != 'code')
    return re.sub(r'`[^`\n]*`', '', re.sub(r'^```.*?^```', '', text, flags=re.M | re.S))


def anchors(path):
    "The anchors of a page's headings, as Quarto makes them, and those given by hand"
    heads = re.findall(r'^#+ +(.+?)\s*$', re.sub(r'^```.*?^```', '', page_text(path), flags=re.M | re.S), flags=re.M)
    made = {re.sub(r'\s+', '-', re.sub(r'[^\w\s.-]', '', re.sub(r'^[^a-z]+', '', h.lower().replace('`', '')))) for h in heads}
    return made | {*re.findall(r'\{#([\w-]+)', prose(path))}


def page_text(path):
    return prose(path) if path.suffix == '.ipynb' else path.read_text(encoding='utf-8')


def links(path):
    "Targets of links and images"
    text = prose(path)
    return re.findall(r'\]\(\s*<?([^)\s>]+)', text) + re.findall(r'(?:src|href)="([^"]+)"', text)


def broken(path):
    "The links of a page that lead nowhere, and why"
    for target in links(path):
        if re.match(r'(https?|mailto|data):', target): continue
        file, _, anchor = target.partition('#')
        there = (path.parent/file).resolve() if file else path
        if not there.exists(): yield f'{target}: no such file'
        elif there.suffix == '.html': yield f'{target}: link the source page, Quarto makes the .html of it'
        elif anchor and anchor not in anchors(there): yield f'{target}: no such heading; there are {sorted(anchors(there))}'


@pytest.mark.parametrize('path', pages, ids=lambda p: str(p.relative_to(root)))
def test_links_lead_somewhere(path):
    assert not list(broken(path))


def test_a_wrong_link_is_found(tmp_path):
    page = tmp_path/'page.qmd'
    page.write_text('# A title of 2 `words`\n\n[here](#a-title-of-2-words) `[code](no.qmd)`\n\n```\n[code](no.qmd)\n```\n')
    assert not list(broken(page))
    page.write_text('# A title\n\n[no file](no.qmd) ![no picture](no.png) [no heading](page.qmd#titel)')
    assert len(list(broken(page))) == 3


def test_images_come_from_here():
    for path in pages:
        for target in re.findall(r'!\[[^\]]*\]\(([^)\s]+)', prose(path)) + re.findall(r'<(?:img|script|iframe)[^>]+src="([^"]+)"', prose(path)):
            assert not target.startswith('http'), f'{path.relative_to(root)}: {target} is not ours to keep alive'


def site():
    "_quarto.yml"
    return yaml.safe_load((root/'_quarto.yml').read_text())


def test_quarto_file_is_one_file():
    assert (root/'nbs/_quarto.yml').is_symlink() and (root/'nbs/_quarto.yml').resolve() == root/'_quarto.yml'
    assert site()['format']['html']['html-math-method'] == 'mathml' and site()['website']['search']
    assert (root/'nbs'/site()['format']['html']['css']).exists()


def patterns(entries):
    "What the entries of a menu point to, those of its sections among them"
    for entry in entries:
        inner = entry.get('contents', entry.get('href'))
        if isinstance(inner, str): yield inner
        else: yield from patterns(inner)


def test_sidebar_shows_every_page():
    website = site()['website']
    shown = set()
    for pattern in patterns(website['sidebar']['contents'] + website['navbar']['left']):
        found = set((root/'nbs').glob(pattern)) & set(pages)
        assert found, f'_quarto.yml: nothing matches {pattern}'
        shown |= found
    assert {p for p in pages if 'nbs' in p.parts} == shown


@pytest.mark.parametrize('path', colab.notebooks(), ids=lambda p: p.stem)
def test_colab_cells_are_those_of_the_address(path):
    nb = json.loads(path.read_text(encoding='utf-8'))
    assert nb == colab.with_colab(nb, path), 'Run: make colab'


def test_the_address_stands_in_one_place():
    assert colab.config.git_url and colab.config.doc_url
    for path in [*root.glob('nbs/**/*.qmd'), *root.glob('tests/*.py'), root/'Makefile', root/'_quarto.yml']:
        assert colab.config.git_url not in path.read_text(encoding='utf-8'), f'{path.relative_to(root)} repeats the address of pyproject.toml'


def test_colab_cells_are_made_and_kept():
    code = lambda source: dict(cell_type='code', id='x', metadata={}, outputs=[], execution_count=None, source=[source])
    path, title = root/'nbs/lessons/x.ipynb', dict(cell_type='markdown', id='t', metadata={}, source=['# x'])
    made = colab.with_colab(dict(cells=[title, code('#| gpu\nif gpu_ready(): 1')], metadata={}), path)
    assert [c['id'] for c in made['cells']] == ['t', 'colab-link', 'colab-install', 'x']
    assert colab.address(path) in ''.join(made['cells'][1]['source']) and colab.config.git_url in ''.join(made['cells'][2]['source'])
    assert made['metadata'] == dict(accelerator='GPU', colab=dict(gpuType='T4'))
    assert colab.with_colab(made, path) == made
    moved = colab.with_colab(made | dict(cells=made['cells'][:3]), root/'nbs/api/y.ipynb')
    assert len(moved['cells']) == 3 and 'nbs/api/y.ipynb)' in ''.join(moved['cells'][1]['source']) and 'accelerator' not in moved['metadata']


def asks_for_a_gpu(source):
    "Is the cell one `if` that asks for a device, by `gpu_ready`, which says what to do, or with an `else`?"
    body = ast.parse(source).body
    if len(body) != 1 or not isinstance(body[0], ast.If) or not isinstance(body[0].test, ast.Call): return False
    asked = ast.unparse(body[0].test.func)
    return asked == 'gpu_ready' or asked.endswith('is_available') and bool(body[0].orelse)


@pytest.mark.parametrize('path', [p for p in pages if p.suffix == '.ipynb'], ids=lambda p: p.stem)
def test_gpu_cells_fall_back(path):
    nb = json.loads(path.read_text(encoding='utf-8'))
    sources = [''.join(c['source']) for c in nb['cells'] if c['cell_type'] == 'code']
    gpu = [s for s in sources if s.startswith('#| gpu')]
    for source in gpu: assert asks_for_a_gpu(source), f'begin with `if gpu_ready():`, all else inside it:\n{source}'
    assert bool(gpu) == (nb['metadata'].get('accelerator') == 'GPU')
    for source in sources:
        if source not in gpu: assert '#| gpu' not in source, 'the mark is the first line of a cell'


def test_a_gpu_cell_that_does_not_ask_is_found():
    assert asks_for_a_gpu('if gpu_ready():\n    x = 1') and asks_for_a_gpu('if torch.cuda.is_available(): 1\nelse: 2')
    assert not asks_for_a_gpu('x = 1') and not asks_for_a_gpu('if torch.cuda.is_available(): 1') and not asks_for_a_gpu('if gpu_ready(): 1\ny = 2')


@pytest.mark.parametrize('path', workflows, ids=lambda p: p.stem)
def test_workflow(path):
    flow = yaml.safe_load(path.read_text())
    on = flow[True] # YAML reads the key `on` as true
    targets = set(re.findall(r'^(\w+):', (root/'Makefile').read_text(), flags=re.M))
    for branch in (on.get('push') or {}).get('branches', []): assert branch == colab.config.branch
    for job in flow['jobs'].values():
        assert job['runs-on'] != 'ubuntu-latest' and job['timeout-minutes']
        for step in job['steps']:
            if 'uses' in step: assert re.search(r'@v\d+\.\d+\.\d+$', step['uses']), f"{step['uses']} is not pinned"
            elif step['run'].startswith('make '): assert set(step['run'].split()[1:]) <= targets, step['run']
            else: assert (root/step['run'].split()[-1]).exists(), step['run']


def test_workflows_are_the_three():
    flows = {p.stem: yaml.safe_load(p.read_text()) for p in workflows}
    assert set(flows) == {'test', 'docs', 'nightly'}
    assert flows['test']['jobs']['test']['strategy']['matrix']['python'] == ['3.11', '3.13']
    assert any('quarto-dev/quarto-actions/setup' in s.get('uses', '') for s in flows['docs']['jobs']['docs']['steps'])


def test_a_plain_page_draws_formulas_and_folds_solutions():
    "Without Quarto: no directive in sight, no answer open, amounts of money stay text"
    sys.path.insert(0, str(root/'.ci'))
    import plain_site
    page = plain_site.body(root/'nbs/lessons/06_error_bounds.ipynb')
    words = re.sub(r'<(script|style).*?</\1>|<[^>]*>', '', page, flags=re.S)
    assert '<math' in page and '$$' not in words and '\\delta' not in words
    assert not re.search(r'^#\||^#@title', words, re.M) and 'def fraction_by_bound_solution' not in re.sub(r'<details.*?</details>', '', page, flags=re.S)
    assert plain_site.with_formulas('5 $ or $5 to $7, `$x$`') == '5 $ or $5 to $7, `$x$`' and '<math' in plain_site.with_formulas('with $1 - \\delta$')
