"A step is the gradient of the kept tokens' weighted mean loss; the base stays as it was"
import copy
import logging

import numpy as np
import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import AutoModelForCausalLM, CONFIG_MAPPING, Trainer, TrainingArguments

from tokenclean_nb.data.table import flat, trained, with_flat
from tokenclean_nb.errors import BadInput
from tokenclean_nb.training import batches, trainer as module
from tokenclean_nb.training.batches import collate, pack, packs, row_by_row
from tokenclean_nb.training.finetune import finetune, training_in_force

vocab = 61
gpt2 = dict(n_embd=16, n_layer=2, n_head=2, n_positions=32, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
full = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, max_position_embeddings=32)
few = full | dict(num_key_value_heads=1) # keys and values shared by heads
heads = few | dict(head_dim=8)
kinds = dict(gpt2=gpt2, llama=full, gpt_neox=full, mistral=few | dict(sliding_window=3), qwen2=few, qwen3=heads,
    mixtral=few | dict(num_local_experts=4, num_experts_per_tok=2), olmo=few, olmo2=few, phi=full, cohere=few | dict(logit_scale=0.3),
    gemma2=heads | dict(final_logit_softcapping=2.0, attn_logit_softcapping=3.0, query_pre_attn_scalar=16, sliding_window=3),
    gemma3_text=heads | dict(sliding_window=3), granite=few | dict(logits_scaling=3.0, residual_multiplier=0.7),
    bloom=dict(hidden_size=16, n_layer=2, n_head=2), opt=dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, ffn_dim=24,
    max_position_embeddings=32, word_embed_proj_dim=16, dropout=0.0))
padded = 'bloom', # its attention counts from the beginning of the sequence


def make(kind='gpt2', dtype=torch.float32):
    "A small model with random weights"
    torch.manual_seed(0)
    config = CONFIG_MAPPING[kind](vocab_size=vocab, pad_token_id=0, bos_token_id=1, eos_token_id=2, initializer_range=0.2, **kinds[kind])
    return AutoModelForCausalLM.from_config(config).to(dtype).eval()


def table(kept=(1, 9, 0, 2, 6, 1), size=12, seed=0):
    "Rows with very different numbers of kept tokens; the label at position 0 is set and must not count"
    rng = np.random.default_rng(seed)
    ids = [rng.integers(3, vocab, size - i).tolist() for i in range(len(kept))]
    labels = [[r[0]] + [t if i < k else -100 for i, t in enumerate(r[1:])] for r, k in zip(ids, kept)]
    return Dataset.from_dict(dict(input_ids=ids, labels=labels, score=[[0.0] * len(r) for r in ids]))


plain = dict(progress=False, optim='sgd', lr_scheduler_type='constant', warmup_steps=0, max_grad_norm=0, num_train_epochs=1)


def by_hand(model, ds, rate):
    "One step of gradient descent on the weighted mean loss of all kept tokens, a row at a time"
    weigh = lambda row: torch.tensor(row.get('weights', [1.0] * len(row['labels'])))[1:] * (torch.tensor(row['labels'][1:]) != -100)
    model, n = copy.deepcopy(model).train(), sum(weigh(row).sum() for row in ds)
    for row in ds:
        if len(row['input_ids']) < 2: continue
        logits, target = model(torch.tensor([row['input_ids']])).logits[0, :-1], torch.tensor(row['labels'][1:])
        (nn.functional.cross_entropy(logits, target, ignore_index=-100, reduction='none') @ weigh(row) / n).backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None: p -= rate * p.grad
    return model


def differ(a, b): return max((x - y).abs().max().item() for x, y in zip(a.state_dict().values(), b.state_dict().values()))


@pytest.mark.parametrize('most', [None, 3], ids=['at once', 'in parts'])
@pytest.mark.parametrize('kind', kinds)
def test_a_family(kind, most, monkeypatch):
    "Loss and gradient of a batch are those of its rows apart, with all logits at once or in parts"
    if most: monkeypatch.setattr(module, '_at_once', lambda model: most)
    model, ds = make(kind), table()
    assert packs(model) == (kind not in padded)
    tuned = finetune(model, ds, learning_rate=0.5, per_device_train_batch_size=6, gradient_accumulation_steps=1, **plain)
    want = by_hand(model, ds, 0.5)
    assert differ(tuned, want) < 2e-6 < 1e-2 < differ(tuned, model)
    with torch.no_grad(): losses = [model(torch.tensor([row['input_ids']]), labels=torch.tensor([row['labels']]), num_items_in_batch=19).loss.item() for row in ds if set(row['labels'][1:]) != {-100}]
    assert np.isclose(tuned.training_log[-1]['train_loss'], sum(losses), rtol=1e-5)
    assert tuned.config._attn_implementation == model.config._attn_implementation != 'sdpa_by_row'


@pytest.mark.parametrize('kind', ['gpt2', 'llama', 'bloom'])
@pytest.mark.parametrize('rows, steps', [(1, 6), (3, 2), (6, 1), (2, 3)])
@pytest.mark.parametrize('order', ['random', 'group_by_length'])
def test_one_step(kind, rows, steps, order):
    "The accumulation window, whatever its micro-batches, is divided by its kept tokens"
    model, ds = make(kind), table()
    tuned = finetune(model, ds, learning_rate=0.5, per_device_train_batch_size=rows, gradient_accumulation_steps=steps, train_sampling_strategy=order, **plain)
    want = by_hand(model, ds, 0.5)
    assert differ(tuned, want) < 1e-6 < differ(tuned, model)


def weighted(ds, seed=1):
    "The table with weights from 0 to 3, some of them 0"
    weights = np.random.default_rng(seed).uniform(-.5, 3, sum(map(len, ds['input_ids']))).clip(0).astype(np.float32)
    return with_flat(ds, 'weights', weights)


@pytest.mark.parametrize('most', [None, 3], ids=['at once', 'in parts'])
@pytest.mark.parametrize('kind', ['gpt2', 'llama', 'bloom'])
@pytest.mark.parametrize('rows, steps', [(1, 6), (3, 2), (6, 1), (2, 3)])
def test_a_weighted_step(kind, rows, steps, most, monkeypatch):
    "The accumulation window, whatever its micro-batches, is divided by the weights of its kept tokens"
    if most: monkeypatch.setattr(module, '_at_once', lambda model: most)
    model, ds = make(kind), weighted(table())
    options = dict(learning_rate=0.5, per_device_train_batch_size=rows, gradient_accumulation_steps=steps, **plain)
    tuned, plainly = finetune(model, ds, **options), finetune(model, ds.remove_columns('weights'), **options)
    assert differ(tuned, by_hand(model, ds, 0.5)) < 2e-6 < 1e-3 < differ(tuned, plainly)


def test_weighted_windows():
    "Each is divided by its own weights, the last one shorter, also where the model cannot be split"
    model, ds = make(), weighted(table(kept=(1, 9, 4)))
    options = dict(learning_rate=0.5, per_device_train_batch_size=1, gradient_accumulation_steps=2, train_sampling_strategy='sequential', remove_unused_columns=True, **plain)
    want = by_hand(by_hand(model, ds.select([0, 1]), 0.5), ds.select([2]), 0.5)
    assert differ(finetune(model, ds, **options), want) < 1e-6
    with pytest.MonkeyPatch.context() as whole:
        whole.setattr(module, 'splits', lambda model: False)
        assert differ(finetune(model, ds, **options), want) < 1e-6


def test_weights_that_change_nothing():
    "All 1, bit by bit; all alike, up to rounding; on prompt tokens; and 0 as no label"
    model, ds, options = make(), table(), dict(learning_rate=0.5, per_device_train_batch_size=2, gradient_accumulation_steps=2, **plain)
    n = sum(map(len, ds['input_ids']))
    tune = lambda weights, ds=ds: finetune(model, with_flat(ds, 'weights', weights), **options)
    want = finetune(model, ds, **options)
    assert differ(tune(np.ones(n, np.float32)), want) == 0 and differ(tune(np.full(n, 7.)), want) < 1e-6
    assert differ(tune(np.where(trained(ds), 1, 5.)), want) == 0
    some = np.random.default_rng(0).random(n) < .5
    masked = with_flat(ds, 'labels', np.where(some, flat(ds, 'labels'), -100))
    assert differ(tune(some.astype(np.float32)), finetune(model, masked, **options)) == 0


@pytest.mark.parametrize('bad', [-1, np.nan, np.inf])
def test_weights_of_no_use(bad):
    ds = weighted(table())
    weights = flat(ds, 'weights').copy()
    weights[20] = bad
    with pytest.raises(BadInput, match=r'records\[1\]: weights'): finetune(make(), with_flat(ds, 'weights', weights), **plain)
    with pytest.raises(BadInput, match='without a trained token'): finetune(make(), with_flat(ds, 'weights', 0 * flat(ds, 'weights')), **plain)


def test_two_steps():
    "Every window by its own count, the last one shorter"
    model, ds = make(), table(kept=(1, 9, 4))
    tuned = finetune(model, ds, learning_rate=0.5, per_device_train_batch_size=1, gradient_accumulation_steps=2, train_sampling_strategy='sequential', **plain)
    want = by_hand(by_hand(model, ds.select([0, 1]), 0.5), ds.select([2]), 0.5)
    assert differ(tuned, want) < 1e-6


@pytest.mark.parametrize('kind', kinds)
def test_one_lora_step(kind):
    "Adapters take the same step"
    model, ds = make(kind), table()
    config = LoraConfig(r=4, lora_dropout=0.0, target_modules='all-linear', init_lora_weights=False, task_type='CAUSAL_LM', fan_in_fan_out=kind == 'gpt2')
    torch.manual_seed(3)
    by = get_peft_model(copy.deepcopy(model), config)
    want = by_hand(by, ds, 0.5).merge_and_unload()
    tuned = finetune(model, ds, lora=config, learning_rate=0.5, per_device_train_batch_size=2, gradient_accumulation_steps=3, seed=3, **plain)
    assert differ(tuned, want) < 2e-6


def test_rows_without_a_kept_token_change_nothing(caplog):
    model, options = make(), dict(learning_rate=0.5, per_device_train_batch_size=8, **plain)
    with caplog.at_level(logging.WARNING, 'tokenclean_nb'): tuned = finetune(model, table(kept=(0, 3, 0, 5, 0, 0)), **options)
    assert 'dropped 4 of 6 rows without a trained token' in caplog.text
    ds = table(kept=(0, 3, 0, 5, 0, 0))
    assert differ(tuned, finetune(model, ds.select([1, 3]), **options)) < 1e-6
    with pytest.raises(BadInput, match='6 rows without a trained token'): finetune(model, table(kept=[0] * 6), **options)


@pytest.mark.parametrize('rows', [1, 2, 4])
def test_masked_micro_batches_stay_finite(rows, tmp_path):
    "Also in a plain Trainer with this collator, where masked rows are not dropped"
    ds, model = table(kept=(0, 0, 3, 0, 0, 0, 0, 1)), make()
    tuned = finetune(model, ds, learning_rate=0.1, per_device_train_batch_size=rows, gradient_accumulation_steps=2, **plain)
    assert all(p.isfinite().all() for p in tuned.parameters()) and all(np.isfinite(v) for log in tuned.training_log for v in log.values())
    window = copy.deepcopy(model).train()
    args = TrainingArguments(output_dir=str(tmp_path), per_device_train_batch_size=1, gradient_accumulation_steps=8, report_to='none', save_strategy='no', disable_tqdm=True, remove_unused_columns=False, learning_rate=0.5,
        **{k: v for k, v in plain.items() if k != 'progress'})
    trainer = Trainer(model=window, args=args, train_dataset=ds, data_collator=collate)
    trainer.train()
    assert differ(window.eval(), by_hand(model, ds, 0.5)) < 1e-6


whole = [LoraConfig(r=2, target_modules='all-linear', task_type='CAUSAL_LM', fan_in_fan_out=True, **more) for more in (dict(bias='all'), dict(modules_to_save=['ln_f']), dict(use_dora=True))]


@pytest.mark.parametrize('merge', [True, False])
@pytest.mark.parametrize('lora', [None, 4, *whole], ids=['all', '4', 'bias', 'norm', 'dora'])
def test_the_base_is_untouched(lora, merge):
    "Also where a LoRA configuration trains more than its matrices"
    model, ds = make(), table()
    before, state = copy.deepcopy(model.state_dict()), ds.to_list()
    tuned = finetune(model, ds, lora=lora, merge=merge, progress=False, learning_rate=0.1, num_train_epochs=2, warmup_steps=0)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items()) and all(p.requires_grad for p in model.parameters())
    with torch.no_grad(): apart = (model(ids := torch.arange(9)[None]).logits - tuned(ids).logits).abs().max()
    assert not model.training and not tuned.training and ds.to_list() == state and apart > 1e-4


@pytest.mark.parametrize('lora', [None, 4])
def test_same_seed_same_result(lora):
    model, ds = make(), table(kept=(3, 9, 1, 2, 6, 1))
    tune = lambda seed: finetune(model, ds, lora=lora, progress=False, learning_rate=0.05, per_device_train_batch_size=1, gradient_accumulation_steps=1, warmup_steps=0, seed=seed)
    one, _, two, other = tune(5), torch.rand(7), tune(5), tune(6)
    assert differ(one, two) == 0 < differ(one, other)


@pytest.mark.parametrize('lora', [2, LoraConfig(r=3, target_modules=['c_attn'], task_type='CAUSAL_LM')])
def test_lora_comes_back_plain(lora):
    model = make()
    tuned = finetune(model, table(), lora=lora, progress=False, learning_rate=0.1, warmup_steps=0)
    assert type(tuned) is type(model) and not hasattr(tuned, 'peft_config') and tuned.state_dict().keys() == model.state_dict().keys()
    changed = {k for k in model.state_dict() if not torch.equal(model.state_dict()[k], tuned.state_dict()[k])}
    assert changed and all(k.endswith('weight') and ('c_' in k or 'lm_head' in k or 'wte' in k) for k in changed)


def test_tied_weights_stay_tied():
    for lora in (None, 4):
        tuned = finetune(make(), table(), lora=lora, progress=False, learning_rate=0.1, warmup_steps=0)
        assert tuned.lm_head.weight is tuned.transformer.wte.weight


def test_half_precision_trains_in_full():
    "Small updates are not lost, and the dtype comes back"
    model = make(dtype=torch.bfloat16)
    tuned = finetune(model, table(), learning_rate=0.5, per_device_train_batch_size=6, gradient_accumulation_steps=1, **plain)
    want = by_hand(copy.deepcopy(model).float(), table(), 0.5)
    assert tuned.dtype == torch.bfloat16 and differ(tuned, want.to(torch.bfloat16)) < 1e-2


def test_padding_is_neither_seen_nor_trained():
    batch = collate([dict(input_ids=[5, 6, 7], labels=[5, 6, 7]), dict(input_ids=[8], labels=[8])])
    assert batch['labels'].tolist() == [[-100, 6, 7], [-100, -100, -100]] and batch['input_ids'].tolist()[0] == [5, 6, 7] and set(batch) == {'input_ids', 'labels'}


def test_rows_end_after_their_last_trained_token():
    rows = [dict(input_ids=[5, 6, 7, 8], labels=[5, -100, 7, -100]), dict(input_ids=[8], labels=[8]), dict(input_ids=[3, 4, 5], labels=[-100, 4, -100])]
    batch = pack(rows)
    assert batch['input_ids'].tolist() == [[5, 6, 7, 8, 3, 4]] and batch['labels'].tolist() == [[-100, -100, 7, -100, -100, 4]]
    assert batch['position_ids'].tolist() == [[0, 1, 2, 0, 0, 1]] and batch['row_lengths'] == [3, 1, 2] and rows[0]['labels'][0] == 5
    assert collate(rows)['input_ids'].tolist() == [[5, 6, 7], [8, 0, 0], [3, 4, 0]]


def test_order_is_random_unless_said():
    assert training_in_force(make())['train_sampling_strategy'] == 'random'


@pytest.mark.parametrize('kind', ['gpt2', 'llama', 'gemma3_text'])
def test_attention_sees_a_row_at_a_time(kind, monkeypatch):
    "No attention over two rows, no logits where nothing is trained, no more of them than fit"
    sizes, rows, own = [], [], batches.sdpa_attention_forward
    def noted(module, query, *args, **kwargs):
        sizes.append(query.shape[2])
        return own(module, query, *args, **kwargs)
    monkeypatch.setattr(batches, 'sdpa_attention_forward', noted)
    monkeypatch.setattr(module, '_at_once', lambda model: 4)
    monkeypatch.setattr(module, '_summed', lambda logits, *more, own=module._summed: rows.append(len(logits)) or own(logits, *more))
    finetune(make(kind), table(), learning_rate=0.5, per_device_train_batch_size=6, gradient_accumulation_steps=1, **plain)
    assert max(sizes) <= 12 and max(rows) == 4 and sum(rows) == 19 + 15 # computed once, all but the first part twice


@pytest.mark.parametrize('kind', ['gpt2', 'llama'])
def test_gradient_checkpointing(kind):
    "A forward pass that is run again on the way back runs row by row again"
    model, ds, options = make(kind), table(), dict(learning_rate=0.5, per_device_train_batch_size=6, gradient_accumulation_steps=1, **plain)
    assert differ(finetune(model, ds, gradient_checkpointing=True, **options), by_hand(model, ds, 0.5)) < 1e-6


def test_dropout_is_drawn():
    "In packed rows too, also in attention"
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(CONFIG_MAPPING['gpt2'](vocab_size=vocab, initializer_range=0.2, **gpt2 | dict(attn_pdrop=0.3)))
    tune = lambda seed: finetune(model, table(), learning_rate=0.5, per_device_train_batch_size=6, gradient_accumulation_steps=1, seed=seed, **plain)
    assert packs(model.eval()) and differ(tune(1), tune(1)) == 0 and differ(tune(1), tune(2)) > 1e-3


def test_a_model_in_training_mode_is_probed_without_dropout(monkeypatch):
    model, used = make().train(), []
    for m in model.modules():
        if isinstance(m, nn.Dropout): m.p = 0.5
    monkeypatch.setattr(module, 'pack', lambda rows: used.append(len(rows)) or pack(rows))
    finetune(model, table(), learning_rate=0.5, per_device_train_batch_size=6, gradient_accumulation_steps=1, **plain)
    assert used and model.training


def test_the_attention_comes_back_after_an_error():
    model = make()
    with pytest.raises(KeyboardInterrupt), row_by_row(model):
        assert model.config._attn_implementation == 'sdpa_by_row'
        raise KeyboardInterrupt
    assert model.config._attn_implementation == 'sdpa'


def test_the_tiny_base_learns(tiny):
    from tokenclean_nb.data.encoding import encode
    from tokenclean_nb.scoring.losses import token_losses
    model, tokenizer = tiny
    ds = encode(Dataset.from_list([dict(prompt='A' * k, completion='bcd') for k in range(1, 5)]), tokenizer)
    loss = lambda m: np.nanmean(token_losses(m, ds, progress=False))
    assert loss(finetune(model, ds, num_train_epochs=5, learning_rate=1e-3, progress=False)) < loss(model) - 0.5


def test_bad_arguments():
    with pytest.raises(BadInput, match='learning_speed'): finetune(make(), table(), progress=False, learning_speed=1)


def test_fsdp_is_refused(monkeypatch):
    class Spread(Trainer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.is_fsdp_enabled = True
    monkeypatch.setattr('tokenclean_nb.training.trainer._KeptTrainer', Spread)
    with pytest.raises(BadInput, match='without FSDP'): finetune(make(), table(), progress=False)


def test_an_adapter_that_is_kept():
    "The same training as merged; with the adapter off it is the base"
    model, ds = make('llama'), table(kept=(3, 9, 1, 2, 6, 1))
    options = dict(lora=4, progress=False, learning_rate=0.05, per_device_train_batch_size=2, gradient_accumulation_steps=1)
    kept, merged, ids = finetune(model, ds, merge=False, **options), finetune(model, ds, **options), torch.arange(9)[None]
    with torch.no_grad():
        assert torch.allclose(kept(ids).logits, merged(ids).logits, atol=1e-5) and not torch.allclose(kept(ids).logits, model(ids).logits, atol=1e-3)
        with kept.disable_adapter(): assert torch.equal(kept(ids).logits, model(ids).logits)
    assert any(log.get('train_loss') for log in kept.training_log) and not kept.training
    held = {p.data_ptr() for p in model.parameters()}
    assert {p.data_ptr() for name, p in kept.named_parameters() if 'lora_' not in name} == held and not held & {p.data_ptr() for p in merged.parameters()}
