"Speed and memory of `keep_top`, beside a sorted Python list of tokens"
import argparse
import json
import statistics
import time

import numpy as np
import psutil
from common import in_own_process, markdown, peak_memory, report

from tokenclean_nb.scoring.selection import keep_top

ways = {'pool': 'keep_top', 'row': "keep_top, within the row", 'list': 'sorted list, applied row by row', 'list-row': 'sorted list in each row'}
per_token = 400 # bytes of a tuple with its score and numbers, its place in two lists, and labels row by row


def scores(n):
    "Scores of about `n` tokens in rows of 20 to 500, two thirds of them trained, and each token's row"
    rng = np.random.default_rng(0)
    sizes = rng.integers(20, 500, n // 260 + 1)
    rows = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    return rng.normal(size=len(rows)).astype(np.float32), rng.random(len(rows)) < 2 / 3, rows, sizes


def usual(score, trained, sizes, fraction, in_row):
    "Tuples of score, row and position, sorted; the first ones are kept"
    score, trained = score.tolist(), trained.tolist()
    tokens, kept, start = [], [[False] * n for n in sizes.tolist()], 0
    for row, n in enumerate(sizes.tolist()):
        mine = [(score[start+t], row, t) for t in range(n) if trained[start+t]]
        if in_row: mine = sorted(mine, key=lambda token: token[0], reverse=True)[:int(fraction * len(mine))]
        tokens += mine
        start += n
    if not in_row: tokens = sorted(tokens, key=lambda token: token[0], reverse=True)[:int(fraction * len(tokens))]
    for _, row, t in tokens: kept[row][t] = True
    return kept


def one(way, n, fraction=0.6):
    "Seconds and memory beyond the input of one way, in this process"
    score, trained, rows, sizes = scores(n)
    keep_top(score[:100], trained[:100], fraction, rows[:100])
    with peak_memory() as memory:
        start = time.perf_counter()
        if way.startswith('list'): kept = usual(score, trained, sizes, fraction, way == 'list-row')
        else: kept = keep_top(score, trained, fraction, rows if way == 'row' else None)
        seconds = time.perf_counter() - start
    if way.startswith('list'): kept = np.concatenate([np.array(k) for k in kept])
    return dict(seconds=seconds, memory=memory['bytes'], tokens=len(score), kept=int(kept.sum()), sum=int(np.flatnonzero(kept).sum()))


def compare(args):
    "All ways, each in its own process"
    fits = args.tokens * per_token < 0.7 * psutil.virtual_memory().available
    size = {w: args.tokens if fits or not w.startswith('list') else min(args.tokens, 2_000_000) for w in ways}
    runs = {w: [] for w in ways}
    for k in range(args.repeats):
        for w in list(ways)[::-1 if k % 2 else 1]:
            if not (w.startswith('list') and k): runs[w].append(json.loads(in_own_process(__file__, '--one', w, '--tokens', size[w])))
    seconds, memory = ({w: statistics.median(r[what] for r in runs[w]) for w in ways} for what in ('seconds', 'memory'))
    each = {w: seconds[w] / runs[w][0]['tokens'] for w in ways}
    for a, b in (('pool', 'list'), ('row', 'list-row')):
        if size[a] == size[b]: assert (runs[a][0]['kept'], runs[a][0]['sum']) == (runs[b][0]['kept'], runs[b][0]['sum']), 'both ways must keep the same tokens'
    against = dict(pool='list', row='list-row')
    row = lambda w: [ways[w], f"{runs[w][0]['tokens'] / 1e6:.1f}M", f'{seconds[w]:.2f} s', f'{each[against[w]] / each[w]:.0f}x' if w in against else '1x', f'{memory[w] / 1e9:.2f} GB']
    text = markdown(['way', 'tokens', 'time', 'speed per token', 'memory beyond the input'], map(row, ('pool', 'list', 'row', 'list-row')))
    note = 'Both ways keep the same tokens.' if fits else 'The sorted list ran on 2M tokens, for want of memory; its time per token grows with their number.'
    return f'{text}\n\nRows of 20 to 500 tokens, two thirds trained, 60 % kept. Medians of {args.repeats} runs, one run of the lists. {note}'


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--tokens', type=int, default=10_000_000)
    parser.add_argument('--repeats', type=int, default=3, help='runs of keep_top')
    parser.add_argument('--write', action='store_true', help='put the result into README.md')
    parser.add_argument('--one', choices=ways, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one: print(json.dumps(one(args.one, args.tokens)))
    else: report('selection', compare(args), args.write)
