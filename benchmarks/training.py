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

from tokenclean_nb.training import finetune as training


def table(rows, length, kept, seed=0):
    "Random tokens, a random share of which is trained"
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 50257, (rows, length))
    labels = np.where(rng.random(ids.shape) < kept, ids, -100)
    return Dataset.from_dict(dict(input_ids=ids.tolist(), labels=labels.tolist()))


def step_seconds(model, ds, steps, plain, batch):
    "Seconds of the processor for each step, the first left out"
    own, times = training._trainer, []
    if plain: training._trainer = lambda model, **options: Trainer(model=model, **options)
    class Clock(training.TrainerCallback):
        def on_step_end(self, *args, **kwargs): times.append(time.process_time())
    try:
        held, training._TokenBar = training._TokenBar, lambda tokens: Clock()
        training.finetune(model, ds, max_steps=steps + 1, per_device_train_batch_size=batch, gradient_accumulation_steps=1)
    finally: training._trainer, training._TokenBar = own, held
    return np.diff(times)


ways = {'plain Trainer, all tokens': (1., True), 'plain Trainer, 40 % kept': (.4, True), 'finetune, all tokens': (1., False), 'finetune, 40 % kept': (.4, False), 'finetune, 10 % kept': (.1, False)}

if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--length', type=int, default=256, help='tokens in a row')
    parser.add_argument('--batch', type=int, default=4, help='rows in a step')
    parser.add_argument('--steps', type=int, default=4, help='steps of each way')
    parser.add_argument('--write', action='store_true', help='put the result into README.md')
    parser.add_argument('--one', choices=ways, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        torch.set_num_threads(1) # so that the processor's time is the step's own, on a busy machine too
        kept, plain = ways[args.one]
        model = gpt2(fused=not plain)
        print(json.dumps(list(step_seconds(model, table(args.batch * (args.steps + 1), args.length, kept), args.steps, plain, args.batch))))
    else:
        times = {name: json.loads(in_own_process(__file__, '--length', args.length, '--batch', args.batch, '--steps', args.steps, '--one', name)) for name in ways}
        seconds = {name: statistics.median(t) for name, t in times.items()}
        first = next(iter(seconds.values()))
        rows = [[name, f'{s:.2f} s', f'{s / first:.2f}', f'{min(times[name]):.2f} to {max(times[name]):.2f} s'] for name, s in seconds.items()]
        report('training', markdown(['way', 'processor time of a step', 'of the plain step', 'fastest to slowest step'], rows) + f'\n\nGPT-2-124M shape, random weights, one thread, steps of {args.batch} rows of {args.length} tokens, each way in a process of its own; medians of {args.steps} steps.', args.write)
