"A folder for a room without a network, for a USB stick: python .ci/stick.py FOLDER [SYSTEM-PYTHON ...], such as windows-3.12"
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from html import escape
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import plain_site

root = Path(__file__).resolve().parent.parent
scripts = root/'.ci/stick' # what starts it: on Linux and macOS, and on Windows
platforms = dict(linux=['manylinux_2_28_x86_64', 'manylinux_2_17_x86_64', 'manylinux_2_12_x86_64', 'manylinux_2_5_x86_64', 'linux_x86_64'],
    macos=['macosx_14_0_arm64'], windows=['win_amd64'])
carried = 'lessons', 'guides' # folders of notebooks, with the tables that they read
too_large = 'torch came with CUDA, gigabytes that no laptop here needs. Take the small one: PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make stick'


def wanted():
    "What is installed from the stick: what the package needs, and JupyterLab"
    return [*tomllib.loads((root/'pyproject.toml').read_text())['project']['dependencies'], 'jupyterlab>=4']


def pip(*words): subprocess.run([sys.executable, '-m', 'pip', *map(str, words), '--quiet', '--disable-pip-version-check'], check=True)


def own_wheel(folder):
    "The package as a wheel, made of a copy: what an earlier build left here stays out"
    with tempfile.TemporaryDirectory() as place:
        for name in ('pyproject.toml', 'README.md', 'LICENSE'): shutil.copy(root/name, place)
        shutil.copytree(root/'tokenclean_nb', Path(place)/'tokenclean_nb', ignore=shutil.ignore_patterns('__pycache__'))
        pip('wheel', '--no-deps', '--wheel-dir', folder, place)


def wheels_of_here(folder):
    "Everything for a laptop like this one: its system and its Python"
    pip('wheel', '--constraint', root/'constraints.txt', '--wheel-dir', folder, *wanted())


def wheels_of(folder, system, python):
    "Everything for another kind of laptop: uv says what it needs there, pip fetches it"
    with tempfile.TemporaryDirectory() as place:
        source, pins = Path(place)/'wanted.in', Path(place)/'pins.txt'
        source.write_text('\n'.join(wanted()))
        subprocess.run([sys.executable, '-m', 'uv', 'pip', 'compile', '--quiet', '--no-annotate', '--no-header', '--python-platform', system, '--python-version', python,
            '--constraint', root/'constraints.txt', *(['--torch-backend', 'cpu'] if system == 'linux' else []), source, '--output-file', pins], check=True, env=os.environ | dict(MACOSX_DEPLOYMENT_TARGET='14.0')) # torch has no older one
        tags = [word for tag in platforms[system] for word in ('--platform', tag)]
        pip('download', '--no-deps', '--only-binary=:all:', '--python-version', python, *tags, '--dest', folder, '--requirement', pins)


def pythons(folder):
    "The Python versions that the wheels are for"
    return sorted({f'3.{found[1]}' for path in folder.glob('torch-*.whl') if (found := re.search(r'-cp3(\d+)-cp3', path.name))}, key=lambda v: int(v[2:]))


def notebooks(folder):
    "Lessons and guides as they are opened, and the settings of the room"
    for name in carried: shutil.copytree(root/'nbs'/name, folder/name, ignore=shutil.ignore_patterns('.ipynb_checkpoints', '*.qmd'))
    shutil.copy(root/'settings.ini', folder)


def title(path):
    "The heading of a source"
    text = path.read_text(encoding='utf-8')
    found = re.search(r'^title: "?(.*?)"?$', text, re.M) if path.suffix == '.qmd' else re.search(r'"# (.*?)(?:\\n)?"', text)
    return found[1]


def contents():
    "What the first page lists: a heading, and the sources below it"
    find = lambda pattern: sorted((root/'nbs').glob(pattern), key=lambda p: [int(s) if s.isdigit() else s for s in re.split(r'(\d+)', p.stem)])
    return {'Lessons': find('lessons/*.ipynb'), 'To look up': find('guides/*.*'), 'For the teacher': find('guides/teaching/*.*')}


def first_page():
    "One page that leads to all the others, and opens in any browser"
    lines = []
    for heading, sources in contents().items():
        pages = [(p.relative_to(root/'nbs').with_suffix('.html').as_posix(), title(p)) for p in sources if p.suffix in ('.ipynb', '.qmd')]
        lines += [f'<h2>{heading}</h2><ul>', *(f'<li><a href="pages/{where}">{escape(words)}</a></li>' for where, words in pages), '</ul>']
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>tokenclean_nb</title><style>{plain_site.style}</style>'
    said = '<h1>Token cleaning, without a network</h1><p>To run the notebooks: <code>sh start.sh</code> on Linux and macOS, <code>start.bat</code> on Windows. It needs Python and five minutes, once. To read, play and answer without either: the pages below.</p>'
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body><main>{said}{"".join(lines)}</main></body></html>'


def starters(folder, versions):
    "The scripts that install and open JupyterLab, for the Pythons whose wheels are there, the newest first"
    for path in sorted(scripts.iterdir()):
        text = path.read_text(encoding='utf-8').replace('VERSIONS', ' '.join(versions[::-1]))
        (folder/path.name).write_text(text, encoding='utf-8', newline='\r\n' if path.suffix == '.bat' else '\n')


def make(folder, laptops=()):
    "Gather everything; `laptops` are systems with their Python, this one if none is named"
    folder = Path(folder)
    wheels = folder/'wheels'
    if folder.exists() and any(folder.iterdir()): sys.exit(f'{folder} is not empty: name a new folder')
    wheels.mkdir(parents=True)
    for laptop in laptops: wheels_of(wheels, *laptop.split('-'))
    if not laptops: wheels_of_here(wheels)
    own_wheel(wheels)
    if list(wheels.glob('nvidia_*')): sys.exit(too_large)
    starters(folder, pythons(wheels))
    notebooks(folder/'notebooks')
    plain_site.make(folder/'pages')
    (folder/'index.html').write_text(first_page(), encoding='utf-8')


if __name__ == '__main__':
    given = sys.argv[2:]
    if len(sys.argv) < 2 or not all(re.fullmatch(rf'({"|".join(platforms)})-3\.\d+', g) for g in given): sys.exit(__doc__)
    make(sys.argv[1], given)
    size = sum(p.stat().st_size for p in Path(sys.argv[1]).rglob('*') if p.is_file())
    print(f'{sys.argv[1]}: {size / 1e6:,.0f} MB, for Python {", ".join(pythons(Path(sys.argv[1])/"wheels"))}; copy it to the stick, and open index.html')
