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
    "Two of one name count once, as the plan says"
    cell = next(c for c in cells if 'plot_room' in c)
    rows = tc.score(tc.recorded_rows())
    lines = '\n'.join(tc.SelectionGame(rows, 2, player=name).line() for name in names)
    *before, last = cell.replace('paste the lines here', lines).strip().splitlines()
    names_there = {}
    exec('\n'.join(before), names_there)
    title = eval(last, names_there).layout.title.text
    assert title.startswith(f'{len(set(names))} players')


def test_every_function_of_the_plan_is_a_public_name():
    found = set(re.findall(r'\btc\.(\w+)', plan))
    assert {'plot_room', 'RoundPlayer', 'load_settings'} <= found and all(hasattr(tc, name) for name in found)
