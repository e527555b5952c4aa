"Every widget in JupyterLab: moved as a person would, and what follows seen"
import re

import pytest

from conftest import notebook, shots

setup = '''from types import SimpleNamespace
import numpy as np, pandas as pd
from tokenclean_nb.worlds.recorded import example_table
from tokenclean_nb.figures.tokens import token_context, token_view
import tokenclean_nb.widgets.pool
from tokenclean_nb import BoundExplorer, RoundPlayer, SelectionGame, TokenExplorer, TokenLabeller
ds = example_table()
run = SimpleNamespace(data=ds.add_column('part', np.array([0, 0, 1, 1, 2, 2])), rounds=pd.DataFrame(dict(round=[0, 1, 2], tokens=[30]*3, kept=[30, 18, 18], threshold=[np.nan, .6, .5], noise_before=[.6]*3, noise_after=[.6, .4, .3])))
tokenclean_nb.widgets.pool.most_rows = 2 # six rows are a large pool'''
cells = dict(explorer='TokenExplorer(ds)', game="SelectionGame(ds, 0)", player='RoundPlayer(run)', labeller='TokenLabeller(ds, n=5)', bounds='BoundExplorer()', view='token_view(ds, 5)', money='token_context(example_table([("q", "pays $5 and $6 for it")]), [8, 9])', pool='tokenclean_nb.widgets.pool.pool_view(ds)')


def opened(page, address):
    "A notebook in JupyterLab"
    page.goto(f'{address}/lab/tree/widgets.ipynb?reset')
    page.wait_for_selector('.jp-Notebook .jp-Cell', timeout=90_000)
    return lambda name: page.locator('.jp-CodeCell').nth(1 + list(cells).index(name)).locator('.jp-Cell-outputArea')


@pytest.fixture(scope='module')
def outputs(lab, chromium):
    "The page of a notebook that was run, with a function that finds the output of a cell"
    address, folder = lab
    notebook(folder / 'widgets.ipynb', [setup, *cells.values()])
    page = chromium.new_context(viewport=dict(width=1300, height=4200)).new_page()
    find = opened(page, address)
    page.wait_for_selector('.jp-NotebookPanel-toolbar [data-status="idle"], .jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=90_000)
    page.wait_for_timeout(5000) # JupyterLab is ready some time after its kernel is
    page.click('text=Run >> nth=0')
    page.click('li[data-command="runmenu:run-all"]')
    page.wait_for_function(f'document.querySelectorAll(".jp-OutputArea-output").length >= {len(cells)}', timeout=120_000)
    page.wait_for_timeout(3000)
    page.screenshot(path=shots / 'lab.png')
    return find


def until(locator, pattern):
    "Wait until the text of an element matches, and return it"
    for _ in range(60):
        if re.search(pattern, text := locator.inner_text()): return text
        locator.page.wait_for_timeout(250)
    raise AssertionError(f'{pattern} not in {text}')


def press(output, handle, key, times=1):
    "Keys on a slider, as with a keyboard"
    output.locator('.noUi-handle').nth(handle).focus()
    for _ in range(times): output.page.keyboard.press(key)


def test_explorer(outputs):
    output = outputs('explorer')
    before = until(output, r'scored tokens kept \(5\d\.\d%\)')
    kept = output.locator('[data-part=text] [data-kind=kept]').count()
    press(output, 0, 'Home')
    after = until(output, r'scored tokens kept \(0\.\d%\)|\([01]\.\d%\)')
    assert before != after and output.locator('[data-part=text] [data-kind=kept]').count() < kept
    press(output, 0, 'End')
    until(output, r'\(100\.0%\)')
    output.locator('select').first.select_option('row')
    until(output, 'within each row')
    output.locator('input[placeholder="a token or a word"]').fill('copper')
    output.page.keyboard.press('Enter')
    until(output, 'is in 1 of 6 rows')
    output.locator('button', has_text='Next found').click()
    until(output, 'row 1:')
    assert 'outline' in output.locator('[data-part=text]').inner_html()
    output.screenshot(path=shots / 'lab_explorer.png')


def test_game(outputs):
    output = outputs('game')
    assert output.locator('[data-part=text] [style*=background]').count() == 0, 'the answer must not show before the reveal'
    words = output.locator('[data-part=text] [data-n]')
    assert words.count() > 10
    for k in (2, 3): words.nth(k).click()
    until(output, '2 of .* tokens marked')
    assert words.nth(2).get_attribute('aria-pressed') == 'true' and words.nth(4).get_attribute('aria-pressed') == 'false'
    for key in ('ArrowRight', 'ArrowRight', 'Enter'): output.page.keyboard.press(key)
    until(output, '3 of .* tokens marked')
    output.locator('input[type=text]').fill('Ada L.')
    output.locator('input[type=text]').press('Enter')
    output.locator('button', has_text='Reveal').click()
    text = until(output, 'decide alike on')
    assert re.search(r'game:Ada-L:0:[0-9a-f]{8}:\d+:[0-9a-f]+', text) and output.locator('[data-n]').count() == 0
    output.screenshot(path=shots / 'lab_game.png')
    output.locator('button', has_text='Start again').click()
    until(output, '0 of .* tokens marked')
    assert output.locator('[aria-pressed=true]').count() == 0


def test_player(outputs):
    output = outputs('player')
    until(output, 'Round 0:')
    press(output, 0, 'ArrowRight')
    until(output, 'Round 1:.*40.0% after')
    assert output.locator('img[alt]').count() == 1
    output.locator('.widget-play button').first.click()
    until(output, 'Round 2:.*30.0% after')
    until(output, 'row 4:')
    output.screenshot(path=shots / 'lab_player.png')


def test_labeller(outputs):
    output = outputs('labeller')
    until(output, '0 of 5 tokens labelled')
    output.locator('button', has_text=re.compile('^Informative')).click()
    until(output, '1 of 5 tokens labelled. Noise rate .*interval')
    output.locator('button', has_text='Back').click()
    until(output, '0 of 5 tokens labelled')
    output.locator('table').click()
    for k, key in enumerate('krrr'):
        output.page.keyboard.press(key)
        until(output, f'{k + 1} of 5')
    output.page.keyboard.press('b')
    until(output, '3 of 5')
    for key in 'uk': output.page.keyboard.press(key)
    until(output, '4 of 5 tokens labelled.*All done')
    output.screenshot(path=shots / 'lab_labeller.png')


def test_bounds(outputs):
    output = outputs('bounds')
    until(output, 'Cleaning wins')
    picture = output.locator('img').get_attribute('src')
    press(output, 1, 'End')
    until(output, 'All tokens win.*pays at no number of tokens')
    assert output.locator('img').get_attribute('src') != picture
    press(output, 1, 'Home')
    until(output, 'Cleaning wins')
    tokens = output.locator('input[type=range][aria-label="tokens before cleaning"]')
    assert tokens.get_attribute('aria-valuetext') == '10,000'
    tokens.focus()
    output.page.keyboard.press('Home')
    until(output, r'tokens before cleaning\s*100\b')
    assert tokens.get_attribute('aria-valuetext') == '100', 'the number is announced, not its exponent'
    output.page.keyboard.press('End')
    until(output, '100,000,000')
    output.screenshot(path=shots / 'lab_bounds.png')


def test_slider_of_a_view(outputs):
    output = outputs('view')
    slider = output.locator('input[type=range]')
    assert 'as selected' in output.inner_text()
    slider.focus()
    output.page.keyboard.press('Home')
    until(output, 'the 0 highest')
    assert output.locator('[data-part=text] [data-kind=kept]').count() == 0
    output.locator('button', has_text='as selected').click()
    assert output.locator('[data-part=text] [data-kind=kept]').count() > 0


def test_a_large_pool_is_turned_through(outputs):
    output = outputs('pool')
    until(output, r'On this page: rows 1 to 2 of 6, drawn at random')
    output.locator('button', has_text='next rows').click()
    until(output, 'rows 3 to 4 of 6')
    output.locator('select').first.select_option('most removed first')
    until(output, 'rows 1 to 2 of 6, most removed first')
    output.locator('input[type=number]').first.fill('3')
    output.page.keyboard.press('Enter')
    until(output, 'rows 5 to 6 of 6, most removed first')
    assert output.locator('[data-part=table] tbody tr').count() == 2
    output.screenshot(path=shots / 'lab_pool.png')


def test_dollars_stay_text(outputs):
    assert 'pays $5 and $6' in until(outputs('money'), 'token in its text') and outputs('money').locator('mjx-container').count() == 0


def test_numbers_of_a_token_in_a_live_widget(outputs):
    output = outputs('explorer')
    output.locator('[data-part=text] [data-k]').nth(3).hover()
    until(output.locator('[data-part=panel]'), 'position 3')


def test_a_notebook_opened_again_shows_the_last_state(outputs, lab, chromium):
    "Saved, its kernel gone, opened in another browser: each twin stands where its widget was"
    outputs('game').locator('[data-part=text] [data-n]').nth(2).click()
    until(outputs('game'), '1 of .* tokens marked')
    until(outputs('explorer'), 'within each row')
    page = outputs('view').page
    page.keyboard.press('Escape')
    page.click('text=File >> nth=0')
    page.click('li[data-command="docmanager:save"]')
    page.wait_for_timeout(2000)
    page.click('text=Kernel >> nth=0')
    page.click('li[data-command="kernelmenu:shutdown"]')
    page.wait_for_timeout(2000)
    page.close()
    again = chromium.new_context(viewport=dict(width=1300, height=4200)).new_page()
    find = opened(again, lab[0])
    until(find('explorer'), 'within each row')
    assert 'copper' in find('explorer').inner_text()
    until(find('game'), '1 of .* tokens marked')
    until(find('labeller'), 'All done')
    until(find('player'), 'Round 2')
    until(find('bounds'), 'Cleaning wins')
    assert 'model not found' not in again.locator('.jp-Notebook').inner_text()
    find('explorer').locator('input[type=range]').focus()
    again.keyboard.press('Home')
    until(find('explorer'), 'the 0 highest')
    again.screenshot(path=shots / 'lab_again.png')
