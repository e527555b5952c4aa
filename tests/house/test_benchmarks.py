"The benchmarks run, small, where the tests run"
import os
import subprocess
import sys
from pathlib import Path

folder = Path(__file__).resolve().parents[2]/'benchmarks'


def ran(script, *arguments):
    done = subprocess.run([sys.executable, folder/script, *arguments], capture_output=True, text=True, env=dict(os.environ, TRANSFORMERS_VERBOSITY='error'))
    assert not done.returncode, done.stderr
    return done.stdout


def test_gpu_on_a_cpu():
    rows = [line.split(' | ') for line in ran('gpu.py', '--shapes', 'tiny', '--rows', '6', '--no-compile').splitlines() if line.startswith('| tiny')]
    assert [r[1] for r in rows] == ['plain loop', 'token_losses'] and all(int(r[2].replace(',', '')) > 0 for r in rows)
