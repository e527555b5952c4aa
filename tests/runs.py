"The command line in processes of its own, and what a run leaves behind"
import gc
import io
import multiprocessing
import os
import resource
import sys
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from tokenclean_nb import cli
from tokenclean_nb.cleaning import jobs
from tokenclean_nb.scoring import shards

fork = multiprocessing.get_context('forkserver') # imports once, then a process starts in milliseconds
fork.set_forkserver_preload(['tokenclean_nb.commands'])


def _limit_files(size):
    "No file beyond `size` bytes, from the moment the folder of the run is held"
    held = jobs.run_folder
    @contextmanager
    def run_folder(*args):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        with held(*args) as folder: yield folder
    jobs.run_folder = run_folder


def _note_shards():
    "Say of each shard which process wrote it"
    write = shards.write_shard
    def write_shard(path, *rest):
        print('wrote', os.environ['RANK'], path, file=sys.stderr)
        write(path, *rest)
    shards.write_shard = write_shard


def _child(words, said, file_size, env):
    "Runs in the child: the command line with small shards"
    gc.freeze() # as in conftest.py
    os.environ.update(env)
    sys.stdout = sys.stderr = Path(said).open('w')
    shards.shard_rows = 5
    if 'RANK' in env: _note_shards()
    if file_size: _limit_files(file_size)
    cli.main([str(w) for w in words])


def start(*words, said=os.devnull, file_size=None, env=None):
    "Start `tokenclean WORDS`; what it says goes to the file `said`"
    process = fork.Process(target=_child, args=(words, said, file_size, env or {}))
    process.start()
    return process


def run(*words, said, **options):
    "Run `tokenclean WORDS` to its end: exit code, and what it said"
    process = start(*words, said=said, **options)
    process.join()
    return process.exitcode, Path(said).read_text()


def _timeless(path):
    "A file's bytes, without times"
    if path.name == 'report.html': return b''
    if path.name != 'rounds.csv': return path.read_bytes()
    rounds = pd.read_csv(io.BytesIO(path.read_bytes()))
    return rounds[[c for c in rounds if 'seconds' not in c]].to_csv().encode()


def contents(folder):
    "All files of a run, byte by byte, but for times"
    return {str(p.relative_to(folder)): _timeless(p) for p in sorted(Path(folder).rglob('*')) if p.is_file() and p.name not in ('.lock', '.written')}
