"Where the time of scoring, training and a whole cleaning goes, by kind of operation"
import argparse
import tempfile
import time

import torch
from common import markdown, report
from losses import gpt2, random_table
from torch.profiler import ProfilerActivity, profile

from tokenclean_nb.cleaning.methods import fixed_model_cleaning
from tokenclean_nb.data.table import trained, with_flat
from tokenclean_nb.scoring.losses import token_losses
from tokenclean_nb.training.models import tiny_base
from tokenclean_nb.scoring.scorers import random_score
from tokenclean_nb.scoring.selection import clean_labels, keep_top
from tokenclean_nb.training.finetune import finetune

kinds = {'matrix products': ('aten::addmm', 'aten::mm', 'aten::bmm', 'aten::linear'), 'softmax of the logits': ('log_softmax', 'cross_entropy', 'nll_loss'), 'attention': ('scaled_dot_product', 'softmax', 'dropout', 'bernoulli', 'masked'),
    'GELU': ('gelu',), 'layer norm': ('layer_norm',), 'optimizer': ('adam', 'clip', '_foreach', 'optimizer'), 'copies and sums': ('copy_', 'aten::add', 'aten::sum', 'aten::mul', 'index', 'embedding', 'cat', 'fill_', 'zero_')}


def shares(run):
    "Share of the processor's time by kind of operation, while a function runs"
    with profile(activities=[ProfilerActivity.CPU]) as found: run()
    times = {e.key: e.self_cpu_time_total for e in found.key_averages()}
    kind = lambda name: next((k for k, parts in kinds.items() if any(p in name.lower() for p in parts)), 'the rest')
    out = dict.fromkeys([*kinds, 'the rest'], 0.)
    for name, t in times.items(): out[kind(name)] += t / sum(times.values())
    return out


def stages(model, pool, warmup, **training):
    "Share of a cleaning's time by stage"
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run = fixed_model_cleaning(model, tiny_base()[1], pool, warmup, folder=folder, **training)
        total = time.perf_counter() - start
    line = run.rounds.iloc[0]
    out = {'reference: training': line.warmup_seconds, 'scoring, base and reference': line.score_seconds, 'training on kept tokens': line.train_seconds}
    return {k: v / total for k, v in out.items()} | {'the rest: selection, files': 1 - sum(out.values()) / total}


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rows', type=int, default=48, help='rows of random tokens')
    parser.add_argument('--write', action='store_true', help='put the result into README.md')
    args = parser.parse_args()
    model, ds = gpt2(), random_table(args.rows)
    kept = clean_labels(with_flat(ds, 'keep', keep_top(random_score(ds, 0), trained(ds), 0.4)))
    steps = dict(per_device_train_batch_size=4, gradient_accumulation_steps=1, progress=False)
    runs = {'scoring': lambda: token_losses(model, ds, progress=False), 'training, all tokens': lambda: finetune(model, ds, max_steps=3, **steps), 'training, 40 % kept': lambda: finetune(model, kept, max_steps=3, **steps)}
    token_losses(model, ds.select(range(4)), progress=False)
    found = {name: shares(run) for name, run in runs.items()}
    table = markdown(['operations', *found], [[k, *(f'{found[name][k]:.0%}' for name in found)] for k in [*kinds, 'the rest']])
    parts = stages(model, ds, random_table(args.rows // 2), max_steps=6, **steps)
    whole = markdown(['stage of `fixed_model_cleaning`', 'share'], [[k, f'{v:.0%}'] for k, v in parts.items()])
    report('stages', f'{table}\n\n{whole}\n\nGPT-2-124M shape, random weights, {torch.get_num_threads()} threads, {args.rows} rows; training steps of 4 rows, 6 of them in the cleaning.', args.write)
