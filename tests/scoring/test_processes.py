"Two processes do what one does, and write it once; one test starts them with `accelerate launch`"
import json
import os
import re
import socket
import subprocess
import sys
from importlib.resources import files

import pytest
from safetensors.torch import load_file

from runs import contents, start
from tokenclean_nb.scoring import shards
from tokenclean_nb.cli import main
from tokenclean_nb.training.models import save_model, tiny_base

def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return str(s.getsockname()[1])


def together(folder, *words):
    "Run `tokenclean WORDS` in two processes on the CPU, with what a launcher tells each; what both said"
    port, said = free_port(), [folder/f'{rank}.txt' for rank in range(2)]
    tell = lambda rank: dict(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2', LOCAL_WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=port, ACCELERATE_USE_CPU='true', OMP_NUM_THREADS='1')
    running = [start(*words, said=path, env=tell(rank)) for rank, path in enumerate(said)]
    for process in running: process.join()
    words = ''.join(path.read_text() for path in said)
    assert [process.exitcode for process in running] == [0, 0], words
    return words


def launch(*words):
    "The same with the launcher of accelerate"
    launcher = [sys.executable, '-m', 'accelerate.commands.launch', '--multi_gpu', '--num_processes', 2, '--num_machines', 1, '--mixed_precision', 'no', '--dynamo_backend', 'no', '--main_process_port', free_port()]
    env = dict(os.environ, ACCELERATE_USE_CPU='true', OMP_NUM_THREADS='1', PYTHONPATH=os.pathsep.join(sys.path))
    done = subprocess.run([str(w) for w in (*launcher, '-m', 'tokenclean_nb.cli', *words)], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def inputs(tmp_path_factory):
    "A folder with a pool of 24 rows, 8 good examples and another model with the same tokens"
    folder = tmp_path_factory.mktemp('inputs')
    for name, n in dict(pool=24, good=8).items():
        (folder/f'{name}.jsonl').write_text('\n'.join(json.dumps(dict(instruction=f'Say {i}.', output=f'{i} it is' + ' indeed' * (i % 7))) for i in range(n)))
    model, tokenizer = tiny_base()
    for p in model.parameters(): p.data *= 1.01
    save_model(folder/'tuned', model, tokenizer)
    return folder


def test_score(inputs, tmp_path, monkeypatch):
    "The same bytes; each process wrote its shards; the table is written and said once"
    words = lambda out: ['score', '--model', 'tiny-base', '--reference', str(inputs/'tuned'), '--data', str(inputs/'pool.jsonl'), '--out', str(out)]
    monkeypatch.setattr(shards, 'shard_rows', 5)
    main(words(tmp_path/'one'))
    said = together(tmp_path, *words(tmp_path/'two'))
    assert contents(tmp_path/'two') == contents(tmp_path/'one')
    assert {(rank, int(k) % 2) for rank, k in re.findall(r'wrote (\d) .*/(\d+)\.parquet', said)} == {('0', 0), ('1', 1)}
    assert said.count('mean base loss') == 1


def test_train(inputs, tmp_path):
    "Steps over all rows: the weights of one process, to rounding"
    words = lambda out: ['train', '--model', 'tiny-base', '--data', str(inputs/'pool.jsonl'), '--out', str(out), '--batch-size', '24', '--epochs', '3', '--learning-rate', '1e-3']
    main(words(tmp_path/'one'))
    said = together(tmp_path, *words(tmp_path/'two'))
    one, two = (load_file(tmp_path/name/'model/model.safetensors') for name in ('one', 'two'))
    start = load_file(files('tokenclean_nb')/'tiny_base'/'model.safetensors')
    moved = max((one[k] - start[k]).abs().max() for k in one)
    assert max((one[k] - two[k]).abs().max() for k in one) < 0.05 * moved
    assert said.count('mean loss') == 1


def test_train_with_weights(inputs, tmp_path):
    "The loss is divided by the weight of a step in all processes, also where one of them has most of it"
    talk = lambda i: dict(messages=[dict(role='user', content=f'Say {i}.'), dict(role='assistant', content=f'{i} it is' + ' indeed' * (i % 7), loss_scale=(4., .25)[i % 2])])
    (tmp_path/'weighted.jsonl').write_text('\n'.join(json.dumps(talk(i)) for i in range(24)))
    words = lambda out: ['train', '--model', 'tiny-base', '--data', str(tmp_path/'weighted.jsonl'), '--out', str(out), '--batch-size', '4', '--epochs', '1', '--learning-rate', '1e-3']
    main(words(tmp_path/'one'))
    together(tmp_path, *words(tmp_path/'two'))
    one, two = (load_file(tmp_path/name/'model/model.safetensors') for name in ('one', 'two'))
    start = load_file(files('tokenclean_nb')/'tiny_base'/'model.safetensors')
    moved = max((one[k] - start[k]).abs().max() for k in one)
    assert max((one[k] - two[k]).abs().max() for k in one) < 0.05 * moved


def test_clean(inputs, tmp_path):
    "A whole run with LoRA, every file once"
    said = launch('clean', '--model', 'tiny-base', '--data', inputs/'pool.jsonl', '--warmup', inputs/'good.jsonl', '--out', tmp_path/'run', '--lora', 4, '--batch-size', 8)
    card = (tmp_path/'run/model/README.md').read_text()
    assert '8 rows a step' in card and '--batch-size 8' in card # of both processes together
    assert {'report.html', 'cleaned.parquet', 'data.parquet', 'rounds.csv', 'model', 'reference', 'cleaning.json'} < {p.name for p in (tmp_path/'run').iterdir()}
    assert not (tmp_path/'run/steps').exists() and said.count('response tokens') == 1
