"The game and the guesses of the page without a kernel: played from a folder, offline, soon after a cold start, and right"
import sys
import time

import numpy as np
import pytest

from conftest import root, shots
import tokenclean_nb as tc
from tokenclean_nb.figures.page import html_page

sys.path.insert(0, str(root/'.ci'))
import plain_site

rows = tc.score(tc.recorded_rows(), 'excess_loss')


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    "The page, and lesson 1"
    folder = tmp_path_factory.mktemp('play')
    plain_site.make(folder, [root/'nbs/guides/play.ipynb', root/'nbs/lessons/01_not_all_tokens_teach.ipynb'])
    return folder


def opened(chromium, address, **look):
    "A new page of a new context, offline: nothing of it was loaded before"
    page = chromium.new_context(offline=True, **look).new_page()
    page.errors = []
    page.on('pageerror', lambda e: page.errors.append(str(e)))
    page.on('request', lambda r: None if r.url.startswith(('file:', 'data:')) else page.errors.append(r.url))
    page.goto(address, wait_until='commit')
    return page


@pytest.mark.parametrize('look', [dict(viewport=dict(width=1100, height=800)), dict(viewport=dict(width=390, height=800)), dict(color_scheme='dark')], ids=['light', '390', 'dark'])
def test_a_token_is_chosen_within_ten_seconds_of_a_cold_start(chromium, site, look, request):
    start = time.perf_counter()
    page = opened(chromium, f'file://{site}/guides/play.html', **look)
    page.locator('[data-part=blank] [data-n]').nth(3).click()
    page.get_by_text('1 of').wait_for()
    took = time.perf_counter() - start
    print(f'first choice after {took:.2f} s')
    page.get_by_role('button', name='Reveal').click()
    page.get_by_text('decide alike').wait_for()
    page.screenshot(path=shots/f'play_{request.node.callspec.id}.png', full_page=True)
    assert took < 10 and not page.errors
    assert page.evaluate('document.documentElement.scrollWidth <= innerWidth')
    page.context.close()


def test_the_page_plays_as_the_widget_does(chromium, tmp_path):
    "The same tokens marked, the same words, losses closed before, and the same line for the room"
    game = tc.SelectionGame(rows, 5, player='Anna Ü. / 7')
    (tmp_path/'p.html').write_text(html_page('Game', [tc.Playable(game).html]), encoding='utf-8')
    page = opened(chromium, f'file://{tmp_path}/p.html')
    pieces = page.locator('[data-part=blank] [data-n]')
    pieces.first.wait_for()
    chosen = pieces.evaluate_all("all => all.map((e, k) => [k, e.getBoundingClientRect().width, e.dataset.n.includes(' ')]).filter(([k, wide, several]) => wide && (several || k % 3 == 0)).map(([k]) => k)")
    assert 3 < len(chosen) < pieces.count()
    for k in chosen:
        game.mark([int(np.searchsorted(game.tokens, int(t))) for t in pieces.nth(k).get_attribute('data-n').split()])
        pieces.nth(k).click()
    page.locator('[data-part=blank] [data-part=text]').focus()
    page.keyboard.press('Home')
    page.keyboard.press('Enter') # the prompt is no choice
    assert f'{game.marked.sum()} of {len(game.tokens)} tokens' in page.locator('[data-part=said]').inner_text()
    assert page.locator('[data-part=shown]').inner_text() == ''
    page.get_by_label('your name').fill(game.player)
    page.get_by_role('button', name='Reveal').click()
    game.reveal()
    same, chance = game.agreement()
    said = page.locator('[data-part=said]').inner_text()
    assert f'alike on {same * 100:.0f} %' in said and f'{chance * 100:.0f} % would be chance' in said
    assert page.locator('[data-part=shown] code').inner_text() == game.line()
    assert f'you: {game.marked.sum()} kept' in page.locator('[data-part=shown]').inner_text()
    framed = page.locator('[data-part=shown] [data-k][style*=outline]')
    assert framed.count() == len(chosen)
    assert page.locator('[data-part=shown] [data-kind=kept]').count() > 3
    page.get_by_role('button', name='Start again').click()
    assert page.locator('[data-part=blank] [aria-pressed=true]').count() == 0 and page.locator('[data-part=shown]').inner_text() == ''
    assert not page.errors
    page.context.close()


@pytest.mark.parametrize('said, answered', [('0,19', 'Just so'), ('50 %', '0.31 too high'), ('0', '0.19 too low'), ('many', 'Type a number'), ('', 'Type a number')])
def test_a_guess_opens_its_answer_only_when_something_was_said(chromium, tmp_path, said, answered):
    guess = tc.Guess('What share?', .19, 'Four in five <b>are not</b>.')
    (tmp_path/'p.html').write_text(html_page('Guess', [tc.Playable(guess).html]), encoding='utf-8')
    page = opened(chromium, f'file://{tmp_path}/p.html')
    page.get_by_label('my guess').fill(said)
    page.keyboard.press('Enter')
    assert answered in page.locator('[data-part=said]').inner_text()
    assert ('Four in five <b>are not</b>.' in page.locator('[data-part=shown]').inner_text()) == ('number' not in answered)
    page.context.close()


def test_a_choice_among_names(chromium, tmp_path):
    guess = tc.Guess('Which?', 'row 2', 'Since.', choices=['row 1', 'row 2'], shown=tc.token_view(rows, 0))
    (tmp_path/'p.html').write_text(html_page('Guess', [tc.Playable(guess).html]), encoding='utf-8')
    page = opened(chromium, f'file://{tmp_path}/p.html')
    page.get_by_role('button', name='See').click()
    assert 'Choose one' in page.locator('[data-part=said]').inner_text()
    page.get_by_label('my guess').select_option('row 1')
    page.get_by_role('button', name='See').click()
    assert 'row 2' in page.locator('[data-part=shown] p').first.inner_text()
    assert page.locator('[data-part=shown] input[type=range]').count() == 1, 'the view inside is bound'
    assert not page.errors
    page.context.close()
