"The report is one whole file, asks for nothing, and shows what the table holds"
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

from tokenclean_nb.figures import report
from tokenclean_nb.data.table import flat, with_flat
from tokenclean_nb.errors import BadInput
from tokenclean_nb.figures.report import notable_tokens, write_report

hostile = ('<script>alert(1)</script></a><img src=x onerror=alert(2)> &amp; $x^2$ %{y} '
    '\u202eabc\x00 "q" 日本語')
mark = '<meta name="generator" content="tokenclean_nb">'


def make(n=6, text=hostile):
    k, rng = len(text), np.random.default_rng(0)
    base = rng.gamma(2, 1, (n, k))
    base[:, 0] = np.nan
    response = lambda prompt: np.tile([prompt] + [1] * (k - 1), (n, 1))
    return Dataset.from_dict(dict(
        input_ids=rng.integers(0, 99, (n, k)), labels=response(-100),
        text=[text] * n, starts=[list(range(k))] * n, ends=[list(range(1, k + 1))] * n,
        loss_base=base, loss_ref=base * rng.uniform(.2, 1.3, (n, k)), score=base - 1, keep=base > 1.5,
        truth=response(-1)))


rounds = pd.DataFrame(dict(
    round=[0, 1], tokens=[10, 10], kept=[10, 6], threshold=[np.nan, .2], note=['<b>', hostile]))


class Tags(HTMLParser):
    void = {'meta', 'br', 'img', 'input'}

    def __init__(self, page):
        super().__init__()
        self.stack, self.tags, self.attributes = [], [], set()
        self.feed(page)
        assert not self.stack

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {k for k, _ in attrs}
        if tag not in self.void: self.stack.append(tag)

    def handle_endtag(self, tag): assert self.stack.pop() == tag


opening = ['In short', 'One row', 'The whole pool']


def headings(page): return [h for h in re.findall('<h2>(.*?)</h2>', page) if h not in opening]


def test_whole_page(tmp_path):
    file = write_report(tmp_path / 'deep' / 'r.html', make(), rounds, title=hostile, facts={hostile: hostile})
    page = file.read_text('utf-8')
    figures = ['Rounds as a picture', 'Scores', 'Losses']
    assert headings(page) == ['Key facts', 'Rounds', *figures, 'Tokens in their text', 'Whole rows']
    parsed = Tags(page)
    assert not {'link', 'iframe', 'a'} & set(parsed.tags)
    assert not {'href', 'onerror'} & parsed.attributes and all(src.startswith('data:image') for src in re.findall('<img[^>]* src="([^"]*)', page))
    assert re.findall('<h2>(.*?)</h2>', page)[:3] == opening and page.index('<details ontoggle') > page.index('The whole pool')
    assert page.count('plotly.js v') == 1 and '<html lang="en">' in page and "default-src 'none'" in page
    for part in ('prefers-color-scheme:dark', '@media print', '"showSendToCloud": false'): assert part in page
    assert '\x00' not in page and '\u202e' not in page
    assert [p.name for p in (tmp_path / 'deep').iterdir()] == ['r.html']


def test_cdn_asks_for_plotly_only(tmp_path):
    page = write_report(tmp_path / 'r.html', make(), cdn=True).read_text('utf-8')
    assert set(re.findall(r'src="(https?://[^/"]+)', page)) == {'https://cdn.plot.ly'} and len(page) < 2e6


@pytest.mark.parametrize('missing, left', [
    (['truth'], ['Key facts', 'Scores', 'Losses', 'Tokens in their text', 'Whole rows']),
    (['loss_ref'], ['Key facts', 'Scores', 'Tokens in their text', 'Whole rows']),
    (['score'], ['Key facts', 'Losses', 'Whole rows']),
    (['keep'], ['Key facts', 'Scores', 'Losses', 'Whole rows']),
    (['score', 'loss_base', 'loss_ref', 'truth'], ['Key facts', 'Whole rows']),
    (['text'], ['Key facts', 'Scores', 'Losses', 'Tokens in their text']),
    (['score', 'loss_base', 'loss_ref', 'truth', 'keep', 'text', 'starts', 'ends'],
        ['Key facts', 'Tokens in their text'])])
def test_missing_columns(tmp_path, missing, left):
    file = write_report(tmp_path / 'r.html', make().remove_columns(missing), cdn=True)
    assert headings(file.read_text('utf-8')) == left


@pytest.mark.parametrize('nan_rows', [3, 6])
def test_rows_without_scores(tmp_path, nan_rows):
    ds = make()
    score = flat(ds, 'score').copy()
    score[:nan_rows * len(hostile)] = np.nan
    ds = with_flat(ds, 'score', score)
    page = write_report(tmp_path / 'r.html', ds, cdn=True).read_text('utf-8')
    assert ('Scores' in headings(page)) == (nan_rows < 6)
    assert all(np.isfinite(score[index]).all() for index in notable_tokens(ds).values())


def test_all_kept_and_own_columns(tmp_path):
    ds = with_flat(make(), 'keep', np.isfinite(flat(make(), 'score')))
    own = pd.DataFrame(dict(round=[0, 1], speed=[1., 2.]))
    page = write_report(tmp_path / 'r.html', ds, own, cdn=True).read_text('utf-8')
    assert 'Rounds as a picture' not in headings(page) and 'Removed, with' not in page


def test_lists_are_the_extremes():
    "Each list holds, for each token id, its one extreme occurrence, in order"
    ds = make(40)
    score, keep, ids = flat(ds, 'score'), flat(ds, 'keep'), flat(ds, 'input_ids')
    lists = notable_tokens(ds, 10)
    assert [len(i) for i in lists.values()] == [10, 10, 5, 5]
    for index in lists.values(): assert len(set(ids[index])) == len(index)
    finite = np.isfinite(score)
    found = pd.DataFrame(dict(id=ids, score=score, keep=keep))[finite]
    best, worst = found[found.keep].groupby('id').score, found[~found.keep].groupby('id').score
    expected = [-np.sort(-best.max())[:10], np.sort(worst.min())[:10], np.sort(best.min())[:5], -np.sort(-worst.max())[:5]]
    for index, values in zip(lists.values(), expected): np.testing.assert_array_equal(score[index], values)


def test_a_failure_leaves_the_old_report(tmp_path, monkeypatch):
    file = write_report(tmp_path / 'r.html', make(), cdn=True)
    before = file.read_text('utf-8')
    monkeypatch.setattr(report, 'html_page', lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError): write_report(file, make(2))
    assert file.read_text('utf-8') == before and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize('content', ['<h1>My notes</h1>', '', 'x' * 3000 + mark])
def test_a_file_of_another_hand_is_refused(tmp_path, content):
    file = tmp_path / 'notes.html'
    file.write_text(content)
    words = '`path` is .*notes.html.*choose another name, or delete it'
    with pytest.raises(BadInput, match=words): write_report(file, make(), cdn=True)
    assert file.read_text() == content and [p.name for p in tmp_path.iterdir()] == ['notes.html']


def test_what_is_no_file_is_refused():
    with pytest.raises(BadInput, match='another name'): write_report('/dev/null', make(), cdn=True)


@pytest.mark.parametrize('title', ['second', hostile, 'x' * 5000])
def test_a_report_is_replaced(tmp_path, title):
    file = write_report(tmp_path / 'r.html', make(), title=title, cdn=True)
    assert file.read_text('utf-8').count(mark) == 1
    write_report(file, make(), title='third', cdn=True)
    assert '<h1>third</h1>' in file.read_text('utf-8')


def test_same_input_same_file(tmp_path):
    a, b = (write_report(tmp_path / name, make(), rounds, cdn=True).read_text('utf-8') for name in 'ab')
    assert a == b


def test_bad_input(tmp_path):
    (tmp_path / 'folder').mkdir()
    with pytest.raises(ValueError, match='not a folder'): write_report(tmp_path / 'folder', make())
    with pytest.raises(ValueError, match='with rows'): write_report(tmp_path / 'r.html', make().select([]))
    with pytest.raises(ValueError, match='at least 1'): write_report(tmp_path / 'r.html', make(), n=0)
    assert [p.name for p in tmp_path.iterdir()] == ['folder']
