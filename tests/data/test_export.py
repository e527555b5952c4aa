"What a run writes is trained on as it is: by transformers.Trainer, by TRL, and the step is that of the kept tokens' mean loss"
import copy

import numpy as np
import pytest
import torch
from datasets import Dataset, load_dataset
from torch import nn
from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

from tokenclean_nb.cleaning.methods import random_tokens
from tokenclean_nb.data.table import flat

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
    assert exported.column_names == ['input_ids', 'labels']
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
