"The pages of the site, made as far as they go without Quarto: nothing from elsewhere, no error, no sideways scrolling, no link that leads nowhere"
import importlib.util
import sys

import pytest

from conftest import root, shots

sys.path.insert(0, str(root/'.ci'))
spec = importlib.util.spec_from_file_location('check_site', root/'.ci/check_site.py')
check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check)


@pytest.fixture(scope='session')
def site(tmp_path_factory):
    "The folder of the pages"
    import plain_site
    folder = tmp_path_factory.mktemp('site')
    plain_site.make(folder)
    return folder


def test_every_page_is_without_fault(chromium, site):
    names = [p.relative_to(site).as_posix() for p in sorted(site.rglob('*.html'))]
    found = [*check.read_faults(site), *check.browsed_faults(site, chromium, names)]
    assert len(names) > 100 and not found, '\n'.join(found)


def test_the_checker_finds_what_a_browser_sees(chromium, tmp_path):
    (tmp_path/'bad.html').write_text('<!DOCTYPE html><title>x</title><link rel="icon" href="data:,"><div style="width:900px">wide</div><div class="plotly-graph-div">x</div><script>fetch("https://nowhere.invalid/x"); missing()</script>')
    found = '\n'.join(check.browsed_faults(tmp_path, chromium, ['bad.html'], wait=500))
    for fault in ('scrolls sideways', 'DIV', 'asks for https://nowhere.invalid', 'missing is not defined', '1 figures are not drawn'): assert fault in found, (fault, found)


@pytest.mark.parametrize('mode', ['light', 'dark', '390', 'print'])
def test_the_landing_page_opens_from_a_folder(chromium, site, mode):
    "With no server and no network: one answer in colour that follows its slider, and a chart"
    context = chromium.new_context(viewport=dict(width=390 if mode == '390' else 1100, height=900), color_scheme='dark' if mode == 'dark' else 'light', offline=True)
    page = context.new_page()
    seen = check.watch(page, 'file:')
    page.goto(f'file://{site}/index.html')
    if mode == 'print': page.emulate_media(media='print')
    view = page.locator('[data-view=tokens]').first
    assert view.bounding_box()['y'] + 200 < 900, 'it is seen without scrolling'
    kept = view.locator('[data-part=text] [data-kind=kept]')
    assert 'Cels' in kept.all_inner_texts() or ' C' in kept.all_inner_texts()
    assert page.locator('img[src^="data:image/svg"]').count() == 1 and page.locator('a[href="lessons/01_not_all_tokens_teach.html"]').is_visible()
    page.screenshot(path=shots/f'landing_{mode}.png', full_page=True)
    if mode != 'print':
        view.locator('input[type=range]').focus()
        page.keyboard.press('Home')
        assert kept.count() == 0
    assert not seen.asked and not seen.errors
    context.close()
