"The site asks for nothing from elsewhere: what is taken out of its pages, and what the checker of a built site finds."
import importlib.util
import re
from pathlib import Path

import plotly.graph_objects as go
import plotly.io as pio
import pytest
import yaml

root = Path(__file__).resolve().parents[2]


def script(name):
    "A module of .ci"
    spec = importlib.util.spec_from_file_location(name, root/f'.ci/{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


offline, check = script('offline'), script('check_site')
quarto = '<script src="https://cdnjs.cloudflare.com/ajax/libs/require.js/2.3.6/require.min.js" integrity="x" crossorigin="anonymous"></script><script src="https://cdnjs.cloudflare.com/ajax/libs/jquery/3.5.1/jquery.min.js" data-relocate-top="true"></script><script type="application/javascript">define(\'jquery\', [],function() {return window.jQuery;})</script>'
notebook = '<script type="module">import "https://cdn.plot.ly/plotly-4.1.1.min"</script>'


def figure(): return pio.renderers['notebook_connected'].to_mimebundle(go.Figure(go.Bar(y=[1])).to_dict())['text/html']


def test_plotly_comes_once_from_here_and_nothing_else_comes(tmp_path):
    page = tmp_path/'deep/page.html'
    page.parent.mkdir()
    page.write_text(f'<html><head>{quarto}</head><body>{notebook}{figure()}{figure()}<script>here()</script></body></html>')
    (tmp_path/'plain.html').write_text('<p>no figure</p>')
    assert len(list(check.read_faults(tmp_path))) > 4
    offline.make_offline(tmp_path)
    made = page.read_text()
    assert re.findall('src="([^"]*)"', made) == ['../plotly.min.js'] and 'define(' not in made and '<script>here()</script>' in made
    assert made.count('Plotly.newPlot') == 2 and (tmp_path/'plotly.min.js').stat().st_size > 1e6
    assert (tmp_path/'plain.html').read_text() == '<p>no figure</p>' and not list(check.read_faults(tmp_path))


def test_a_site_without_figures_gets_no_plotly(tmp_path):
    (tmp_path/'plain.html').write_text('<p>no figure</p>')
    offline.make_offline(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ['plain.html']


@pytest.mark.parametrize('html, fault', [
    ('<script src="https://a.b/c.js"></script>', 'loads https://a.b'), ('<script src="//a.b/c.js"></script>', 'loads //a.b'),
    ('<link rel="stylesheet" href="https://a.b/c.css">', 'loads https'), ('<img src="no.png">', 'loads no.png'),
    ('<style>@import "https://fonts.x/y";</style>', 'loads https://fonts'), ('<style>p{background:url(http://x/y.png)}</style>', 'loads http://x'),
    ('<script type="module">import "https://a.b/c"</script>', 'loads https://a.b'), ('<iframe src="https://a.b"></iframe>', 'loads https'),
    ('<a href="no.html">x</a>', 'links to no.html'), ('<a href="#no">x</a>', 'no such anchor'), ('<a href="other.html#no">x</a>', 'no such anchor')])
def test_a_fault_is_found(tmp_path, html, fault):
    (tmp_path/'other.html').write_text('<h1 id="yes">x</h1>')
    (tmp_path/'page.html').write_text(html)
    found = list(check.read_faults(tmp_path))
    assert len(found) == 1 and fault in found[0], found


def test_what_is_well_is_not_a_fault(tmp_path):
    (tmp_path/'other.html').write_text('<h1 id="yes">x</h1>')
    (tmp_path/'page.html').write_text('<a href="https://a.b">x</a><a href="other.html#yes">x</a><a href="#">x</a><a href="mailto:x">x</a><link rel="canonical" href="https://a.b"><img src="data:image/png;base64,x"><p>import "https://a.b/c"</p>')
    assert not list(check.read_faults(tmp_path))


def test_the_site_brings_no_font():
    themes = yaml.safe_load((root/'_quarto.yml').read_text())['format']['html']['theme']
    assert all(theme[-1] == 'site.scss' for theme in themes.values())
    assert '$web-font-path: false' in (root/'nbs/site.scss').read_text()


def test_pictures_of_the_site_are_there():
    website = yaml.safe_load((root/'_quarto.yml').read_text())['website']
    for name in (website['favicon'], website['image']): assert (root/'nbs'/name).exists()
