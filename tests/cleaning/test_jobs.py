"Jobs on bad input: one line before long work, which names the argument as it was typed"
import json
import math
import shutil
import sys

import datasets
import numpy as np
import pandas as pd
import pytest

import tokenclean_nb as tc
from tokenclean_nb.cleaning import inputs, jobs
from tokenclean_nb.cleaning.cards import told_sources
from tokenclean_nb.cli import main
from tokenclean_nb.errors import BadInput

good = [dict(instruction=f'Say {i}.', output=f'{i} it is.') for i in range(8)]
nan = math.nan
mixed = [dict(good[0]), dict(good[1], output=5)]


@pytest.fixture
def no_model(monkeypatch):
    "Nothing is loaded before bad input is refused"
    def load(*args, **kwargs): raise AssertionError('a model was loaded')
    monkeypatch.setattr(inputs, 'load_model', load)


numbers = [dict(learning_rate=-1), dict(learning_rate=nan), dict(learning_rate='fast'), dict(lora=-1), dict(lora=0), dict(lora=True), dict(lora=1.5), dict(seed='a'), dict(seed=-1),
    dict(seed=2**32), dict(seed=.5), dict(batch_size='8'), dict(batch_size=0), dict(epochs=0), dict(epochs=-1), dict(epochs=nan), dict(epochs=math.inf), dict(max_length='long'), dict(out=3)]


@pytest.mark.parametrize('wrong', numbers, ids=str)
@pytest.mark.parametrize('job', [tc.clean, tc.train], ids=['clean', 'train'])
def test_numbers_that_no_run_can_use(job, wrong, no_model):
    (name, value), = wrong.items()
    more = dict(warmup=good) if job is tc.clean else {}
    with pytest.raises(BadInput, match=f'`{name}` is {value!r}: it must be') as e: job('tiny-base', good, **more, **wrong)
    assert '\n' not in str(e.value)


@pytest.mark.parametrize('wrong', [dict(lora=0), dict(learning_rate=-1), dict(num_train_epochs=0), dict(seed=-1)], ids=str)
def test_finetune_refuses_them_too(wrong, tiny):
    with pytest.raises(BadInput, match=f'`{[*wrong][0]}` is'): tc.finetune(tiny[0], tc.encode(tc.as_records(good), tiny[1]), progress=False, **wrong)


misspelt = dict(learning_rat='learning_rate', wamup='warmup', lerning_rate='learning_rate', num_train_epoch='num_train_epochs', progres='progress')


@pytest.mark.parametrize('typed, meant', misspelt.items())
def test_a_misspelt_name(typed, meant, no_model):
    with pytest.raises(BadInput, match=f'Did you mean .*{meant}') as e: tc.clean('tiny-base', good, good, **{typed: 1})
    assert str(e.value).startswith(f'`{typed}` is 1') and len(str(e.value)) < 250


records = {'strings': (['Say 1.'], r'[0]` is'), 'a string between': ([good[0], 'Say 1.'], r'[1]` is'), 'mixed types': (mixed, '` is'), 'a frame of mixed types': (pd.DataFrame(mixed), '` is'),
    'none': ([], '` is'), 'a number': (3, '` is'), 'no list of turns': ([dict(messages='hello')], '[0]'), 'turns that are strings': ([dict(messages=['hello'])], '[0]'),
    'no content': ([dict(messages=[dict(role='user')])], '[0]'), 'unknown columns': ([dict(colour='a', shape='b')], '` is'), 'no response': ([dict(prompt='a', completion='')], '` is'),
    'no file': ('nowhere.jsonl', '` is')}


@pytest.mark.parametrize('wrong, said', records.values(), ids=records)
@pytest.mark.parametrize('argument', ['data', 'warmup'])
def test_records_of_no_use(argument, wrong, said, tiny):
    with pytest.raises(BadInput) as e: tc.clean(tiny, **dict(data=good, warmup=good) | {argument: wrong})
    assert str(e.value).startswith(f'`{argument}{said}') and '\n' not in str(e.value)


@pytest.mark.parametrize('argument', ['model', 'reference'])
def test_models_of_no_use(argument, tiny):
    for wrong in ('./nowhere', 3, tiny[0]):
        with pytest.raises(BadInput, match=f'^`{argument}` is'): tc.clean(**dict(model=tiny, data=good, reference=tiny) | {argument: wrong})


@pytest.mark.parametrize('gone', ['model', 'model/model.safetensors', 'data.parquet', 'reference', 'cleaning.json'])
def test_a_finished_run_without_its_model_is_done_again(gone, tiny, tmp_path, caplog):
    job = lambda: tc.clean(tiny, good, good, out=tmp_path/'run', epochs=2, progress=False)
    job()
    path, model = tmp_path/'run'/gone, tmp_path/'run/model/model.safetensors'
    before = model.read_bytes()
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    if gone in ('model', 'reference'):
        with pytest.raises(BadInput, match=gone): tc.Cleaning.load(tmp_path/'run')
        assert tc.Cleaning.load(tmp_path/'run', models=False).method == 'fixed'
    run = job()
    assert (gone == 'cleaning.json') or f'lacks {gone}' in caplog.text
    assert path.exists() and model.read_bytes() == before and run.model is not None
    caplog.clear()
    job()
    assert 'lacks' not in caplog.text


def test_a_report_is_written_again_and_nothing_else(tiny, tmp_path, caplog):
    job = lambda: tc.clean(tiny, good, good, out=tmp_path/'run', progress=False)
    job()
    (tmp_path/'run/report.html').unlink()
    written = (tmp_path/'run/data.parquet').stat().st_mtime_ns
    job()
    assert (tmp_path/'run/report.html').exists() and (tmp_path/'run/data.parquet').stat().st_mtime_ns == written and 'lacks' not in caplog.text


@pytest.mark.parametrize('gone', ['model', 'model/model.safetensors'])
def test_a_training_without_its_model_is_done_again(gone, tiny, tmp_path):
    job = lambda: tc.train(tiny, good, out=tmp_path/'run', progress=False)
    job()
    path = tmp_path/'run'/gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert job().training_log and path.exists()
    assert not hasattr(job(), 'training_log')


def test_a_measure_that_is_not_run_is_said(tiny, tmp_path, caplog):
    job = lambda **options: tc.clean(tiny, good, good, out=tmp_path/'run', progress=False, **options)
    job(measure=lambda model: dict(size=1))
    assert 'nothing is measured again' not in caplog.text
    assert job(measure=lambda model: 1 / 0).rounds['size'].tolist() == [1] and 'nothing is measured again' in caplog.text


def test_no_bars_of_tables(tiny, monkeypatch):
    "With progress=False none is drawn while records are encoded; afterwards they are as they were"
    seen, encode, bars = [], jobs.as_table, sys.modules['datasets.utils.tqdm']
    monkeypatch.setattr(jobs, 'as_table', lambda *args: seen.append(datasets.are_progress_bars_disabled()) or encode(*args))
    for name, value in dict(HF_DATASETS_DISABLE_PROGRESS_BARS=None, _hf_datasets_progress_bars_disabled=False).items(): monkeypatch.setattr(bars, name, value)
    for progress in (True, False): tc.clean(tiny, good, good, progress=progress)
    tc.train(tiny, good, progress=False)
    assert seen == [False, False, True, True, True] and not datasets.are_progress_bars_disabled()


def test_training_from_a_stream(tiny, tmp_path):
    "The rows of a stream are written to the disk as they come; the model is that of the same rows in memory"
    def rows(): yield from good
    stream = datasets.IterableDataset.from_generator(rows)
    models = [tc.train(tiny, data, out=tmp_path/name, epochs=1, batch_size=4, progress=False) for name, data in dict(stream=stream, list=good).items()]
    one, two = ((tmp_path/name/'model/model.safetensors').read_bytes() for name in ('stream', 'list'))
    assert one == two and models[0].training_log and 'data' not in told_sources(data=stream)
    with pytest.raises(BadInput, match='^`data` is .*Choose one of train'): tc.train(tiny, datasets.IterableDatasetDict(train=stream), progress=False)


def test_held_out_rows_are_measured_after_every_round(tiny, tmp_path, caplog):
    "On the command line too; with other rows it is another run"
    (tmp_path/'held.jsonl').write_text('\n'.join(json.dumps(row) for row in good))
    (tmp_path/'pool.jsonl').write_text('\n'.join(json.dumps(row) for row in good * 2))
    words = ['clean', '--model', 'tiny-base', '--data', str(tmp_path/'pool.jsonl'), '--method', 'self-evolving', '--parts', '2', '--out', str(tmp_path/'run')]
    main([*words, '--held-out', str(tmp_path/'held.jsonl')])
    rounds, run = pd.read_csv(tmp_path/'run/rounds.csv'), tc.Cleaning.load(tmp_path/'run')
    losses = tc.token_losses(run.model, tc.as_table(tc.as_records(good), tiny[1]), progress=False)
    assert len(rounds) == 2 and np.isclose(rounds.held_out_loss.iloc[-1], np.nanmean(losses), atol=1e-4) and rounds.held_out_p.between(0, 1).all()
    assert run.settings['sources']['held_out'] == 'held.jsonl'
    with pytest.raises(SystemExit, match='another run'): main([*words, '--held-out', str(tmp_path/'pool.jsonl')])
    with pytest.raises(SystemExit, match='`--held-out` is'): main([*words[:-1], str(tmp_path/'new'), '--held-out', 'nowhere.jsonl'])
    assert not (tmp_path/'new').exists()
