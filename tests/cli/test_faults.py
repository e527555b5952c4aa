"Faults that really happen: killed processes, full disks, changed files, two runs at once, no memory left"
import json
import logging
import os
import random
import signal
import subprocess
import time

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, GPT2Config

from runs import contents, run, start
from tokenclean_nb.scoring import shards
from tokenclean_nb.cli import main
from tokenclean_nb.errors import BadInput
from tokenclean_nb.scoring.losses import token_losses
from tokenclean_nb.training.models import save_model, tiny_base


@pytest.fixture(scope='module')
def inputs(tmp_path_factory):
    "A folder with a pool of 60 rows, another pool, good examples, and another model with the same tokens"
    folder = tmp_path_factory.mktemp('inputs')
    for name, n in dict(pool=60, other=59, good=16).items():
        (folder/f'{name}.jsonl').write_text('\n'.join(json.dumps(dict(instruction=f'Say {i}.', output=f'{i} it is' + ' indeed' * (i % 7))) for i in range(n)))
    model, tokenizer = tiny_base()
    torch.manual_seed(0)
    for p in model.parameters(): p.data += 0.01 * torch.randn_like(p)
    save_model(folder/'model', model, tokenizer)
    return folder


def words(command, inputs, out):
    "A command on the pool"
    more = dict(score=['--reference', inputs/'model'], clean=['--warmup', inputs/'good.jsonl', '--batch-size', 20, '--learning-rate', 1e-3])
    return [command, '--model', 'tiny-base', '--data', inputs/'pool.jsonl', '--out', out, *more[command]]


@pytest.fixture(scope='module')
def whole(inputs, tmp_path_factory):
    "`whole(command)`: what the undisturbed run leaves"
    folder, done = tmp_path_factory.mktemp('whole'), {}
    run('--help', said=folder/'said') # the server of processes starts
    def once(command):
        if command not in done:
            code, said = run(*words(command, inputs, folder/command), said=folder/'said')
            assert code == 0, said
            done[command] = contents(folder/command)
        return done[command]
    return once


def files_in(folder): return sum(len(folders) + len(files) for _, folders, files in os.walk(folder)) # some vanish meanwhile


@pytest.mark.parametrize('command', ['score', 'clean'])
def test_killed_at_random_moments(command, inputs, whole, tmp_path):
    "8 times, soon after another file is there: SIGKILL, then the same command again"
    want = whole(command)
    process, stages = start(*words(command, inputs, tmp_path/'watched')), [0]
    while process.is_alive():
        if (now := files_in(tmp_path/'watched')) != stages[-1]: stages.append(now)
        time.sleep(.002)
    chance, killed = random.Random(0), []
    for k in range(8):
        out, stage = tmp_path/str(k), stages[k * len(stages) // 8]
        process = start(*words(command, inputs, out))
        while process.is_alive() and files_in(out) < stage: time.sleep(.002)
        time.sleep(chance.random() / 10)
        process.kill()
        process.join()
        killed.append((process.exitcode == -signal.SIGKILL, files_in(out)))
        code, said = run(*words(command, inputs, out), said=tmp_path/'said')
        assert code == 0, said
        assert contents(out) == want
    assert sum(k for k, _ in killed) >= 6 and len({files for _, files in killed}) >= 5, killed # at many stages


@pytest.fixture
def small_disk(tmp_path, request):
    "A disk of 512 kB, or of as many as the test asks for"
    disk, size = tmp_path/'disk', getattr(request, 'param', 512)
    disk.mkdir()
    try: done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}k', 'tmpfs', disk], capture_output=True, text=True)
    except FileNotFoundError: pytest.skip('no command `mount` here')
    if done.returncode: pytest.skip(f'a tmpfs cannot be mounted here: {done.stderr.strip()}')
    yield disk
    subprocess.run(['umount', disk], check=True)


def test_full_disk(inputs, whole, small_disk, tmp_path):
    "It ends in one line, with whole files only; with room again it goes on"
    want = whole('score')
    (small_disk/'ballast').write_bytes(bytes(512 * 1024 - 64 * 1024))
    code, said = run(*words('score', inputs, small_disk/'run'), said=tmp_path/'said')
    assert code == 1 and 'No space left on device' in said and 'Traceback' not in said
    left = contents(small_disk/'run')
    assert 1 < len(left) < len(want) and left.items() <= want.items()
    (small_disk/'ballast').unlink()
    code, said = run(*words('score', inputs, small_disk/'run'), said=tmp_path/'said')
    assert code == 0 and contents(small_disk/'run') == want, said


def without_means(files):
    "Without the table of rounds: of a training that goes on, its mean loss is of the steps since"
    return {k: v for k, v in files.items() if k != 'rounds.csv'}


# where the disk of so many kB is full: a first checkpoint, the next one, the reference, the model
@pytest.mark.parametrize('small_disk', [600, 8000, 20000, 24000], indirect=True)
def test_full_disk_in_a_cleaning(inputs, whole, small_disk, tmp_path):
    want = whole('clean')
    command = [*words('clean', inputs, small_disk/'run'), '--save-steps', 1]
    code, said = run(*command, said=tmp_path/'said')
    assert code == 1 and f'No space left on device, in {small_disk}/run. Make room there' in said and 'Traceback' not in said
    subprocess.run(['mount', '-o', 'remount,size=100m', small_disk], check=True)
    code, said = run(*command, said=tmp_path/'said')
    assert code == 0 and without_means(contents(small_disk/'run')) == without_means(want), said


def test_file_too_large(inputs, whole, tmp_path):
    "The same with a limit on the size of files, which needs no mount"
    want = whole('score')
    limit = len(want['data.parquet']) // 2
    assert max(len(v) for k, v in want.items() if k.startswith('shards')) < limit
    code, said = run(*words('score', inputs, tmp_path/'run'), said=tmp_path/'said', file_size=limit)
    assert code == 1 and 'File too large' in said and 'Traceback' not in said
    assert contents(tmp_path/'run') == {k: v for k, v in want.items() if k != 'data.parquet'}
    code, said = run(*words('score', inputs, tmp_path/'run'), said=tmp_path/'said')
    assert code == 0 and contents(tmp_path/'run') == want, said


def refused(capsys, words):
    "The one line of a command that must fail"
    with pytest.raises(SystemExit) as stop: main([str(w) for w in words])
    assert stop.value.code not in (0, None) and 'Traceback' not in capsys.readouterr().err
    return str(stop.value.code)


damages = dict(truncated=lambda b: b[:len(b) // 2], empty=lambda b: b'', tampered=lambda b: b[:60] + bytes([b[60] ^ 1]) + b[61:])


@pytest.mark.parametrize('damage', damages.values(), ids=damages)
def test_damaged_shard(damage, inputs, tmp_path, capsys, monkeypatch):
    "Refused with its name; rebuilt on request, the others untouched"
    monkeypatch.setattr(shards, 'shard_rows', 20)
    command = [str(w) for w in words('score', inputs, tmp_path/'run')]
    main(command)
    want, shard = contents(tmp_path/'run'), tmp_path/'run/shards/loss_ref/00001.parquet'
    shard.write_bytes(damage(shard.read_bytes()))
    times = {p: p.stat().st_mtime_ns for p in shard.parents[1].rglob('*.parquet')}
    assert str(shard) in refused(capsys, command)
    main([*command, '--rebuild'])
    assert contents(tmp_path/'run') == want
    assert [p for p in times if p.stat().st_mtime_ns != times[p]] == [shard]


def test_no_changed_byte_gets_through(tmp_path):
    "Every byte of a shard, one bit each: the shard is refused, or its losses are the same"
    ds = Dataset.from_dict(dict(input_ids=[[5, 6, 7], [8, 9]], labels=[[-100, 6, 7], [-100, 9]]))
    values, path = np.array([np.nan, 1, 2.5, np.nan, 3], np.float32), tmp_path/'shard.parquet'
    shards.write_shard(path, 'loss_base', ds, values)
    sound, harmless = path.read_bytes(), 0
    for i in range(len(sound)):
        path.write_bytes(sound[:i] + bytes([sound[i] ^ 1 << i % 8]) + sound[i+1:])
        try: got = shards.read_shard(path, 'loss_base', ds)
        except BadInput: continue
        assert got.tobytes() == values.tobytes()
        harmless += 1
    assert harmless < len(sound)


def test_a_shard_of_another_place_is_refused(tmp_path):
    "The same number of tokens, other rows or another column"
    one, two = (Dataset.from_dict(dict(input_ids=[ids], labels=[ids])) for ids in ([5, 6, 7], [5, 6, 8]))
    shards.write_shard(tmp_path/'shard', 'loss_base', one, np.zeros(3, np.float32))
    for column, rows in (('loss_base', two), ('loss_ref', one)):
        with pytest.raises(BadInput, match='a shard of these rows'): shards.read_shard(tmp_path/'shard', column, rows)


def test_another_run_is_refused_and_told_what_differs(inputs, tmp_path, capsys):
    command = [str(w) for w in words('score', inputs, tmp_path/'run')]
    main(command)
    want = contents(tmp_path/'run')
    model, tokenizer = tiny_base()
    tokenizer.chat_template = (tokenizer.chat_template or '') + '{# another #}'
    save_model(tmp_path/'retold', model, tokenizer)
    other = lambda option, value: [str(value) if before == option else word for before, word in zip([None, *command], command)]
    bare = [w for w in command if w not in ('--reference', str(inputs/'model'))]
    for changed, said in [(['score', '--model', str(inputs/'model'), *bare[3:]], 'model was'), (other('--data', inputs/'other.jsonl'), 'data was'), ([*command, '--dtype', 'bfloat16'], "dtype was 'float32', is 'bfloat16'"), (bare, 'reference was')]:
        assert said in refused(capsys, changed)
    two = [w for w in other('--model', tmp_path/'retold') if w not in ('--reference', str(inputs/'model'))]
    said = refused(capsys, two)
    assert 'tokenizer was' in said and 'model was' not in said
    assert contents(tmp_path/'run') == want


def test_two_runs_into_one_folder(inputs, whole, tmp_path, capsys):
    "The second is refused while the first lives, and goes on with its work when it is dead"
    want = whole('score')
    first = start(*words('score', inputs, tmp_path/'run'))
    while not (tmp_path/'run/manifest.json').exists() and first.is_alive(): time.sleep(0.005)
    os.kill(first.pid, signal.SIGSTOP)
    assert 'no other run is using' in refused(capsys, words('score', inputs, tmp_path/'run'))
    assert len(contents(tmp_path/'run')) < len(want)
    first.kill()
    first.join()
    code, said = run(*words('score', inputs, tmp_path/'run'), said=tmp_path/'said')
    assert code == 0 and contents(tmp_path/'run') == want, said


errors = dict(gpu=lambda: torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB.'), cpu=lambda: RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8000000000 bytes."))


def tight(room, error):
    "A small GPT-2 whose body runs out of memory beyond `room` tokens, and a table of 30 rows"
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(GPT2Config(n_layer=1, n_embd=16, n_head=2, vocab_size=50, n_positions=32, initializer_range=0.3)).eval()
    rng = np.random.default_rng(0)
    ids = [rng.integers(3, 50, n).tolist() for n in rng.integers(2, 20, 30)]
    def full(module, args, kwargs):
        if (args[0] if args else kwargs['input_ids']).numel() > room: raise error()
    return model, lambda: model.transformer.register_forward_pre_hook(full, with_kwargs=True), Dataset.from_dict(dict(input_ids=ids, labels=ids))


@pytest.mark.parametrize('error', errors.values(), ids=errors)
def test_out_of_memory_in_a_batch(error, caplog):
    "The batch halves, the losses are those of all memory, and it is said once, also over several calls"
    model, close, ds = tight(150, error)
    want = token_losses(model, ds, progress=False)
    close()
    with caplog.at_level(logging.WARNING, 'tokenclean_nb'): got = [token_losses(model, ds, token_budget=250, progress=False) for _ in range(3)]
    for losses in got: assert np.allclose(losses, want, atol=1e-5, equal_nan=True)
    assert caplog.text.count('out of memory') == 1


def test_a_row_that_does_not_fit(caplog):
    model, close, ds = tight(5, errors['gpu'])
    close()
    with pytest.raises(BadInput, match='one at a time.*device_map'): token_losses(model, ds, progress=False)


def test_other_errors_are_not_memory():
    model, close, ds = tight(150, lambda: RuntimeError('a kernel failed'))
    close()
    with pytest.raises(RuntimeError, match='a kernel failed'): token_losses(model, ds, progress=False)
