"The room plan: its cells run, and the settings that it shows are read"
import re
from pathlib import Path

import pytest

import tokenclean_nb as tc

root = Path(__file__).resolve().parents[2]
plan = (root/'nbs/guides/teaching/workshop.qmd').read_text(encoding='utf-8')
cells = re.findall(r'^```python\n(.*?)^```', plan, re.M | re.S)


def test_the_settings_that_are_pasted_are_read(tmp_path):
    magic, ini = next(c for c in cells if c.startswith('%%writefile')).split('\n', 1)
    (tmp_path/'settings.ini').write_text(ini)
    assert magic == '%%writefile settings.ini' and tc.load_settings(tmp_path/'settings.ini') != tc.Settings()


@pytest.mark.parametrize('names', [['Anna', 'Ben'], ['Anna', 'Anna']])
def test_the_cell_for_the_room_draws_what_was_played(names):
    "Two of one name stay two, as the plan says"
    cell = next(c for c in cells if 'plot_room' in c)
    rows = tc.score(tc.recorded_rows())
    games = [tc.SelectionGame(rows, 2, player=name) for name in names]
    for k, game in enumerate(games): game.mark(k)
    *before, last = cell.replace('paste the lines here', '\n'.join(game.line() for game in games)).strip().splitlines()
    names_there = {}
    exec('\n'.join(before), names_there)
    fig = eval(last, names_there)
    assert fig.layout.title.text.startswith('2 players') and set(fig.data[2].x) == {'Anna', 'Ben' if 'Ben' in names else 'Anna (2)'}
    assert ('names shared' in fig.layout.title.text) == (len(set(names)) == 1)


def test_every_function_of_the_plan_is_a_public_name():
    found = set(re.findall(r'\btc\.(\w+)', plan))
    assert {'plot_room', 'RoundPlayer', 'load_settings'} <= found and all(hasattr(tc, name) for name in found)
