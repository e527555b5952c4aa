"Slides as one page for a room without Quarto: a heading begins a slide, and its cells show their outputs alone"
import re

import nbformat
from nbconvert import HTMLExporter
from traitlets.config import Config

wide, high = 1024, 768 # pixels of an old projector; slides.css counts on them, and so does the head of slides.ipynb
style = f'''body{{margin:0;background:#fff;color:#111;overflow:hidden}}.reveal{{font:40px/1.3 system-ui,sans-serif}}
.slides>section{{box-sizing:border-box;width:{wide}px;height:{high}px;padding:24px 40px;position:absolute;left:0;top:0;transform-origin:0 0;overflow:hidden}}
.slides>section:not(.present),aside.notes,.prompt,.anchor-link{{display:none}}
@media print{{body{{overflow:visible}}.slides>section{{display:block!important;position:static;break-after:page;transform:none!important}}}}'''
script = '''const slides = [...document.querySelectorAll('.slides>section')];
let now = Math.min(Math.max(0, parseInt(location.hash.slice(1)) - 1 || 0), slides.length - 1);
const show = () => {
  const k = Math.min(innerWidth / WIDE, innerHeight / HIGH), left = (innerWidth - WIDE * k) / 2;
  slides.forEach((s, j) => { s.classList.toggle('present', j === now); s.style.transform = `translate(${left}px,0) scale(${k})`; });
  history.replaceState(null, '', '#' + (now + 1));
};
const go = step => { now = Math.min(Math.max(0, now + step), slides.length - 1); show(); };
addEventListener('keydown', e => { // a slider and a text keep their arrows
  if (e.defaultPrevented || e.target.matches('input')) return;
  const step = {ArrowRight: 1, PageDown: 1, ' ': 1, ArrowLeft: -1, PageUp: -1}[e.key];
  if (step) { e.preventDefault(); go(step); }
});
addEventListener('click', e => { if (!e.target.closest('a,button,input,.tc-view,.js-plotly-plot')) go(e.clientX < innerWidth / 3 ? -1 : 1); });
addEventListener('resize', show);
show();'''.replace('WIDE', str(wide)).replace('HIGH', str(high))
notes = re.compile(r'^::: \{\.notes\}\n(.*?)^:::', re.M | re.S)
front = re.compile(r'^- (?:order|execute|format):.*\n?', re.M)
hidden = re.compile(r'#\|\s*hide')
exporter = HTMLExporter(template_name='basic', config=Config(TemplateExporter=dict(exclude_input=True)))


def is_deck(path):
    "Is this source slides?"
    return path.suffix == '.ipynb' and 'format: {revealjs' in path.read_text(encoding='utf-8')


def slides(nb):
    "The cells of each slide"
    found = [[]]
    for cell in nb.cells:
        if cell.cell_type == 'code' and not hidden.match(cell.source): found[-1].append(cell)
        if cell.cell_type != 'markdown': continue
        for part in re.split(r'^(?=## )', cell.source, flags=re.M):
            if part.startswith('## '): found.append([])
            found[-1].append(nbformat.v4.new_markdown_cell(front.sub('', notes.sub(r'<aside class="notes">\1</aside>', part))))
    return found


def body(path):
    "The deck, and what moves it"
    nb = nbformat.read(path, 4)
    sections = [f'<section>{exporter.from_notebook_node(nbformat.NotebookNode(nb | dict(cells=cells)))[0]}</section>' for cells in slides(nb)]
    return f'<div class="reveal"><div class="slides">{"".join(sections)}</div></div><script>{script}</script>'
