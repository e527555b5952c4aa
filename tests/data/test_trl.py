"The labels that TRL's own trainer would use, side by side with ours, on 200 rows of each format"
import copy
import random
from pathlib import Path

import pytest
import trl
from conftest import byte_level
from datasets import Dataset

from tokenclean_nb.data.encoding import encode

templates = Path(trl.__file__).parent/'chat_templates'
special = '</s>', '<s>', '<|im_start|>', '<|im_end|>', '<|eot_id|>', '<|start_header_id|>', '<|end_header_id|>', '<|begin_of_text|>'
words = 'The sky is blue and grey today, said 東京 😀 in "quotes"; 1 + 1 = 2.\nA second line.'.split(' ')
chance = random.Random(0)


def said(most=12): return ' '.join(chance.choices(words, k=chance.randint(1, most)))


def talk(turns=3): return [dict(role=role, content=said()) for _ in range(chance.randint(1, turns)) for role in ('user', 'assistant')]


def theirs(tiny, tokenizer, records, folder, **options):
    "The ids and labels that SFTTrainer prepares"
    config = trl.SFTConfig(str(folder), max_length=None, report_to='none', use_cpu=True, bf16=False, **options)
    ds = trl.SFTTrainer(copy.deepcopy(tiny[0]), config, train_dataset=records, processing_class=tokenizer).train_dataset
    return ds['input_ids'][:], ds['labels'][:]


def tokenizer_of(name): return byte_level(special, bos_token='<s>', pad_token='<s>', chat_template=name and (templates/f'{name}.jinja').read_text(encoding='utf8'))


def without_newlines_behind(ours, labels, ids, tokenizer):
    "TRL's labels without the newline behind an end token, which a model that stops there never writes"
    newline, end = tokenizer.encode('\n', add_special_tokens=False), tokenizer.convert_tokens_to_ids('<|im_end|>')
    behind = [k > 0 and ids[k] in newline and ids[k - 1] == end for k in range(len(ids))]
    return [-100 if b else label for b, label in zip(behind, labels)], sum(behind)


@pytest.mark.parametrize('template', ['llama3_training', 'qwen3_training'])
def test_messages(tiny, tmp_path, template):
    tokenizer, records = tokenizer_of(template), Dataset.from_list([dict(messages=talk()) for _ in range(200)])
    ours = encode(records, tokenizer)
    ids, labels = theirs(tiny, tokenizer, records, tmp_path, assistant_only_loss=True)
    assert ours['input_ids'][:] == ids
    if template == 'llama3_training': assert ours['labels'][:] == labels
    for row, i, l in zip(ours['labels'][:], ids, labels): assert row == without_newlines_behind(row, l, i, tokenizer)[0]


def test_messages_as_prompt_and_completion(tiny, tmp_path):
    tokenizer = tokenizer_of('qwen2_5')
    records = Dataset.from_list([dict(prompt=t[:-1], completion=t[-1:]) for t in (talk() for _ in range(200))])
    ours = encode(records, tokenizer)
    ids, labels = theirs(tiny, tokenizer, records, tmp_path)
    assert ours['input_ids'][:] == ids
    for row, i, l in zip(ours['labels'][:], ids, labels):
        cut, n = without_newlines_behind(row, l, i, tokenizer)
        assert row == cut and n >= 1


@pytest.mark.parametrize('separator', ['\n', ' '])
def test_text(tiny, tmp_path, separator, caplog):
    "Where the prompt ends in a space a token may lie across the border: TRL cuts the prompt there, we train the token, and say so"
    tokenizer, records = tokenizer_of(None), Dataset.from_list([dict(prompt=said() + separator, completion=said()) for _ in range(200)])
    with caplog.at_level('WARNING', 'tokenclean_nb'): ours = encode(records, tokenizer)
    ids, labels = theirs(tiny, tokenizer, records, tmp_path)
    assert ours['input_ids'][:] == ids and ours['labels'][:] == labels
    assert ('across the border' in caplog.text) == (separator == ' ')


def test_documents(tiny, tmp_path, caplog):
    "Nothing predicts the first token of a row: its label is masked here"
    tokenizer, records = tokenizer_of(None), Dataset.from_list([dict(text=said()) for _ in range(200)])
    with caplog.at_level('WARNING', 'tokenclean_nb'): ours = encode(records, tokenizer)
    ids, labels = theirs(tiny, tokenizer, records, tmp_path)
    assert ours['input_ids'][:] == ids and ours['labels'][:] == [[-100, *row[1:]] for row in labels]
    assert 'all of it is trained' in caplog.text
