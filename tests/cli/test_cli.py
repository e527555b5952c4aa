"The command line on bad input: one line that names argument, value, what is allowed and what to do; nothing left behind."
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors import SafetensorError

from tokenclean_nb.cli import main
from tokenclean_nb.data.records import load_records
from tokenclean_nb.data.table import flat, trained
from tokenclean_nb.training.models import save_model, tiny_base
from tokenclean_nb.worlds.tasks import make_task


@pytest.fixture(scope='module')
def tuned(tmp_path_factory):
    "A model with the tokens of the tiny base and other weights"
    model, tokenizer = tiny_base()
    for p in model.parameters(): p.data *= 1.01
    path = tmp_path_factory.mktemp('models')/'tuned'
    save_model(path, model, tokenizer)
    return str(path)


@pytest.fixture
def records(tmp_path):
    path = tmp_path/'pool.jsonl'
    path.write_text('\n'.join(json.dumps(dict(instruction=f'Say {i}.', output=f'{i} it is.')) for i in range(30)))
    return path


def refused(capsys, *words):
    "The error line of a command that must fail"
    with pytest.raises(SystemExit) as stop: main([str(w) for w in words])
    assert stop.value.code not in (0, None)
    said = f'{stop.value.code} {capsys.readouterr().err}'
    assert 'Traceback' not in said
    return said


bad = {
    'no such file': (dict(data='nowhere.jsonl'), 'No such file'),
    'fraction': (dict(fraction=0), 'above 0 and at most 1'),
    'method': (dict(method='magic'), 'one of base, clean-set, full'),
    'no warm-up': (dict(warmup=None), '--method self-scored'),
    'parts': (dict(method='self-evolving', warmup=None, parts=1), 'between 2 and'),
    'batch size': (dict(batch_size=0), 'at least 1'),
    'model': (dict(model='./no_model'), 'a folder with a causal language model'),
    'within': (dict(within='colour'), "'row', an array, or one of the columns"),
    'max_length': (dict(max_length=1), 'at least 2'),
    'all cut off': (dict(max_length=3), 'Nothing to train on'),
}


@pytest.mark.parametrize('change, message', bad.values(), ids=bad)
def test_bad_argument_is_one_line(change, message, records, tmp_path, capsys):
    options = dict(model='tiny-base', data=records, warmup=records, out=tmp_path/'run') | change
    words = [w for k, v in options.items() if v is not None for w in (f'--{k.replace("_", "-")}', v)]
    said = refused(capsys, 'clean', *words)
    assert message in said
    assert not list(tmp_path.glob('run/**/*.parquet')) and not list(tmp_path.glob('run/model'))


def test_folder_of_something_else_is_refused(records, tmp_path, capsys):
    out = tmp_path/'mine'
    out.mkdir()
    (out/'thesis.txt').write_text('mine')
    said = refused(capsys, 'score', '--model', 'tiny-base', '--data', records, '--out', out)
    assert 'new or empty folder' in said and [p.name for p in out.iterdir()] == ['thesis.txt']


def no_room(*args, **kwargs): raise OSError(28, 'No space left on device')
def no_room_for_weights(*args, **kwargs): raise SafetensorError('Error while serializing: I/O error: No space left on device (os error 28)')
def no_room_for_torch(*args, **kwargs): raise RuntimeError('[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534')


writes = [('score', 'tokenclean_nb.scoring.shards.pq.write_table', no_room), ('score', 'tokenclean_nb.scoring.shards.pq.ParquetWriter', no_room), ('train', 'transformers.PreTrainedModel.save_pretrained', no_room_for_weights), ('train', 'torch.save', no_room_for_torch), ('train', 'pathlib.Path.write_text', no_room),
    ('clean', 'transformers.PreTrainedModel.save_pretrained', no_room_for_weights), ('clean', 'torch.save', no_room_for_torch), ('clean', 'datasets.Dataset.to_parquet', no_room), ('clean', 'tokenclean_nb.cleaning.results.write_report', no_room), ('clean', 'pandas.DataFrame.to_csv', no_room),
    ('export', 'datasets.Dataset.to_parquet', no_room), ('select', 'tokenclean_nb.scoring.shards.pq.ParquetWriter', no_room)]


@pytest.mark.parametrize('command, write, error', writes, ids=lambda v: v if isinstance(v, str) else '')
def test_full_disk_leaves_nothing_half_written(command, write, error, tuned, records, tmp_path, capsys, monkeypatch):
    "One line that names the folder and what to do; with room again the same command ends well"
    given = ['--model', 'tiny-base', '--data', str(records)]
    more = dict(score=given, train=[*given, '--save-steps', '1'], clean=[*given, '--method', 'self-evolving', '--parts', '2', '--save-steps', '1'], export=given, select=[str(tmp_path/'scores')])[command]
    if command == 'select': main(['score', *given, '--reference', tuned, '--out', str(tmp_path/'scores')])
    words, run = [command, *more, '--out', str(tmp_path/'run')], tmp_path/'run'
    with monkeypatch.context() as full:
        full.setattr(write, error)
        said = refused(capsys, *words)
    assert f'No space left on device, in {run}. Make room there' in said and said.count('\n') <= 1
    assert not [p for p in run.rglob('*') if p.suffix in ('.part', '.old')]
    for table in run.rglob('*.parquet'): assert pq.read_table(table).num_rows
    for checkpoint in run.rglob('checkpoint-*'): assert (checkpoint/'trainer_state.json').exists()
    main(words)
    assert 'next:' in capsys.readouterr().out or command == 'export'


def test_score_then_report(tuned, records, tmp_path, capsys):
    run = tmp_path/'run'
    main(['score', '--model', 'tiny-base', '--reference', tuned, '--data', str(records), '--out', str(run)])
    main(['report', str(run)])
    said = capsys.readouterr().out
    assert 'wrote' in said and 'next:' in said
    assert (run/'data.parquet').exists() and '<html' in (run/'report.html').read_text()


def test_interrupted_score_goes_on(tuned, records, tmp_path, capsys, monkeypatch):
    "A run stopped in the second column keeps the first and does not compute it again"
    words = ['score', '--model', 'tiny-base', '--reference', tuned, '--data', str(records), '--out', str(tmp_path/'run')]
    from tokenclean_nb.cleaning import jobs
    scored = []
    def stop_at_reference(model, ds, folder, column, **options):
        scored.append(column)
        if column == 'loss_ref' and scored.count('loss_ref') == 1: raise KeyboardInterrupt
        return original(model, ds, folder, column, **options)
    original = jobs.score_shards
    monkeypatch.setattr(jobs, 'score_shards', stop_at_reference)
    assert 'goes on where it stopped' in refused(capsys, *words)
    before = (tmp_path/'run/shards/loss_base/00000.parquet').stat().st_mtime_ns
    main(words)
    assert (tmp_path/'run/shards/loss_base/00000.parquet').stat().st_mtime_ns == before


def test_score_with_any_scorer(records, tmp_path, capsys):
    words = ['score', '--model', 'tiny-base', '--data', str(records), '--out', str(tmp_path/'run'), '--scorer']
    main([*words, 'gain_smooth_base'])
    ds = load_records(tmp_path/'run'/'data.parquet')
    assert np.array_equal(np.isfinite(flat(ds, 'score')), trained(ds)) and 'loss_base' in ds.column_names
    for scorer, said in dict(perplexity='one of excess_loss', gain='given for the scorer gain', agreement='given for the scorer agreement').items():
        assert said in refused(capsys, *words, scorer, '--overwrite')


def test_score_then_select(tuned, records, tmp_path, capsys):
    "One folder or several; the labels can be trained on"
    for name in 'ab': main(['score', '--model', 'tiny-base', '--reference', tuned, '--data', str(records), '--out', str(tmp_path/name)])
    assert 'Run tokenclean score' in refused(capsys, 'select', tmp_path/'nowhere', '--out', tmp_path/'half')
    main(['select', str(tmp_path/'a'), '--fraction', '0.5', '--out', str(tmp_path/'half')])
    main(['select', str(tmp_path/'a'), str(tmp_path/'b'), '--out', str(tmp_path/'both')])
    said = capsys.readouterr().out
    one, both = (load_records(p) for p in (tmp_path/'half/cleaned.parquet', tmp_path/'both/cleaned.parquet'))
    n = trained(load_records(tmp_path/'a/data.parquet')).sum()
    assert (trained(one).sum(), trained(both).sum(), len(both)) == (int(0.5 * n), int(0.8 * 2 * n), 60)
    assert f'kept {n // 2:,} of {n:,} response tokens' in said and f'--data {tmp_path}/half/cleaned.parquet' in said
    main(['train', '--model', 'tiny-base', '--data', str(tmp_path/'half/cleaned.parquet'), '--out', str(tmp_path/'run')])
    assert (tmp_path/'run/model/model.safetensors').exists() and 'next: tokenclean evaluate' in capsys.readouterr().out


def test_dtype_is_checked_before_the_folder_is_taken(records, tmp_path, capsys):
    assert 'float32, bfloat16, float16' in refused(capsys, 'score', '--model', 'tiny-base', '--data', records, '--out', tmp_path/'run', '--dtype', 'half')
    assert not (tmp_path/'run').exists()


def test_advise(tmp_path, capsys):
    "A page, two tables, and the command that follows; the same command goes on, another is refused"
    records = make_task(80, seed=1, warmup=60, progress=False).records
    for name, part in dict(pool='pool', good='warmup').items(): records[part].to_json(tmp_path/f'{name}.jsonl')
    words = ['advise', '--model', 'tiny-base', '--data', str(tmp_path/'pool.jsonl'), '--warmup', str(tmp_path/'good.jsonl'), '--out', str(tmp_path/'advice')]
    main(words)
    said = capsys.readouterr().out
    assert 'next:' in said and 'tokenclean' in said.split('next:')[1] and any(v in said for v in ('Clean: keep', 'No gain is shown', 'Do not clean'))
    assert {'advice.html', 'scorers.csv', 'trials.csv'} <= {p.name for p in (tmp_path/'advice').iterdir()}
    before = {p: p.stat().st_mtime_ns for p in (tmp_path/'advice/trials').iterdir()}
    main(words)
    assert len(before) == 8 and before == {p: p.stat().st_mtime_ns for p in (tmp_path/'advice/trials').iterdir()}
    assert 'must be a new folder' in refused(capsys, *words, '--seed', '1')
    assert '`--rows` is 5' in refused(capsys, *words[:-1], tmp_path/'other', '--rows', '5') and not (tmp_path/'other').exists()
