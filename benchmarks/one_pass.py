"Processor time of `tc.token_quantities` over that of the loss alone"
import argparse
import statistics
import time

import torch
import tokenclean_nb as tc
from common import markdown, report
from tokenclean_nb.scoring.one_pass import quantities


def seconds(run):
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', nargs='?', default='tiny-base', help='a folder, a Hub name, or tiny-base')
    parser.add_argument('--data', help='instruction records; a generated pool if left out')
    parser.add_argument('--rows', type=int, default=100)
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--write', action='store_true', help='put the result into README.md')
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, tokenizer = tc.tiny_base() if args.model == 'tiny-base' else tc.load_model(args.model, dtype='float32')
    ds = tc.encode(tc.load_records(args.data).select(range(args.rows)), tokenizer, 256) if args.data else tc.make_task(args.rows).pool
    asked = dict(loss=['loss'], entropy=['loss', 'entropy']) | {'all six': [*quantities]}
    ways = dict(token_losses=lambda: tc.token_losses(model, ds, progress=False))
    for name, names in asked.items(): ways[name] = lambda names=names: tc.token_quantities(model, ds, names, progress=False)
    runs = {name: [] for name in ways}
    for _ in range(args.repeats):
        for name, way in ways.items(): runs[name].append(seconds(way))
    ratio = {name: [t / t0 for t, t0 in zip(times, runs['token_losses'])] for name, times in runs.items()}
    rows = [[name, f'{statistics.median(r):.2f}x', f'{min(r):.2f} to {max(r):.2f}x'] for name, r in ratio.items()]
    report('one_pass', markdown(['asked for', 'processor time', 'lowest to highest run'], rows) + f'\n\n{args.model}, {len(ds)} rows, {len(tc.flat(ds, "input_ids")):,} tokens, one thread, {args.repeats} runs in turn.', args.write)
