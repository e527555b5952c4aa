"What every lesson must have, so that a teacher can rely on it. Lessons are found by their files: a new one is held to the same rules."
import ast
import html
import json
import re
from pathlib import Path

import numpy as np
import pytest

import tokenclean_nb as tc

root = Path(__file__).resolve().parents[2]
lessons = sorted(p for p in (root/'nbs/lessons').glob('*.ipynb') if not p.name.startswith('_'))
each = pytest.mark.parametrize('path', lessons, ids=lambda p: p.stem)
runs_a_model = re.compile(r'\b(tiny_base|load_model|finetune|token_losses|train_|score_|clean|\w+_cleaning)\(')


class Cell:
    "A cell of a lesson"
    def __init__(self, cell):
        self.source, self.is_code = ''.join(cell['source']), cell['cell_type'] == 'code'
        self.outputs, self.metadata = cell.get('outputs', []), cell['metadata']

    @property
    def hidden(self): return self.source.startswith('#| hide')

    @property
    def seen(self):
        "Does a reader of the page see it, unless they open a fold?"
        return not self.hidden and not self.source.startswith('#| code-fold: true')

    @property
    def code(self): return '\n'.join(line for line in self.source.split('\n') if line.strip() and not line.startswith(('#|', '#@', '!')))


def cells_of(path): return [Cell(c) for c in json.loads(path.read_text(encoding='utf-8'))['cells']]


def parts_of(path, mark):
    "Cells under each heading of a level, as (heading, cells up to the next heading of this or a higher level)"
    cells, level, found = cells_of(path), mark.count('#'), []
    for k, c in enumerate(cells):
        if c.is_code or not c.source.startswith(mark + ' '): continue
        stop = next((j for j in range(k + 1, len(cells)) if not cells[j].is_code and (m := re.match(r'#+', cells[j].source)) and len(m[0]) <= level), len(cells))
        found.append((c.source.removeprefix(mark).strip(), cells[k + 1:stop]))
    return found


def exercises_of(path): return [(h, cs) for h, cs in parts_of(path, '###') if h.startswith('Exercise')]


def test_there_are_lessons(): assert len(lessons) >= 5


# fields

@each
def test_fields(path):
    first, box, install = cells_of(path)[:3]
    number = int(path.stem[:2])
    assert re.match(rf'# {number}\. .+\n\n> \w.+\n\n- order: {number}$', first.source), first.source
    assert 'https://colab.research.google.com/github/' in box.source and f'nbs/lessons/{path.name}' in box.source
    for name in ('Minutes', 'Level', 'Needs', 'Lanes', 'After this you can'): assert f'- **{name}**' in box.source, name
    assert int(re.search(r'\*\*Minutes\*\*: (\d+)', box.source)[1]) <= 45
    assert re.search(r'\*\*Level\*\*: [1-5] of 5', box.source)
    assert install.hidden and install.source.count('\n') == 1


def test_one_install_line():
    "One line for all lessons; it does nothing outside Colab"
    lines = {cells_of(p)[2].source for p in lessons}
    assert len(lines) == 1 and re.fullmatch(r'#\| hide\n! \[ -e /content \] && pip install -q \S+', lines.pop())


@each
def test_a_figure_in_the_first_five_cells(path):
    shown = [o for c in cells_of(path)[:5] for o in c.outputs if 'text/html' in o.get('data', {}) or 'application/vnd.plotly.v1+json' in o.get('data', {})]
    assert shown


@each
def test_imports_stand_alone(path):
    for c in cells_of(path):
        if c.is_code and re.search(r'^(import|from) ', c.source, re.M): assert re.fullmatch(r'((import|from) .+\n?)+', c.code), c.source


@each
def test_one_import_of_the_package(path):
    "A lesson knows the package by its face, `tc`, and no room of it"
    names = [name for c in cells_of(path) if c.is_code for name in imported(c.code)]
    assert [name for name in names if name.split('.')[0] == 'tokenclean_nb'] == ['tokenclean_nb']
    assert [c.source for c in cells_of(path) if 'import tokenclean_nb' in c.source][0].endswith('import tokenclean_nb as tc')


@each
def test_names_of_the_face_exist(path):
    "Every `tc.name` of a lesson, in code and in prose, is a public name; a learner's own function has no `tc.`"
    for c in cells_of(path):
        for name in re.findall(r'\btc\.(\w+)', c.source): assert name in tc.__all__, f'tc.{name}'


def imported(code):
    "Modules that a program imports, such as `numpy` or `tokenclean_nb.data.table`"
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import): yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom): yield from (f'{node.module}.{alias.name}' for alias in node.names)


def test_an_import_of_a_room_is_found():
    assert list(imported('import numpy as np\nimport tokenclean_nb as tc')) == ['numpy', 'tokenclean_nb']
    assert list(imported('from tokenclean_nb import flat\nimport tokenclean_nb.cli')) == ['tokenclean_nb.flat', 'tokenclean_nb.cli']


@each
def test_an_invitation_to_change_ends_in_no_error(path):
    "Where the reader is asked to change something, the visible cells that follow assert nothing about the value as shipped"
    cells = cells_of(path)
    for k, c in enumerate(cells):
        if c.is_code or not re.search(r'\b[Cc]hange (`|the number|it\b)', c.source): continue
        end = next(j for j in range(k + 1, len(cells)) if not cells[j].is_code)
        for after in cells[k + 1:end]: assert after.hidden or 'assert ' not in after.code, after.source


@each
def test_end_of_a_lesson(path):
    sections = dict(parts_of(path, '##'))
    assert 'Break it' in sections and '**Predict**' in sections['Break it'][0].source
    assert 3 <= sections['Recap'][0].source.count('\n- ') + 1 <= 4
    following, can, own = cells_of(path)[-1].source.split('\n\n')
    for words, part in [('Next', following), ('What you can do now', can), ('Try it on your data', own)]: assert re.match(rf'\*\*{words}\*\*: [\w`]', part)
    assert any(c.is_code and c.source == 'tc.progress()' for c in sections['Quiz'])


@each
def test_quiz_explains_every_option(path):
    questions = [c.source for c in dict(parts_of(path, '##'))['Quiz'] if c.source.startswith('**') and '<details>' in c.source]
    assert len(questions) >= 3
    for q in questions:
        options = re.findall(r'<details><summary>([A-E])\. .+?</summary>(.+?)</details>', q)
        assert len(options) >= 3 and len(options) == q.count('<details>'), q
        assert all(len(why.split()) >= 6 and why.startswith(('Right', 'No')) for _, why in options), q
        assert sum(why.startswith('Right') for _, why in options) == 1, q


# exercises

def parts_of_exercise(cells):
    "Text, stub, check, hints, solution, assertion"
    text, stub, check, hints, solution, hidden = cells[:6]
    return text.source, stub, check.source, hints.source, solution, hidden.source


@each
def test_exercise_parts(path):
    found = exercises_of(path)
    assert 2 <= len(found) <= 4
    minutes = 0
    for k, (heading, cells) in enumerate(found, 1):
        text, stub, check, hints, solution, hidden = parts_of_exercise(cells)
        number = re.match(r'Exercise (\d+\.\d+): \w', heading)[1]
        assert number == f'{int(path.stem[:2])}.{k}'
        minutes += int(re.match(r'(\d+) min, level [1-5]/5, importance [1-5]/5\n', text)[1])
        name = re.match(r'def (\w+)\(', stub.code)[1]
        assert stub.code.endswith('return ... # your code')
        it = getattr(tc, f'check_{name}')
        assert (it.number, it.name) == (number, name)
        assert check == f'tc.check_{name}({name})'
        assert len(re.findall(r'<details><summary>Hint \d</summary>.+?</details>', hints)) in (2, 3)
        assert solution.source.startswith('#| code-fold: true\n#| code-summary: "Solution"\n#@title Solution {display-mode: "form"}\n')
        assert solution.metadata.get('cellView') == 'form' and f'def {name}_solution(' in solution.code
        assert hidden == f'#| hide\nassert tc.check_{name}.proves({name}_solution, {name})'
    assert minutes <= 30


def hints_in(text):
    "The hints that a page folds, as a check says them"
    found = re.findall(r'<details><summary>Hint \d</summary>(.+?)</details>', text, re.S)
    return tuple(html.unescape(re.sub(r'</?code>', '`', hint)) for hint in found)


@each
def test_hints_of_the_page_are_those_that_tries_open(path):
    "One hint after the other, the same on the page and after a wrong try"
    for _, cells in exercises_of(path):
        text, stub, check, hints, _, _ = parts_of_exercise(cells)
        name = re.match(r'tc\.check_(\w+)\(', check)[1]
        assert hints_in(hints) == getattr(tc, f'check_{name}').hint, name


def test_hints_are_read_as_a_check_says_them():
    assert hints_in('<details><summary>Hint 1</summary>Is <code>a &lt; b</code>?</details>') == ('Is `a < b`?',)


@each
def test_solutions_pass_and_stubs_do_not(path):
    space = dict(np=np, tc=tc)
    for _, cells in exercises_of(path):
        _, stub, check, _, solution, _ = parts_of_exercise(cells)
        exec(stub.code + '\n' + solution.code, space)
        name = re.match(r'tc\.check_(\w+)\(', check)[1]
        it = getattr(tc, f'check_{name}')
        assert it.test(space[f'{name}_solution']), name
        assert not it.test(space[name]), name


def test_every_check_has_its_exercise():
    used = {re.match(r'Exercise (\S+):', h)[1] for p in lessons for h, _ in exercises_of(p)}
    assert used >= {getattr(tc, name).number for name in dir(tc) if name.startswith('check_')}


# lanes

@each
def test_every_section_names_its_lane(path):
    for heading, cells in parts_of(path, '##'):
        if heading in ('Recap', 'Quiz'): continue
        lane = re.match(r'\*Lane ([ABC])', cells[0].source)
        assert lane, heading
        for c in cells:
            if not c.is_code: continue
            if lane[1] == 'A': assert not runs_a_model.search(c.code), (heading, c.source)
            if '#| gpu' in c.source: assert lane[1] == 'C' and 'No GPU here' in c.source
        if lane[1] == 'C': assert any('#| gpu' in c.source for c in cells)


@each
def test_a_gpu_is_asked_for_where_a_cell_wants_one(path):
    asked = json.loads(path.read_text())['metadata'].get('accelerator') == 'GPU'
    assert asked == any('#| gpu' in c.source for c in cells_of(path))


# limits

@each
def test_limits(path):
    "Of what a reader sees: a lesson is read in a sitting, a cell at a glance"
    cells = [c for c in cells_of(path) if not c.hidden]
    words = sum(len(c.source.split()) for c in cells if not c.is_code)
    lines = [len(c.code.split('\n')) for c in cells if c.is_code and not c.hidden and not c.source.startswith(('import', 'from'))]
    assert 35 <= sum(not c.hidden for c in cells) <= 80
    assert words <= 1800, words
    assert sum(len(c.code.split('\n')) for c in cells if c.is_code and c.seen) <= 180
    assert max(lines) <= 12
    assert path.stat().st_size < 300_000


@each
def test_code_fits_on_the_page(path):
    "88 characters where a reader sees them, 110 in cells that the site hides"
    for c in cells_of(path):
        if not c.is_code or c.source == install_of(path): continue
        for line in c.source.split('\n'): assert len(line) <= (110 if c.hidden else 88), line


def install_of(path):
    "The cell that installs the package in Colab: its length is that of an address"
    return cells_of(path)[2].source


@each
def test_no_stored_error(path):
    for c in cells_of(path):
        for o in c.outputs:
            assert o['output_type'] != 'error' and o.get('name') != 'stderr', c.source


@each
def test_outside_resources_are_pinned(path):
    "Scripts, pictures and styles come with the page, or from an address with a version"
    for c in cells_of(path):
        pages = [c.source] + [''.join(o['data']['text/html']) for o in c.outputs if 'text/html' in o.get('data', {})]
        for page in pages:
            for address in re.findall(r'(?:src=|<link[^>]+href=|@import )["\']?(https?:[^"\'\s>]+)', page) + re.findall(r'!\[[^\]]*\]\((https?:[^)]+)\)', page):
                assert re.search(r'\d+\.\d+\.\d+', address), address


# numbers

folds = r'(?s:<details>.*?</details>)'


def numbers_in(text):
    "Numbers a reader could take for facts: not in code, formulas, folds, addresses, references or notation"
    text = re.sub(rf'{folds}|`[^`]*`|(?s:\$\$.*?\$\$)|\$[^$\n]*\$|\]\([^)]*\)|https?:\S+', ' ', text)
    text = re.sub(r'(?i)\b(lessons?|exercise|row|position|round|GPT-)[ -]?\d+(\.\d+)*( and \d+)?|\b[a-zA-Z]\s?[-+]\s?1\b', ' ', text)
    found = re.findall(r'(?<![\w.])(-?\d[\d,]*(?:\.\d+)?)( %)?', text)
    values = [float(n.replace(',', '')) / (100 if percent else 1) for n, percent in found]
    return [v for v in values if v not in (0, 1, -1, -100)]


def constants_in(code):
    "Numbers of a program"
    try: tree = ast.parse(code)
    except SyntaxError: return []
    return [abs(n.value) for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, (int, float))]


@each
def test_numbers_in_prose_are_asserted_nearby(path):
    "A number in prose stands in a cell that asserts something, at most three cells away, or its sentence says (illustrative)"
    cells = cells_of(path)
    quiz = next(k for k, c in enumerate(cells) if c.source == '## Quiz')
    for k, c in enumerate(cells[:quiz]):
        if c.is_code or k < 2 or c.source.startswith('#') or re.match(r'\d+ min, level', c.source): continue
        near = [v for o in cells[max(0, k - 3):k + 4] if o.is_code and 'assert ' in o.source for v in constants_in(o.code)]
        for sentence in re.split(r'(?<=[.?!:])\s', re.sub(folds, ' ', c.source)):
            if '(illustrative)' in sentence: continue
            for v in numbers_in(sentence): assert any(np.isclose(abs(v), n) for n in near), f'{v} in: {sentence}'


def test_the_rule_on_numbers_can_fail():
    assert numbers_in('In this pool 25 % of the 1,845 tokens cost 4.6 nats.') == [0.25, 1845, 4.6]
    assert numbers_in('With $2x$ and $$\\sqrt{4}$$ it costs 3 nats.') == [3]
    assert numbers_in('See lesson 3, exercise 2.1, `f(7)` and position t+1; -100 is no id. <details>9</details>') == []
