"README.md is the index notebook without what the site shows alone; its pictures are those that the package draws."
import importlib.util
import json
import re
import struct
from pathlib import Path

import pytest

root = Path(__file__).resolve().parents[2]


def script(name):
    "A module of .ci"
    spec = importlib.util.spec_from_file_location(name, root/f'.ci/{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


readme, pictures = script('readme'), script('pictures')


def test_readme_is_the_index():
    assert (root/'README.md').read_text(encoding='utf-8') == readme.made(), 'Run: make readme'


def test_what_readme_prints_is_what_comes_out():
    text = (root/'README.md').read_text(encoding='utf-8')
    code = re.search(r'```python\n(import tokenclean_nb.*?)\nprint\(run\)\n```\s+(method.*?)\n\n', text, re.S)
    names = {}
    exec(code[1], names)
    for line in str(names['run']).splitlines(): # the threshold may differ in its last digit on another machine
        assert 'score' in line or line in code[2], 'Run: make save NB=nbs/index, and then make readme'


def test_what_only_the_site_can_show_is_a_picture():
    text = (root/'README.md').read_text(encoding='utf-8')
    assert '<div' not in text and '<!--' not in text and '<img' not in text
    shown = re.findall(r'!\[[^\]]{40,}\]\(([^)]*)\)', text) # each says in words what it shows
    assert shown == ['nbs/images/tokens.svg', 'nbs/images/pays.svg'] and all((root/path).exists() for path in shown)


@pytest.mark.parametrize('name', pictures.drawn)
def test_a_picture_is_what_the_package_draws(name):
    made = pictures.drawn[name]()
    assert (pictures.folder/name).read_text(encoding='utf-8') == made, 'Run: make pictures'
    assert 'href' not in made and '<script' not in made


def test_the_preview_is_a_photograph_of_what_the_package_draws():
    png = (pictures.folder/'preview.png').read_bytes()
    assert struct.unpack('>II', png[16:24]) == (1200, 630) and len(png) < 3e5
    assert b'tEXtSource\0' + pictures.digest(pictures.preview()).encode() in png, 'Run: make pictures'


def test_readme_names_the_command_that_ci_runs():
    assert 'make test' in (root/'README.md').read_text() and 'make test' in (root/'.ci/run').read_text()


def test_files_it_reads_are_where_it_says():
    "From the root of the repository"
    cells = json.loads((root/'nbs/index.ipynb').read_text(encoding='utf-8'))['cells']
    read = re.findall(r"read_csv\('(.*?)'\)", ''.join(''.join(c['source']) for c in cells))
    assert read and all((root/path).exists() for path in read)
