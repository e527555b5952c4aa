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

root = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location('api_pages', root/'.ci/api_pages.py')
api_pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(api_pages)

private = r'_[A-Za-z]\w*(?<!_)'
private_word = re.compile(rf'(?<![\w/]){private}\b')
unreadable = re.compile(r'__main__\.\w*|\bnp\.(?:(?:u?int|float|complex|bool|str)\w*\(|True_|False_)')
not_text = re.compile(r'<(script|style)\b.*?</\1>|<[^>]*>|\]\([^)]*\)|\{[^}\n]*\}', re.S) # tags, addresses of links, attributes
seen = 'text/plain', 'text/markdown', 'text/html'


def words(text):
    "The private names in what is shown as text"
    return private_word.findall(html.unescape(not_text.sub(' ', text)))


def names(node):
    "The names that a part of a program uses or defines"
    return [value for field in ('id', 'attr', 'name', 'arg', 'asname') if isinstance(value := getattr(node, field, None), str)]


def code_faults(source):
    "What should not stand in a visible code cell"
    for name in re.findall(r'^show_doc\((.*\b__\w+__)', source, flags=re.M):
        yield f'a section {name}: its cell is `#| export`, make it `#| exporti`'
    try: used = [name for node in ast.walk(ast.parse(source)) for name in names(node)]
    except SyntaxError: used = words(source) # a shell command
    for name in used:
        if re.fullmatch(private, name): yield f'the private name {name} in the code: hide the cell or ask a public one'


def output_faults(output):
    "What should not stand in an output"
    shown = {'text/plain': output['text']} if 'text' in output else output.get('data', {})
    for kind, text in shown.items():
        text = ''.join(text) if isinstance(text, (str, list)) else json.dumps(text)
        for found in unreadable.findall(text): yield f'{found} in the {kind} of the output: convert the value'
        for name in words(text) if kind in seen else []: yield f'the private name {name} in the {kind} of the output'


def faults(page):
    "What a reader should not see on a page, each with its cell"
    for cell in page['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] == 'code':
            found = [*code_faults(source), *(f for output in cell['outputs'] for f in output_faults(output))]
        else: found = [f'the private name {name} in the prose' for name in words(source)]
        first = next((line for line in source.splitlines() if line and not line.startswith('#|')), '')
        yield from (f'cell {cell.get("id")} ({first[:60]}): {fault}' for fault in dict.fromkeys(found))


def test_pages_show_public_names_and_readable_values(tmp_path):
    path = os.pathsep.join([str(root), str(root/'.ci')])
    environment = dict(os.environ, PYTHONPATH=path, TRANSFORMERS_VERBOSITY='error', HF_HUB_OFFLINE='1')
    done = subprocess.run([sys.executable, root/'.ci/api_pages.py', tmp_path], cwd=root, env=environment, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    pages = sorted(tmp_path.rglob('*.ipynb'))
    assert len(pages) == len([p for p in (root/'nbs/api').rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts])
    found = [f'nbs/api/{path.relative_to(tmp_path)}, {fault}' for path in pages for fault in faults(json.loads(path.read_text(encoding='utf-8')))]
    assert not found, '\n' + '\n'.join(found)


def code(source, *outputs):
    return dict(cell_type='code', id='x', source=source, outputs=list(outputs))


def test_what_should_not_be_seen_is_found():
    good = [dict(cell_type='markdown', source='`tc.clean` and [a page](_site/_page.html) are _fine_'),
        code("for _ in range(2): print(type(view).__name__, '_text', np.float64(1))", dict(text='a_b 0.5'), dict(data={'text/html': '<b id="_x">1</b>'}))]
    assert not list(faults(dict(cells=good)))
    bad = [dict(cell_type='markdown', source='the function `_head`'), code('show_doc(View.__str__)'), code('view._state'), code('from a import _b'),
        code('x', dict(data={'text/plain': '<__main__.Task at 0x1>'})), code('x', dict(text='np.float64(0.5)')), code('x', dict(data={'text/html': '<th>_x</th>'}))]
    assert [len(list(faults(dict(cells=[cell])))) for cell in bad] == [1] * len(bad)


def test_types_are_short_and_comments_stay():
    signature = '```python\ndef f(\n    fig:plotly.graph_objs._figure.Figure, # A `go.Figure`, or None: see a.b\n    x:NoneType=None, y:float=0.5\n)->dict[str, __main__.Task]:\n```'
    short = '```python\ndef f(\n    fig:Figure, # A `go.Figure`, or None: see a.b\n    x=None, y:float=0.5\n)->dict[str, Task]:\n```'
    assert api_pages.short_signature(signature) == short
