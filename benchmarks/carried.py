"How well a small model judges for another: AUC of planted noise by own scores, and by those carried over from the other"
import argparse
import logging
from itertools import permutations

import pandas as pd

import tokenclean_nb as tc
from tokenclean_nb.cleaning.inputs import as_model
from tokenclean_nb.scoring.one_pass import measure_columns
from tokenclean_nb.worlds.planted import planted_table


def auc(ds): return float(tc.auc(tc.flat(ds, 'score'), tc.flat(ds, 'truth')))


def scored(model, tokenizer, good, pool, seed, scorer='gain_smooth'):
    "The pool with planted noise, scored by a model with a reference of its own"
    reference = tc.finetune(model, tc.encode(good, tokenizer), seed=seed, progress=False)
    table = planted_table(pool, tokenizer, .6, seed, max_length=4096)
    return tc.score(measure_columns(table, scorer, model, reference, progress=False), scorer)


def measured(data, models, seed, rows):
    "A row per model that is judged for, and per model that judges"
    records = tc.load_records(data).shuffle(seed=seed).select(range(2 * rows))
    good, pool = records.select(range(rows)), records.select(range(rows, 2 * rows))
    tables = {name: scored(*as_model(path), good, pool, seed) for name, path in models.items()}
    own = [dict(tokens_of=name, judge=name, auc=auc(table)) for name, table in tables.items()]
    return own + [dict(tokens_of=a, judge=b, auc=auc(tc.carried(tables[a], tables[b]))) for a, b in permutations(tables, 2)]


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__)
    for name in ('data', 'models'): p.add_argument(f'--{name}', required=True, help='name=path, separated by commas')
    p.add_argument('--seeds', type=int, default=3)
    p.add_argument('--rows', type=int, default=300)
    p.add_argument('--out', help='A CSV file')
    a = p.parse_args()
    logging.getLogger('tokenclean_nb').setLevel(logging.ERROR)
    data, models = (dict(pair.split('=') for pair in text.split(',')) for text in (a.data, a.models))
    found = pd.DataFrame([dict(data=name, seed=seed) | row for name, path in data.items()
        for seed in range(a.seeds) for row in measured(path, models, seed, a.rows)])
    if a.out: found.round(4).to_csv(a.out, index=False)
    print(found.groupby(['data', 'tokens_of', 'judge']).auc.mean().round(3).to_string())
