"Words of the glossary are linked where a lesson uses them first, and every link has its anchor."
import json
import re
from pathlib import Path

import pytest

root = Path(__file__).resolve().parents[2]
terms = {'labels': 'labels', 'loss': 'loss', 'logits': 'logits', 'base': 'base', 'reference': 'reference', 'pool': 'pool',
    'informative': 'informative', 'noise rate': 'noise-rate', 'keep fraction': 'keep-fraction', 'warm-up': 'warm-up-set',
    'AUC': 'auc', 'score': 'score', 'influence': 'influence', 'precision': 'precision', 'clean set': 'clean-set',
    '(?i:fixed-model cleaning)': 'fixed-model-cleaning', '(?i:self-evolving cleaning)': 'self-evolving-cleaning',
    'Matthew effect': 'matthew-effect', 'benefit ratio': 'benefit-ratio', '(?i:scorers?)': 'scorer', '(?i:threshold)': 'threshold'}
lessons = sorted(p.name[:2] for p in (root/'nbs/lessons').glob('[0-9]*.ipynb'))
unseen = re.compile(r'(?s:<details>.*?</details>|\$\$.*?\$\$)|`[^`]*`|\$[^$\n]*\$|(?<=\]\()[^)]*|(?m:^#.*$)')


def prose_cells(notebook):
    "Cells of text below the box that opens a lesson, up to its quiz"
    texts = [c for c in notebook['cells'] if c['cell_type'] == 'markdown'][2:]
    end = next((k for k, c in enumerate(texts) if ''.join(c['source']) == '## Quiz'), len(texts))
    return texts[:end]


def first_use(word, text):
    "Where a word stands first in what is read as prose"
    blank = unseen.sub(lambda m: ' ' * len(m[0]), text)
    return re.search(rf'(?<![\w-]){word}(?![\w-])', blank)


def linked(use, text, slug):
    "Does a link to the word's anchor hold this use?"
    return re.match(rf'[^\[\]]*\]\(\.\./guides/glossary\.qmd#{slug}\)', text[use.end():]) is not None


# tests

def lesson(number): return json.loads(next((root/'nbs/lessons').glob(f'{number}_*.ipynb')).read_text(encoding='utf-8'))


@pytest.mark.parametrize('number', lessons)
def test_first_use_is_linked(number):
    texts = [''.join(c['source']) for c in prose_cells(lesson(number))]
    for word, slug in terms.items():
        found = next(((use, text) for text in texts if (use := first_use(word, text))), None)
        assert not found or linked(*found, slug), (word, found[1])


def test_every_lesson_is_looked_at(): assert lessons[0] == '01' and len(lessons) >= 10


@pytest.mark.parametrize('number', lessons)
def test_the_box_says_what_a_lane_is(number):
    box = ''.join(lesson(number)['cells'][1]['source'])
    lanes = next(line for line in box.splitlines() if line.startswith('- **Lanes**'))
    assert 'what a section needs to run' in lanes and '[lane](../guides/glossary.qmd#lane)' in lanes


def test_a_use_that_is_not_linked_is_found():
    good, bad = 'A [pool](../guides/glossary.qmd#pool) of rows.', '`pool` and $pool$: a pool of [rows](x#pool).'
    assert linked(first_use('pool', good), good, 'pool')
    assert first_use('pool', bad).start() == 21 and not linked(first_use('pool', bad), bad, 'pool')
    assert first_use('pool', 'pooled `pool`') is None


def test_links_into_the_glossary_have_anchors():
    "A link to a word goes to the word, not to the top of the list"
    anchors = set(re.findall(r'\{#([\w-]+)\}', (root/'nbs/guides/glossary.qmd').read_text(encoding='utf-8'))) | {'symbols', 'formulas'}
    assert set(terms.values()) <= anchors
    for page in (root/'nbs/lessons').glob('*.ipynb'):
        for anchor in re.findall(r'glossary\.qmd#([\w-]+)', page.read_text(encoding='utf-8')): assert anchor in anchors, (page.name, anchor)


@pytest.mark.parametrize('page', sorted((root/'nbs/guides/teaching').glob('*.qmd')), ids=lambda p: p.stem)
def test_a_page_for_teachers_says_what_a_lane_is(page):
    "Where the word is used first: it leads to the glossary, and what stands beside its letter says what is needed"
    text = page.read_text(encoding='utf-8').replace('and lane**', '')
    first = re.search(r'\blanes?\b', text)
    if not first: return
    assert text[first.end():].startswith('](../glossary.qmd#lane)')
    assert re.search('recorded (numbers|runs)', text[first.start():first.start() + 200])
