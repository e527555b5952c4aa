"""AUC of every scorer against planted noise in real text, by kind of noise: one CSV

Each data set is cut into clean examples, a pool, and records that foreign words are taken from. The reference is trained on the clean examples; half of the pool's rows get noise, all kinds alike.
Of the detector, `unseen` names the figure for a kind of noise that was left out when it was fitted."""
import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import tokenclean_nb as tc
from tokenclean_nb.data.table import row_numbers
from tokenclean_nb.evidence.evaluation import auc

of_code = 'operator', 'name'
training = dict(learning_rate=1e-3, per_device_train_batch_size=16, gradient_accumulation_steps=1, num_train_epochs=1, progress=False)
columns = ['excess_loss', 'expected', 'head_gradient', 'prompt_gain', 'agreement']


def cut(path, seed, rows):
    "Clean examples, pool, and two parts to take foreign words from"
    records = tc.load_records(path)
    records = records.select_columns([c for c in ('instruction', 'input', 'output') if c in records.column_names])
    records = records.filter(lambda r: bool(r['output'] and r['output'].strip())).shuffle(seed=seed).flatten_indices()
    n, size = len(records), min(rows, int(len(records) * .4))
    last = min(n, 2 * size + rows)
    half = 2 * size + (last - 2 * size) // 2
    return [records.select(range(a, b)) for a, b in ((0, size), (size, 2 * size), (2 * size, half), (half, last))]


def tables(args, path, seed):
    "Pool, clean examples, and those with noise, each with the columns of all scorers"
    base, tokenizer = tc.load_model(args.model, dtype='float32')
    warmup, pool, donors, others = cut(path, seed, args.rows)
    kinds = [k for k in tc.noise_kinds[1:] if args.code or k not in of_code]
    def table(records, share, seed, donors):
        shares = {k: share / len(kinds) for k in kinds}
        return tc.with_planted_truth(tc.plant_noise(records, seed=seed, others=donors, **shares), tokenizer, 256)
    pool, clean, planted = table(pool, .5, seed, donors), table(warmup, 0, seed, donors), table(warmup, .7, seed + 100, others)
    kept = args.keep and Path(args.keep)/f'ref_{Path(path).stem}_{seed}'
    if kept and kept.exists(): reference = tc.load_model(kept, dtype='float32')[0]
    else:
        reference = tc.finetune(base, clean, seed=seed, **training)
        if kept: tc.save_model(kept, reference, tokenizer)
    for scorer in columns: pool = tc.measure_columns(pool, scorer, base, reference, progress=False)
    clean, planted = (tc.measure_columns(ds, 'agreement', base, reference, progress=False) for ds in (clean, planted))
    return pool, clean, planted


def interval(values, truth, row, rng, times=30):
    "Half of a 95 % interval of the AUC over rows: 1.96 standard deviations of redrawn rows"
    order, n = np.argsort(row, kind='stable'), np.bincount(row)
    first = np.cumsum(n) - n
    def again():
        rows = rng.integers(len(n), size=len(n))
        at = order[np.repeat(first[rows] - (np.cumsum(n[rows]) - n[rows]), n[rows]) + np.arange(n[rows].sum())]
        return auc(values[at], truth[at])
    return 1.96 * np.std([again() for _ in range(times)])


def figures(name, values, pool, rng):
    "A line for all noise and one for each kind"
    truth, row, noise = tc.flat(pool, 'truth'), row_numbers(pool), np.asarray(pool['noise'][:])[row_numbers(pool)]
    kept = tc.keep_top(values, tc.trained(pool), .8)
    removed = tc.trained(pool) & ~kept
    yield dict(scorer=name, kind='all', auc=auc(values, truth), plus_minus=interval(values, truth, row, rng), noise_in_removed=(truth[removed] == 0).mean(), noise=(truth[truth >= 0] == 0).mean())
    for k in np.unique(noise[truth == 0]):
        yield dict(scorer=name, kind=tc.noise_kinds[k], auc=auc(values, np.select([truth == 1, (truth == 0) & (noise == k)], [1, 0], -1)))


def unseen(pool, planted):
    "AUC of a detector by kind, fitted without that kind"
    truth, noise, kinds = tc.flat(pool, 'truth'), np.asarray(pool['noise'][:])[row_numbers(pool)], np.asarray(planted['noise'][:])
    for k in np.unique(noise[truth == 0]):
        values = tc.flat(tc.score(pool, 'detector', planted=planted.select(np.flatnonzero(kinds != k))), 'score')
        yield dict(scorer='detector, unseen', kind=tc.noise_kinds[k], auc=auc(values, np.select([truth == 1, (truth == 0) & (noise == k)], [1, 0], -1)))


def measure(args, path, seed):
    "All figures of a data set and a seed"
    pool, clean, planted = tables(args, path, seed)
    given, rng, out = dict(clean=clean, planted=planted), np.random.default_rng(0), []
    for name, scorer in tc.scorers.items():
        if name == 'truth': continue
        values = tc.flat(tc.score(pool, name, **{k: given[k] for k in scorer.needs.split()}), 'score')
        out += [line | dict(passes=scorer.passes) for line in figures(name, values, pool, rng)]
    if args.unseen: out += unseen(pool, planted)
    return pd.DataFrame(out).assign(data=Path(path).stem, seed=seed)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('data', nargs='+', help='instruction records')
    parser.add_argument('--model', required=True, help='the base model')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1], help='seeds of the cut, the noise and the training')
    parser.add_argument('--rows', type=int, default=500, help='rows of the pool, and of the clean examples')
    parser.add_argument('--code', action='store_true', help='plant the kinds of noise in code, too')
    parser.add_argument('--unseen', action='store_true', help='fit the detector without each kind')
    parser.add_argument('--keep', help='folder in which references are kept and looked for')
    parser.add_argument('--out', default='scorers.csv', help='the CSV; lines are added to one that is there')
    args = parser.parse_args()
    for path in args.data:
        for seed in args.seeds:
            found = measure(args, path, seed)
            known = [pd.read_csv(args.out)] if Path(args.out).exists() else []
            pd.concat([*known, found]).to_csv(args.out, index=False)
            print(found.pivot_table(index='scorer', columns='kind', values='auc', sort=False).round(2).to_string(), flush=True)
