"The benchmarks run, small, where the tests run"
import contextlib
import io
import runpy
import sys
from pathlib import Path

import pytest

folder = Path(__file__).resolve().parents[2]/'benchmarks'


@pytest.fixture(autouse=True)
def beside_each_other(monkeypatch):
    "They read one module of their folder"
    monkeypatch.syspath_prepend(folder)


def ran(script, *arguments):
    "What a script prints, run as a program"
    argv, said = sys.argv, io.StringIO()
    sys.argv = [str(folder/script), *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(said): runpy.run_path(sys.argv[0], run_name='__main__')
    finally: sys.argv = argv
    return said.getvalue()


def test_gpu_on_a_cpu():
    rows = [line.split(' | ') for line in ran('gpu.py', '--shapes', 'tiny', '--rows', '6', '--no-compile').splitlines() if line.startswith('| tiny')]
    assert [r[1] for r in rows] == ['plain loop', 'token_losses'] and all(int(r[2].replace(',', '')) > 0 for r in rows)


def test_head_on_a_cpu():
    rows = [line.split(' | ') for line in ran('head.py', '--tokens', '32', '--repeats', '1', '--shapes', 'GPT-2').splitlines() if line.startswith('| GPT-2')]
    losses = [float(r[-1].strip(' |')) for r in rows]
    assert len(losses) >= 2 and max(losses) - min(losses) < 1e-3


def test_every_benchmark_loads():
    "Each script without its main part"
    scripts = sorted(folder.glob('*.py'))
    for path in scripts: runpy.run_path(str(path))
    assert len(scripts) > 9


def test_carried_scores_of_the_same_model_are_its_own(tmp_path):
    import tokenclean_nb as tc
    tc.make_task(60, seed=0, progress=False).records['pool'].to_json(tmp_path/'pool.jsonl')
    models = 'a=tiny-base,b=tiny-base'
    said = ran('carried.py', '--data', f'pool={tmp_path/"pool.jsonl"}', '--models', models, '--seeds', '1', '--rows', '30')
    values = {float(line.split()[-1]) for line in said.splitlines() if line.split()[-1].startswith('0.')}
    assert len(values) == 1
