"Small pictures are images that say in words what they show, count every token, and run nothing"
import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from tokenclean_nb.data.table import flat, with_flat
from tokenclean_nb.figures.pictures import histogram_picture, line_picture
from tokenclean_nb.worlds.recorded import example_table

numbers = st.floats(-1e6, 1e6, allow_nan=False, width=32)


def table(scores, keep=None):
    "One row with a prompt token and a response token for each score"
    n = len(scores)
    columns = dict(input_ids=[[1] * (n + 1)], labels=[[-100] + [1] * n], score=[[np.nan, *scores]])
    ds = Dataset.from_dict(columns)
    return ds if keep is None else with_flat(ds, 'keep', np.array([False, *keep]))


class Image(HTMLParser):
    "The attributes of the one element that a picture is"

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)
        (tag, self.attributes), = self.found
        assert tag == 'img'

    def handle_starttag(self, tag, attrs): self.found.append((tag, dict(attrs)))


def drawing(picture):
    "The SVG inside"
    source = Image(picture).attributes['src']
    return ElementTree.fromstring(base64.b64decode(source.removeprefix('data:image/svg+xml;base64,')))


def heights(svg, fill):
    "Left edge and height of each bar of one kind"
    paths = ''.join(p.get('d') for p in svg.findall('{*}path') if p.get('fill') == fill)
    boxes = re.findall(r'M([\d.]+) ([\d.]+)H[\d.]+V([\d.]+)', paths)
    return {float(x): float(low) - float(y) for x, y, low in boxes}


def elements(svg):
    "Names of the elements of a drawing"
    return {e.tag.split('}')[1] for e in svg.iter()}


@given(st.lists(st.tuples(numbers, st.booleans()), min_size=1, max_size=40), st.integers(1, 60))
def test_any_scores(pairs, bins):
    scores, keep = zip(*pairs)
    picture = histogram_picture(table(scores, keep), bins)
    svg = drawing(picture)
    assert f'{sum(keep)} kept' in picture.says and f'{len(keep) - sum(keep)} removed' in picture.says
    assert Image(picture).attributes['alt'] == picture.says == repr(picture)
    assert elements(svg) <= {'svg', 'rect', 'path', 'defs', 'pattern', 'line', 'text'}
    assert not re.search(r'nan|inf', ElementTree.tostring(svg, 'unicode'))


def test_bars_are_the_counts():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=4000)
    keep = scores > .3
    svg = drawing(histogram_picture(table(scores, keep), 30))
    kept, removed = heights(svg, '#2f6db3'), heights(svg, 'url(#removed)')
    ratio = sum(kept.values()) / (sum(kept.values()) + sum(removed.values()))
    assert abs(ratio - keep.mean()) < .01
    line = next(float(e.get('x1')) for e in svg.findall('{*}line') if e.get('stroke-dasharray'))
    assert max(removed) < line <= min(kept) + .1


def test_two_kinds_differ_without_colour():
    "Removed tokens are hatched, kept ones are not"
    svg = drawing(histogram_picture(example_table()))
    assert svg.find('{*}defs/{*}pattern').get('id') == 'removed' and heights(svg, 'url(#removed)')


def test_shown_in_a_notebook_as_html_and_in_words():
    picture = histogram_picture(example_table())
    assert picture._repr_html_() == f'{picture}' and type(picture._repr_html_()) is str
    assert repr(picture).startswith('Histogram of the scores of 89 tokens') and len(picture) < 8000


def test_rows_by_rank_have_no_line():
    ds = example_table()
    score = flat(ds, 'score')
    mixed = with_flat(ds, 'keep', np.isfinite(score) & (np.arange(len(score)) % 2 == 0))
    picture = histogram_picture(mixed)
    assert not [e for e in drawing(picture).iter() if e.get('stroke-dasharray')]
    assert 'No one score' in picture.says


def test_bad_input():
    bare = example_table().remove_columns('score')
    with pytest.raises(ValueError, match='column score'): histogram_picture(bare)
    with pytest.raises(ValueError, match='finite score'): histogram_picture(table([np.nan]))
    with pytest.raises(ValueError, match='at least 1'): histogram_picture(example_table(), 0)


@given(st.text(max_size=20))
def test_words_are_escaped(words):
    words = ''.join(c for c in words if c.isprintable())
    svg = drawing(line_picture(np.arange(3.), {words: (np.arange(3.), '#111111', '')}, words, words))
    assert elements(svg) == {'svg', 'rect', 'line', 'text', 'polyline'}
    assert words in [e.text or '' for e in svg.findall('{*}text')]
