"Every control has a name, every word enough contrast, nothing that takes the focus hides in a picture: axe-core finds no fault, light and dark"
import numpy as np
import pytest

from conftest import root
from test_page import bad, ds, example_table
from tokenclean_nb import BoundExplorer, Guess, Playable, RoundPlayer, SelectionGame, TokenExplorer, TokenLabeller, pool_view, token_context, token_view
from tokenclean_nb.data.table import with_flat
from tokenclean_nb.figures.differences import write_comparison
from tokenclean_nb.figures.page import html_page, section
from tokenclean_nb.figures.report import write_report
from tokenclean_nb.worlds.recorded import example_texts

axe = root/'build/axe/package/axe.min.js'
pytestmark = pytest.mark.skipif(not axe.exists(), reason='`make browser` fetches axe-core')
rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']
many = example_table(example_texts * 10)
other = with_flat(many, 'keep', np.roll(np.array([k for row in many['keep'] for k in row]), 3))


def with_run(widget):
    "A player needs a run"
    from types import SimpleNamespace

    import pandas as pd
    return widget(SimpleNamespace(data=ds, rounds=pd.DataFrame(dict(round=[1, 2], tokens=[30] * 2, kept=[30, 18]))))


pages = dict(
    views=lambda p: html_page('Views', [token_view(ds, [0, 5], ['score', 'loss_base']).html, token_view(bad).html, token_context(ds, [12, 13, 60]).html]),
    pool=lambda p: html_page('Pool', [section('One', pool_view(many).html)]), two=lambda p: html_page('Two', [section('Two', pool_view(many, other).html)]),
    report=lambda p: write_report(p/'r.html', many).read_text('utf-8'), comparison=lambda p: write_comparison(p/'c.html', many, other).read_text('utf-8'),
    explorer=lambda p: html_page('Explorer', [TokenExplorer(ds).static()]), game=lambda p: html_page('Game', [SelectionGame(ds, 0).static()]),
    labeller=lambda p: html_page('Labeller', [TokenLabeller(ds, 5).static()]), player=lambda p: html_page('Player', [with_run(RoundPlayer).static()]),
    play=lambda p: html_page('Play', [Playable(SelectionGame(ds, 0)).html, Playable(Guess('Which?', 'a', choices=['a', 'b'])).html, Playable(Guess('How many?', 2)).html]),
    bounds=lambda p: html_page('Bounds', [BoundExplorer().static()]))


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('name', pages)
def test_axe_finds_nothing(chromium, tmp_path, name, scheme):
    context = chromium.new_context(color_scheme=scheme, viewport=dict(width=1000, height=800), bypass_csp=True)
    page = context.new_page()
    (tmp_path/'page.html').write_text(pages[name](tmp_path), encoding='utf-8')
    page.goto(f'file://{tmp_path}/page.html', timeout=120_000)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.wait_for_timeout(1500)
    page.evaluate(axe.read_text('utf-8'))
    found = page.evaluate('rules => axe.run(document, {runOnly: rules}).then(r => r.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 150), v.nodes[0].failureSummary.slice(0, 200)]))', rules)
    context.close()
    assert not found, '\n'.join(map(str, found))
