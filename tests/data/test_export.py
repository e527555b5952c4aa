"What a run writes is trained on as it is: by transformers.Trainer, by TRL, and the step is that of the kept tokens' mean loss"
import copy
import json

import numpy as np
import pytest
import torch
from conftest import byte_level
from datasets import Dataset, load_dataset, load_from_disk
from torch import nn
from transformers import AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

from tokenclean_nb.cleaning.methods import random_tokens
from tokenclean_nb.data.encoding import encode
from tokenclean_nb.data.export import export_table, exports, segments
from tokenclean_nb.data.table import flat, trained, with_flat
from tokenclean_nb.errors import BadInput
from tokenclean_nb.scoring.selection import clean_labels

rate, rows = 0.05, 6
one_step = dict(max_steps=1, per_device_train_batch_size=rows, learning_rate=rate, optim='sgd', lr_scheduler_type='constant', max_grad_norm=0,
    report_to='none', save_strategy='no', disable_tqdm=True, use_cpu=True, bf16=False)


@pytest.fixture(scope='module')
def exported(tiny, tmp_path_factory):
    "A run's cleaned.parquet, read as anyone would"
    base, tokenizer = tiny
    records = Dataset.from_list([dict(prompt=f'{a} lives in', completion=f' {b}.') for a, b in zip('Mira Tom Ada Ben Eva Jon'.split(), 'Oslo Lima Kyiv Bern Rome Graz'.split())])
    run = random_tokens(base, tokenizer, records, fraction=0.5, num_train_epochs=1, progress=False)
    path = run.save(tmp_path_factory.mktemp('run')/'run')
    return load_dataset('parquet', data_files=str(path/'cleaned.parquet'), split='train')


def by_hand(base, ds):
    "One step of gradient descent on the mean loss of the kept tokens, a row at a time"
    model = copy.deepcopy(base)
    n = (flat(ds, 'labels') != -100).sum()
    for row in ds:
        logits, target = model(torch.tensor([row['input_ids']])).logits[0, :-1], torch.tensor(row['labels'][1:])
        (nn.functional.cross_entropy(logits, target, ignore_index=-100, reduction='sum') / n).backward()
    with torch.no_grad():
        for p in model.parameters(): p -= rate * p.grad
    return model


def step_of(model, base, ds):
    "The largest difference from the step by hand, and how far that step went"
    distance = lambda a, b: max((x - y).abs().max().item() for x, y in zip(a.state_dict().values(), b.state_dict().values()))
    want = by_hand(base, ds)
    return distance(model.cpu(), want), distance(base, want)


def collator(tokenizer): return DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=-100)


def test_what_is_exported(exported):
    assert exported.column_names == ['input_ids', 'labels', 'row']
    labels, ids = flat(exported, 'labels'), flat(exported, 'input_ids')
    kept = labels != -100
    assert 0 < kept.sum() < len(kept) / 2 and (labels[kept] == ids[kept]).all()
    assert all(row[0] == -100 for row in exported['labels'][:]), 'a label that nothing predicts would count in the mean'


def test_trainer(tiny, exported, tmp_path):
    base, tokenizer = tiny
    model = copy.deepcopy(base)
    Trainer(model, TrainingArguments(str(tmp_path), **one_step), train_dataset=exported, data_collator=collator(tokenizer)).train()
    off, moved = step_of(model, base, exported)
    assert off < 1e-5 < moved / 10


def test_trl(tiny, exported, tmp_path):
    trl = pytest.importorskip('trl', reason='TRL is not installed: pip install "tokenclean_nb[trl]"')
    base, tokenizer = tiny
    model = copy.deepcopy(base)
    trainer = trl.SFTTrainer(model, trl.SFTConfig(str(tmp_path), max_length=None, **one_step), train_dataset=exported, processing_class=tokenizer)
    assert np.array_equal(flat(trainer.train_dataset, 'labels'), flat(exported, 'labels'))
    trainer.train()
    off, moved = step_of(model, base, exported)
    assert off < 1e-5 < moved / 10


@pytest.fixture
def holes(tokenizer):
    "A table whose labels have holes, with text of several scripts"
    texts = [('The sky is ', 'blue, the sky is grey.'), ('東京は', '日本の首都です。😀'), ('{"a": ', '1}\n "x"'), ('', 'é e\u0301')]
    ds = encode(Dataset.from_list([dict(prompt=a, completion=b) for a, b in texts]), tokenizer)
    drop = np.random.default_rng(0).random(len(flat(ds, 'labels'))) < .4
    return with_flat(ds, 'labels', np.where(drop, -100, flat(ds, 'labels')).astype(np.int32))


def trained_characters(text, starts, ends, labels):
    "Which characters belong to a trained token"
    out = np.zeros(len(text), bool)
    for a, b, label in zip(starts, ends, labels): out[a:b] |= label != -100
    return out


def test_export_to_axolotl(holes, tokenizer, tmp_path):
    "Read as `type: input_output` reads it: each segment alone, without special tokens; also by another tokenizer"
    rows = [json.loads(line) for line in export_table(holes, tmp_path, 'axolotl', tokenizer).read_text(encoding='utf8').splitlines()]
    for reader in (tokenizer, byte_level(special=('<s>', '</s>', '[X]'))):
        for row, ours in zip(rows, holes, strict=True):
            parts = [(reader(s['text'], add_special_tokens=False)['input_ids'], s['label']) for s in row['segments']]
            told = reader.decode([i for ids, label in parts for i in ids if label])
            begin = '</s>' if ours['ends'][0] == 0 else ''
            assert ''.join(s['text'] for s in row['segments']) == begin + ours['text']
            want = trained_characters(ours['text'], ours['starts'], ours['ends'], ours['labels'])
            assert told == ''.join(c for c, t in zip(ours['text'], want) if t)


def test_export_to_swift(holes, tokenizer, tmp_path):
    "Messages of one role, which are put together again, each with its loss"
    rows = [json.loads(line) for line in export_table(holes, tmp_path, 'swift', tokenizer).read_text(encoding='utf8').splitlines()]
    for row, runs in zip(rows, segments(holes, tokenizer), strict=True):
        assert [(m['content'], m['loss']) for m in row['messages']] == [(text, weight > 0) for text, weight in runs]
        assert {frozenset(m) for m in row['messages']} == {frozenset(('role', 'content', 'loss'))} and {m['role'] for m in row['messages']} == {'assistant'}


def test_pieces_of_ms_swift_are_read_as_one_text(tokenizer, tmp_path):
    "Each token is trained as before, with its weight; a conversation of one answer is none"
    records = Dataset.from_list([dict(instruction=f'Say {k}!', output=' one two\n\n three four' * (k + 1)) for k in range(6)])
    ds, rng = encode(records, tokenizer), np.random.default_rng(0)
    weights = np.where(trained(ds), rng.choice([0, 0, 1, 1, .25], len(flat(ds, 'labels'))), 0).astype(np.float32)
    for table in clean_labels(with_flat(ds, 'keep', weights == 1)), with_flat(ds, 'weights', weights):
        back = encode(Dataset.from_json(str(export_table(table, tmp_path/str(len(table.column_names)), 'swift', tokenizer))), tokenizer)
        now = trained(back) if 'weights' not in back.column_names else flat(back, 'weights') * trained(back)
        want = trained(table) if 'weights' not in table.column_names else weights
        assert np.array_equal(flat(back, 'input_ids'), flat(ds, 'input_ids')) and np.array_equal(now, want)
    talk = Dataset.from_list([dict(messages=[dict(role='assistant', content='Hello.')])])
    assert 'assistant' in encode(talk, tokenizer)[0]['text']


def test_ms_swift_adds_the_start_token_itself(tmp_path, shared):
    "So none is written for a tokenizer that begins every text with it, be it in the text or not"
    tokenizer = AutoTokenizer.from_pretrained(shared('models/stories260K'))
    assert tokenizer('a').input_ids[0] == tokenizer.bos_token_id
    tokenizer.chat_template = "{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}{{ eos_token }}"
    for name, record in dict(text=dict(prompt='She said', completion=' hello.'), talk=dict(instruction='She said', output=' hello.')).items():
        ds = encode(Dataset.from_list([record]), tokenizer)
        line = json.loads(export_table(ds, tmp_path/name, 'swift', tokenizer).read_text())
        assert ds[0]['input_ids'][:2].count(tokenizer.bos_token_id) == 1 and ds[0]['text'].startswith('<s>' if name == 'talk' else 'She')
        assert ''.join(m['content'] for m in line['messages']) == 'She said hello.</s>'


def test_what_ms_swift_trains_besides_is_counted(tokenizer, tmp_path, caplog):
    "A row that was cut gets an end token; so does one whose end token was left out"
    records = Dataset.from_list([dict(prompt='Say it:', completion=' one two three'), dict(prompt='a', completion=' b'), dict(prompt='a', completion=' c')])
    ds = encode(records, tokenizer, max_length=12)
    ends = np.cumsum([len(ids) for ids in ds['input_ids'][:]]) - 1
    labels = flat(ds, 'labels').copy()
    labels[ends[2]] = -100
    export_table(with_flat(ds, 'labels', labels), tmp_path/'a', 'swift', tokenizer)
    assert '2 of 3 rows: ms-swift trains the end token </s> behind them' in caplog.text and 'tokenized apart' not in caplog.text


def test_other_tokens_of_pieces_are_counted(tmp_path, shared, caplog):
    "A tokenizer that puts a space before each text"
    tokenizer = AutoTokenizer.from_pretrained(shared('models/stories260K'))
    ds = encode(Dataset.from_list([dict(prompt='Once', completion=' upon a time'), dict(prompt='', completion='It')]), tokenizer)
    for to in 'axolotl', 'swift':
        caplog.clear()
        export_table(ds, tmp_path/to, to, tokenizer)
        assert ' of 2 rows have other tokens when their pieces are tokenized apart' in caplog.text


@pytest.mark.parametrize('to', ['trl', 'parquet', 'llama-factory'])
def test_export_of_ids(holes, tmp_path, to):
    path = export_table(holes, tmp_path, to)
    ds = load_from_disk(path)['train'] if to == 'llama-factory' else load_dataset('parquet', data_files=str(path), split='train')
    assert np.array_equal(flat(ds, 'labels'), flat(holes, 'labels')) and np.array_equal(flat(ds, 'input_ids'), flat(holes, 'input_ids'))
    assert set(ds.column_names) == {'input_ids', 'labels'} | dict(trl=set(), parquet={'row'}).get(to, {'attention_mask'})


def test_trl_takes_the_export(tiny, tmp_path):
    import trl # a dependency of development
    base, tokenizer = tiny
    ds = encode(Dataset.from_list([dict(prompt=f'{a} lives in', completion=' Oslo.') for a in ('Mira', 'Tom')]), tokenizer)
    path = export_table(ds, tmp_path, 'trl')
    config = trl.SFTConfig(str(tmp_path/'out'), max_length=None, **one_step)
    trainer = trl.SFTTrainer(copy.deepcopy(base), config, train_dataset=load_dataset('parquet', data_files=str(path), split='train'), processing_class=tokenizer)
    assert np.array_equal(flat(trainer.train_dataset, 'labels'), flat(ds, 'labels'))


@pytest.mark.parametrize('to', exports)
def test_weights_go_where_they_are_known(holes, tokenizer, tmp_path, to):
    soft = with_flat(holes, 'weights', np.where(trained(holes), .25, 0).astype(np.float32))
    if to in ('swift', 'parquet'): assert '0.25' in export_table(soft, tmp_path, to, tokenizer).read_text() if to == 'swift' else export_table(soft, tmp_path, to)
    else:
        with pytest.raises(BadInput, match='swift or parquet'): export_table(soft, tmp_path, to, tokenizer)
        assert not list(tmp_path.iterdir())
