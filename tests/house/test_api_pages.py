"What a reader of the site sees on an API page: public names only, and values as a person would write them."
import ast
import html
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

root = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location('api_pages', root/'.ci/api_pages.py')
api_pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(api_pages)

private = re.compile(r'_[A-Za-z]\w*(?<!_)') # `_head`, not `_emphasis_` and not `__name__`
private_word = re.compile(rf'(?<![\w/]){private.pattern}\b')
numpy_value = r'\bnp\.(?:(?:u?int|float|complex|bool|str)\w*\(|True_|False_)'
unreadable = re.compile(rf'__main__\.\w*|{numpy_value}')
special_section = re.compile(r'^show_doc\((.*\b__\w+__)', re.M)
# scripts and styles, tags, addresses of links, attributes in braces
not_text = re.compile(r'<(script|style)\b.*?</\1>|<[^>]*>|\]\([^)]*\)|\{[^}\n]*\}', re.S)
shown_as_text = 'text/plain', 'text/markdown', 'text/html'


def private_words(text):
    "The private names in what is shown as text"
    return private_word.findall(html.unescape(not_text.sub(' ', text)))


def private_names(source):
    "The private names that visible code uses or defines; a shell command is read as text"
    try: nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError: return private_words(source)
    fields = 'id', 'attr', 'name', 'arg', 'asname'
    found = [getattr(node, field, None) for node in nodes for field in fields]
    return [name for name in found if isinstance(name, str) and private.fullmatch(name)]


def code_faults(source):
    "What should not stand in a visible code cell"
    for name in special_section.findall(source):
        yield f'a section {name}: mark the cell that defines it #| exporti'
    for name in private_names(source):
        yield f'the private name {name} in the code: hide the cell, or use a public name'


def output_faults(output):
    "What should not stand in an output"
    shown = {'text/plain': output['text']} if 'text' in output else output.get('data', {})
    for kind, content in shown.items():
        text = ''.join(content) if isinstance(content, (str, list)) else json.dumps(content)
        for value in unreadable.findall(text): yield f'{value} in the output as {kind}: convert the value'
        if kind not in shown_as_text: continue
        for name in private_words(text): yield f'the private name {name} in the output as {kind}'


def cell_faults(cell):
    "What a reader should not see in a cell, each once"
    source = ''.join(cell['source'])
    if cell['cell_type'] == 'code':
        found = list(code_faults(source))
        for output in cell['outputs']: found += output_faults(output)
    else: found = [f'the private name {name} in the prose' for name in private_words(source)]
    return list(dict.fromkeys(found))


def label(cell):
    "A cell's id and the beginning of its first line"
    lines = [line for line in ''.join(cell['source']).splitlines() if line and not line.startswith('#|')]
    return f'cell {cell.get("id")} ({lines[0][:50] if lines else "empty"})'


def page_faults(page):
    "What a reader should not see on a page, each with its cell"
    return [f'{label(cell)}: {fault}' for cell in page['cells'] for fault in cell_faults(cell)]


def made_pages(folder):
    "Path -> page as nbdev hands it to Quarto; and a line for each page that could not be made"
    search = os.pathsep.join([str(root), str(root/'.ci')])
    environment = dict(os.environ, PYTHONPATH=search, TRANSFORMERS_VERBOSITY='error', HF_HUB_OFFLINE='1')
    command = [sys.executable, root/'.ci/api_pages.py', folder]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    paths = folder.rglob('*.ipynb')
    pages = {p.relative_to(folder): json.loads(p.read_text(encoding='utf-8')) for p in paths}
    return pages, [line for line in done.stdout.splitlines() if ', no page: ' in line]


def test_pages_show_public_names_and_readable_values(tmp_path):
    pages, found = made_pages(tmp_path)
    assert len(pages) + len(found) == len(api_pages.notebooks())
    for path in sorted(pages): found += [f'nbs/api/{path}, {fault}' for fault in page_faults(pages[path])]
    if found: pytest.fail('\n'.join(found), pytrace=False)


def prose(source): return dict(cell_type='markdown', id='x', source=source)


def code(source, kind='text/plain', shown=''):
    return dict(cell_type='code', id='x', source=source, outputs=[dict(data={kind: shown})])


def test_what_should_not_be_seen_is_found():
    good = [
        prose('`tc.clean` and [a page](_site/_page.html) are _fine_'),
        code("for _ in range(2): print(type(view).__name__, '_text', np.float64(1))", shown='a_b 0.5'),
        code('view', 'text/html', '<b id="_x">1</b>')]
    bad = [
        prose('the function `_head`'), code('show_doc(View.__str__)'),
        code('view._state'), code('from a import _b'),
        code('x', shown='<__main__.Task at 0x1>'), code('x', shown='np.float64(0.5)'),
        code('x', 'text/html', '<th>_x</th>'), code('x', 'application/json', {'x': 'np.int64(1)'})]
    assert not page_faults(dict(cells=good))
    assert [len(cell_faults(cell)) for cell in bad] == [1] * len(bad)


def test_types_are_short_and_comments_stay():
    line = api_pages.short_line
    assert line('    fig:plotly.graph_objs._figure.Figure, # see a.b') == '    fig:Figure, # see a.b'
    assert line('    x:NoneType=None, y:float=0.5') == '    x=None, y:float=0.5'
    assert line(')->dict[str, __main__.Task] | None:') == ')->dict[str, Task] | None:'
    text = 'see a.b\n```python\ndef f(\n    x:c.D,\n):\n```\n\n*Of a.b*'
    assert api_pages.short_signature(text) == text.replace('c.D', 'D')


runs_a_model = re.compile(r'\b(tiny_base|load_model|make_reference|measure_\w+|advise|clean|score)\(')
imports = re.compile(r'^(from \S+ import|import) ', re.M)


@pytest.mark.parametrize('path', api_pages.notebooks(), ids=lambda p: p.stem)
def test_a_page_is_made_without_running_a_model(path):
    "nbdev runs every cell with an import when it makes a page: what takes long stands in a cell of its own"
    for cell in json.loads(path.read_text(encoding='utf-8'))['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] != 'code' or re.search(r'^#\|.*(export|eval: false)', source, re.M): continue
        assert not (imports.search(source) and runs_a_model.search(source)), source
