"What the benchmarks share: the machine in words, and tables in README.md"
import datetime
import os
import platform
import shlex
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import psutil

readme = Path(__file__).with_name('README.md')


def machine():
    "Processor, cores, memory, versions, date and command, as Markdown"
    try: name = next(l.split(':')[1].strip() for l in Path('/proc/cpuinfo').read_text().splitlines() if l.startswith('model name'))
    except (OSError, StopIteration): name = platform.processor() or platform.machine()
    packages = ', '.join(f'{p} {version(p)}' for p in ('torch', 'transformers', 'datasets', 'numpy'))
    memory, load = psutil.virtual_memory().total / 2**30, psutil.getloadavg()[0]
    command = shlex.join(['python', f'benchmarks/{Path(sys.argv[0]).name}', *sys.argv[1:]])
    return f'{name}, {os.cpu_count()} cores, {memory:.0f} GB, load {load:.1f} at the end; Python {platform.python_version()}, {packages}; {datetime.date.today()}; `{command}`'


def markdown(columns, rows):
    "A Markdown table"
    line = lambda cells: '| ' + ' | '.join(map(str, cells)) + ' |'
    return '\n'.join([line(columns), line(['---'] * len(columns)), *map(line, rows)])


def report(name, text, write):
    "Print a result; with `write`, put it into its marked block of README.md"
    text = f'{text}\n\n{machine()}'
    print(text)
    if not write: return
    start, end = f'<!-- {name} -->', f'<!-- end of {name} -->'
    before, rest = readme.read_text().split(start)
    readme.write_text(f'{before}{start}\n{text}\n{end}{rest.split(end)[1]}')


@contextmanager
def peak_memory(held=lambda: psutil.Process().memory_info().rss):
    "A dict whose `bytes` is, after the block, the most memory this process held above what it held before, by the measure `held`"
    out, done, before, most = {}, threading.Event(), held(), [0]
    def watch():
        while not done.is_set():
            most[0] = max(most[0], held())
            time.sleep(0.003)
    thread = threading.Thread(target=watch)
    thread.start()
    try: yield out
    finally:
        done.set()
        thread.join()
        out['bytes'] = max(0, most[0] - before)


def in_own_process(script, *arguments):
    "Run a script in a process of its own, return what it printed last"
    quiet = dict(os.environ, TQDM_DISABLE='1', HF_DATASETS_DISABLE_PROGRESS_BARS='1', TRANSFORMERS_VERBOSITY='error')
    done = subprocess.run([sys.executable, script, *map(str, arguments)], capture_output=True, text=True, env=quiet)
    if done.returncode: raise SystemExit(done.stderr)
    return done.stdout.strip().split('\n')[-1]
