"Rows are counted and keep the number that they have in the source; weights go through a run"
import json

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset, load_dataset

import tokenclean_nb as tc
from tokenclean_nb.cleaning.steps import with_clean
from tokenclean_nb.data.table import flat, trained, with_flat

good = [dict(instruction=f'Say {i}.', output=f'{i} it is.') for i in range(6)]
pool = [dict(instruction='Say nothing.', output=''), *good, dict(instruction='Say more.', output='more ' * 40), dict(instruction='?' * 200, output='cut off'), *good]


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    "A finished run and its folder: of 15 rows one has no answer, one only behind the limit, one is cut"
    out = tmp_path_factory.mktemp('rows')/'run'
    return tc.clean(tc.tiny_base(), pool, good, out=str(out), max_length=64, progress=False), out


def parquet(path): return load_dataset('parquet', data_files=str(path), split='train')


def test_what_was_read_is_in_the_record(run):
    run, out = run
    lost = dict(rows_read=15, rows_dropped=2, rows_cut=1, max_length=64)
    assert json.loads((out/'cleaning.json').read_text())['settings'].items() >= lost.items() <= run.settings.items()
    for seen in (run, tc.Cleaning.load(out, models=False)): assert seen.headline['rows read'] == '15: 2 dropped, 1 cut at 64 tokens'
    assert '15: 2 dropped, 1 cut at 64 tokens' in (out/'report.html').read_text()


def test_rows_of_the_source(run):
    run, out = run
    want = [*range(1, 8), *range(9, 15)]
    assert parquet(out/'cleaned.parquet')['row'][:] == parquet(out/'data.parquet')['row'][:] == want
    listed = tc.token_context(run.data, np.flatnonzero(trained(run.data))[[0, -1]])
    assert 'row 0 (1 in the source)' in str(listed) and 'row 12 (14 in the source)' in str(listed) and 'source row' in listed.html
    assert 'row 12' in run.view(12).html and 'row 14 of the source' in run.view(12).html and 'source row' in (out/'report.html').read_text()


def test_a_table_without_lost_rows_says_nothing(run):
    ds = tc.encode(tc.as_records(good), run[0].tokenizer)
    assert 'source' not in str(tc.token_context(ds, [20])) and 'source' not in tc.token_view(ds, 2, value=None).html


def test_weights_go_through(tmp_path, tiny):
    "Into what is trained, where the clean set weighs 1, and into the files"
    ds = tc.encode(tc.as_records(pool[1:8]), tiny[1])
    weights = np.random.default_rng(0).uniform(.5, 2, len(trained(ds))).astype(np.float32)
    ds, clean = with_flat(ds, 'weights', weights), tc.encode(tc.as_records(good[:2]), tiny[1])
    both = with_clean(with_flat(ds, 'keep', trained(ds)), clean)
    assert np.array_equal(flat(both, 'weights'), np.concatenate([weights, np.ones(len(trained(clean)), np.float32)]))
    for method, more in {'fixed': {}, 'self-evolving': dict(parts=2)}.items():
        run = tc.clean(tiny, ds, clean, method, out=str(tmp_path/method), progress=False, **more)
        cleaned = parquet(tmp_path/method/'cleaned.parquet')
        assert cleaned.column_names == ['input_ids', 'labels', 'weights', 'row'] and np.array_equal(flat(cleaned, 'weights'), flat(run.data, 'weights'))
    light = with_flat(ds, 'weights', weights[::-1].copy())
    assert tc.clean(tiny, light, clean, progress=False).rounds.train_loss[0] != tc.clean(tiny, ds, clean, progress=False).rounds.train_loss[0]


def test_select_hands_on_rows_and_weights(tmp_path):
    "Where all files have them"
    rows = Dataset.from_dict(dict(input_ids=[[1, 2, 3], [4, 5]], labels=[[-100, 2, 3], [-100, 5]], score=[[0., 1., 2.], [0., 3.]], weights=[[1., 2., 3.], [1., .5]], row=[4, 6]))
    for name, ds in dict(a=rows, b=rows.remove_columns('weights')).items(): ds.to_parquet(tmp_path/f'{name}.parquet')
    from tokenclean_nb.cleaning.pools import select_files
    select_files([str(tmp_path/'a.parquet')], str(tmp_path/'one'), .7)
    select_files([str(tmp_path/f'{n}.parquet') for n in 'ab'], str(tmp_path/'two'), .7)
    one, two = (pd.read_parquet(tmp_path/n/'cleaned.parquet') for n in ('one', 'two'))
    assert one.row.tolist() == [4, 6] and one.weights[0].tolist() == [1, 2, 3] and one.labels[0].tolist() == [-100, -100, 3]
    assert two.row.tolist() == [4, 6, 4, 6] and 'weights' not in two
