"Widgets hold their state without a display, survive odd tables, and nothing in a text acts"
import re

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pages import opened

import tokenclean_nb as tc
from tokenclean_nb.widgets import pool
from tokenclean_nb.widgets.game import read_lines
from tokenclean_nb.widgets.pool import row_orders

ds = tc.example_table()
hostile = '<script>alert(1)</script></a> &amp; $x^2$ %{y} \u202eabc\x00 "q" \' 日本語'
bad = tc.example_table([('Say ' + hostile, hostile)])
quick = settings(max_examples=settings.default.max_examples // 2, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(st.integers(0, 5), st.data())
def test_a_line_holds_the_game(i, data):
    game = tc.SelectionGame(ds, i, player=data.draw(st.text(max_size=30).filter(lambda name: re.search(r'\w', name[:24]))))
    game.marked[:] = data.draw(st.lists(st.booleans(), min_size=len(game.marked), max_size=len(game.marked)))
    line = game.line()
    assert '\n' not in line and line.isascii() or not game.player.isascii()
    marks, left = read_lines(ds, f'  {line}, and so on', i)
    assert marks.to_numpy()[0].tolist() == game.marked.tolist() and not left


@pytest.mark.parametrize('name', ['', '  ', '?!', '🦊'])
def test_a_line_needs_a_name(name):
    game = tc.SelectionGame(ds, 0, player=name)
    game.reveal()
    with pytest.raises(ValueError, match='a name with letters or digits. Type your name'): game.line()
    assert 'Type your name' in game.picture() and 'game:' not in game.picture() + game.static()


@quick
@given(st.lists(st.tuples(st.sampled_from(['Ana', 'Ben', 'Ana-2']), st.integers(0, 30)), min_size=1, max_size=9))
def test_players_of_one_name_stay_as_many_as_they_are(played):
    "Each name with each choice is a player; a line that stands twice is one"
    def line(name, marks):
        game = tc.SelectionGame(ds, 0, player=name)
        game.marked[:5] = [bool(marks >> k & 1) for k in range(5)]
        return game.line()
    marks, bad = read_lines(ds, '\n'.join(line(*one) for one in played), 0)
    assert len(marks) == len(marks.index.unique()) == len(set(played)) and not bad
    assert {name.split(' (')[0] for name in marks.index} == {name for name, _ in played}


def test_numbers_of_the_result_stay_on_a_line():
    game = tc.SelectionGame(ds, 0, player='Ada')
    game.mark(2)
    game.reveal()
    table = game.picture().split('<table')[1]
    assert 'white-space:nowrap' in table.split('>')[0] and table.split('</thead>')[0].count('<th>') == 3
    assert '<td>1</td>' in table.split('loss_base')[0], 'a count has no decimals'


@quick
@given(st.floats(.01, 1), st.sampled_from(['pool', 'row']))
def test_explorer_keeps_what_its_facts_say(fraction, within):
    explorer = tc.TokenExplorer(ds, fraction, within)
    assert explorer.facts['kept'] == explorer.keep.sum() and f'{explorer.facts["kept"]:,} of' in str(explorer)
    if within == 'pool': assert explorer.facts['kept'] == int(fraction * explorer.facts['tokens'])


@quick
@given(*[st.floats(0, 1)] * 2, st.floats(.01, 1), st.floats(10, 1e9), st.floats(.01, .5))
def test_who_wins_is_what_the_bounds_say(noise, noise_after, keep_fraction, tokens, delta):
    explorer = tc.BoundExplorer(noise=noise, noise_after=noise_after, keep_fraction=keep_fraction,
        tokens=tokens, delta=delta)
    said, bounds = str(explorer), explorer.bounds
    everything, cleaned = bounds['all_tokens'], bounds['cleaned']
    if said.startswith('Cleaning wins'):
        assert cleaned < everything and tokens >= bounds['pays_above'] * (1 - 1e-6)
    if said.startswith('All tokens win'): assert everything <= cleaned + 1e-9
    if said.startswith('Neither'): assert min(everything, cleaned) >= 1
    assert explorer.picture().startswith('<p>')


@pytest.mark.parametrize('noise, keep_fraction, tokens, delta', [(.38, .6, 1e4, .05), (.4, .333, 12_345, .07)])
def test_sliders_of_the_figure_start_where_the_text_says(noise, keep_fraction, tokens, delta):
    fig = tc.BoundExplorer(noise=noise, keep_fraction=keep_fraction, tokens=tokens, delta=delta).figure()
    steps = [slider.steps[slider.active] for slider in fig.layout.sliders]
    assert [step.label for step in steps] == [f'{noise:.2f}', '0.25', f'{keep_fraction:.2f}', f'{tokens:,.0f}', f'{delta:.2f}']
    assert np.all(steps[0].args[0]['y'][1] == noise)


@pytest.mark.parametrize('widget', [tc.TokenExplorer, tc.SelectionGame, tc.TokenLabeller])
def test_nothing_in_a_text_acts(widget):
    widget = widget(bad)
    for shown in (widget.picture(), widget.static()):
        bare = re.sub(r'<script>\(me=>.*?</script>', '', shown, flags=re.S)
        assert '<script' not in bare and '</a>' not in bare and '\x00' not in bare and '\u202e' not in bare


def test_search_finds_characters_that_change_length_in_lower_case():
    explorer = tc.TokenExplorer(tc.example_table([('İİİİ Who?', 'It is Olive.')]))
    explorer.find = 'olive'
    assert str(explorer.view()).count(']*') + str(explorer.view()).count('}*') == 1


def test_tokens_without_a_score_do_not_compete():
    score = tc.flat(ds, 'score').copy()
    score[:40] = np.nan
    explorer = tc.TokenExplorer(tc.with_flat(ds, 'score', score), .1)
    assert explorer.keep[:40].sum() == (tc.flat(ds, 'truth')[:40] >= 0).sum()
    assert explorer.facts['tokens'] == np.isfinite(score).sum()


def test_threshold_sample_is_the_nearest():
    keep, score = tc.flat(ds, 'keep'), tc.flat(ds, 'score')
    near = tc.sample_tokens(ds, 10, 'threshold')
    cut = (score[keep].min() + np.nanmax(score[~keep])) / 2
    others = np.setdiff1d(np.flatnonzero(np.isfinite(score)), near)
    assert np.abs(score[near] - cut).max() <= np.abs(score[others] - cut).min() + .05


def test_long_rows_are_cut_in_the_game_and_said():
    game = tc.SelectionGame(tc.example_table([('q', 'word ' * 200)]), player='A')
    assert len(game.tokens) == 80 and 'the first 80' in str(game)
    game.marked[:] = True
    assert tc.plot_room(game.ds, game.line()).layout.title.text.startswith('1 players')


def test_empty_rows():
    empty = Dataset.from_dict({c: ds[c][:] + [[] if c != 'text' else ''] for c in ds.column_names})
    explorer = tc.TokenExplorer(empty, row=6)
    assert '0 tokens' in explorer.picture()
    with pytest.raises(ValueError, match='at least two scored tokens'): tc.SelectionGame(empty, 6)


def shown(html): return re.sub(r'<(style|script)>.*?</\1>', '', html, flags=re.S)


def test_the_game_shows_true_text():
    "An emoji of four tokens is one character of the text, and a click on it takes all four"
    game = tc.SelectionGame(tc.example_table(), 5)
    assert '\ufffd' not in shown(game.picture())
    tokens = next(list(map(int, n.split())) for n in re.findall(r'data-n="([\d ]+)"', game.picture()) if ' ' in n)
    game.pick(tokens)
    assert game.marked.sum() == len(tokens) > 1
    game.pick(tokens)
    assert not game.marked.any()


def test_the_game_ranks_in_the_pool_as_the_lesson_does():
    score = tc.flat(ds, 'score')
    keep = tc.keep_top(score, np.isfinite(score), .6)
    ends = np.cumsum([len(ids) for ids in ds['input_ids']])
    for i in range(len(ds)):
        game = tc.SelectionGame(ds, i)
        np.testing.assert_array_equal(game.keep, keep[ends[i] - len(game.frame) + game.tokens])


def test_the_reveal_tells_of_what_was_played_alone():
    game = tc.SelectionGame(tc.example_table([('q', 'word ' * 200)]))
    game.reveal()
    kinds = re.findall(r'title="([^"]*)" data-kind="(\w+)"', game.picture())
    played = [kind for said, kind in kinds if 'score' in said]
    assert len(played) == 80 and set(played) <= {'kept', 'removed'}
    assert {kind for said, kind in kinds if 'score' not in said} <= {'prompt', 'trained'}


def test_the_token_that_is_asked_about_is_framed():
    labeller = tc.TokenLabeller(ds, n=200)
    framed = []
    for _ in labeller.tokens:
        framed += re.findall(r'<b><span style="[^"]*solid #c65d00[^"]*"', labeller.picture())
        labeller.skip()
    assert len(framed) == len(labeller.tokens)


@pytest.mark.parametrize('order', row_orders)
def test_a_view_turns_through_every_row_of_a_large_pool(order, monkeypatch):
    monkeypatch.setattr(pool, 'most_rows', 4)
    other = tc.keep_top(tc.flat(ds, 'loss_base'), tc.trained(ds), .5)
    view = tc.pool_view(ds, other)
    view.widget.children[0].children[0].value = order
    seen, numbers = [], []
    for part in (1, 2):
        assert view.part == part
        head, arrays = opened(view._picture.html)
        first, last = (1, 4) if part == 1 else (5, 6)
        assert f'rows {first} to {last} of 6, {order}' in head['note'] and head['threshold'] == view.scale['threshold']
        numbers.extend(arrays['number'].tolist())
        seen.extend(arrays[{'most removed first': 'keptCount', 'most decided differently first': 'differ'}.get(order, 'mean')]
            / (arrays['tokens'] if order == 'most removed first' else 1) * (1 if order in ('most removed first', 'lowest mean score first') else -1))
        view.chosen([int(arrays['number'][0])])
        view.turn()
    assert sorted(numbers) == list(range(6)) and view.part == 2
    if order == 'as in the table': assert numbers == list(range(6))
    elif order != 'drawn at random': assert seen == sorted(seen)


def test_turning_forgets_the_selection(monkeypatch):
    monkeypatch.setattr(pool, 'most_rows', 4)
    view = tc.pool_view(ds)
    view.widget
    view.chosen([2])
    view.turn()
    assert len(view.selected()) == len(ds)
    with pytest.raises(ValueError, match='most removed first'): pool.ordered_rows(ds, 'best first')


@pytest.mark.parametrize('rows', [[-1], [6], [1.5], [True] * 6, ['a']])
def test_rows_that_are_none_are_refused(rows):
    with pytest.raises(ValueError, match='row numbers from 0 to 5'): tc.pool_view(ds).chosen(rows)


def test_a_pool_without_a_choice_is_refused():
    with pytest.raises(ValueError, match='a table with score and keep'): tc.pool_view(ds.remove_columns('keep'))


def test_a_label_is_yes_or_no():
    with pytest.raises(ValueError, match='True or False'): tc.TokenLabeller(ds, n=3).label('no')


@pytest.mark.parametrize('said, number', [('0.3', .3), ('1/5', .2), ('20 %', .2), ('20 percent', .2), ('0,5', .5), ('-1', -1), ('a fifth', None), ('1/0', None), ('', None)])
def test_a_guess_is_understood_and_stays(said, number):
    "What opened the answer stays, whatever stands in the field later; what is no number is asked for"
    guess = tc.Guess('How many?', .25)
    guess.said = said
    guess.see()
    assert guess.opened == (number is not None)
    if number is None: assert 'Write a number first' in guess.picture() and '0.25' not in guess.picture()
    else:
        before = guess.picture()
        for later in '', 'x', '.', '-', '7':
            guess.said = later
            guess.see()
            assert guess.picture() == before and tc.guesses().guess.iloc[-1] == number
    choice = tc.Guess('Which?', 'a', choices=['a', 'b'])
    choice.see()
    assert not choice.opened and 'Choose one first' in choice.picture()
