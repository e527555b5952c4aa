"Selection from files is `keep_top`, to the last token; the scored table is the whole one"
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, concatenate_datasets
from hypothesis import given, strategies as st

from tokenclean_nb.scoring import shards
from tokenclean_nb.data.table import flat, trained, with_flat
from tokenclean_nb.errors import BadInput
from tokenclean_nb.scoring.selection import keep_top
from tokenclean_nb.scoring.shards import (
    read_shard, score_shards, select_shards, shard_path, sharded_losses, write_scored, write_shard)


def scored(sizes, seed, distinct, dtype=np.float32):
    "A scored table of random rows; few distinct scores make ties"
    rng = np.random.default_rng(seed)
    ids = [rng.integers(3, 50, n).tolist() for n in sizes]
    ds = Dataset.from_dict(dict(input_ids=ids, labels=[np.where(rng.random(len(r)) < 0.7, r, -100).tolist() for r in ids]))
    values = rng.choice(rng.normal(size=distinct) * rng.choice([1e-30, 1, 1e30]), sum(sizes)).astype(dtype)
    return with_flat(ds, 'score', np.where(trained(ds), values, np.nan).astype(dtype))


@given(st.lists(st.integers(1, 12), min_size=1, max_size=30), st.integers(0, 10**6), st.integers(1, 40), st.sampled_from([np.float32, np.float64]), st.floats(0.001, 1), st.integers(1, 9), st.integers(1, 3))
def test_selection_is_keep_top(sizes, seed, distinct, dtype, fraction, group, files):
    ds = scored(sizes, seed, distinct, dtype)
    with tempfile.TemporaryDirectory() as d:
        cuts, paths = np.array_split(np.arange(len(ds)), files), []
        for k, rows in enumerate(c for c in cuts if len(c)):
            paths.append(Path(d)/f'{k}.parquet')
            pq.write_table(ds.select(rows).with_format('arrow')[:], paths[-1], row_group_size=group)
        if not trained(ds).any():
            with pytest.raises(BadInput, match='at least one trained token'): select_shards(paths, Path(d)/'out.parquet', fraction)
            return
        found = select_shards(paths, Path(d)/'out.parquet', fraction)
        got = Dataset(pq.read_table(Path(d)/'out.parquet'))
    keep = keep_top(flat(ds, 'score'), trained(ds), fraction)
    assert np.array_equal(flat(got, 'labels'), np.where(keep, flat(ds, 'labels'), -100)) and np.array_equal(flat(got, 'input_ids'), flat(ds, 'input_ids'))
    assert (found['tokens'], found['kept']) == (trained(ds).sum(), keep.sum())
    assert found['threshold'] == (flat(ds, 'score')[keep].min() if keep.any() else np.inf)


def test_odd_scores_are_refused(tmp_path):
    ds = with_flat(scored([5, 6], 0, 9), 'score', np.full(11, np.nan, np.float32))
    ds.to_parquet(tmp_path/'nan.parquet')
    with pytest.raises(BadInput, match='NaN or infinite'): select_shards([tmp_path/'nan.parquet'], tmp_path/'out.parquet')
    with pytest.raises(BadInput, match='above 0'): select_shards([tmp_path/'nan.parquet'], tmp_path/'out.parquet', fraction=60)
    assert [p.name for p in tmp_path.iterdir()] == ['nan.parquet']


@pytest.mark.parametrize('size', [1, 4, 100])
def test_the_scored_table(tiny, tmp_path, size):
    "Columns, rows and values are those of the whole table, also where it comes in chunks and out of order"
    from tokenclean_nb.data.encoding import encode
    model, tokenizer = tiny
    records = [dict(prompt=f'Say {i}', completion=' yes' * (1 + i % 5), source='ab'[i % 2]) for i in range(9)]
    ds = encode(Dataset.from_list(records), tokenizer)
    ds = concatenate_datasets([ds.select(range(3)), ds.select(range(3, 9))]).select([8, 0, 3, 4, 1, 2, 7])
    for column in ('loss_base', 'loss_ref'): score_shards(model, ds, tmp_path, column, size=size, progress=False, dtype='bfloat16' if column == 'loss_ref' else None)
    n = write_scored(ds, tmp_path, ['loss_base', 'loss_ref'], tmp_path/'data.parquet', size=size)
    got = Dataset.from_parquet(str(tmp_path/'data.parquet'))
    losses = [sharded_losses(None, ds, tmp_path, c, size=size, progress=False) for c in ('loss_base', 'loss_ref')]
    assert got.column_names == [*ds.column_names, 'loss_base', 'loss_ref', 'score'] and got.remove_columns(['loss_base', 'loss_ref', 'score']).to_list() == ds.to_list()
    for column, values in dict(loss_base=losses[0], loss_ref=losses[1], score=losses[0] - losses[1]).items():
        assert flat(got, column).dtype == np.float32 and np.array_equal(flat(got, column), values, equal_nan=True)
    assert (n['rows'], n['tokens'], n['trained']) == (7, len(losses[0]), trained(ds).sum()) and np.isclose(n['loss_base'], np.nanmean(losses[0]))
    assert pq.ParquetFile(tmp_path/'data.parquet').num_row_groups == -(-7 // size)


def test_processes_share_the_shards(tiny, tmp_path, monkeypatch):
    "Of three processes each writes every third shard, and together all"
    from tokenclean_nb.data.encoding import encode
    model, tokenizer = tiny
    ds = encode(Dataset.from_list([dict(prompt='a', completion='b' * (1 + i)) for i in range(10)]), tokenizer)
    want = sharded_losses(model, ds, tmp_path/'one', 'loss_base', size=2, progress=False)
    class Here:
        num_processes, is_main_process = 3, False
        def wait_for_everyone(self): pass
    monkeypatch.setattr(shards, 'processes', Here)
    for k in range(3):
        Here.process_index = k
        before = {p.name for p in tmp_path.rglob('three/*/*')}
        score_shards(model, ds, tmp_path/'three', 'loss_base', size=2, progress=False)
        assert {p.name for p in tmp_path.rglob('three/*/*')} - before == {f'{i:05d}.parquet' for i in range(k, 5, 3)}
    got = np.concatenate([read_shard(p, 'loss_base', ds.select(range(2*k, 2*k + 2))) for k, p in enumerate(sorted(tmp_path.rglob('three/*/*')))])
    assert got.tobytes() == want.tobytes()


@pytest.mark.parametrize('labels', [[], [[-100, -100]]])
def test_a_table_with_nothing_trained_is_refused(tmp_path, labels):
    "And no file is left"
    ds = Dataset.from_dict(dict(input_ids=[[5, 6]] * len(labels), labels=labels))
    losses = np.full(2 * len(labels), np.nan, np.float32)
    write_shard(shard_path(tmp_path, 'loss_base', 0), 'loss_base', ds, losses)
    with pytest.raises(BadInput, match='at least one trained token'):
        write_scored(ds, tmp_path, ['loss_base'], tmp_path/'data.parquet')
    assert not list(tmp_path.glob('*.parquet'))
