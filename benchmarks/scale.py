"Memory and time of the scored table and of the selection from it, as tokens grow"
import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from common import in_own_process, markdown, peak_memory, report
from datasets import Dataset
from datasets.arrow_writer import ArrowWriter
from transformers import AutoModelForCausalLM, GPT2Config

from tokenclean_nb.cleaning.methods import fixed_model_cleaning
from tokenclean_nb.data.table import cut, lengths
from tokenclean_nb.training.models import tiny_base
from tokenclean_nb.scoring.shards import select_shards, shard_path, write_scored, write_shard


def own_memory():
    "Bytes of this process's own; pages of mapped files, which the system may drop, are not counted"
    return int(next(l for l in Path('/proc/self/status').read_text().splitlines() if l.startswith('RssAnon')).split()[1]) * 1024


def pool(folder, n, rows=2000, vocabulary=50000):
    "A table on disk with rows of 20 to 500 tokens, two thirds of them trained"
    rng, path, tokens = np.random.default_rng(0), str(folder/'pool.arrow'), 0
    with ArrowWriter(path=path) as writer:
        while tokens < n:
            sizes = rng.integers(20, 500, rows)
            ids = rng.integers(0, vocabulary, sizes.sum(), dtype=np.int32)
            labels, offsets = np.where(rng.random(len(ids)) < 2 / 3, ids, np.int32(-100)), np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
            writer.write_table(pa.table({c: pa.ListArray.from_arrays(offsets, a) for c, a in dict(input_ids=ids, labels=labels).items()}))
            tokens += len(ids)
        writer.finalize()
    return Dataset.from_file(path), tokens


def shards(ds, folder):
    "Shards of random losses for a table"
    rng = np.random.default_rng(1)
    for column in ('loss_base', 'loss_ref'):
        for k, part in enumerate(cut(ds)): write_shard(shard_path(folder, column, k), column, part, rng.exponential(2, lengths(part).sum()).astype(np.float32))


def one(n):
    "Memory and processor seconds of both steps, in this process"
    with tempfile.TemporaryDirectory() as d:
        folder = Path(d)
        ds, tokens = pool(folder, n)
        shards(ds, folder)
        out = dict(tokens=tokens, steps=[])
        for step in (lambda: write_scored(ds, folder, ['loss_base', 'loss_ref'], folder/'data.parquet'), lambda: select_shards([folder/'data.parquet'], folder/'cleaned.parquet', 0.6)):
            with peak_memory(own_memory) as memory:
                start = time.process_time()
                found = step()
                seconds = time.process_time() - start
            out['steps'].append([seconds, memory['bytes']])
        assert found['kept'] == int(0.6 * found['tokens'])
        return out


def one_cleaning(n):
    "Memory and processor seconds of a whole cleaning with a toy model, two steps of training, in this process"
    model, other = (AutoModelForCausalLM.from_config(GPT2Config(n_layer=1, n_embd=8, n_head=1, n_positions=512, vocab_size=100, bos_token_id=0, eos_token_id=0)).eval() for _ in range(2))
    with tempfile.TemporaryDirectory() as d:
        ds, tokens = pool(Path(d), n, vocabulary=100)
        clean = lambda ds, name: fixed_model_cleaning(model, tiny_base()[1], ds, reference=other, folder=Path(d)/name, max_steps=2, progress=False)
        clean(ds.select(range(50)), 'first')
        with peak_memory(own_memory) as memory:
            start = time.process_time()
            run = clean(ds, 'run')
        assert run.rounds.kept[0] == int(0.6 * run.rounds.tokens[0])
        return dict(tokens=tokens, seconds=time.process_time() - start, memory=memory['bytes'])


def cleanings(sizes):
    "Memory of a cleaning as tokens grow, each size in its own process"
    runs = [json.loads(in_own_process(__file__, '--one-cleaning', n)) for n in sizes]
    grown = [None] + [(b['memory'] - a['memory']) / (b['tokens'] - a['tokens']) for a, b in zip(runs, runs[1:])]
    rows = [[f"{r['tokens'] / 1e6:.1f}M", f"{r['seconds']:.0f} s", f"{r['memory'] / 1e6:.0f} MB", '' if more is None else f'{more:.0f} bytes'] for r, more in zip(runs, grown)]
    text = markdown(['tokens', 'processor time', 'memory', 'memory per further token'], rows)
    return f'{text}\n\n`fixed_model_cleaning` with a folder: a toy model of one layer scores all rows twice over (base and reference), the threshold is found, two steps are trained. Memory is the process\'s own, above what it held after a small run; one run each.'


def compare(sizes):
    "All sizes, each in its own process"
    runs = [json.loads(in_own_process(__file__, '--one', n)) for n in sizes]
    rows = [[f"{r['tokens'] / 1e6:.1f}M"] + [cell for seconds, memory in r['steps'] for cell in (f'{seconds:.1f} s', f"{seconds / r['tokens'] * 1e9:.0f} ns", f'{memory / 1e6:.0f} MB')] for r in runs]
    text = markdown(['tokens', 'table: processor time', 'per token', 'memory', 'selection: processor time', 'per token', 'memory'], rows)
    return f'{text}\n\nRows of 20 to 500 tokens, two thirds trained, random losses in shards of 2,000 rows, 60 % kept. Memory is the process\'s own, above what it held before; one run each.'


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--tokens', type=int, nargs='+', default=[1_000_000, 10_000_000, 100_000_000])
    parser.add_argument('--clean', action='store_true', help='measure the memory of a whole cleaning instead')
    parser.add_argument('--write', action='store_true', help='put the result into README.md')
    parser.add_argument('--one', type=int, help=argparse.SUPPRESS)
    parser.add_argument('--one-cleaning', type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one: print(json.dumps(one(args.one)))
    elif args.one_cleaning: print(json.dumps(one_cleaning(args.one_cleaning)))
    elif args.clean: report('clean', cleanings(args.tokens), args.write)
    else: report('scale', compare(args.tokens), args.write)
