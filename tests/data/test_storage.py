"Files are whole or absent, folders belong to one run, interrupted work goes on"
import errno
import json
import os
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from datasets import Dataset, concatenate_datasets
from transformers import AutoModelForCausalLM, GPT2Config

from tokenclean_nb.scoring import shards
from tokenclean_nb.errors import BadInput
from tokenclean_nb.scoring.losses import token_losses
from tokenclean_nb.scoring.shards import sharded_losses
from tokenclean_nb.data.fingerprints import data_fingerprint, model_fingerprint, tokenizer_fingerprint
from tokenclean_nb.data.storage import atomic, claim_folder, run_folder


def full(*args, **kwargs): raise OSError(errno.ENOSPC, 'No space left on device')


faults = dict(error=(ZeroDivisionError, lambda: 1 / 0), stop=(KeyboardInterrupt, lambda: (_ for _ in ()).throw(KeyboardInterrupt)), full_disk=(OSError, full))


def fill(path, folder, text):
    "Write a file, or a folder with a file"
    if folder: path.mkdir()
    (path/'part' if folder else path).write_text(text)


read = lambda path: (path/'part').read_text() if path.is_dir() else path.read_text()


@pytest.mark.parametrize('error, fail', faults.values(), ids=faults)
@pytest.mark.parametrize('folder', [False, True], ids=['file', 'folder'])
@pytest.mark.parametrize('there', [False, True], ids=['new', 'replaced'])
def test_a_failed_block_leaves_what_was(tmp_path, error, fail, folder, there):
    target = tmp_path/'deep'/'out'
    if there:
        with atomic(target) as path: fill(path, folder, 'old')
    with pytest.raises(error), atomic(target) as path:
        fill(path, folder, 'half')
        fail()
    assert sorted(p.name for p in target.parent.iterdir()) == (['out'] if there else []) and (not there or read(target) == 'old')


@pytest.mark.parametrize('folder', [False, True], ids=['file', 'folder'])
def test_a_failed_rename_leaves_what_was(tmp_path, folder, monkeypatch):
    target = tmp_path/'out'
    fill(target, folder, 'old')
    with pytest.raises(OSError, match='No space'), monkeypatch.context() as m:
        m.setattr(os, 'replace', full)
        with atomic(target) as path: fill(path, folder, 'new')
    assert read(target) == 'old' and [p.name for p in tmp_path.iterdir()] == ['out']


@pytest.mark.parametrize('folder', [False, True], ids=['file', 'folder'])
def test_a_block_that_wrote_nothing_leaves_what_was(tmp_path, folder):
    fill(tmp_path/'out', folder, 'old')
    with pytest.raises(OSError), atomic(tmp_path/'out'): pass
    assert read(tmp_path/'out') == 'old'


@pytest.mark.parametrize('before', [None, False, True], ids=['new', 'over a file', 'over a folder'])
@pytest.mark.parametrize('folder', [False, True], ids=['file', 'folder'])
def test_a_block_that_ends_well(tmp_path, before, folder):
    if before is not None: fill(tmp_path/'out', before, 'old')
    with atomic(tmp_path/'out') as path:
        fill(path, folder, 'new')
        assert path.parent == tmp_path and (before is None or read(tmp_path/'out') == 'old')
    assert read(tmp_path/'out') == 'new' and [p.name for p in tmp_path.iterdir()] == ['out']


identity = dict(model='a1', fraction=0.6, parts=None)


def said_by_manifest(folder):
    "The manifest of a run, without its author"
    return {k: v for k, v in json.loads((folder/'manifest.json').read_text()).items() if k != 'written_by'}


def test_a_folder_goes_on_with_its_own_run(tmp_path):
    assert claim_folder(tmp_path/'run', identity) == claim_folder(str(tmp_path/'run'), dict(reversed(identity.items()))) == tmp_path/'run'
    (tmp_path/'run'/'shard').write_text('x')
    claim_folder(tmp_path/'run', identity)
    assert said_by_manifest(tmp_path/'run') == identity
    (tmp_path/'bare').mkdir()
    claim_folder(tmp_path/'bare', identity)


@pytest.mark.parametrize('other, said', [(dict(fraction=0.4), 'fraction was 0.6, is 0.4'), (dict(seed=1), 'seed was None, is 1'), (dict(parts=5), 'parts was None, is 5'), (dict(model='b'), "model was 'a1', is 'b'")])
def test_a_folder_refuses_another_run(tmp_path, other, said):
    claim_folder(tmp_path/'run', identity)
    with pytest.raises(BadInput, match=said): claim_folder(tmp_path/'run', identity | other)
    assert said_by_manifest(tmp_path/'run') == identity


@pytest.mark.parametrize('make, said', [(lambda p: p.write_text('x'), 'a folder'), (lambda p: (p.mkdir(), (p/'thesis.txt').write_text('x')), 'new or empty'),
    (lambda p: (p.mkdir(), (p/'manifest.json').write_text('{"a"')), 'readable manifest'), (lambda p: (p.mkdir(), (p/'manifest.json').write_text('[1]')), 'readable manifest|another run')])
def test_a_folder_that_is_something_else(tmp_path, make, said):
    make(tmp_path/'run')
    before = {p: p.read_text() for p in tmp_path.rglob('*') if p.is_file()}
    with pytest.raises(BadInput, match=said): claim_folder(tmp_path/'run', identity)
    assert before == {p: p.read_text() for p in tmp_path.rglob('*') if p.is_file()}


def test_a_claim_on_a_full_disk_can_be_repeated(tmp_path, monkeypatch):
    with pytest.raises(OSError), monkeypatch.context() as m:
        m.setattr(os, 'replace', full)
        claim_folder(tmp_path/'run', identity)
    claim_folder(tmp_path/'run', identity)


@pytest.fixture(scope='module')
def model():
    "A small GPT-2"
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(GPT2Config(n_layer=1, n_embd=16, n_head=2, vocab_size=50, n_positions=32, initializer_range=0.3)).eval()


@pytest.fixture(scope='module')
def ds():
    "Eleven random rows"
    rng = np.random.default_rng(0)
    ids = [rng.integers(3, 50, n).tolist() for n in rng.integers(1, 20, 11)]
    return Dataset.from_dict(dict(input_ids=ids, labels=[[-100] + r[1:] for r in ids]))


same = lambda a, b: np.array_equal(a, b, equal_nan=True)
run = lambda model, ds, folder, **k: sharded_losses(model, ds, folder, 'loss_base', progress=False, size=3, **k)


@pytest.mark.parametrize('error, fail', faults.values(), ids=faults)
@pytest.mark.parametrize('where', ['token_losses', 'write_table'])
@pytest.mark.parametrize('k', [0, 2, 3])
def test_shards_go_on_after_a_failure(model, ds, tmp_path, monkeypatch, error, fail, where, k):
    whole, calls = run(model, ds, tmp_path/'whole'), []
    owner = shards if where == 'token_losses' else pq
    original = getattr(owner, where)
    def failing(*args, **kwargs):
        calls.append(1)
        if len(calls) == k + 1:
            if where == 'write_table': args[1].write_bytes(b'PAR1 half')
            fail()
        return original(*args, **kwargs)
    with pytest.raises(error), monkeypatch.context() as m:
        m.setattr(owner, where, failing)
        run(model, ds, tmp_path/'again')
    folder = tmp_path/'again'/'loss_base'
    done = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} if folder.exists() else {}
    assert sorted(done) == [f'{i:05d}.parquet' for i in range(k)]
    assert same(run(model, ds, tmp_path/'again'), whole)
    assert all((folder/name).stat().st_mtime_ns == t for name, t in done.items())
    assert same(run(None, ds, tmp_path/'again'), whole)


def test_shards_are_the_losses(model, ds, tmp_path):
    got = run(model, ds, tmp_path)
    assert got.dtype == np.float32 and np.allclose(got, token_losses(model, ds, progress=False), atol=1e-5, equal_nan=True)
    assert same(run(model, ds.select([]), tmp_path/'empty'), np.empty(0, np.float32))
    shuffled = ds.shuffle(seed=0)
    assert np.allclose(run(model, shuffled, tmp_path/'shuffled'), token_losses(model, shuffled, progress=False), atol=1e-5, equal_nan=True)


def test_a_shard_of_other_rows_is_refused(model, ds, tmp_path):
    run(model, ds, tmp_path)
    with pytest.raises(BadInput, match='00000.parquet'): run(model, ds.select(range(4, 11)), tmp_path)


def test_a_broken_shard_is_named(model, ds, tmp_path):
    run(model, ds, tmp_path)
    (tmp_path/'loss_base'/'00001.parquet').write_bytes(b'PAR1')
    with pytest.raises(BadInput, match='00001.parquet'): run(model, ds, tmp_path)


def test_fingerprints_tell_apart(model, ds, tokenizer):
    "What they cover changes them, how it is stored does not"
    assert data_fingerprint(ds) == data_fingerprint(ds.select(list(range(11)))) == data_fingerprint(concatenate_datasets([ds.select(range(4)), ds.select(range(4, 11))]))
    assert len({data_fingerprint(d) for d in (ds, ds.select(range(10)), ds.shuffle(seed=1))}) == 3
    before = model_fingerprint(model)
    assert before == model_fingerprint(model.eval()) and len(before) == 16
    words = tokenizer_fingerprint(tokenizer)
    tokenizer.chat_template = '{{ messages }}'
    assert tokenizer_fingerprint(tokenizer) != words


def test_every_weight_counts_and_124_million_take_no_second():
    weights = torch.nn.Linear(11_136, 11_136, bias=False)
    start = time.perf_counter()
    before = model_fingerprint(weights)
    assert time.perf_counter() - start < 1 and weights.weight.numel() > 124e6
    with torch.no_grad(): weights.weight[7_001, 1_003] += 1e-3
    assert model_fingerprint(weights) != before


def test_fingerprint_sees_row_boundaries():
    one, two = (Dataset.from_dict(dict(input_ids=ids, labels=ids)) for ids in ([[1, 2], [3]], [[1], [2, 3]]))
    assert data_fingerprint(one) != data_fingerprint(two)


def test_a_held_folder_is_tidied(tmp_path):
    "What a killed process left half-written is gone when the run goes on"
    with run_folder(tmp_path/'run', identity) as folder:
        for name in ('.data.parquet.12.part', '.table.12.old'): (folder/name).write_text('half')
        (folder/'.model.12.part').mkdir()
        (folder/'.model.12.part'/'weights').write_text('half')
        with (folder/'.written').open('a') as ledger: ledger.writelines(f'{name}\t\n' for name in ('.data.parquet.12.part', '.table.12.old', '.model.12.part')) # as `atomic` notes them
        (folder/'.mine.12.part').write_text('of a person') # nobody noted it
        (folder/'whole').write_text('whole')
    with run_folder(tmp_path/'run', identity) as folder: assert sorted(p.name for p in folder.iterdir()) == ['.lock', '.mine.12.part', '.written', 'manifest.json', 'whole']
    with pytest.raises(BadInput, match='seed was None'), run_folder(tmp_path/'run', identity | dict(seed=1)): pass
    with pytest.raises(BadInput, match='new or empty'), run_folder(tmp_path, identity): pass
    assert not (tmp_path/'.lock').exists()
