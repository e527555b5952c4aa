"The page of a pool carries what it says it carries, and a text in it is text"
import re

import numpy as np
import pytest
from pages import opened

import tokenclean_nb as tc
from tokenclean_nb.figures import pool
from tokenclean_nb.figures.packing import token_arrays, words_of
from tokenclean_nb.figures.pool import pool_html

ds = tc.example_table()
hostile = '<script>alert(1)</script></template> &amp; $x^2$ "q" \' \u202eabc\x00 日本語 👩‍🚀'
bad = tc.example_table([('Say ' + hostile, hostile)])


def test_types_come_along_where_the_column_holds_them():
    response = np.isfinite(tc.flat(ds, 'score'))
    types = np.where(response, np.arange(len(response)) % 4, np.nan)
    head, arrays = opened(pool_html(tc.with_flat(ds, 'type', types)))
    assert head['types'] == list(tc.kinds_of_tokens)
    np.testing.assert_array_equal(arrays['type'], types[response])
    np.testing.assert_array_equal(arrays['rowType'], np.where(response, types, 255))
    others = [ds.add_column('type', ['a'] * len(ds)), ds.add_column('type', [3] * len(ds)), tc.with_flat(ds, 'type', types + 2)]
    assert not any('type' in opened(pool_html(other))[1] for other in others), 'another column of that name'


def test_the_page_counts_what_the_table_holds():
    head, arrays = opened(pool_html(ds))
    response = np.isfinite(tc.flat(ds, 'score'))
    assert arrays['keptCount'].sum() == tc.flat(ds, 'keep').sum() and len(arrays['score']) == response.sum() == arrays['tokens'].sum()
    assert head['texts'] == ds['text'][:] and arrays['carried'].all() and head['note'] == ''
    np.testing.assert_array_equal(arrays['kept'], tc.flat(ds, 'keep')[response])
    np.testing.assert_allclose(arrays['rowScore'][response] * head['step'], tc.flat(ds, 'score')[response], atol=head['step'])


def test_tokens_of_a_page_stand_where_they_stand_in_the_table():
    "Also after a token without characters in the middle of a row, and for tokens that share a character"
    table = ds.select(range(2)).remove_columns(['starts', 'ends'])
    starts, ends = [[0, 2, 0, 5, 5] + [9] * (len(i) - 5) for i in table['input_ids']], [[2, 5, 0, 6, 6] + [9] * (len(i) - 5) for i in table['input_ids']]
    table = table.add_column('starts', starts).add_column('ends', ends)
    arrays = token_arrays(table, [tc.flat(table, 'keep')], .01)
    end, found = 0, []
    for gap, size in zip(arrays['gap'][:5].tolist(), arrays['size'][:5].tolist()):
        found.append((end + gap, end + gap + size))
        end += gap + size
    assert found == [(0, 2), (2, 5), (5, 5), (5, 6), (5, 6)]


def test_a_word_is_counted_once():
    index = np.flatnonzero(np.isfinite(tc.flat(ds, 'score')))
    number, words = words_of(ds, index)
    assert len(words) == len(set(words)) and number.max() + 1 == len(words)
    assert [words[k] for k in number[:5]] == [t.strip() for t in tc.tokens_at(ds, index[:5]).token]


def test_a_large_pool_is_drawn_and_says_so(monkeypatch):
    monkeypatch.setattr(pool, 'most_rows', 3)
    monkeypatch.setattr(pool, 'most_tokens', 20)
    monkeypatch.setattr(pool, 'most_texts', 300)
    head, arrays = opened(pool_html(ds))
    assert len(arrays['number']) == 3 and len(arrays['score']) == 20 == arrays['sampled'].sum()
    assert '3 of 6 rows, drawn at random' in head['note'] and 'from 20 of' in head['note'] and len(head['texts']) < 3
    assert opened(pool_html(ds, seed=0))[1]['number'].tolist() == arrays['number'].tolist()


def test_two_selections():
    other = tc.keep_top(tc.flat(ds, 'loss_base'), tc.trained(ds), .5)
    _, arrays = opened(pool_html(ds, other))
    assert arrays['differ'].sum() == (other != tc.flat(ds, 'keep')).sum() and 'kept2' in arrays
    _, again = opened(pool_html(ds, tc.with_flat(ds, 'keep', other)))
    np.testing.assert_array_equal(again['kept2'], arrays['kept2'])
    with pytest.raises(ValueError, match='the same rows and tokens'): pool_html(ds, ds.select([0, 1]))


def test_nothing_in_a_text_acts():
    "Texts stand in the page as compressed letters, and where no script runs as escaped ones"
    html = re.sub(r'<script type="text/plain".*?</script>', '', pool_html(bad, by='text'))
    assert 'alert(1)' not in html.replace('&lt;script&gt;alert(1)', '') and '\x00' not in html and '\u202e' not in html


@pytest.mark.parametrize('change, words', [(dict(by='colour'), 'one value per row'), (dict(by='score'), 'one value per row'), (dict(other=[True]), 'one bool'), (dict(names=('a',)), 'two names'), (dict(names='ab'), 'two names')])
def test_bad_input(change, words):
    with pytest.raises(ValueError, match=words): pool_html(ds, **change)


def test_infinite_losses_and_scores_leave_the_page_alive():
    loss, score = tc.flat(ds, 'loss_base').copy(), tc.flat(ds, 'score').copy()
    loss[::3], scored = np.inf, np.flatnonzero(np.isfinite(score))
    score[scored[:4]] = np.nan
    head, arrays = opened(pool_html(tc.with_flat(tc.with_flat(ds, 'loss_base', loss), 'score', score)))
    assert np.isfinite(head['loss_high']) and head['loss_high'] > 0 and len(arrays['score']) == len(scored) - 4
    assert '4 response tokens have no score and are left out' in head['note']
    np.testing.assert_allclose(np.sort(arrays['score']), np.sort(score[scored[4:]]), rtol=1e-6)


def test_the_last_token_of_a_short_answer_ends_it():
    _, arrays = opened(pool_html(ds))
    last = np.cumsum(arrays['sampled']) - 1
    assert (arrays['band'][last] == 9).all() and (arrays['band'][np.r_[0, last[:-1] + 1]] == 0).all()


def test_no_source_is_not_the_word_none():
    head, _ = opened(pool_html(ds.add_column('source', [None, 'None', '', 'a', 'a', None]), by='source'))
    assert head['sources'] == ['(empty)', '(none)', 'None', 'a']


def test_without_a_script_rows_have_their_own_numbers():
    html = pool_html(ds, rows=np.array([4, 2]), which='two rows', code=False)
    still = html[html.index('class="tc-still"'):]
    numbers = re.findall(r'<tr><td class="number">(\d+)</td>', still)
    assert sorted(numbers) == ['2', '4']
    _, arrays = opened(html)
    removed = 1 - arrays['keptCount'] / arrays['tokens']
    assert int(numbers[0]) == arrays['number'][removed.argmax()]
