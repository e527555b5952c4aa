"Time of training steps on random rows, beside the plain padded Trainer: the processor's, or on a GPU the clock's"
import argparse
import json
import time
from contextlib import ExitStack, nullcontext
from unittest.mock import patch

import numpy as np
import torch
from common import in_own_process, markdown, report
from losses import gpt2, shared, table
from transformers import Trainer, TrainerCallback

from tokenclean_nb.data.table import lengths, trained, with_flat
from tokenclean_nb.scoring.scorers import random_score
from tokenclean_nb.scoring.selection import clean_labels, keep_top
from tokenclean_nb.training import trainer as training
from tokenclean_nb.training.finetune import finetune


def usual(rows):
    "Rows padded to the longest, with a mask, as a user would write it"
    width = max(len(row['input_ids']) for row in rows)
    pad = lambda lists, value: torch.tensor([r + [value] * (width - len(r)) for r in lists])
    ids, labels = ([row[c] for row in rows] for c in ('input_ids', 'labels'))
    mask = [[1] * len(r) for r in ids]
    return dict(input_ids=pad(ids, 0), labels=pad(labels, -100), attention_mask=pad(mask, 0))


def like_lengths(n, extra=100):
    "Cut rows, sorted from long to short, into groups with few padded tokens; a further group costs `extra`"
    best, before = [0], []
    for end in range(1, len(n) + 1):
        cost = [best[start] + extra + n[start] * (end - start) for start in range(end)]
        best.append(min(cost))
        before.append(int(np.argmin(cost)))
    groups, end = [], len(n)
    while end:
        groups.append(slice(before[end - 1], end))
        end = before[end - 1]
    return groups


class InGroups(training._KeptTrainer):
    "A way without packing: rows of like length in batches of their own, their gradients added up"
    def training_step(self, model, inputs, num_items_in_batch=None):
        places = torch.arange(inputs['labels'].shape[1], device=inputs['labels'].device)
        n, order = (((inputs['labels'] != -100) * places).amax(1) + 1).sort(descending=True)
        step, loss = super().training_step, 0
        for group in like_lengths(n.tolist()):
            part = {name: values[order[group], :n[group][0]] for name, values in inputs.items()}
            loss = loss + step(model, part, num_items_in_batch)
        return loss


def plain(model, **options): return Trainer(model=model, **options | dict(data_collator=usual))


def grouped(model, **options): return InGroups(model=model, **options)


first = 'plain Trainer'
padded = dict(packs=lambda model: False)
ways = {first: padded | dict(_trainer=plain), 'padded, head where trained': padded,
    'in groups of like length': padded | dict(_trainer=grouped), 'packed, one mask': dict(row_by_row=nullcontext),
    'finetune: packed, attention row by row': {}}
measured = [(way, kept) for kept in (1., .4) for way in ways]


def now():
    "The processor's time; on a GPU the clock's, when the GPU has done all it was given"
    if not torch.cuda.is_available(): return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


class Clock(TrainerCallback):
    "The time at the end of every step"
    def __init__(self): self.times = []
    def on_train_begin(self, *args, **kwargs): self.times.append(now())
    def on_step_end(self, *args, **kwargs): self.times.append(now())


def step_seconds(model, ds, args, way):
    "Seconds of the processor for each step"
    # the table is shuffled already: in this order every way takes the same rows at the same step
    options = dict(per_device_train_batch_size=args.batch, gradient_accumulation_steps=1, train_sampling_strategy='sequential')
    clock = Clock()
    with ExitStack() as stack:
        for name, value in (ways[way] | dict(_TokenBar=lambda tokens: clock)).items():
            stack.enter_context(patch.object(training, name, value))
        # what is made once is made here
        warm = 3 if torch.cuda.is_available() else 1
        finetune(model, ds.select(np.argsort(lengths(ds))[:4]), max_steps=warm, **options)
        clock.times.clear()
        finetune(model, ds, max_steps=args.steps, **options)
    return np.diff(clock.times)


def one(args):
    "Print the seconds of one way, in this process"
    torch.set_num_threads(1) # so that the processor's time is the step's own, on a busy machine too
    ds = table(args)
    kept = keep_top(random_score(ds, 0), trained(ds), args.kept)
    ds = clean_labels(with_flat(ds, 'keep', kept))
    print(json.dumps(list(step_seconds(gpt2(fused=args.one != first), ds, args, args.one))))


def compare(args):
    "Every way in a process of its own; ratios to the plain Trainer on the same rows and labels"
    given = [v for name in ('batch', 'steps', 'data', 'tokenizer') for v in (f'--{name}', getattr(args, name))]
    seconds, rows = {}, []
    for way, kept in measured:
        seconds[way, kept] = s = np.array(json.loads(in_own_process(__file__, *given, '--one', way, '--kept', kept)))
        base = seconds[first, kept]
        ratio = base / s
        cells = f'{s.mean():.3g} s', f'{base.sum() / s.sum():.2f}x', f'{ratio.min():.2f} to {ratio.max():.2f}x'
        rows.append([way, f'{kept:.0%}', *cells])
    ds = table(args)
    n = lengths(ds)[:args.steps * args.batch].reshape(args.steps, args.batch)
    padding = 1 - n.sum(1) / (n.max(1) * args.batch)
    gpu = torch.cuda.is_available()
    unit = f'time of a step on one {torch.cuda.get_device_name()}' if gpu else 'processor time of a step'
    return markdown(['way', 'kept', unit, 'speed', 'step by step'], rows) + f"""

GPT-2-124M shape, random weights, float32{'' if gpu else ', one thread'}, {args.steps} optimizer steps (AdamW) of {args.batch} rows in random order, the same for every way, each way in a process of its own.
Rows of {n.mean():.0f} tokens on average, {n.max()} at most, {trained(ds).mean():.0%} of them trained before cleaning; padded, {padding.min():.0%} to {padding.max():.0%} of a batch is padding, {1 - n.sum() / (n.max(1).sum() * args.batch):.0%} over all.
Kept tokens are drawn at random. Speed is the time of the plain Trainer over all steps, with the same labels, divided by that of the way. The plain Trainer has the model as transformers gives it, the other ways as `tc.load_model` does, with the GELU in one operation."""


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--batch', type=int, default=8, help='rows in a step')
    parser.add_argument('--steps', type=int, default=6, help='steps of each way')
    parser.add_argument('--data', default=shared/'alpaca_17k'/'alpaca_17k.jsonl', help='instruction records; random tokens if absent')
    parser.add_argument('--tokenizer', default=shared/'gpt2_tokenizer', help="a folder with GPT-2's tokenizer")
    parser.add_argument('--write', action='store_true', help='put the result into README.md')
    parser.add_argument('--one', choices=ways, help=argparse.SUPPRESS)
    parser.add_argument('--kept', type=float, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.rows = (args.steps + 1) * args.batch # some may lose all their tokens
    if args.one: one(args)
    else: report('training_gpu' if torch.cuda.is_available() else 'training', compare(args), args.write)
