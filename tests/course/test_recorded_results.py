"The recorded numbers that lessons show are those of the guides' own files."
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tokenclean_nb as tc

guides = Path(__file__).resolve().parents[2]/'nbs/guides'


def test_methods_are_means_of_eight_seeds():
    runs = pd.read_csv(guides/'results/comparison_uneven.csv').replace('full', 'all tokens')
    # those that train on tokens of the pool alone: without a clean set, or with one that only the reference saw
    runs = runs[runs.clean.notna() | runs.train_on_warmup.notna()]
    recorded = tc.recorded_results('methods').set_index('method')
    means = runs.groupby('method')[['kept', 'noise_after', 'accuracy']].mean().loc[recorded.index]
    means['accuracy'] = 1 - means.accuracy
    assert runs.seed.nunique() == 8
    np.testing.assert_allclose(recorded.kept, means.kept, atol=1)
    np.testing.assert_allclose(recorded[['noise', 'error']], means[['noise_after', 'accuracy']], atol=6e-4)


def test_groups_are_the_guides_runs():
    runs = pd.read_csv(guides/'matthew_effect.csv').query('round > 0')
    keys = ['warmup_noise', 'seed', 'group', 'round']
    both = runs.merge(tc.recorded_results('groups'), on=keys, validate='one_to_one')
    assert len(both) == len(runs) == len(tc.recorded_results('groups'))
    for name in ('cleaned', 'full', 'ideal'): np.testing.assert_allclose(both[name], both[f'error_{name}'], atol=6e-4)


def scores_of(name):
    "A study of scores, without its runs with a longer or smaller warm-up"
    runs = pd.read_csv(guides/f'results/scores_{name}.csv')
    return runs[runs.epochs.isna() & runs.warmup.isna()]


def test_scorers_are_the_runs_on_real_text():
    recorded = tc.recorded_results('scorers').set_index(['data', 'scorer'])
    for name in ('alpaca', 'dolly', 'mbpp'):
        scores = scores_of(name).query("kind == 'all'").groupby('scorer')[['auc', 'noise', 'removed']].mean()
        ours = recorded.loc[name]
        np.testing.assert_allclose(ours[['auc', 'noise', 'removed']], scores.loc[ours.index], atol=6e-5)
        kept = pd.concat(pd.read_csv(guides/f'results/{study}_{name}.csv') for study in ('scorers', 'methods'))
        kept = kept.fillna(dict(fraction=.8, epochs=2, noise=.45, clean=True)).query('fraction == .8 and epochs == 2 and noise == .45 and clean')
        kept = kept.assign(scorer=kept.scorer.fillna(kept.method).replace('oracle', 'truth')).pivot_table(index='seed', columns='scorer', values=['loss', 'p'])
        for value in ('loss', 'p'):
            change = kept[value].sub(kept[value]['full'], axis=0).mean()
            np.testing.assert_allclose(ours[f'{value}_change'], change[ours.index], atol=6e-5)


def test_fair_are_the_runs_of_the_comparison():
    results = guides/'results'
    first, later, work = (pd.read_csv(results/name) for name in ('first/comparison_uneven.csv', 'comparison_uneven.csv', 'work.csv'))
    paper, both = later.clean.eq(False) | later.train_on_warmup.eq(False), later.clean.isna() & later.train_on_warmup.isna()
    runs = pd.concat([first.assign(control='first', epochs=2), later[paper].assign(control='random order', epochs=2),
        later[both].assign(control='clean set for both', epochs=2), work[work.clean.isna()].assign(control='clean set for both')])
    keys = ['control', 'epochs', 'method', 'seed']
    recorded = tc.recorded_results('fair')
    assert recorded[keys].duplicated().sum() == 0 and len(recorded) == 72
    same = recorded.merge(runs, on=keys, suffixes=('', '_run'), validate='one_to_one')
    assert len(same) == len(recorded)
    for name in ('accuracy', 'p', 'loss'): np.testing.assert_allclose(same[name], same[f'{name}_run'], atol=6e-5)


def test_kinds_are_the_runs_on_real_text():
    recorded = tc.recorded_results('kinds')
    for name in ('alpaca', 'dolly', 'mbpp'):
        runs = scores_of(name).query("scorer != 'truth'").groupby(['scorer', 'kind']).auc.mean()
        ours = recorded[recorded.data == name].set_index(['scorer', 'kind']).auc
        assert set(ours.index) == set(runs.index)
        np.testing.assert_allclose(ours, runs.loc[ours.index], atol=6e-5)


def test_advice_is_what_advise_measured():
    runs = pd.read_csv(guides/'results/advice.csv').query("seed == 0 and trial not in ['full', 'random']")
    both = tc.recorded_results('advice').merge(runs, left_on=['data', 'way'], right_on=['data', 'trial'], validate='one_to_one')
    assert len(both) == len(runs) == 24
    for name in ('change', 'low', 'high'): np.testing.assert_allclose(both[name], both[f'loss_{name}'], atol=6e-5)


def test_loop_are_the_runs_with_good_examples():
    two, others = pd.read_csv(guides/'results/comparison_uneven.csv').assign(epochs=2), pd.read_csv(guides/'results/work.csv')
    runs = pd.concat([two[two.clean.isna() & two.train_on_warmup.isna()], others[others.clean.isna()]])
    keys = ['method', 'epochs', 'seed']
    both = tc.recorded_results('loop').merge(runs, on=keys, suffixes=('', '_run'), validate='one_to_one')
    assert len(both) == len(tc.recorded_results('loop')) == 5 * (8 + 3 * 4)
    for name in ('accuracy', 'p', 'loss'): np.testing.assert_allclose(both[name], both[f'{name}_run'], atol=6e-5)


def test_fractions_are_the_runs_of_a_fixed_reference():
    varied, usual = pd.read_csv(guides/'results/fraction.csv'), pd.read_csv(guides/'results/comparison_uneven.csv')
    usual = usual[usual.clean.isna() & usual.train_on_warmup.isna()]
    runs = pd.concat([varied[varied.world.isna() & (varied.method == 'fixed')],
        usual[usual.method == 'fixed'].assign(fraction=.8), usual[usual.method == 'full'].assign(fraction=1.)])
    both = tc.recorded_results('fractions').merge(runs, on=['fraction', 'seed'], suffixes=('', '_run'), validate='one_to_one')
    assert len(both) == len(tc.recorded_results('fractions')) == 20
    for name in ('kept', 'noise_after', 'accuracy', 'p', 'loss'): np.testing.assert_allclose(both[name], both[f'{name}_run'], atol=6e-5)


def test_an_unknown_name_is_refused():
    with pytest.raises(tc.BadInput, match='rounds, methods, groups, scorers, fair, kinds, advice, loop, fractions'): tc.recorded_results('losses')
