"The page of two runs: hostile text and names, a telephone, dark, print, without colour, without scripts"
import numpy as np
import pytest

from conftest import shots
from test_page import colours, hostile, luminance
from tokenclean_nb.data.table import with_flat
from tokenclean_nb.figures.differences import write_comparison
from tokenclean_nb.worlds.recorded import example_table, example_texts

ds = example_table(example_texts * 20 + [('Say ' + hostile, hostile)])
other = with_flat(ds, 'keep', np.roll(np.array([k for row in ds['keep'] for k in row]), 2))


@pytest.fixture(scope='module')
def html(tmp_path_factory):
    "The page; it is small, for it draws without Plotly"
    path = write_comparison(tmp_path_factory.mktemp('c')/'c.html', ds, other, ('ours', hostile), title=hostile, facts=({'a': hostile}, {hostile: 1}))
    assert path.stat().st_size < 6e5
    return path


def opened(chromium, html, **options):
    "The page in a browser that has no network"
    context = chromium.new_context(**dict(viewport=dict(width=1100, height=900)) | options)
    page = context.new_page()
    page.asked, page.errors = [], []
    page.on('request', lambda r: page.asked.append(r.url) if not r.url.startswith(('file:', 'data:', 'blob:')) else None)
    page.on('pageerror', lambda e: page.errors.append(str(e)))
    page.goto(f'file://{html}', timeout=120_000)
    if options.get('java_script_enabled', True): page.wait_for_selector('.tc-live [data-part=row] [data-k]', timeout=60_000)
    return page


def test_hostile_text_and_names_stay_text(chromium, html):
    page = opened(chromium, html)
    assert page.evaluate('window.ran') is None and not page.errors and not page.asked
    said = page.locator('section').first.inner_text()
    assert '<script>window.ran=1</script></a><img' in said and '&amp;' in said and '⟦U+202E⟧' in said
    assert [h.strip() for h in page.locator('h2').all_inner_texts()] == ['In short', 'Rows that differ most', 'Words', 'Scores', 'The whole pool', 'Key facts']
    page.screenshot(path=shots/'comparison.png', full_page=True)
    page.context.close()


def test_each_word_stands_once_in_a_list(chromium, html):
    page = opened(chromium, html)
    for table in page.locator('section', has=page.locator('h2', has_text='Words')).locator('table').all():
        words = table.locator('tbody tr td:first-child').all_inner_texts()
        assert words and len(set(words)) == len(words)
    page.context.close()


def test_what_differs_is_framed_in_both(chromium, html):
    page = opened(chromium, html)
    rows = page.locator('section', has=page.locator('h2', has_text='Rows that differ most')).locator('[data-view=tokens]')
    framed = lambda k: rows.nth(k).locator('[data-part=text] [style*=outline]').all_inner_texts()
    kinds = lambda k: rows.nth(k).locator('[data-part=text] [style*=outline]').evaluate_all('all => all.map(e => e.dataset.kind)')
    assert rows.count() == 6 and framed(0) and framed(0) == framed(1)
    assert all({a, b} == {'kept', 'removed'} or 'mixed' in (a, b) for a, b in zip(kinds(0), kinds(1)))
    page.context.close()


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_a_telephone_scrolls_down_only(chromium, html, scheme):
    page = opened(chromium, html, viewport=dict(width=390, height=800), color_scheme=scheme)
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    ground = page.evaluate('getComputedStyle(document.body).backgroundColor')
    assert ground == ('rgb(24, 24, 24)' if scheme == 'dark' else 'rgb(255, 255, 255)')
    page.screenshot(path=shots/f'comparison_390_{scheme}.png', full_page=True)
    page.context.close()


def test_on_paper_controls_are_gone_and_words_are_there(chromium, html):
    page = opened(chromium, html, color_scheme='dark')
    page.emulate_media(media='print')
    assert not page.locator('[data-part=controls]').first.is_visible() and page.locator('[data-part=text]').first.is_visible()
    assert page.evaluate('getComputedStyle(document.body).backgroundColor') == 'rgb(255, 255, 255)'
    assert page.locator('.tc-view').first.evaluate('e => getComputedStyle(e).colorScheme') == 'light'
    page.pdf(path=shots/'comparison.pdf')
    page.screenshot(path=shots/'comparison_print.png', full_page=True)
    page.context.close()


def test_kept_and_removed_differ_without_colour(chromium, html):
    "By lightness alone: a removed word is nearer to its ground than a kept one"
    page = opened(chromium, html)
    def contrast(kind):
        pairs = page.evaluate(colours.replace('.tc-view :is(span,div,td,th,output,button,label)', f'[data-part=text] > [data-kind={kind}]'))
        return np.array([(max(a, b) + .05) / (min(a, b) + .05) for a, b in (map(luminance, pair) for pair in pairs)])
    assert contrast('kept').min() > contrast('removed').max() and np.median(contrast('kept')) > 1.6 * np.median(contrast('removed'))
    page.add_style_tag(content='html{filter:grayscale(1)}')
    page.screenshot(path=shots/'comparison_grey.png')
    page.context.close()


def test_without_scripts_the_answer_stands(chromium, html):
    page = opened(chromium, html, java_script_enabled=False)
    assert 'decide alike' in page.locator('section').first.inner_text() and page.locator('.tc-still img').is_visible()
    page.context.close()
