"Grids of runs, planted noise, and the studies behind the results page"
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from hypothesis import example, given, settings, strategies as st

from tokenclean_nb.data.table import flat, trained
from tokenclean_nb.evidence.grids import cell_path, grid, run_cells, run_grid
from tokenclean_nb.evidence.intervals import payoff_table
from tokenclean_nb.evidence.plots import plot_gain_map
from tokenclean_nb.training.models import tiny_base
from tokenclean_nb.worlds.damage import noise_kinds
from tokenclean_nb.worlds.planted import plant_noise, with_planted_truth
from tokenclean_nb.evidence.plan import plan, run_studies
from tokenclean_nb.evidence.studies import measure_method

shared = Path(__file__).resolve().parents[2]/'shared'
words = st.text(st.characters(exclude_categories=['Cs', 'Co']), min_size=1, max_size=60).filter(str.strip)


@settings(deadline=None)
@given(answers=st.lists(words, min_size=2, max_size=6), seed=st.integers(0, 1000), shares=st.sampled_from([{}, *({kind: 1.} for kind in noise_kinds[1:])]))
@example(answers=['n', '0'], seed=0, shares=dict(swapped=1.)) # the end-of-sequence token has an n too
def test_planted_tokens_are_exactly_those_that_touch_the_damage(answers, seed, shares):
    records = plant_noise(Dataset.from_list([dict(instruction=a[::-1], output=a) for a in answers]), seed=seed, **shares)
    tokenizer = tiny_base()[1]
    ds = with_planted_truth(records, tokenizer)
    assert np.array_equal(flat(ds, 'truth') >= 0, trained(ds))
    for record, row in zip(records, ds):
        at = row['text'].rindex(record['output'] + tokenizer.eos_token)
        noisy = set().union(*(range(at + a, at + b) for a, b in record['planted'][0]))
        for a, b, truth in zip(row['starts'], row['ends'], row['truth']):
            if truth >= 0 and b > a: assert (truth == 0) == bool(noisy & set(range(a, b)))


def test_noise_is_planted_at_the_asked_rate_and_repeats_with_its_seed():
    records = Dataset.from_list([dict(prompt='p', completion=f'some{k} answer{k} with{k} number{k}') for k in range(2000)])
    one, two, other = (plant_noise(records, seed=s, swapped=.1, boilerplate=.2, typos=.3) for s in (0, 0, 1))
    assert np.allclose(np.bincount(one['noise'][:])[[0, 1, 2, 4]] / 2000, [.4, .1, .2, .3], atol=.03)
    assert one['completion'][:] == two['completion'][:] != other['completion'][:]
    clean = np.array(one['noise'][:]) == 0
    assert all((a == b) == c for a, b, c in zip(one['completion'][:], records['completion'][:], clean) if c)


def test_a_cell_that_fails_leaves_the_others_and_no_half_file(tmp_path):
    def fragile(k):
        if k == 2: raise RuntimeError('no luck')
        return dict(twice=2 * k)
    with pytest.raises(RuntimeError): run_grid(fragile, grid(k=range(4)), tmp_path, progress=False)
    assert sorted(p for p in tmp_path.rglob('*') if p.is_file()) == sorted(cell_path(tmp_path, fragile, dict(k=k)) for k in (0, 1))


def test_two_processes_measure_what_one_does(tmp_path):
    cells = [(measure_method, s) for s in grid(seed=[0, 1], method='full', n=24, warmup=8, test=8, epochs=1)]
    for workers in (1, 2): run_cells(cells, tmp_path/str(workers), workers, progress=False)
    frames = [pd.concat(pd.read_parquet(cell_path(tmp_path/str(w), *c)) for c in cells).drop(columns=['cpu_seconds', 'method_seconds']) for w in (1, 2)]
    pd.testing.assert_frame_equal(*frames)


def test_quick_studies_make_every_file_of_the_results_page(tmp_path):
    sources = dict(data=dict(alpaca=shared/'data'/'alpaca_17k'/'alpaca_17k.jsonl'), model=shared/'models'/'tiny-gpt2-en') if shared.exists() else {}
    found = run_studies(tmp_path/'out', tmp_path/'cells', workers=1, quick=True, progress=False, **sources)
    assert set(found) == set(plan(quick=True, **sources)) == {p.stem for p in (tmp_path/'out').glob('*.csv')}
    for name, frame in found.items():
        stored = pd.read_csv(tmp_path/'out'/f'{name}.csv')
        known = stored.drop(columns='auc', errors='ignore') # there is none where nothing is scored
        assert len(stored) == len(frame) > 0 and not known.isna().all().any(), name
    payoff = found['payoff']
    plot_gain_map(payoff_table(pd.concat([payoff, payoff.assign(seed=1)]))) # an interval needs two seeds
