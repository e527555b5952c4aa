"Slides on a projector of 1024x768: no slide blank, nothing cut off, and words that the back row can read"
import sys

import pytest

from conftest import root, shots

sys.path.insert(0, str(root/'.ci'))
import plain_site
import plain_slides

deck = root/'nbs/guides/teaching/slides.ipynb'
looked = '''() => {
    const slide = document.querySelector('.slides>section.present'), own = slide.getBoundingClientRect();
    const seen = [...slide.querySelectorAll('*')].filter(e => e.checkVisibility({visibilityProperty: true}) && !e.closest('aside'));
    const written = seen.filter(e => !e.closest('svg') && [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()));
    const out = seen.filter(e => { const b = e.getBoundingClientRect(); return b.width && (b.right > own.right + 1 || b.bottom > own.bottom + 1); });
    const size = e => parseFloat(getComputedStyle(e).fontSize);
    return {out: out.slice(0, 3).map(e => e.outerHTML.slice(0, 120)), small: written.filter(e => size(e) < 22).map(e => e.textContent.slice(0, 40)),
        hidden: seen.filter(e => e.scrollHeight > e.clientHeight + 2 && getComputedStyle(e).overflowY == 'auto').map(e => e.className),
        tokens: Math.min(...[...slide.querySelectorAll('[data-part=text] [data-k]')].map(size)),
        words: slide.innerText.trim().length, drawn: slide.querySelectorAll('svg.main-svg').length, struck: slide.querySelectorAll('s').length, table: slide.querySelectorAll('td').length,
        labels: Math.min(...[...slide.querySelectorAll('svg text')].filter(e => e.textContent.trim()).map(size))}}'''


@pytest.fixture(scope='module')
def slides(chromium, tmp_path_factory):
    "What is seen of each slide"
    folder = tmp_path_factory.mktemp('slides')
    plain_site.make(folder, [deck])
    context = chromium.new_context(viewport=dict(width=plain_slides.wide, height=plain_slides.high), offline=True)
    page, errors, found = context.new_page(), [], []
    page.on('pageerror', lambda e: errors.append(str(e)))
    page.goto(f'file://{folder}/guides/teaching/slides.html')
    for k in range(page.locator('.slides>section').count()):
        page.wait_for_timeout(300)
        found.append(page.evaluate(looked))
        page.screenshot(path=shots/f'slide_{k + 1:02}.png')
        page.keyboard.press('PageDown')
    context.close()
    assert not errors
    return found


def test_no_slide_is_blank_or_cut_off(slides):
    assert len(slides) == 17
    for k, slide in enumerate(slides, 1): assert slide['words'] > 60 and not slide['out'] and not slide['hidden'], (k, slide)


def test_words_are_large(slides):
    for k, slide in enumerate(slides, 1):
        assert not slide['small'], (k, slide['small'])
        assert (slide['tokens'] or 99) >= 34 and (slide['labels'] or 99) >= 18, (k, slide)


def test_a_wrong_answer_is_struck_and_three_worlds_have_numbers(slides):
    assert [s['struck'] for s in slides if s['struck']] == [4]
    assert max(s['table'] for s in slides) == 12 and sum(s['drawn'] > 0 for s in slides) == 5
