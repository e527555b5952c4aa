"What is wrong with a built site, a line per fault: python .ci/check_site.py FOLDER [SCREENSHOTS]"
import functools
import re
import shutil
import sys
import threading
from collections import namedtuple
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

loads = dict(script='src', img='src', iframe='src', source='src', video='src', audio='src', link='href') # what a browser fetches
quiet = {'canonical', 'alternate', 'next', 'prev', 'author', 'license'} # links that it does not
style_url = re.compile(r'@import\s+(?:url\()?["\']?([^"\')\s;]+)|url\(\s*["\']?([^"\')\s]+)')
imported = re.compile(r'^\s*import\s[^\n]*?["\']((?:https?:)?//[^"\']+)', re.M) # by a script in the page
narrow = 390


class Page(HTMLParser):
    "What a page loads, where it links to, and which anchors it has"
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.loaded, self.linked, self.anchors, self.inside = [], [], set(), ''
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors |= {attrs[k] for k in ('id', 'name') if attrs.get(k)}
        self.inside = tag
        if tag == 'a' and attrs.get('href'): self.linked.append(attrs['href'])
        if tag == 'link' and set(attrs.get('rel', '').split()) & quiet: return
        if attrs.get(loads.get(tag)): self.loaded.append(attrs[loads[tag]])

    def handle_data(self, data):
        if self.inside == 'style': self.loaded += [a or b for a, b in style_url.findall(data)]
        if self.inside == 'script': self.loaded += imported.findall(data)

    def handle_endtag(self, tag): self.inside = ''


def foreign(address): return bool(re.match(r'(https?:)?//', address))


def local(folder, path, address):
    "The file and the anchor that an address of a page means"
    parts = urlsplit(address)
    if not parts.path: return path, unquote(parts.fragment)
    there = folder/parts.path[1:] if parts.path.startswith('/') else path.parent/unquote(parts.path)
    return (there/'index.html' if there.is_dir() else there).resolve(), unquote(parts.fragment)


def read_faults(folder):
    "Foreign addresses, broken links and anchors, read from the files"
    folder = Path(folder).resolve()
    pages = {path: Page(path.read_text(encoding='utf-8')) for path in sorted(folder.rglob('*.html'))}
    for path in sorted(folder.rglob('*.css')):
        for a, b in style_url.findall(path.read_text(encoding='utf-8')):
            if foreign(a or b): yield f'{path.relative_to(folder)}: loads {a or b}'
    for path, page in pages.items():
        name = path.relative_to(folder)
        for address in page.loaded:
            if foreign(address): yield f'{name}: loads {address[:100]}'
            elif not address.startswith('data:') and not local(folder, path, address)[0].exists(): yield f'{name}: loads {address}, which is not there'
        for address in dict.fromkeys(page.linked):
            if re.match(r'\w+:|//', address): continue
            there, anchor = local(folder, path, address)
            if not there.exists(): yield f'{name}: links to {address}, which is not there'
            elif anchor and there in pages and anchor not in pages[there].anchors: yield f'{name}: links to {address}, and there is no such anchor'


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass


def served(folder):
    "A server of the folder, in a thread of its own, and its address"
    server = ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f'http://127.0.0.1:{server.server_port}/'


Seen = namedtuple('Seen', 'asked errors')


def watch(page, home):
    "Note what a page asks for from elsewhere, and its errors"
    seen = Seen([], [])
    page.on('request', lambda r: seen.asked.append(r.url[:100]) if not r.url.startswith((home, 'data:', 'blob:', 'file:', 'about:')) else None)
    page.on('pageerror', lambda e: seen.errors.append(str(e).splitlines()[0]))
    page.on('console', lambda m: seen.errors.append(m.text[:200]) if m.type == 'error' else None)
    return seen


wide_parts = '''() => [...document.querySelectorAll('body *')].filter(e => {
    if (e.getBoundingClientRect().right <= innerWidth + 1) return false;
    for (let box = e.parentElement; box; box = box.parentElement) if (getComputedStyle(box).overflowX != 'visible') return false;
    return true}).slice(0, 3).map(e => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 40)}`)'''

undrawn = '''[...document.querySelectorAll('.plotly-graph-div')].filter(e => !e.querySelector('svg') && e.checkVisibility()).length'''


def browsed_faults(folder, browser, names, shots=None, wait=20_000):
    "Requests to elsewhere, errors, and sideways scrolling of a telephone, found by opening each page"
    server, home = served(folder)
    context = browser.new_context(viewport=dict(width=narrow, height=800))
    try:
        for name in names:
            page = context.new_page()
            seen = watch(page, home)
            page.goto(urljoin(home, name), wait_until='load', timeout=120_000)
            try: page.wait_for_function(f'{undrawn} == 0', timeout=wait)
            except Exception: yield f'{name}: {page.evaluate(undrawn)} figures are not drawn'
            page.wait_for_timeout(300)
            width = page.evaluate('document.documentElement.scrollWidth')
            if width > narrow: yield f'{name}: scrolls sideways at {narrow} pixels, to {width}: {page.evaluate(wide_parts)}'
            for address in dict.fromkeys(seen.asked): yield f'{name}: asks for {address}'
            for error in dict.fromkeys(seen.errors): yield f'{name}: {error}'
            if shots: page.screenshot(path=Path(shots)/f'{name.replace("/", "_")}.png')
            page.close()
    finally:
        context.close()
        server.shutdown()


def main(folder, shots=None):
    "Print the faults; the exit status says whether there are any"
    from playwright.sync_api import sync_playwright
    names = [p.relative_to(folder).as_posix() for p in sorted(Path(folder).rglob('*.html'))]
    if shots: Path(shots).mkdir(parents=True, exist_ok=True)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which('chromium') or shutil.which('google-chrome'), args=['--no-sandbox', '--disable-gpu', '--disable-quic'])
        found = [*read_faults(folder), *browsed_faults(folder, browser, names, shots)]
        browser.close()
    print(*found, sep='\n')
    print(f'{len(names)} pages, {len(found)} faults')
    return bool(found) or not names


if __name__ == '__main__': sys.exit(main(*sys.argv[1:]))
