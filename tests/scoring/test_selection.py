"Exactly int(fraction * n) tokens per group, the highest, ties to the earlier"
import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tokenclean_nb.scoring import selection
from tokenclean_nb.data.table import flat, trained, with_flat
from tokenclean_nb.errors import BadInput
from tokenclean_nb.scoring.selection import clean_labels, groups, keep_top

fractions = st.floats(0, 1, exclude_min=True) | st.sampled_from([0.6, 0.7, 0.29, 1e-9, 1.0, 1 / 3])
values = st.sampled_from([-1.0, 0.0, -0.0, 0.5, 2.0, 1e30]) | st.floats(-1e6, 1e6, width=32)


@st.composite
def cases(draw):
    "Scores with ties, competing tokens, groups; what does not compete may hold anything"
    n = draw(st.integers(1, 60))
    score = draw(arrays.arrays(draw(st.sampled_from([np.float32, np.float64])), n, elements=values))
    taught, group = draw(arrays.arrays(bool, n)), draw(arrays.arrays(np.int64, n, elements=st.integers(0, 4)))
    score[~taught] = draw(st.sampled_from([np.nan, np.inf, 7]))
    return score, taught, group


def slow(score, taught, fraction, within=None):
    "The usual way: a sorted Python list per group"
    within, keep = [0] * len(score) if within is None else within, [False] * len(score)
    for g in set(within):
        tokens = [i for i in range(len(score)) if taught[i] and within[i] == g]
        for i in sorted(tokens, key=lambda i: (-score[i], i))[:int(fraction * len(tokens))]: keep[i] = True
    return keep


@given(cases(), fractions, st.booleans(), st.sampled_from([3, selection.chunk]))
def test_like_a_sorted_list(case, fraction, grouped, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, 'chunk', chunk) # chunks that cut through ties
        check_like_a_sorted_list(*case, fraction, grouped)


def check_like_a_sorted_list(score, taught, group, fraction, grouped):
    within = group if grouped else None
    before = score.copy()
    keep = keep_top(score, taught, fraction, within)
    assert keep.dtype == bool and keep.tolist() == slow(score, taught, fraction, None if within is None else within.tolist())
    assert np.array_equal(score, before, equal_nan=True) and not keep[~taught].any()
    assert np.array_equal(keep, keep_top(score, taught, fraction, within))


@given(cases(), fractions, fractions, st.booleans())
def test_a_larger_fraction_keeps_what_a_smaller_kept(case, a, b, grouped):
    score, taught, group = case
    small, large = (keep_top(score, taught, f, group if grouped else None) for f in sorted((a, b)))
    assert (small <= large).all()
    assert keep_top(score, taught, 1.0, group if grouped else None).tolist() == taught.tolist()


@given(cases(), fractions)
def test_groups_of_any_kind(case, fraction):
    "Only who shares a group matters, not what the group is called"
    score, taught, group = case
    want = keep_top(score, taught, fraction, group)
    names = {'words': np.array(['a', 'bb', 'ç', '', 'a b'])[group], 'numbers': np.array([0.5, -1, 3, np.inf, 1e9])[group], 'objects': np.array(['x', 'y', None, 'z', 'w'], dtype=object)[group],
        'bytes': np.array([b'a', b'b', b'c', b'd', b'e'])[group], 'small': group.astype(np.uint8), 'list': group.tolist()}
    for kind, within in names.items(): assert np.array_equal(keep_top(score, taught, fraction, within), want), kind
    assert np.array_equal(keep_top(score, taught, fraction, np.zeros(len(score))), keep_top(score, taught, fraction))


@pytest.mark.parametrize('kind', [bool, np.uint8, np.int8, np.int64, np.float16, np.float32])
@pytest.mark.parametrize('within', [None, [0, 0, 0, 1, 1, 1]])
def test_scores_of_any_kind(kind, within):
    score, taught = np.array([0, 1, 100, 100, 0, 1]).astype(kind), np.ones(6, bool)
    assert keep_top(score, taught, 0.5, within).tolist() == slow(score.tolist(), taught, 0.5, within)


@pytest.mark.parametrize('n, fraction', [(10, 0.7), (100, 0.29), (3, 1 / 3), (1, 0.99), (5, 1), (1000, 0.001)])
def test_counts(n, fraction):
    for within in (None, np.zeros(n)): assert keep_top(np.arange(n), np.ones(n, bool), fraction, within).sum() == int(fraction * n)


def test_nothing_competes():
    assert keep_top(np.full(3, np.nan), np.zeros(3, bool), 0.5).tolist() == keep_top(np.full(3, np.nan), np.zeros(3, bool), 0.5, [0, 1, 1]).tolist() == [False] * 3
    assert keep_top(np.empty(0), np.empty(0, bool), 0.5).shape == (0,)


ok = dict(score=np.arange(4.0), trained=np.ones(4, bool), fraction=0.5)


@pytest.mark.parametrize('bad, said', [(dict(fraction=f), 'fraction') for f in (0, -1, 1.01, 60, float('nan'), '0.6', None, True)] + [(dict(trained=np.ones(3, bool)), 'trained'), (dict(within=[0, 1]), 'within'),
    (dict(score=np.array([1, np.nan, 2, 3])), '1 NaN or infinite.*token 1'), (dict(score=np.array([1, 2, np.inf, -np.inf])), '2 NaN or infinite.*token 2')])
def test_bad_arguments(bad, said):
    with pytest.raises(BadInput, match=said): keep_top(**ok | bad)


table = Dataset.from_dict(dict(input_ids=[[5, 6, 7], [8, 9], [4]], labels=[[5, 6, -100], [-100, 9], [4]], source=['web', None, 'web'], band=[[0, 1, 1], [0, 1], [0]]))


@pytest.mark.parametrize('within, want', [(None, None), ('row', [0, 0, 0, 1, 1, 2]), ('band', [0, 1, 1, 0, 1, 0]), ('source', ['web', 'web', 'web', None, None, 'web']), ([3, 3, 3, 3, 1, 1], [3, 3, 3, 3, 1, 1])])
def test_groups_by_name(within, want):
    got = groups(table, within)
    assert got is want if want is None else list(got) == want
    keep_top(np.arange(6.0), trained(table), 0.5, got)
    if want is not None and not isinstance(within, list): assert list(groups(table.select([1, 0, 2]), within))[0] in (want[3], 0)


@given(keep=arrays.arrays(bool, 6), order=st.permutations(range(3)))
def test_clean_labels(keep, order):
    ds = with_flat(table, 'keep', keep).select(order)
    before = ds.to_list()
    cleaned = clean_labels(ds)
    labels, ids = flat(cleaned, 'labels'), flat(ds, 'input_ids')
    assert labels.tolist() == [l if k else -100 for l, k in zip(flat(ds, 'labels'), flat(ds, 'keep'))]
    assert ((labels == -100) | (labels == ids)).all() and ds.to_list() == before
    assert cleaned.remove_columns('labels').to_list() == ds.remove_columns('labels').to_list() and cleaned.features['labels'].feature.dtype in ('int32', 'int64')
