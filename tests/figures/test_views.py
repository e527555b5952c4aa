"Views show every character once and every token, and nothing in a text acts"
import html
import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import plotly.graph_objects as go
import pytest
import regex
from datasets import Dataset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import tokenclean_nb as tc
from tokenclean_nb.figures import token_figure
from tokenclean_nb.figures import tokens as views
from tokenclean_nb.data.table import flat, lengths
from tokenclean_nb.figures.lookup import locate, tokens_at
from tokenclean_nb.figures.pieces import cut_row
from tokenclean_nb.figures.style import escape_html, escape_plotly, mark, visible
from tokenclean_nb.figures.script import bound_script, slider_data, view_style
from tokenclean_nb.figures.token_figure import plot_tokens
from tokenclean_nb.figures.tokens import token_context, token_view

quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
samples = [
    '東京は日本の首都です。', 'กรุงเทพมหานคร', 'القاهرة هي عاصمة مصر',
    '👩‍🚀👨‍👩‍👧🏴󠁧󠁢󠁥󠁮󠁧󠁿 é é', 'नमस्ते',
    '<script>alert(1)</script>', '</a></div>', '&amp;&lt;', '"\'`', '$x^2$ %{y} %{customdata}',
    '\u202eabc\u202c\u2066x\u2069', '\x00\x1b[31m\x7f\x85', 'a\r\nb\n\n\tc  d ', '⟦U+202E⟧ ↵ · ␀',
    '\u200b\ufeff\u2028', '<!-- x --> <![CDATA[', '&#36;', ' ', '\n', '\u3000\xa0']
part_of_text = st.one_of(st.sampled_from(samples), st.text(max_size=12))
texts = st.lists(part_of_text, min_size=1, max_size=5).map(''.join).filter(
    lambda s: s and not any(0xd800 <= ord(c) <= 0xdfff for c in s))


def bytes_bpe():
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, show_progress=False)
    bpe.train_from_iterator(samples * 2, trainer)
    return bpe


bpe = bytes_bpe()


def table(rows, seed=0, **columns):
    "A table from `(text, offsets)` rows with random losses, half of the response tokens kept"
    rng = np.random.default_rng(seed)
    n = [len(offsets) for _, offsets in rows]
    part = lambda make: [make(k) for k in n]
    base = part(lambda k: np.where(np.arange(k) < k // 4 + 1, np.nan, rng.gamma(2, 1, k)))
    ds = dict(input_ids=part(lambda k: rng.integers(0, 99, k).astype(np.int32)), text=[t for t, _ in rows],
        starts=[[a for a, _ in o] for _, o in rows], ends=[[b for _, b in o] for _, o in rows],
        loss_base=base, score=[b - 1.5 for b in base],
        keep=[np.isfinite(b) & (rng.random(len(b)) < .5) for b in base])
    ids = zip(base, ds['input_ids'])
    ds['labels'] = [np.where(np.isfinite(b), i, -100).astype(np.int32) for b, i in ids]
    return Dataset.from_dict({**ds, **columns})


def encoded(text, seed=0): return table([(text, [(0, 0), *bpe.encode(text).offsets])], seed)


class Shown(HTMLParser):
    "What a reader sees: the text without the signs that only picture a character, elements and attributes"

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.text, self.stack, self.seen, self.titles, self.inside = '', [], set(), [], False
        self.feed(page)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag, attrs):
        self.seen |= {(tag, k) for k, _ in attrs} | {(tag, None)}
        attrs = dict(attrs)
        if tag == 'br':
            self.text += '\n' * self.inside
            return
        self.stack.append((tag, 'aria-hidden' in attrs, attrs.get('data-part')))
        self.titles.append(attrs.get('title', ''))
        self.inside = self.inside or attrs.get('data-part') == 'text'

    def handle_endtag(self, tag):
        name, _, part = self.stack.pop()
        assert name == tag
        if part == 'text': self.inside = False

    def handle_data(self, data):
        if not self.inside or self.stack[-1][1]: return
        self.text += self.meant(data) if self.stack[-1][0] == 'i' else data

    def meant(self, sign):
        "The character a sign stands for"
        if len(sign) > 1: return chr(int(sign[3:-1], 16))
        return '\x7f' if sign == '␡' else chr(ord(sign) - 0x2400)

    def handle_comment(self, data): raise AssertionError(f'a comment: {data}')
    handle_decl = handle_pi = unknown_decl = handle_comment


harmless = 'style', 'title', 'role', 'aria-label', 'aria-hidden', 'class', 'data-part', 'data-view', 'data-kind', 'dir'
allowed = {(tag, k) for tag in ('div', 'span', 'i') for k in (None, *harmless)} | {(tag, None) for tag in ('br', 'style', 'script')}


@quick
@given(texts, st.sampled_from(['score', 'loss_base', None]))
def test_visible_text_is_the_text(text, value):
    ds = encoded(text)
    view = token_view(ds, value=value, slider=False)
    shown = Shown(view.html)
    assert shown.text == reached(text, flat(ds, 'ends'))
    assert shown.seen <= allowed
    assert len(view.to_frame()) == lengths(ds)[0]


@quick
@given(texts)
def test_every_token_is_reachable(text):
    view = token_view(encoded(text), slider=False)
    titles = '\n'.join(Shown(view.html).titles)
    lines = [line for line in titles.split('\n') if 'position ' in line]
    positions = [int(line.split('position ')[-1].split(',')[0]) for line in lines]
    assert sorted(positions) == list(range(len(view.frame)))


spans = st.tuples(st.integers(-3, 15), st.integers(-3, 15))


@quick
@given(texts)
def test_plain_twin(text):
    ds = encoded(text)
    ds = ds.remove_columns('keep')
    shown = visible(reached(text, flat(ds, 'ends')), keep='\n\t')
    assert str(token_view(ds)) in (shown, f'{shown}…')


@quick
@given(st.text(min_size=1, max_size=12), st.lists(spans, min_size=1, max_size=9), st.integers(0, 4))
def test_any_spans(text, spans, seed):
    "Also spans no tokenizer would make: out of order, nested, reversed, beyond the text"
    ds = table([(text, spans)], seed)
    view = token_view(ds, slider=False)
    ends = [0, *(b for a, b in zip(view.frame.start, view.frame.end) if a < b)]
    assert Shown(view.html).text == reached(text, ends)
    plot_tokens(ds)


@quick
@given(texts)
def test_figure_text_cannot_act(text):
    fig = plot_tokens(encoded(text), value='loss_base')
    for trace in fig.data:
        said = trace.text if isinstance(trace, go.Scatter) else np.ravel(trace.customdata)
        nodes = [node for node in said if node is not None]
        for node in nodes:
            bare = node.replace('<br>', '')
            assert '<' not in bare and '$' not in bare and not any(mark(c) and c != '\xa0' for c in bare)
        assert trace.hovertemplate in (None, '%{customdata}<extra></extra>')
    letter_traces = [trace for trace in fig.data[1:] if isinstance(trace, go.Scatter)]
    letters = sorted(letter for t in letter_traces for letter in zip(t.y, t.x, t.text))
    without_spaces = lambda t: re.sub('[ \xa0]', '', t)
    shown = without_spaces(html.unescape(''.join(t for *_, t in letters)))
    frame = token_view(encoded(text)).frame
    assert shown.replace(f'⟦{frame.id[0]}⟧', '', 1) == without_spaces(visible(reached(text, frame.end)))


def reached(text, ends):
    "The text up to the last token, whole characters"
    return ''.join(c[0] for c in regex.finditer(r'\X', text) if c.start() < max(ends))


@pytest.mark.parametrize('text', ['👨‍👩‍👧‍👦!', 'e\u0301\u0323x', '🇩🇪🇫🇷', 'नमस्ते', 'กำ', 'a\r\nb', '👍🏽'])
def test_no_view_cuts_a_character(text):
    "A token per code point: the pieces are what a reader takes for characters"
    ds = table([(text, [(k, k + 1) for k in range(len(text))])])
    cut = cut_row(ds, 0, None, None, 0, 99)
    assert [text[a:b] for a, b, _ in cut.pieces] == regex.findall(r'\X', text)
    assert [len(tokens) for *_, tokens in cut.pieces] == [len(c) for c in regex.findall(r'\X', text)]


def test_indentation_keeps_its_width_in_the_figure():
    "Spaces and tabs before a word move the word: Plotly cuts leading spaces off"
    text = '    if x:\n\treturn\n\t  no'
    ds = table([(text, [(0, 6), (6, 9), (9, 10), (10, 17), (17, 18), (18, 23)])], keep=[[True] * 6])
    letters = {t: x + .5 for trace in plot_tokens(ds).data for x, t in zip(trace.x or (), trace.text or ()) if isinstance(trace, go.Scatter)}
    assert letters['if'] == 4 and letters['\xa0x:'.lstrip('\xa0')] == 7
    tab = '⇥\xa0\xa0\xa0'
    assert letters[tab + 'return'] == 0 and letters[tab + '\xa0\xa0no'] == 0


@quick
@given(texts, st.integers(0, 20))
def test_context(text, width):
    ds = encoded(text)
    n = lengths(ds)[0]
    view = token_context(ds, np.arange(n), width)
    frame = view.frame
    whole = [text[a:b] for a, b in zip(flat(ds, 'starts'), flat(ds, 'ends'))]
    assert list(frame.token) == whole
    assert all(f.before + f.token + f.after in text for f in frame.itertuples())
    assert '<script' not in view.html and '\x1b' not in view.html + str(view) and 'mathjax_ignore' in view.html
    assert len(str(view).split('\n')) >= n


def test_scripts_and_styles_cannot_end_early():
    assert view_style().count('</') == bound_script('figures/view.js', 'tokenView').count('</') == 1


def test_what_is_not_decided_is_neither_kept_nor_removed():
    ds = table([('abc', [(0, 1), (1, 2), (2, 3)])], loss_base=[[1., 2., 3.]], score=[[1., 2., 3.]], labels=[[1, 2, 3]])
    view = token_view(ds, keep=np.array([1, 0, np.nan]))
    assert list(view.frame.status) == ['kept', 'removed', 'trained'] and str(view) == '[a]{b}c'


def test_pages_join_to_the_text(monkeypatch):
    text = ''.join(samples) * 2
    ds, whole = encoded(text), token_view(encoded(text))
    monkeypatch.setattr(views, 'page_size', 7)
    monkeypatch.setattr(token_figure, 'figure_size', 7)
    pages = -(-len(whole.frame) // 7)
    assert ''.join(Shown(token_view(ds, page=p).html).text for p in range(pages)) == text
    for page in 0, pages - 1:
        assert f'page {page} of 0 to {pages - 1}: tokens ' in plot_tokens(ds, page=page).layout.title.text
        assert f'page={(page + 1) % pages} shows' in token_view(ds, page=page).html
    with pytest.raises(ValueError, match='from 0 to'): token_view(ds, page=pages)


def test_special_tokens_without_characters():
    ds = table([('ab', [(0, 0), (0, 1), (1, 2), (0, 0)])])
    view = token_view(ds, slider=False)
    assert Shown(view.html).text == 'ab'
    assert view.html.index(f'id {view.frame.id[3]}⟧') > view.html.index('b</')


def test_uncovered_text_stays_and_the_tail_is_said():
    view = token_view(table([('a b tail', [(0, 1), (2, 3)])]), slider=False)
    assert Shown(view.html).text == 'a b' and '5 more characters' in view.html and str(view).endswith('…')


def test_mixed_piece_shows_the_extreme():
    ds = table([('é!', [(0, 0), (0, 1), (0, 1), (1, 2)])], keep=[[False, True, False, True]],
        loss_base=[[np.nan, 1., 2., 3.]], score=[[np.nan, .5, -3., 1.]], labels=[[-100, 1, 2, 3]])
    view = token_view(ds, limit=3)
    assert re.search(r'<span style="background:#b35806..;opacity:.82"[^>]* data-kind="mixed"', view.html) and str(view) == '<é>[!]'


def test_the_scale_of_the_pool():
    ds = tc.example_table()
    scores = tc.flat(ds, 'score')
    limit = np.quantile(np.abs(scores[np.isfinite(scores)]), .98)
    for i in (0, 1):
        assert token_view(ds, i, limit='pool').html == token_view(ds, i, limit=limit).html != token_view(ds, i).html
    assert token_view(ds, 0, None, 'pool').html == token_view(ds, 0, None).html
    with pytest.raises(ValueError, match="'pool', or None"): token_view(ds, limit='row')


@pytest.mark.parametrize('arguments, words', [
    ((9,), 'from 0 to 0'), ((-1,), 'from 0 to 0'), (('a',), 'a row number'), ((0, 'entropy'), 'one of None'),
    ((0, 'text'), 'one of None'), ((0, 'score', -1), 'above 0'), ((0, 'score', None, 3), 'from 0 to 0')])
@pytest.mark.parametrize('view', [token_view, plot_tokens])
def test_bad_input(view, arguments, words):
    with pytest.raises(ValueError, match=words): view(encoded('abc'), *arguments)


@quick
@given(texts)
def test_slider_adds_ranks_and_a_constant_script(text):
    "Numbers are all that the slider takes from the table"
    ds = encoded(text)
    plain, moving = token_view(ds, slider=False), token_view(ds)
    assert plain.text == moving.text
    assert moving.html.count(script := bound_script('figures/view.js', 'tokenView')) == 1 and script in plain.html
    bare = re.sub(r' data-(r="[\d -]+"|c="#\w{8}"|scores="[-\d.,e+]*"|kept="\d+")', '', moving.html)
    below = re.compile('<div style="line-height.*?</div>') # the legend: what can be removed is explained
    assert below.sub('', bare) == below.sub('', plain.html)
    numbers = slider_data(moving.frame)
    assert bool(numbers) == (' data-scores=' in moving.html)
    written = ' '.join(re.findall(r' data-r="([\d -]+)"', moving.html)).split()
    ranks = sorted(int(r) for r in written if r != '-')
    assert ranks == list(range(1, len(ranks) + 1))
    assert len(ranks) == moving.frame['rank'].notna().sum() * bool(numbers)


@pytest.mark.parametrize('text', samples)
def test_several_rows_and_columns(text):
    ds = table([(text, [(0, 0), *bpe.encode(text).offsets])] * 3)
    view = token_view(ds, [0, 2], ['loss_base', 'score'], slider=False)
    assert Shown(view.html).text == reached(text, flat(ds, 'ends')) * 4
    assert list(view.frame.groupby('view').row.unique().map(list)) == [[0], [2]]
    assert str(view).count('row 2:') == 2
    assert view.html.count('or more') == 4


def test_own_mask_and_frames():
    ds = encoded('abc abc')
    n = lengths(ds)[0]
    own = np.arange(n) == n - 1
    view = token_view(ds, keep=own, marked=own, slider=False)
    assert str(view).endswith(']*') and view.html.count('outline:2px solid #c65d00') == 1
    assert list(view.frame.query("status == 'kept'").position) == [n - 1]


@pytest.mark.parametrize('view', [token_view, plot_tokens])
def test_odd_rows(view):
    "Empty rows, one token, a token of 10,000 characters, scores that are all NaN, 100,000 tokens"
    long = 'x' * 10_000
    said = lambda shown: shown.html if view is token_view else shown.layout.title.text
    assert '0 tokens' in said(view(table([('', [])])))
    view(table([('a', [(0, 1)])]))
    shown = view(table([(long + ' b', [(0, 10_000), (10_000, 10_002)])]))
    if view is token_view: assert Shown(shown.html).text == long + ' b'
    view(table([('ab', [(0, 1), (1, 2)])], score=[[np.nan, np.nan]], loss_base=[[np.nan, np.nan]]))
    many = view(table([('ab' * 50_000, [(k, k + 1) for k in range(100_000)])]))
    assert '100,000 tokens' in said(many) and 'page=1 shows the next' in said(many)


def test_table_without_text():
    for call in (lambda ds: token_view(ds), lambda ds: plot_tokens(ds), lambda ds: token_context(ds, [0])):
        with pytest.raises(ValueError, match='keep_text=True'): call(encoded('abc').remove_columns('text'))


def test_locate_on_views_of_a_table():
    ds = table([('ab', [(0, 1), (1, 2)]), ('', []), ('xyz', [(0, 1), (1, 2), (2, 3)])])
    turned = ds.select([2, 1, 0])
    assert [r.tolist() for r in locate(turned, [0, 2, 3])] == [[0, 0, 2], [0, 2, 0]]
    assert list(tokens_at(turned, [4, 0, 2]).token) == ['b', 'x', 'z']
    assert list(tokens_at(ds.shuffle(seed=1), np.arange(5)).id) == list(flat(ds.shuffle(seed=1), 'input_ids'))


def test_views_do_not_change_or_show_anything(capsys):
    ds = encoded('abc')
    before = ds.to_dict()
    token_view(ds), plot_tokens(ds), token_context(ds, [1])
    assert json.dumps(ds.to_dict(), default=str) == json.dumps(before, default=str)
    assert capsys.readouterr().out == ''


no_tables = {'a run': (SimpleNamespace(data=None), 'run.data'), 'records': ([dict(text='a')], 'tc.as_table'), 'a number': (5, 'tc.as_table')}
takers = tc.token_view, tc.plot_tokens, tc.plot_scores, tc.plot_quadrants, tc.plot_token_types, tc.pool_view, tc.notable_tokens, tc.lengths, tc.trained


@pytest.mark.parametrize('what, remedy', no_tables.values(), ids=no_tables)
@pytest.mark.parametrize('taker', takers, ids=lambda f: f.__name__)
def test_what_is_no_table_is_refused_with_the_way_to_one(taker, what, remedy):
    with pytest.raises(tc.BadInput, match=re.escape(remedy)): taker(what)


def test_other_frames_numbers_and_ranges_are_refused():
    wrong = [lambda: tc.plot_rounds([]), lambda: tc.plot_rounds('a'), lambda: tc.plot_measured(5), lambda: tc.plot_bounds(.4, .2, tokens=5), lambda: tc.plot_payoff(tokens=(5, 1)),
        lambda: token_context(encoded('abc'), [1], width=1.5), lambda: tc.BoundExplorer(noise=float('nan'))]
    for call in wrong:
        with pytest.raises(tc.BadInput, match='it must be'): call()
    assert len(tc.plot_payoff(.5).data) == len(tc.plot_payoff((.5,)).data)


def test_escapes():
    assert escape_html('<&">\'') == '&lt;&amp;&quot;&gt;&#x27;'
    assert escape_plotly('&#36; <b>$') == '&amp;#36; &lt;b&gt;&#36;'
