"No command removes or replaces what it did not write: every command, on a folder and a file of somebody else, a finished run, and the folder one stands in"
import json
import os

import pandas as pd
import pytest

from tokenclean_nb.cli import main
from tokenclean_nb.commands import commands


@pytest.fixture(scope='module')
def inputs(tmp_path_factory):
    "Records, a scored folder and its reference: what the commands read"
    folder = tmp_path_factory.mktemp('inputs')
    records = [dict(instruction=f'Say {i}.', output=f'{i} it is' + ' indeed' * (i % 7)) for i in range(24)]
    many = [dict(instruction=f'Say {i}.', output=f'{i} it is') for i in range(96)]
    for name, some in dict(pool=records, good=records[:8], many=many).items(): (folder/f'{name}.jsonl').write_text('\n'.join(map(json.dumps, some)))
    main(['train', '--model', 'tiny-base', '--data', str(folder/'good.jsonl'), '--out', str(folder/'tuned'), '--epochs', '1'])
    main(['score', '--model', 'tiny-base', '--reference', str(folder/'tuned/model'), '--data', str(folder/'pool.jsonl'), '--out', str(folder/'scores')])
    return folder


def words(command, inputs, changed=False):
    "A command and its input; `changed`: another run of the same command"
    pool, same = ['--data', inputs/'pool.jsonl'], ['--model', 'tiny-base', '--data', inputs/'pool.jsonl']
    return [str(w) for w in dict(
        advise=['advise', '--model', 'tiny-base', '--data', inputs/'many.jsonl', '--passes', 1, '--epochs', 1, '--rows', 45 + changed],
        clean=['clean', *same, '--warmup', inputs/'good.jsonl', '--epochs', 1, '--fraction', .5 if changed else .6],
        score=['score', *same] + ([] if changed else ['--reference', inputs/'tuned/model']),
        select=['select', inputs/'scores', '--fraction', .5 if changed else .6],
        train=['train', *same, '--epochs', 1, '--seed', int(changed)],
        evaluate=['evaluate', 'tiny-base', *pool, '--max-length', 100 + changed],
        inspect=['inspect', *same, '--rows', 1 + changed],
        export=['export', *same, '--to', 'trl' if changed else 'parquet'],
        demo=['demo', '--seed', int(changed)],
        results=['results', '--quick', '--cells', inputs/'cells', '--workers', 1])[command]]


writers = ['advise', 'clean', 'score', 'select', 'train', 'evaluate', 'inspect', 'export']


def snapshot(folder):
    "Every file and its bytes"
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob('*')) if p.is_file() and p.name != '.lock'}


def refused(argv, capsys):
    with pytest.raises(SystemExit) as stop: main(argv)
    said = str(stop.value.code)
    assert stop.value.code not in (0, None) and 'Traceback' not in said and capsys.readouterr() is not None
    return said


def fill(folder):
    "A folder of somebody's own, with names that runs use too"
    (folder/'model').mkdir(parents=True)
    for name in ('thesis.txt', 'model/weights.bin', 'data.parquet', 'report.html', 'cleaned.parquet', 'evaluation.csv', 'rounds.csv'): (folder/name).write_text(f'mine: {name}')


def test_every_command_that_writes_a_folder_is_tried():
    from fastcore.docments import docments
    with_out = {name for name, f in commands.items() if 'out' in docments(f)}
    assert with_out == {*writers, 'demo', 'results'}
    for name in with_out: assert 'folder' in docments(commands[name])['out'].lower(), f'--out of {name} is a folder, and its help says so'


@pytest.mark.parametrize('overwrite', [[], ['--overwrite']], ids=['plain', 'overwrite'])
@pytest.mark.parametrize('command', [*writers, 'demo', 'results'])
def test_a_foreign_folder_stays(command, overwrite, inputs, tmp_path, capsys):
    fill(tmp_path/'mine')
    before = snapshot(tmp_path)
    assert 'new or empty folder' in refused([*words(command, inputs), '--out', str(tmp_path/'mine'), *overwrite], capsys)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize('manifest', ['{"name": "my app", "start_url": "/"}', '[]', '{"tokenclean'])
def test_a_foreign_manifest_is_no_run(manifest, inputs, tmp_path, capsys):
    "Other programs write a manifest.json too"
    fill(tmp_path/'app')
    (tmp_path/'app/manifest.json').write_text(manifest)
    before = snapshot(tmp_path)
    assert 'manifest' in refused([*words('train', inputs), '--out', str(tmp_path/'app'), '--overwrite'], capsys)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize('command', [*writers, 'demo', 'results'])
def test_a_file_stays(command, inputs, tmp_path, capsys):
    (tmp_path/'thesis.txt').write_text('mine')
    for overwrite in ([], ['--overwrite']): assert 'a folder' in refused([*words(command, inputs), '--out', str(tmp_path/'thesis.txt'), *overwrite], capsys)
    assert snapshot(tmp_path) == {'thesis.txt': b'mine'}


@pytest.mark.parametrize('command', [*writers, 'demo', 'results'])
def test_the_folder_one_stands_in(command, inputs, tmp_path, capsys, monkeypatch):
    fill(tmp_path/'here')
    before = snapshot(tmp_path)
    monkeypatch.chdir(tmp_path/'here')
    assert 'new or empty folder' in refused([*words(command, inputs), '--out', '.'], capsys)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize('command', writers)
def test_a_finished_run(command, inputs, tmp_path, capsys):
    "The same again changes nothing; another run, of this or any other command, is refused; with --overwrite it replaces the run's own files"
    out = tmp_path/'run'
    main([*words(command, inputs), '--out', str(out)])
    before = snapshot(out)
    main([*words(command, inputs), '--out', str(out)])
    assert set(snapshot(out)) == set(before)
    for other in writers:
        if other != command: assert 'another run' in refused([*words(other, inputs), '--out', str(out)], capsys)
    assert 'another run' in refused([*words(command, inputs, changed=True), '--out', str(out)], capsys)
    assert set(snapshot(out)) == set(before)
    (out/'notes.txt').write_text('my own')
    main([*words(command, inputs, changed=True), '--out', str(out), '--overwrite'])
    after = snapshot(out)
    assert after['notes.txt'] == b'my own' and after['manifest.json'] != before['manifest.json']


def test_a_file_of_mine_in_the_way(inputs, tmp_path, capsys):
    "With --overwrite a file that no run wrote is not replaced, though the run would use its name"
    out = tmp_path/'run'
    main([*words('evaluate', inputs), '--out', str(out)])
    (out/'model').mkdir()
    (out/'model/mine.txt').write_text('my own')
    assert 'that this run wrote' in refused([*words('train', inputs), '--out', str(out), '--overwrite'], capsys)
    assert (out/'model/mine.txt').read_text() == 'my own'


def test_evaluate_writes_a_table(inputs, tmp_path, capsys):
    main([*words('evaluate', inputs), '--out', str(tmp_path/'run')])
    table = pd.read_csv(tmp_path/'run/evaluation.csv', index_col=0)
    assert table.loc['loss', 'tiny-base'] > 0 if 'loss' in table.index else len(table)
    assert not [p for p in os.listdir(tmp_path/'run') if p.endswith('.part')]


def test_overwrite_spares_what_the_run_reads(inputs, tmp_path, capsys):
    "The model, the data or the scores of the folder itself"
    out = tmp_path/'run'
    main([*words('clean', inputs), '--out', str(out)])
    before = snapshot(out)
    for argv in (['evaluate', 'tiny-base', str(out/'model'), '--data', str(inputs/'pool.jsonl')], ['train', '--model', 'tiny-base', '--data', str(out/'cleaned.parquet')], ['score', '--model', str(out/'model'), '--data', str(inputs/'pool.jsonl')]):
        assert 'what the run reads' in refused([*argv, '--out', str(out), '--overwrite'], capsys)
    assert snapshot(out) == before


def test_overwrite_spares_links_edits_and_empty_folders(inputs, tmp_path, capsys):
    out, precious = tmp_path/'run', tmp_path/'precious'
    main([*words('train', inputs), '--out', str(out)])
    (out/'model').rename(precious) # a person made room on the disk
    (out/'model').symlink_to(precious)
    (out/'figures').mkdir()
    before = snapshot(precious)
    said = refused([*words('train', inputs, changed=True), '--out', str(out), '--overwrite'], capsys)
    assert 'that this run wrote' in said and snapshot(precious) == before and (out/'figures').is_dir()
    out = tmp_path/'second'
    main([*words('train', inputs), '--out', str(out)])
    (out/'model/config.json').write_text('my own')
    assert 'that this run wrote' in refused([*words('train', inputs, changed=True), '--out', str(out), '--overwrite'], capsys)
    assert (out/'model/config.json').read_text() == 'my own'


def test_a_failed_run_does_not_keep_the_folder(inputs, tmp_path, monkeypatch):
    def fail(*args, **kwargs): raise RuntimeError('CUDA error')
    with monkeypatch.context() as broken, pytest.raises(RuntimeError):
        broken.setattr('tokenclean_nb.cleaning.jobs.finetune', fail)
        main([*words('train', inputs), '--out', str(tmp_path/'run')])
    assert not (tmp_path/'run').exists()
    main([*words('train', inputs), '--out', str(tmp_path/'run')])
