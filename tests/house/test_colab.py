"The install in Colab replaces none of Colab's own packages: a resolver run against the versions of its runtime"
import subprocess
import tomllib
from pathlib import Path

import pytest

root = Path(__file__).resolve().parents[2]
colab = dict(python='3.13', packages={ # runtime of August 2026
    'numpy': '2.1.3', 'pandas': '2.2.3', 'pyarrow': '18.1.0', 'plotly': '5.24.1', 'ipywidgets': '7.7.1', 'ipython': '7.34.0', 'ipykernel': '6.17.1',
    'traitlets': '5.7.1', 'torch': '2.11.0', 'transformers': '5.15.0', 'datasets': '4.0.0'})


def resolve(tmp_path, requirements):
    "The versions that an installer would choose for requirements beside Colab's, or its words why there are none"
    uv = pytest.importorskip('uv', reason='uv is not installed: pip install "tokenclean_nb[dev]"').find_uv_bin()
    source, held = tmp_path/'in.txt', tmp_path/'colab.txt'
    source.write_text('\n'.join(requirements))
    held.write_text('\n'.join(f'{name}=={version}' for name, version in colab['packages'].items()))
    done = subprocess.run([uv, 'pip', 'compile', '--no-python-downloads', '--python-version', colab['python'], '--no-header', '--no-annotate', '--constraints', held, source], capture_output=True, text=True)
    if any(word in done.stderr for word in ('Failed to fetch', 'error sending request', 'Connection')): pytest.skip(f'no package registry within reach: {done.stderr.strip().splitlines()[-1]}')
    return dict(line.split('==') for line in done.stdout.splitlines() if '==' in line) if done.returncode == 0 else done.stderr


def requirements():
    return tomllib.loads((root/'pyproject.toml').read_text())['project']['dependencies']


def test_install_replaces_nothing(tmp_path):
    chosen = resolve(tmp_path, requirements())
    assert isinstance(chosen, dict), chosen
    wanted = {name: version for name, version in colab['packages'].items() if name in chosen}
    assert {'numpy', 'pandas', 'pyarrow', 'plotly', 'ipywidgets', 'torch', 'transformers', 'datasets'} <= set(wanted)
    assert {name: chosen[name] for name in wanted} == wanted


def test_a_higher_floor_is_found(tmp_path):
    assert 'No solution found' in resolve(tmp_path, [*requirements(), 'pandas>=3'])


def test_trl_is_no_part_of_the_base_install():
    assert not any(r.startswith('trl') for r in requirements())
