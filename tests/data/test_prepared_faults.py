"Faults planted in data that three trainers prepared are found, each in its row and no other"
import numpy as np
import pytest
from conftest import byte_level
from datasets import Dataset, load_from_disk

from tokenclean_nb.cleaning.exchange import export, inspect
from tokenclean_nb.cli import main
from tokenclean_nb.data.encoding import encode
from tokenclean_nb.data.prepared import with_text
from tokenclean_nb.data.table import with_flat
from tokenclean_nb.errors import BadInput

chatml = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
special = '</s>', '<s>', '<|im_start|>', '<|im_end|>', '<pad>', '<unk>'


@pytest.fixture(scope='module')
def chat(): return byte_level(special, bos_token='<s>', pad_token='<pad>', unk_token='<unk>', chat_template=chatml)


def sound(chat, n):
    "Rows as a good preparation makes them"
    talk = lambda k: [dict(role='system', content='Be brief.'), dict(role='user', content=f'Sky {k}?'), dict(role='assistant', content='blue ' * k), dict(role='user', content='Now?'), dict(role='assistant', content=f'grey {k}')]
    return [(list(i), list(l)) for i, l in encode(Dataset.from_list([dict(messages=talk(k % 5 + 1)) for k in range(n)]), chat).select_columns(['input_ids', 'labels']).with_format('arrow')[:].to_pandas().itertuples(index=False)]


def trained(labels): return [t for t, label in enumerate(labels) if label != -100]


def at(ids, labels, chat, text):
    "The first place of a text"
    want = chat.encode(text, add_special_tokens=False)
    return next(t for t in range(len(ids)) if ids[t:t + len(want)] == want), len(want)


def prompt(ids, labels, chat):
    t, n = at(ids, labels, chat, 'Sky')
    return ids, labels[:t] + ids[t:t + n] + labels[t + n:]


def without_end(ids, labels, chat): return ids[:trained(labels)[-1]], labels[:trained(labels)[-1]]


def end_untrained(ids, labels, chat): return ids, [-100 if t == trained(labels)[-1] else label for t, label in enumerate(labels)]


def plain_marks(ids, labels, chat):
    "The template's text, tokenized with its marks cut into pieces"
    bare = byte_level(('</s>', '<s>', '<x>', '<y>', '<pad>', '<unk>'))
    ids = bare.encode(chat.decode(ids), add_special_tokens=False)
    return ids, [-100] * (len(ids) // 2) + ids[len(ids) // 2:]


planted = {'nothing is trained': lambda i, l, c: (i, [-100] * len(i)), 'the prompt is trained': prompt, 'everything is trained': lambda i, l, c: (i, [-100] + i[1:]), 'no end token': without_end, 'the end token is not trained': end_untrained,
    'two beginning tokens': lambda i, l, c: ([c.bos_token_id] * 2 + i, [-100] * 2 + l), 'labels are shifted': lambda i, l, c: (i, l[1:] + [-100]), 'labels of other tokens': lambda i, l, c: (i, [7 if t == trained(l)[0] else x for t, x in enumerate(l)]),
    'padding is trained': lambda i, l, c: (i + [c.pad_token_id] * 3, l + [c.pad_token_id] * 3), 'unknown tokens are trained': lambda i, l, c: ([c.unk_token_id if t == trained(l)[0] else x for t, x in enumerate(i)], [c.unk_token_id if t == trained(l)[0] else x for t, x in enumerate(l)]),
    'the template has no effect': plain_marks}
also = {'everything is trained': {'the prompt is trained'}, 'nothing is trained': set(), 'the template has no effect': {'no end token', 'the prompt is trained'}, 'padding is trained': set(), 'labels are shifted': {'the end token is not trained', 'the prompt is trained'}}


def trl(rows, folder):
    Dataset.from_list([dict(input_ids=i, labels=l) for i, l in rows]).to_parquet(folder/'train.parquet')
    return folder/'train.parquet'


def axolotl(rows, folder):
    Dataset.from_list([dict(input_ids=i, attention_mask=[1] * len(i), labels=l, length=len(i)) for i, l in rows]).save_to_disk(folder/'prepared')
    return folder/'prepared'


def swift(rows, folder):
    Dataset.from_list([dict(input_ids=i, labels=l, loss_scale=[float(x != -100) for x in l], length=len(i)) for i, l in rows]).save_to_disk(folder/'cached')
    return folder/'cached'


@pytest.mark.parametrize('writer', [trl, axolotl, swift])
def test_planted_faults(chat, tmp_path, writer):
    rows = sound(chat, 30)
    assert not inspect(str(writer(rows, tmp_path)), chat).faults
    places = {name: 2 * k + 3 for k, name in enumerate(planted)}
    for name, k in places.items(): rows[k] = planted[name](*rows[k], chat)
    (tmp_path/'faulty').mkdir()
    seen = inspect(str(writer(rows, tmp_path/'faulty')), chat)
    found = {f.name: {*f.rows.tolist()} for f in seen.faults}
    for name, k in places.items():
        assert k in found[name], name
        assert {other for other, where in found.items() if k in where} <= {name} | also.get(name, set()), name
    assert set().union(*found.values()) == {*places.values()}, 'no sound row is accused'
    assert seen.title in str(seen) and 'the prompt is trained' in seen._repr_html_()


def test_answers_that_were_cut(chat, tmp_path):
    limit = at(*sound(chat, 5)[4], chat, 'blue')[0] + 4
    rows = [(i[:limit], l[:limit]) for i, l in sound(chat, 30)[4::5]]
    assert len(rows) == 6
    assert {f.name: len(f.rows) for f in inspect(str(trl(rows, tmp_path)), chat).faults} == {'the answer is cut': len(rows)}


def test_counts_by_role(chat, tmp_path):
    counts = inspect(str(trl(sound(chat, 10), tmp_path)), chat).counts.set_index('role')
    assert {*counts.index} == {'template', 'system', 'user', 'assistant'}
    assert counts.trained.drop('assistant').sum() == 0 < counts.trained.assistant < counts.tokens.assistant


def test_raw_records_are_prepared_first(chat):
    seen = inspect([dict(question='Sky?', reply='blue')], chat, columns='reply=answer')
    assert not seen.faults and seen.counts.trained.sum() == len(chat.encode('blue')) + 1


def test_text_comes_back(chat):
    rows = sound(chat, 5)
    for row, (ids, _) in zip(with_text(Dataset.from_list([dict(input_ids=i, labels=l) for i, l in rows]), chat), rows):
        assert row['text'] == chat.decode(ids) and row['ends'][-1] == len(row['text'])


def test_commands(tmp_path, capsys):
    (tmp_path/'a.jsonl').write_text('{"question": "Sky?", "reply": "blue"}\n')
    told = ['--data', str(tmp_path/'a.jsonl'), '--model', 'tiny-base', '--columns', 'reply=answer']
    main(['inspect', *told, '--out', str(tmp_path/'seen')])
    said = capsys.readouterr().out
    assert '1 rows' in said and 'no faults found' in said and 'assistant' in said and (tmp_path/'seen'/'inspection.html').exists()
    main(['export', *told, '--to', 'llama-factory', '--out', str(tmp_path/'out')])
    assert load_from_disk(tmp_path/'out/llama-factory')['train'].num_rows == 1
    with pytest.raises(SystemExit, match='new or empty folder'): main(['inspect', *told, '--out', str(tmp_path)])
    with pytest.raises(SystemExit, match='one of trl'): main(['export', *told, '--to', 'x', '--out', str(tmp_path/'none')])
    with pytest.raises(SystemExit, match='pairs such as'): main(['inspect', *told[:-1], 'reply'])
    assert not (tmp_path/'none').exists()


def test_a_run_goes_to_a_trainer(tmp_path, chat):
    "What is not kept has no label"
    ds = encode(Dataset.from_list([dict(instruction='Sky?', output='blue, so blue')]), chat)
    keep = np.array([label == chat.convert_tokens_to_ids('<|im_end|>') for label in ds[0]['labels']])
    path = export(with_flat(ds, 'keep', keep), tmp_path/'out', to='axolotl')
    assert '{"label": true, "text": "<|im_end|>"}' in path.read_text()
    with pytest.raises(BadInput, match='table without text'): export(ds.select_columns(['input_ids', 'labels']), tmp_path/'b', to='swift')
