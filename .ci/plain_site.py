"The pages of the site as far as they go without Quarto: python .ci/plain_site.py FOLDER"
import re
import shutil
import sys
import warnings
from html import escape
from pathlib import Path

import mistune
import nbformat
from jinja2 import DictLoader
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from traitlets.config import Config

sys.path.insert(0, str(Path(__file__).parent))
import plain_slides
from offline import make_offline

root = Path(__file__).resolve().parent.parent
style = '''body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:1rem auto;padding:0 1rem;color:#111;background:#fff}
pre,.output_subarea,table{overflow-x:auto;max-width:100%}table{display:block}p,li,h1,h2,h3{overflow-wrap:anywhere}img{max-width:100%}
.prompt,.anchor-link{display:none}summary{cursor:pointer;margin:.6em 0}math[display=block]{margin:1em 0;overflow-x:auto}
@media (prefers-color-scheme:dark){:root{color-scheme:dark}body{color:#eee;background:#181818}a{color:#8fb7e8}}
@media screen and (prefers-color-scheme:dark){.js-plotly-plot,.output_subarea img{background:#fff;filter:invert(.906) hue-rotate(180deg)}}'''
hide = r'#\|\s*(hide|default_exp)'
hidden = Config(RegexRemovePreprocessor=dict(patterns=[hide]), TagRemovePreprocessor=dict(enabled=True, remove_input_tags={'no-input'}))
folding = '''{% extends 'basic/index.html.j2' %}{% block input %}{% set fold = cell.metadata.get('fold') %}
{% if fold %}<details><summary>{{ fold }}</summary>{{ super() }}</details>{% else %}{{ super() }}{% endif %}{% endblock input %}'''
directive = re.compile(r'^(#\|.*|#@title.*)\n?', re.M) # they speak to nbdev, Quarto and Colab
code_or_formula = re.compile(r'(```.*?```|`[^`\n]*`)|\$\$(.+?)\$\$|(?<![\w\\$])\$(?!\s)([^$\n]+?)(?<!\s)\$(?![\w$])', re.S)
fence = re.compile(r'^:::.*\n', re.M)
named = re.compile(r'\[([^\]\n]*)\]\{#([\w-]+)\}') # a word with an anchor


def sources():
    "Notebooks and texts of the site"
    found = [p for p in (root/'nbs').rglob('*') if p.suffix in ('.ipynb', '.qmd')]
    return sorted(p for p in found if '.ipynb_checkpoints' not in p.parts)


def anchor(words):
    "The anchor that Quarto gives a heading"
    words = re.sub(r'<[^>]*>', '', words).lower()
    return re.sub(r'\s+', '-', re.sub(r'[^\w\s.-]', '', re.sub(r'^[^a-z]+', '', words)).strip())


def with_anchors(page):
    "Headings with the anchors that Quarto gives them, or those given by hand; links to sources lead to their pages"
    def heading(found):
        given = re.search(r'\{#([\w-]+)[^}]*\}', found[2])
        words = re.sub(r'\{#[^}]*\}|<a class="anchor-link".*?</a>', '', found[2])
        return f'<h{found[1]} id="{given[1] if given else anchor(words)}">{words}</h{found[1]}>'
    page = re.sub(r'<h([1-6])[^>]*>(.*?)</h\1>', heading, page, flags=re.S)
    return re.sub(r'(href="(?!https?:)[^"#]*)\.(?:ipynb|qmd)(?=["#])', r'\1.html', page)


def with_formulas(text):
    "A text in Markdown with its formulas as MathML, which a browser draws by itself"
    def drawn(found):
        code, block, line = found.groups()
        if line and line[0].isdigit() and '\\' not in line: return found[0] # an amount of money
        return code or convert((block or line).strip(), display='block' if block else 'inline')
    return code_or_formula.sub(drawn, text)


def read_cell(cell):
    "A cell as its page has it: folded or not, without directives, formulas drawn"
    if cell.cell_type == 'markdown': cell.source = with_formulas(cell.source)
    if cell.cell_type != 'code': return
    if cell.source.startswith('#| echo: false'): cell.metadata.tags = ['no-input'] # it shows its output alone
    summary = re.search(r'^#\| code-summary: "(.*)"$', cell.source, re.M)
    if re.search(r'^#\| code-fold: true$', cell.source, re.M): cell.metadata.fold = summary[1] if summary else 'Code'
    if not re.search(hide, cell.source): cell.source = directive.sub('', cell.source)


def body(path):
    "A source as HTML"
    if path.suffix == '.qmd':
        text = fence.sub('', re.sub(r'\A---.*?^---$', '', path.read_text(encoding='utf-8'), flags=re.M | re.S))
        text = with_formulas(text)
        return mistune.html(named.sub(r'<span id="\2">\1</span>', text))
    nb = nbformat.read(path, 4)
    nb.cells[0].source = plain_slides.front.sub('', nb.cells[0].source)
    for cell in nb.cells: read_cell(cell)
    loader = DictLoader({'folding.html.j2': folding})
    return HTMLExporter(template_name='basic', template_file='folding.html.j2', extra_loaders=[loader], config=hidden).from_notebook_node(nb)[0]


def page(path):
    "A source as a whole page"
    deck = plain_slides.is_deck(path)
    up = '../' * (len(path.relative_to(root/'nbs').parts) - 1)
    looks = [f'{up}site.css', *(['slides.css'] if deck else [])]
    links = ''.join(f'<link rel="stylesheet" href="{css}">' for css in looks)
    inside = plain_slides.body(path) if deck else f'<main>{with_anchors(body(path))}</main>'
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(path.stem)}</title><link rel="icon" href="{up}images/favicon.svg"><style>{plain_slides.style if deck else style}</style>{links}'
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{inside}</body></html>'


def make(folder, pages=None):
    "Write every page, or those given, and the files that they read"
    folder = Path(folder)
    warnings.filterwarnings('ignore', message='Your element with mimetype') # outputs that only JupyterLab shows
    for path in pages or sources():
        place = (folder/path.relative_to(root/'nbs')).with_suffix('.html')
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(page(path), encoding='utf-8')
    for path in (root/'nbs').rglob('*'):
        if path.suffix in ('.css', '.svg', '.png', '.csv', '.jsonl'):
            copy = folder/path.relative_to(root/'nbs')
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    make_offline(folder)


if __name__ == '__main__':
    if len(sys.argv) != 2 or sys.argv[1].startswith('-'): sys.exit('usage: plain_site.py FOLDER')
    make(sys.argv[1])
