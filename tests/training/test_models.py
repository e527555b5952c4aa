"Models larger than the memory they get, and models that are base and reference in one"
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, GPT2Config

from tokenclean_nb.cleaning.methods import Cleaning, fixed_model_cleaning
from tokenclean_nb.cli import main
from tokenclean_nb.data.encoding import encode
from tokenclean_nb.data.records import load_records
from tokenclean_nb.data.table import flat, trained
from tokenclean_nb.errors import BadInput
from tokenclean_nb.scoring.losses import token_losses
from tokenclean_nb.training.models import adapter_off, load_model, save_model, tiny_base, without_adapter
from tokenclean_nb.data.fingerprints import model_fingerprint
from tokenclean_nb.training.finetune import finetune

quick = dict(learning_rate=1e-2, per_device_train_batch_size=8, gradient_accumulation_steps=1, progress=False)


@pytest.fixture(scope='module')
def large(tmp_path_factory):
    "A folder with a GPT-2 of 40 MB and random weights"
    path = tmp_path_factory.mktemp('large')
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(GPT2Config(n_layer=12, n_embd=256, n_head=4, vocab_size=1138, n_positions=256, initializer_range=0.1))
    save_model(path, model, tiny_base()[1])
    assert 35e6 < (path/'model.safetensors').stat().st_size < 60e6
    return path


@pytest.fixture(scope='module')
def records(tmp_path_factory):
    "A file of 24 records"
    path = tmp_path_factory.mktemp('data')/'pool.jsonl'
    path.write_text('\n'.join(json.dumps(dict(instruction=f'Say {i}.', output=f'{i} it is' + ' indeed' * (i % 7))) for i in range(24)))
    return path


def on_disk(model): return sum(p.numel() for p in model.parameters() if p.device.type == 'meta') / sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize('place', ['auto', 'explicit'])
def test_a_model_larger_than_its_memory(large, records, tmp_path, place):
    "10 MB for a model of 40 MB: most parameters wait on disk, and the losses are the same"
    whole, tokenizer = load_model(large)
    device_map = 'auto' if place == 'auto' else {'transformer.wte': 'cpu', 'lm_head': 'cpu', 'transformer.wpe': 'cpu', 'transformer.ln_f': 'cpu', **{f'transformer.h.{i}': 'cpu' if i < 3 else 'disk' for i in range(12)}}
    model, _ = load_model(large, device_map=device_map, max_memory={'cpu': '10MB'} if place == 'auto' else None, offload_folder=str(tmp_path/'offload'))
    assert on_disk(model) > 0.6
    ds = encode(load_records(records), tokenizer)
    want, got = (token_losses(m, ds, progress=False) for m in (whole, model))
    assert np.array_equal(np.isnan(got), np.isnan(want)) and np.nanmax(abs(got - want)) < 1e-4 and np.nanstd(want) > 0.3
    assert model_fingerprint(model) == model_fingerprint(whole) and on_disk(model) > 0.6
    with pytest.raises(BadInput, match='Offloading is for scoring'): finetune(model, ds, **quick)


def test_fingerprint_of_offloaded_weights(large, tmp_path):
    "A changed weight on disk is another model"
    model, tokenizer = load_model(large)
    before = model_fingerprint(model)
    model.transformer.h[11].mlp.c_fc.weight.data += 1
    save_model(tmp_path/'changed', model, tokenizer)
    changed, _ = load_model(tmp_path/'changed', device_map='auto', max_memory={'cpu': '10MB'}, offload_folder=str(tmp_path/'offload'))
    assert changed.transformer.h[11].mlp.c_fc.weight.device.type == 'meta' and model_fingerprint(changed) == model_fingerprint(model) != before


def test_offload_needs_a_device_map(records, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop: main(['score', '--model', 'tiny-base', '--data', str(records), '--out', str(tmp_path/'run'), '--offload-folder', str(tmp_path)])
    assert 'device_map="auto"' in stop.value.code


def test_adapter_on_the_command_line(records, tmp_path, capsys):
    "Train an adapter alone, score with it: base = adapter off, reference = adapter on; then clean with it"
    common = ['--model', 'tiny-base', '--data', str(records)]
    main(['train', *common, '--out', str(tmp_path/'lora'), '--lora', '4', '--keep-adapter', '--batch-size', '8', '--learning-rate', '1e-2'])
    adapter = tmp_path/'lora/model'
    assert (adapter/'adapter_model.safetensors').stat().st_size < 1e6 and not (adapter/'model.safetensors').exists()
    main(['score', *common, '--adapter', str(adapter), '--out', str(tmp_path/'scores')])
    assert f'--adapter {adapter}' in capsys.readouterr().out
    ds, (base, _) = load_records(tmp_path/'scores/data.parquet'), tiny_base()
    both, _ = load_model('tiny-base', adapter=str(adapter))
    merged = both.merge_and_unload()
    for column, model in dict(loss_base=base, loss_ref=merged).items(): assert np.nanmax(abs(flat(ds, column) - token_losses(model, ds, progress=False))) < 1e-4
    assert np.nanmean(flat(ds, 'score')) > 0.1
    main(['clean', *common, '--adapter', str(adapter), '--out', str(tmp_path/'run'), '--batch-size', '8'])
    run = Cleaning.load(tmp_path/'run')
    assert np.nanmax(abs(flat(run.data, 'score') - flat(ds, 'score'))) < 1e-4
    assert np.nanmax(abs(token_losses(run.reference, ds, progress=False) - flat(ds, 'loss_ref'))) < 1e-4


@pytest.mark.parametrize('bad, said', [(['--reference', 'tiny-base', '--adapter', 'x'], 'left out where a reference'), (['--adapter', './no_adapter'], 'a PEFT adapter')])
def test_bad_adapters(records, tmp_path, bad, said):
    with pytest.raises(SystemExit) as stop: main(['score', '--model', 'tiny-base', '--data', str(records), '--out', str(tmp_path/'run'), *bad])
    assert said in stop.value.code


def test_cleaning_with_an_adapter(records):
    "The base is the model without it; the caller's model stays as it is"
    base, tokenizer = tiny_base()
    both = get_peft_model(tiny_base()[0], LoraConfig(r=2, target_modules='all-linear', fan_in_fan_out=True, init_lora_weights=False, task_type='CAUSAL_LM')).eval()
    pool, before = encode(load_records(records), tokenizer), {k: v.clone() for k, v in both.state_dict().items()}
    run = fixed_model_cleaning(both, tokenizer, pool, **quick)
    assert all(torch.equal(before[k], v) for k, v in both.state_dict().items())
    assert np.nanmax(abs(flat(run.data, 'loss_base') - token_losses(base, pool, progress=False))) < 1e-4
    assert np.nanmax(abs(flat(run.data, 'loss_ref') - token_losses(both, pool, progress=False))) < 1e-4
    alone = fixed_model_cleaning(base, tokenizer, pool, reference=both, **quick)
    assert type(run.model) is type(base) and np.array_equal(flat(run.data, 'keep'), flat(alone.data, 'keep'))
    assert all(torch.equal(a, b) for a, b in zip(run.model.parameters(), alone.model.parameters()))
    assert without_adapter(base) is base
    with adapter_off(base): pass


@pytest.mark.parametrize('method', ['fixed', 'self-evolving'])
def test_clean_with_lora(records, tmp_path, method, capsys):
    "The whole run on the command line"
    main(['clean', '--model', 'tiny-base', '--data', str(records), '--out', str(tmp_path/'run'), '--method', method, '--lora', '8', '--batch-size', '4', *(['--warmup', str(records)] if method == 'fixed' else ['--parts', '3'])])
    run, base = Cleaning.load(tmp_path/'run'), tiny_base()[0]
    tokens, keep = trained(run.data), flat(run.data, 'keep')
    assert type(run.model) is type(base) and not torch.equal(run.model.transformer.h[0].mlp.c_fc.weight, base.transformer.h[0].mlp.c_fc.weight)
    assert len(run.rounds) == (1 if method == 'fixed' else 3) and (run.rounds.kept.sum(), run.rounds.tokens.sum()) == (keep.sum(), tokens.sum())
    if method == 'fixed': assert keep.sum() == int(0.8 * tokens.sum())


def test_bars_are_for_large_models_and_stay_as_they_were(tmp_path):
    "A process of its own: this one has all bars off"
    program = f"""
import sys
from transformers.utils.logging import is_progress_bar_enabled
from tokenclean_nb.training import models
for models.small_bytes in (1e9, 1):
    print('models of', models.small_bytes, file=sys.stderr)
    model, tokenizer = models.tiny_base()
    models.save_model({str(tmp_path)!r} + f'/{{models.small_bytes}}', model, tokenizer)
    assert is_progress_bar_enabled()"""
    env = {k: v for k, v in os.environ.items() if 'DISABLE' not in k}
    done = subprocess.run([sys.executable, '-c', program], env=env, capture_output=True, text=True, check=True)
    small, large = done.stderr.split('models of')[1:]
    for bar in 'Loading weights', 'Writing model': assert bar in large and bar not in small, done.stderr


@pytest.mark.parametrize('what', ['a file', 'a folder with a file', 'a saved model'])
def test_a_model_is_saved_into_a_new_or_empty_folder(tmp_path, what, tiny):
    path = tmp_path/'mine'
    if what == 'a file': path.write_text('my own')
    else:
        save_model(tmp_path/'new', *tiny)
        path.mkdir()
        (path/'config.json').write_text('my own')
        if what == 'a saved model': path = tmp_path/'new'
    before = {p: p.read_bytes() for p in tmp_path.rglob('*') if p.is_file()}
    with pytest.raises(BadInput, match='a new or empty folder'): save_model(str(path), *tiny)
    assert {p: p.read_bytes() for p in tmp_path.rglob('*') if p.is_file()} == before
