"The house: wings on floors, a module imports only from its own wing or from below, and none in a circle"
import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

root = Path(__file__).resolve().parents[2]
package = root/'tokenclean_nb'
floors = dict(errors=1, settings=2, bounds=2, data=2, scoring=3, course=3, training=4, figures=4, worlds=5, widgets=5, cleaning=6, evidence=7, commands=8, cli=9)
rooms = sorted(p for p in package.rglob('*.py') if p.name not in ('__init__.py', '_modidx.py'))


def name(path): return '.'.join(path.relative_to(package).with_suffix('').parts)


def imports(path):
    "The rooms that a room imports, those inside its functions too"
    here = path.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if not isinstance(node, ast.ImportFrom) or not (node.level or (node.module or '').startswith('tokenclean_nb')): continue
        module = ('.'.join(here[:len(here) - node.level + 1]) + f'.{node.module or ""}' if node.level else node.module).strip('.')
        for target in (f'{module}.{alias.name}' for alias in node.names):
            for candidate in (target, module):
                file = root/Path(*candidate.split('.')).with_suffix('.py')
                if file.exists() and file.name != '__init__.py': yield name(file); break
            else: raise AssertionError(f'{name(path)} imports {target}, which is no room')


arrows = {name(p): set(imports(p)) for p in rooms}


def wing(room): return room.split('.')[0]


def upward(arrows):
    "Arrows that lead to another wing on the same floor or above"
    return [f'{a} -> {b}' for a, targets in arrows.items() for b in targets if wing(a) != wing(b) and floors[wing(b)] >= floors[wing(a)]]


@pytest.mark.parametrize('room', arrows)
def test_room_has_a_floor(room): assert wing(room) in floors


def test_no_arrow_leads_upwards(): assert not upward(arrows)


def test_no_circle(): list(TopologicalSorter(arrows).static_order())


def test_notebooks_are_where_their_module_is():
    for path in (root/'nbs/api').rglob('*.ipynb'):
        if '.ipynb_checkpoints' in path.parts: continue
        room = '.'.join([*path.relative_to(root/'nbs/api').parent.parts, path.stem.split('_', 1)[1]])
        assert room in arrows and f'#| default_exp {room}"' in path.read_text(encoding='utf-8'), path


def test_an_upward_arrow_is_found():
    assert upward({'data.table': {'errors', 'scoring.losses'}, 'worlds.facts': {'widgets.base'}}) == ['data.table -> scoring.losses', 'worlds.facts -> widgets.base']
