"How soon the command line answers, beside a program that imports the library first: python benchmarks/start.py"
import argparse
import statistics
import subprocess
import sys
import tempfile
import time

from common import markdown, report

line = ['-m', 'tokenclean_nb.cli']
refused = ['clean', '--model', 'tiny-base', '--data', 'nowhere.jsonl', '--out', 'out']
ways = {'library imported first': ['-c', 'import torch, transformers, datasets'], '`--help`': line + ['--help'],
    '`clean --help`': line + ['clean', '--help'], 'a first refusal': line + refused}


def seconds(words):
    "Seconds until a new Python has run `words`"
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        subprocess.run([sys.executable, *words], capture_output=True, cwd=folder)
        return time.perf_counter() - begin


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--repeats', type=int, default=5, help='runs of each, in turn, after one that is not counted')
    parser.add_argument('--write', action='store_true', help='put the result into README.md')
    args = parser.parse_args()
    times = [{name: seconds(words) for name, words in ways.items()} for _ in range(args.repeats + 1)][1:]
    middle = {name: statistics.median(t[name] for t in times) for name in ways}
    plain, *_ = middle.values()
    rows = [[name, f'{s:.2f}', f'{s / plain:.2f}x', f'{max(t[name] for t in times):.2f}'] for name, s in middle.items()]
    report('start', markdown(['command', 'seconds', 'of the import', 'slowest'], rows), args.write)
