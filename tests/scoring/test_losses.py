"The engine's losses are those of a plain float64 loop, for every head, order, padding and place"
import copy

import numpy as np
import pytest
import torch
from accelerate import cpu_offload, disk_offload
from datasets import Dataset, concatenate_datasets
from peft import LoraConfig, get_peft_model
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForCausalLM, CONFIG_MAPPING, GPT2LMHeadModel

from tokenclean_nb.scoring import losses
from tokenclean_nb.data.table import lengths
from tokenclean_nb.errors import BadInput
from tokenclean_nb.scoring.heads import splits
from tokenclean_nb.scoring.losses import batches, token_hits, token_losses
from tokenclean_nb.training.models import load_model

vocab = 97
gpt2 = dict(n_embd=32, n_layer=2, n_head=2, n_positions=64)
llama = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=48, max_position_embeddings=64)
heads16 = llama | dict(head_dim=16, num_attention_heads=2, num_key_value_heads=1)
full = llama | dict(num_key_value_heads=4)
kinds = {
    'gpt2': ('gpt2', gpt2), 'gpt2-untied': ('gpt2', gpt2 | dict(tie_word_embeddings=False)), 'gpt2-bias': ('gpt2', gpt2 | dict(tie_word_embeddings=False)),
    'llama': ('llama', llama), 'llama-tied': ('llama', llama | dict(tie_word_embeddings=True)),
    'mistral-window': ('mistral', llama | dict(sliding_window=4)),
    'qwen2': ('qwen2', llama), 'qwen3': ('qwen3', heads16), 'mixtral': ('mixtral', llama | dict(num_local_experts=4, num_experts_per_tok=2)),
    'gemma2-capped': ('gemma2', heads16 | dict(final_logit_softcapping=2.0, attn_logit_softcapping=3.0, query_pre_attn_scalar=16, sliding_window=8)),
    'gemma3': ('gemma3_text', heads16 | dict(sliding_window=8)),
    'gpt_neox': ('gpt_neox', full), 'phi-bias': ('phi', full), 'olmo': ('olmo', llama), 'olmo2': ('olmo2', llama),
    'cohere-scale': ('cohere', llama | dict(logit_scale=0.3)), 'granite-scale': ('granite', llama | dict(logits_scaling=3.0, residual_multiplier=0.7)),
    'bloom-alibi': ('bloom', dict(hidden_size=32, n_layer=2, n_head=2)),
    'opt': ('opt', dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, ffn_dim=48, max_position_embeddings=64, word_embed_proj_dim=32)),
}


def make(kind, cls=None):
    "A small model with random weights that say something"
    torch.manual_seed(0)
    name, options = kinds[kind]
    config = CONFIG_MAPPING[name](vocab_size=vocab, pad_token_id=0, bos_token_id=1, eos_token_id=2, initializer_range=0.2, use_cache=True, **options)
    config._experts_implementation = 'eager' # the fast experts know no float64
    model = cls(config) if cls else AutoModelForCausalLM.from_config(config)
    if kind == 'gpt2-bias': model.lm_head = nn.Linear(32, vocab)
    for p in model.parameters(): p.data += 0.1 * torch.randn_like(p)
    return model.eval()


def rows(sizes=(5, 1, 30, 2, 17, 9, 1, 40), share=0.5, seed=0):
    "A table of random rows: some tokens trained, the third row not at all, position 0 labelled"
    rng = np.random.default_rng(seed)
    ids = [rng.integers(3, vocab, n).tolist() for n in sizes]
    labels = [np.where(rng.random(len(r)) < share, r, -100).tolist() for r in ids]
    for r, l in zip(ids, labels): l[0] = r[0]
    if len(sizes) > 2: labels[2] = [-100] * sizes[2]
    return Dataset.from_dict(dict(input_ids=ids, labels=labels))


@torch.no_grad()
def loop(model, ds):
    "The plain loop: float64, a row at a time, whole logits"
    model, out = copy.deepcopy(model).double().eval(), []
    for row in ds:
        loss = np.full(len(row['input_ids']), np.nan)
        if len(loss) > 1:
            logits = model(input_ids=torch.tensor([row['input_ids']])).logits[0].double()
            for t in range(1, len(loss)):
                if row['labels'][t] != -100: loss[t] = logits[t-1].logsumexp(0) - logits[t-1, row['input_ids'][t]]
        out.append(loss)
    return np.concatenate(out)


def agree(got, want, eps=1e-4):
    "Same losses, and NaN in the same places"
    assert got.dtype == np.float32 and np.array_equal(np.isnan(got), np.isnan(want))
    assert np.nanmax(abs(got - want)) < eps


score = lambda model, ds, **k: token_losses(model, ds, progress=False, **k)


@pytest.fixture(scope='module')
def small():
    "A GPT-2, a table and its losses"
    model, ds = make('gpt2'), rows()
    return model, ds, loop(model, ds)


@pytest.mark.parametrize('kind', kinds)
def test_plain_loop(kind, monkeypatch):
    model, ds = make(kind), rows()
    want = loop(model, ds)
    assert (splits(model) or kind == 'opt') and np.nanstd(want) > 0.3
    agree(score(model, ds), want)
    monkeypatch.setitem(losses.budgets, 'cpu', (512, 3))
    order = np.random.default_rng(1).permutation(len(ds))
    shuffled = np.concatenate([np.split(want, np.cumsum(lengths(ds))[:-1])[i] for i in order])
    for budget in (1, 30): agree(score(model, ds.select(order), token_budget=budget), shuffled)


def test_layouts(small):
    "Chunks, an index mapping, both, a slice, a saved table, 64-bit lists"
    model, ds, want = small
    parts = np.split(want, np.cumsum(lengths(ds))[:-1])
    at = lambda order: np.concatenate([parts[i] for i in order])
    chunks = concatenate_datasets([ds.select(range(3)), ds.select(range(3, 5)), ds.select(range(5, 8))])
    assert chunks.data.column('input_ids').num_chunks == 3
    agree(score(model, chunks), want)
    agree(score(model, chunks.select([7, 4, 2, 2, 0])), at([7, 4, 2, 2, 0]))
    agree(score(model, ds.select(range(2, 6))), at(range(2, 6)))
    agree(score(model, ds.shuffle(seed=0).flatten_indices()), at(ds.add_column('n', range(8)).shuffle(seed=0)['n'][:]))
    agree(score(model, ds.cast_column('input_ids', chunks.features['input_ids']).with_format('torch')), want)


def test_what_is_nan(small):
    model, ds, want = small
    got, labels = score(model, ds), np.concatenate(ds['labels'][:])
    first = np.cumsum(lengths(ds)) - lengths(ds)
    assert (labels[first] != -100).sum() >= 7 and np.isnan(got[first]).all()
    labels[first] = -100
    assert np.array_equal(np.isnan(got), labels == -100)


@pytest.mark.parametrize('sizes', [(1,), (1, 1), (2,), (64,), (64, 1, 63), (64, 64)])
def test_odd_tables(small, sizes):
    ds = rows(sizes, share=1)
    got, want = score(small[0], ds), loop(small[0], ds)
    assert got.dtype == np.float32 and np.allclose(got, want, atol=1e-4, equal_nan=True)


def test_empty_rows_and_tables(small):
    model, ds, want = small
    assert score(model, ds.select([])).shape == (0,)
    hollow = Dataset.from_dict(dict(input_ids=[[], ds[0]['input_ids'], []], labels=[[], ds[0]['labels'], []]))
    agree(score(model, hollow), want[:5])


@pytest.mark.parametrize('kind', ['gpt2', 'mistral-window', 'gemma2-capped', 'bloom-alibi', 'opt'])
def test_padding_changes_nothing(kind):
    model, short, long = make(kind), rows((5, 9, 12, 7)), rows((64, 50, 33), seed=1)
    alone = score(model, short, token_budget=1)
    padded = score(model, concatenate_datasets([short, long]), token_budget=10_000)[:lengths(short).sum()]
    agree(padded, alone, 1e-5)


@pytest.mark.xfail(reason='LongRoPE takes its frequencies from the longest row of a batch')
def test_padding_with_longrope():
    torch.manual_seed(0)
    rope = dict(rope_type='longrope', rope_theta=1e4, short_factor=[1.0] * 4, long_factor=[8.0] * 4, original_max_position_embeddings=16)
    model = AutoModelForCausalLM.from_config(CONFIG_MAPPING['llama'](vocab_size=vocab, initializer_range=0.2, rope_parameters=rope, **llama)).eval()
    short, long = rows((10, 12, 9)), rows((60, 40))
    agree(score(model, concatenate_datasets([short, long]), token_budget=10_000)[:31], score(model, short, token_budget=1), 1e-5)


@pytest.mark.parametrize('n, budget', [([3, 9, 0, 4, 2], 8), ([1] * 50, 7), ([100, 1], 10), ([0], 5), ([], 5)])
def test_batches_hold_every_row_once(n, budget):
    n = np.array(n, dtype=int)
    cut = batches(n, budget)
    assert sorted(i for b in cut for i in b) == list(np.flatnonzero(n))
    assert all(len(b) == 1 or len(b) * n[b].max() <= budget for b in cut)


class Around(nn.Module):
    "A model in a wrapper that shows neither body nor head"
    def __init__(self, model):
        super().__init__()
        self.inside, self.config = model, model.config
        self.get_input_embeddings = model.get_input_embeddings
    def forward(self, input_ids, **options): return self.inside(input_ids=input_ids, **options)


class Copying(GPT2LMHeadModel):
    "A head that looks at the ids: it cannot run on hidden states alone"
    bonus = 3.0
    def forward(self, input_ids=None, **options):
        output = super().forward(input_ids=input_ids, **options)
        output.logits = output.logits + self.bonus * nn.functional.one_hot(input_ids, vocab).to(output.logits.dtype)
        return output


class CopyingALittle(Copying):
    bonus = 0.02


@pytest.mark.parametrize('model', [Around(make('gpt2')), make('gpt2', Copying), make('gpt2', CopyingALittle)], ids=['around', 'copying', 'a little'])
def test_what_cannot_be_split_runs_whole(model):
    ds = rows()
    assert not splits(model)
    agree(score(model, ds, token_budget=40), loop(model, ds))


@pytest.mark.parametrize('kind', ['gpt2', 'llama'])
def test_adapter(kind):
    "LoRA equals its merged model, and the base with the adapter off"
    base, ds = make(kind), rows()
    model = get_peft_model(copy.deepcopy(base), LoraConfig(r=4, target_modules='all-linear', lora_dropout=0.1, task_type='CAUSAL_LM')).eval()
    for name, p in model.named_parameters():
        if 'lora_B' in name: nn.init.normal_(p.data, std=0.2)
    with_adapter, without = score(model, ds), score(base, ds)
    assert splits(model) and np.nanmax(abs(with_adapter - without)) > 0.1
    with model.disable_adapter(): agree(score(model, ds), without)
    assert np.nanmax(abs(score(model, ds, dtype='bfloat16') - with_adapter)) < 1
    agree(score(model, ds), with_adapter, 1e-6)
    agree(with_adapter, loop(copy.deepcopy(model).merge_and_unload(), ds))


@pytest.mark.parametrize('kind', ['gpt2', 'llama-tied', 'gemma2-capped'])
@pytest.mark.parametrize('place', ['cpu', 'disk'])
def test_offloaded(kind, place, tmp_path):
    model, ds = make(kind), rows()
    want = loop(model, ds)
    model = cpu_offload(model, execution_device='cpu') if place == 'cpu' else disk_offload(model, str(tmp_path), execution_device='cpu')
    assert any(p.device.type == 'meta' for p in model.parameters())
    agree(score(model, ds), want)
    with pytest.raises(BadInput, match='offloaded'): score(model, ds, dtype='bfloat16')


@pytest.mark.parametrize('device_map', [None, 'auto', {'': 'cpu'}, 'disk'])
def test_loaded_with_a_device_map(device_map, tmp_path, tokenizer):
    model, ds = make('gpt2'), rows()
    want = loop(model, ds)
    model.save_pretrained(tmp_path/'model')
    tokenizer.save_pretrained(tmp_path/'model')
    if device_map == 'disk':
        places = {'transformer.wte': 'cpu', 'transformer.wpe': 'cpu', 'transformer.h.0': 'cpu', 'transformer.h.1': 'disk', 'transformer.ln_f': 'cpu', 'lm_head': 'cpu'}
        loaded = AutoModelForCausalLM.from_pretrained(tmp_path/'model', device_map=places, offload_folder=str(tmp_path/'offload'))
        assert loaded.transformer.h[1].mlp.c_fc.weight.device.type == 'meta'
    else: loaded, _ = load_model(tmp_path/'model', device_map=device_map)
    agree(score(loaded, ds), want)


@pytest.mark.parametrize('kind', ['gpt2', 'llama', 'gemma2-capped'])
def test_half_precision_gives_back_the_weights(kind):
    model, ds = make(kind), rows()
    before, where = {k: v.clone() for k, v in model.state_dict().items()}, [p.data_ptr() for p in model.parameters()]
    exact, half = score(model, ds), score(model, ds, dtype='bfloat16')
    assert half.dtype == np.float32 and 0 < np.nanmean(abs(half - exact)) < 0.1
    with pytest.raises(BadInput): score(model, Dataset.from_dict(dict(input_ids=[[5, 400]], labels=[[-100, 400]])), dtype='bfloat16')
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items()) and where == [p.data_ptr() for p in model.parameters()]


def test_weights_and_mode_come_back_after_an_error(small, monkeypatch):
    model, ds, want = small
    model = copy.deepcopy(model).train()
    def stop(*args): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as m:
        m.setattr(losses, '_measure', stop)
        score(model, ds, dtype='bfloat16')
    assert model.training and model.dtype == torch.float32 and 'forward' not in model.transformer.__dict__
    agree(score(model, ds), want)


class Questions(TorchDispatchMode):
    "Counts operations whose answer the host must wait for on a GPU: a number read, a mask counted"
    asking, asked = {'_local_scalar_dense', 'nonzero', 'is_nonzero', 'item', 'equal', 'masked_select'}, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        masks = any(isinstance(i, torch.Tensor) and i.dtype == torch.bool for i in args[1]) if func.overloadpacket.__name__ in ('index', 'index_put', 'index_put_') else False
        self.asked += masks or func.overloadpacket.__name__ in self.asking
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize('kind', ['gpt2', 'llama', 'mistral-window', 'qwen3', 'gemma3', 'olmo2'])
def test_no_batch_waits_for_the_device(kind):
    asked = []
    for budget in (1000, 1): # one batch, and one for each row
        with Questions() as questions: score(make(kind), rows(), token_budget=budget)
        asked.append(questions.asked)
    assert asked[0] == asked[1] > 0


def test_a_compiled_body(small):
    model, ds, want = small
    model = copy.deepcopy(model)
    model.base_model.compile(backend='eager', dynamic=True)
    assert splits(model)
    agree(score(model, ds), want)
    assert model.base_model._compiled_call_impl is not None and 'forward' not in model.base_model.__dict__


@pytest.mark.parametrize('free, rows_at_once', [(0, 16), (1200 * vocab * 4, 100), (2**40, 8192)])
def test_logits_take_a_quarter_of_the_free_memory(small, monkeypatch, free, rows_at_once):
    monkeypatch.setattr(losses, 'device_of', lambda model: torch.device('cuda'))
    for name, value in dict(mem_get_info=(free, 2**40), memory_reserved=0, memory_allocated=0).items(): monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)
    assert losses._room(small[0]) == (16384, rows_at_once)


def test_numbers_that_are_not(small):
    model, ds, _ = small
    broken = copy.deepcopy(model)
    broken.transformer.ln_f.weight.data[0] = float('nan')
    with pytest.raises(BadInput, match='finite losses'): score(broken, ds)


def test_hits(small):
    "Hits are the plain loop's first choices"
    model, ds, want = small
    hits, n = token_hits(model, ds, progress=False), 0
    with torch.no_grad():
        for row in ds:
            choice = model(torch.tensor([row['input_ids']])).logits[0].argmax(-1).tolist()
            for t in range(len(choice)):
                if t and row['labels'][t] != -100: assert hits[n + t] == (choice[t-1] == row['input_ids'][t])
                else: assert np.isnan(hits[n + t])
            n += len(choice)


@pytest.mark.parametrize('bad, said', [(dict(token_budget=0), 'token_budget'), (dict(dtype='half'), 'float32')])
def test_bad_arguments(small, bad, said):
    with pytest.raises(BadInput, match=said): score(*small[:2], **bad)


def test_real_model(shared):
    "A pretrained Llama on real rows"
    from tokenclean_nb.data.encoding import encode
    from tokenclean_nb.data.records import load_records
    model, tokenizer = load_model(shared('models/stories260K'))
    records = load_records(shared('data/rasbt_instruct/instruction-data.json')).select(range(8))
    ds = encode(records, tokenizer, max_length=128)
    agree(score(model, ds), loop(model, ds))
