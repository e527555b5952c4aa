"Cost of an optimizer step when only a share of the tokens is kept, beside the plain Trainer"
import argparse
import json
import statistics
import time

import numpy as np
import torch
from common import in_own_process, markdown, report
from datasets import Dataset
from losses import gpt2
from transformers import Trainer

from tokenclean_nb import training


def table(rows, length, kept, seed=0):
    "Random tokens, a random share of which is trained"
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 50257, (rows, length))
    labels = np.where(rng.random(ids.shape) < kept, ids, -100)
    return Dataset.from_dict(dict(input_ids=ids.tolist(), labels=labels.tolist()))


def step_seconds(model, ds, steps, plain):
    "Seconds of each step, the first left out"
    own, times = training._trainer, []
    if plain: training._trainer = lambda model, **options: Trainer(model=model, **options)
    class Clock(training.TrainerCallback):
        def on_step_end(self, *args, **kwargs): times.append(time.perf_counter())
    try:
        held, training._TokenBar = training._TokenBar, lambda tokens: Clock()
        training.finetune(model, ds, max_steps=steps + 1, per_device_train_batch_size=2, gradient_accumulation_steps=1)
    finally: training._trainer, training._TokenBar = own, held
    return np.diff(times)


ways = {'plain Trainer, all tokens': (1., True), 'plain Trainer, 40 % kept': (.4, True), 'finetune, all tokens': (1., False), 'finetune, 40 % kept': (.4, False), 'finetune, 10 % kept': (.1, False)}

if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--length', type=int, default=256, help='tokens in a row')
    parser.add_argument('--steps', type=int, default=8, help='steps of each way')
    parser.add_argument('--write', action='store_true', help='put the result into README.md')
    parser.add_argument('--one', choices=ways, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        kept, plain = ways[args.one]
        model = gpt2(fused=not plain)
        print(json.dumps(list(step_seconds(model, table(2 * (args.steps + 1), args.length, kept), args.steps, plain))))
    else:
        times = {name: json.loads(in_own_process(__file__, '--length', args.length, '--steps', args.steps, '--one', name)) for name in ways}
        seconds = {name: statistics.median(t) for name, t in times.items()}
        first = next(iter(seconds.values()))
        rows = [[name, f'{s:.2f} s', f'{s / first:.2f}', f'{min(times[name]):.2f} to {max(times[name]):.2f} s'] for name, s in seconds.items()]
        report('training', markdown(['way', 'time of a step', 'of the plain step', 'fastest to slowest step'], rows) + f'\n\nGPT-2-124M shape, random weights, {torch.get_num_threads()} threads, steps of 2 rows of {args.length} tokens, each way in a process of its own; medians of {args.steps} steps.', args.write)
