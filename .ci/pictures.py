"The pictures of the site and of README.md, made by the package: python .ci/pictures.py (the last one needs Chromium)"
import base64
import hashlib
import json
import re
import shutil
import struct
import tempfile
import zlib
from pathlib import Path

import tokenclean_nb as tc
from tokenclean_nb.figures.pictures import svg_text
from tokenclean_nb.figures.pieces import cut_row
from tokenclean_nb.figures.style import element, faded, faint, grid, ink, kept_colour, paper, removed_colour, tint

root = Path(__file__).resolve().parent.parent
folder = root/'nbs/images'
row = 2 # of the recorded examples: filler, a fact, filler


def example():
    "The recorded examples, half of all response tokens kept: the table that nbs/index.ipynb shows"
    ds = tc.score(tc.recorded_rows(), 'excess_loss')
    return tc.with_flat(ds, 'keep', tc.keep_top(tc.flat(ds, 'score'), tc.trained(ds), .5))


def lines(words, most):
    "Pieces `(text, ...)` in lines of at most `most` characters, broken before a space"
    line, used, found = [], 0, []
    for k, piece in enumerate(words):
        stretch = len(piece[0]) # a word and the pieces that stick to it
        for text, *_ in words[k + 1:]:
            if text.startswith(' '): break
            stretch += len(text)
        if line and used + stretch > most and piece[0].startswith(' '):
            found.append(line)
            line, used, piece = [], 0, (piece[0][1:], *piece[1:])
        line.append(piece)
        used += len(piece[0])
    return [*found, line]


def token_lines(x, y, most, size):
    "The answer as SVG: kept words on their tint, removed ones faded; and where it ends"
    cut = cut_row(example(), row, 'score', None, 0, 5000)
    colours = tint(cut.numbers, cut.limit, cut.signed)
    pieces = [(cut.text[a:b], kind, colour) for (a, b, _), kind, colour in zip(cut.pieces, cut.kinds, colours)
        if kind in ('kept', 'removed') and not cut.text[a:b].startswith('<|')]
    pieces[0] = pieces[0][0].lstrip('\n'), *pieces[0][1:]
    wide, high, parts = .6 * size, 1.75 * size, []
    for k, line in enumerate(lines([p for p in pieces if p[0]], most)):
        at, level = x, y + high * k
        for text, kind, colour in line:
            length = wide * len(text)
            if kind == 'kept': parts.append(element('rect', None, x=f'{at:.1f}', y=f'{level - 1.05 * size:.1f}', width=f'{length - 1:.1f}', height=f'{1.4 * size:.1f}', rx=3, fill=colour[:7], fill_opacity=f'{int(colour[7:], 16) / 255:.2f}'))
            space = len(text) - len(text.lstrip(' '))
            parts.append(svg_text(at + wide * space, level, text.strip(' '), fill=ink if kind == 'kept' else faded, textLength=f'{wide * len(text.strip(" ")):.1f}', lengthAdjust='spacingAndGlyphs', font_family='ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace', font_size=size))
            at += length
    return ''.join(parts), level


def svg(width, height, content):
    "A whole SVG file"
    ground = element('rect', None, width=width, height=height, rx=8, fill=paper, stroke=grid)
    return element('svg', ground + content, xmlns='http://www.w3.org/2000/svg', viewBox=f'0 0 {width} {height}', width=width, height=height, font_family='system-ui,sans-serif') + '\n'


def question():
    "What was asked"
    return re.search(r'<\|user\|>\n(.*?)\n<\|assistant', example()[row]['text'], re.S)[1]


def tokens():
    "One answer with its kept and removed words, for README.md"
    words, end = token_lines(20, 92, 46, 20)
    key = element('rect', None, x=20, y=end + 24, width=14, height=14, rx=3, fill=kept_colour, fill_opacity='.5')
    said = svg_text(42, end + 36, 'kept: trained on. Faded: removed, teaches nothing here', font_size=15, fill=faint)
    return svg(600, round(end + 56), svg_text(20, 42, question(), font_size=17, fill=faint, font_style='italic') + words + key + said)


def pays():
    "When cleaning pays, for README.md: the picture that nbs/index.ipynb drew"
    cells = json.loads((root/'nbs/index.ipynb').read_text(encoding='utf-8'))['cells']
    shown = [''.join(o['data'].get('text/html', '')) for c in cells for o in c.get('outputs', []) if 'data' in o]
    found = [re.search('src="data:image/svg[^,]*,([^"]*)', html) for html in shown]
    return base64.b64decode(next(f[1] for f in found if f)).decode() + '\n'


def preview():
    "What a link to the site shows, 1200 by 630"
    words, end = token_lines(70, 330, 46, 38)
    head = svg_text(70, 120, 'tokenclean', font_size=72, font_weight='bold', fill=kept_colour)
    said = svg_text(70, 190, 'Which words of a fine-tuning set are worth training on?', font_size=38, fill=ink)
    asked = svg_text(70, 258, question(), font_size=30, fill=faint, font_style='italic')
    return svg(1200, 630, head + said + asked + words)


def favicon():
    "Three words, one of them removed"
    bar = lambda y, width, fill: element('rect', None, x=4, y=y, width=width, height=6, rx=2, fill=fill)
    content = bar(5, 24, kept_colour) + bar(13, 16, removed_colour) + bar(21, 20, kept_colour)
    return element('svg', content, xmlns='http://www.w3.org/2000/svg', viewBox='0 0 32 32') + '\n'


drawn = {'tokens.svg': tokens, 'pays.svg': pays, 'favicon.svg': favicon}


def digest(text):
    "A short mark of a text"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def with_note(png, text):
    "A PNG that says of which drawing it was made"
    body = b'tEXt' + b'Source\0' + text.encode()
    return png[:33] + struct.pack('>I', len(body) - 4) + body + struct.pack('>I', zlib.crc32(body)) + png[33:]


def photograph(text):
    "An SVG of 1200 by 630 as a PNG"
    from playwright.sync_api import sync_playwright
    with sync_playwright() as p, tempfile.TemporaryDirectory() as place:
        browser = p.chromium.launch(executable_path=shutil.which('chromium'), args=['--no-sandbox', '--disable-gpu'])
        page = browser.new_page(viewport=dict(width=1200, height=630))
        (Path(place)/'p.html').write_text(f'<!DOCTYPE html><meta charset="utf-8"><body style="margin:0">{text}', encoding='utf-8')
        page.goto(f'file://{place}/p.html')
        png = page.screenshot()
        browser.close()
    return with_note(png, digest(text))


if __name__ == '__main__':
    folder.mkdir(exist_ok=True)
    for name, draw in drawn.items(): (folder/name).write_text(draw(), encoding='utf-8')
    (folder/'preview.png').write_bytes(photograph(preview()))
