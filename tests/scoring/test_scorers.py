"Scores and the lines between them: what they lack is named, tables without a response have none, a clean pool stays"
import logging

import numpy as np
import pytest

import tokenclean_nb as tc

base, tokenizer = tc.tiny_base()
task = tc.make_task(30, seed=0, progress=False)
names = [name for name, s in tc.scorers.items() if s.passes <= 2 and name not in ('noise_ratio', 'truth')]


@pytest.fixture(scope='module')
def table(): return tc.measure_columns(task.pool, names, base, base, clean=task.warmup, progress=False)


@pytest.mark.parametrize('scorer, options, match', [
    ('agreement', {}, 'clean.*a table for the scorer agreement'), ('detector', {}, 'planted.*planted_table'),
    ('gain', dict(window=3), 'window.*an option of gain, which has column'), ('gain_smooth', dict(width=3), 'width.*which has window'),
    ('gain_smooth', dict(window=-3), 'window.*at least 0')])
def test_what_a_scorer_lacks_or_does_not_know_is_named(table, scorer, options, match):
    with pytest.raises(tc.BadInput, match=match): tc.score(table, scorer, **options)


def test_the_truth_is_not_for_models_to_tell():
    with pytest.raises(tc.BadInput, match='Only generated data and planted noise have it'): tc.score(task.pool.remove_columns('truth'), 'truth')


@pytest.mark.parametrize('rows', [0, 3])
def test_tables_without_a_response_have_no_scores(rows):
    "Rows of nothing but prompts, and no row at all"
    some = task.pool.select(range(rows))
    bare = tc.with_flat(some, 'labels', np.full(len(tc.flat(some, 'labels')), -100, np.int32))
    for name in ('clusters', 'learned_vectors', 'neighbours'):
        found = tc.flat(tc.score(tc.measure_columns(bare, name, base, base, progress=False), name), 'score')
        assert np.isnan(found).all() and len(found) == len(tc.flat(bare, 'labels'))


def test_scores_that_are_never_positive(table):
    "Added up, they count every further token against its half: the gallery names them"
    tables = dict(agreement=dict(clean=table), detector=dict(planted=table))
    for name in ('low_reference_loss', 'head_gradient', 'first_tokens', 'detector', 'agreement', 'repeated', 'common'):
        found = tc.flat(tc.score(table, name, **tables.get(name, {})), 'score')
        assert np.nanmax(found) <= 1e-4, name # rounding


@pytest.mark.parametrize('draw', [lambda r: r.normal(size=1000), lambda r: r.exponential(size=1000), lambda r: -r.lognormal(size=1000), lambda r: np.append(r.normal(size=999), 50)], ids=['normal', 'exponential', 'lognormal', 'outlier'])
def test_a_pool_that_is_one_heap_is_kept(draw, caplog):
    scores = draw(np.random.default_rng(0))
    with caplog.at_level(logging.WARNING): kept = tc.keep_mixture(scores, np.ones(1000, bool))
    assert kept.all() and 'no two heaps' in caplog.text


@pytest.mark.parametrize('share', [.1, .3, .6])
def test_two_heaps_are_parted(share):
    rng, n = np.random.default_rng(0), int(1000 * share)
    scores = np.concatenate([rng.normal(size=n), rng.normal(5, 1, 1000 - n)])
    kept = tc.keep_mixture(scores, np.ones(1000, bool))
    assert kept[n:].mean() > .95 and kept[:n].mean() < .05


@pytest.mark.parametrize('keep', [lambda: tc.keep_mixture([1., 2, 3], [True, True]), lambda: tc.keep_balanced([1., 2, 3], [True, True], .5, [0, 0]), lambda: tc.keep_balanced([1., 2], [True, True], .5, [0])])
def test_arrays_of_other_lengths_are_refused(keep):
    with pytest.raises(tc.BadInput, match='trained|within'): keep()
