"The stick for a room without a network: what it carries is complete, read without fetching anything"
import importlib.metadata as metadata
import importlib.util
import os
import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

root = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location('stick', root/'.ci/stick.py')
stick = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stick)


def closure(requirements):
    "Names of all that is installed with the requirements, as the installed packages say it"
    found, rest = set(), [Requirement(r) for r in requirements]
    while rest:
        one = rest.pop()
        extras = one.extras or {''}
        if one.marker and not one.marker.evaluate({'extra': ''}): continue
        key = canonicalize_name(one.name), tuple(sorted(extras))
        if key in found: continue
        found.add(key)
        for text in metadata.requires(one.name) or []:
            needed = Requirement(text)
            if not needed.marker or any(needed.marker.evaluate({'extra': e}) for e in extras): needed.marker = None; rest.append(needed)
    return {name for name, _ in found}


def test_every_requirement_of_the_stick_has_one_version():
    pinned = {canonicalize_name(line.split('==')[0]) for line in (root/'constraints.txt').read_text().splitlines() if '==' in line}
    needed = closure(stick.wanted())
    assert {'torch', 'jupyterlab', 'ipykernel', 'nbconvert', 'plotly', 'anywidget'} <= needed and len(needed) > 100
    assert not needed - pinned - {'setuptools'}, 'constraints.txt holds no version of these'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    "A stick without wheels and pages, which take minutes"
    place = tmp_path_factory.mktemp('stick')
    stick.notebooks(place/'notebooks')
    stick.starters(place, ['3.11', '3.13'])
    return place


def test_notebooks_and_the_tables_that_they_read_are_there(folder):
    for name in ('lessons', 'guides'):
        sources = {p.relative_to(root/'nbs') for p in (root/'nbs'/name).rglob('*') if p.suffix in ('.ipynb', '.csv') and '.ipynb_checkpoints' not in p.parts}
        assert sources and all((folder/'notebooks'/p).read_bytes() == (root/'nbs'/p).read_bytes() for p in sources)
    assert (folder/'notebooks/settings.ini').exists()


def test_the_first_page_lists_every_lesson_and_run_sheet_and_leads_to_pages_that_are_made():
    made = {f'pages/{p.relative_to(root/"nbs").with_suffix(".html").as_posix()}' for p in stick.plain_site.sources()}
    listed = re.findall(r'href="([^"]*)"', stick.first_page())
    assert set(listed) <= made and len(listed) == len(set(listed))
    for p in [*root.glob('nbs/lessons/*.ipynb'), *root.glob('nbs/guides/teaching/run_sheet_[0-9]*.qmd')]: assert any(p.stem in where for where in listed), p.name
    assert listed.index('pages/lessons/02_loss_of_one_token.html') < listed.index('pages/lessons/10_many_scores.html')


def test_versions_are_those_of_the_wheels(tmp_path):
    for name in ('torch-2.13.0-cp313-cp313-win_amd64.whl', 'torch-2.13.0+cpu-cp39-cp39-manylinux_2_28_x86_64.whl', 'anyio-4-py3-none-any.whl'): (tmp_path/name).touch()
    assert stick.pythons(tmp_path) == ['3.9', '3.13']


@pytest.mark.skipif(os.name != 'posix', reason='a shell is asked')
def test_start_installs_from_the_folder_alone_and_keeps_answers(folder, tmp_path):
    "With programs that only write down what they were asked"
    log, home = tmp_path/'log', tmp_path/'a home'
    python = tmp_path/'bin/python3.13'
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\necho "$@" >> {log}\n[ "$2" = venv ] && mkdir -p "$3/bin" && cp "$0" "$3/bin/python"\nexit 0\n')
    python.chmod(0o755)
    start = lambda *words, path=f'{python.parent}:/bin:/usr/bin': subprocess.run(['/bin/sh', folder/'start.sh', *words], env=dict(PATH=path, TOKENCLEAN_HOME=str(home)), capture_output=True, text=True)
    assert start().returncode == 0
    asked = log.read_text()
    assert f'--no-index --find-links {folder}/wheels tokenclean_nb jupyterlab' in asked and 'jupyter lab' in asked.splitlines()[-1]
    first = next((home/'lessons').glob('01_*'))
    assert f'lessons/{first.name}' in asked
    first.write_text('an answer')
    log.write_text('')
    assert start('nbconvert', 'x').returncode == 0 and first.read_text() == 'an answer'
    assert '--no-index' not in log.read_text() and log.read_text().splitlines()[-1] == '-m jupyter nbconvert x'
    (folder/'start.sh').write_text((folder/'start.sh').read_text().replace('3.13 3.11', '9.9'))
    refused = start(path='/bin:/usr/bin')
    assert refused.returncode == 1 and 'this laptop has none' in refused.stdout


def test_windows_does_the_same(folder):
    text = (folder/'start.bat').read_bytes().decode()
    assert text.count('\r\n') == text.count('\n') and 'in (3.13 3.11)' in text
    for words in ('--no-index --find-links "%stick%wheels" tokenclean_nb jupyterlab', 'if not exist "%home%\\%%p"', 'lessons/01_not_all_tokens_teach.ipynb'): assert words in text


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path/'mine.txt').touch()
    with pytest.raises(SystemExit, match='not empty'): stick.make(tmp_path)
