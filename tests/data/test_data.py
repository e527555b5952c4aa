"Labels follow the answer's characters for any text, tokenizer and template; bad input is named"
import gzip
import json
import logging

import numpy as np
import pytest
from conftest import byte_level, shared_path
from datasets import Dataset, DatasetDict, IterableDataset, concatenate_datasets
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import processors
from transformers import AutoTokenizer

from tokenclean_nb.data.encoding import encode

from tokenclean_nb.data.records import load_records

from tokenclean_nb.data.table import flat, lengths, positions, row_numbers, trained, with_flat
from tokenclean_nb.errors import BadInput
from tokenclean_nb.training.models import tiny_base

samples = ['東京は日本の首都です。', 'กรุงเทพมหานคร', 'القاهرة هي عاصمة', '😀👩‍🚀🏴󠁧󠁢󠁥󠁮󠁧󠁿', 'e\u0301 é', 'नमस्ते', ' ', '\n', '\t ', '  ', 'a\r\nb', 'The sky is', ' blue', "don't", '\ue000answer', '\ue000',
    '</s>', '<|endoftext|>', '{{ x }}', '{% if %}', '\x00', '\ufeff', 'def f():\n    return 1\n', '1234', '[INST]', '\u3000', '\u200d', '<|im_end|>']
text = st.lists(st.one_of(st.sampled_from(samples), st.text(st.characters(exclude_categories=['Cs']), max_size=8)), max_size=4).map(''.join)
answer = text.filter(lambda t: t.removesuffix('</s>').removesuffix('<|endoftext|>').strip())

chatml = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
llama2 = ("{% for m in messages %}{% if m['role'] == 'user' %}{{ '<s>[INST] ' + m['content'] | trim + ' [/INST]' }}"
    "{% elif m['role'] == 'assistant' %}{{ ' ' + m['content'] | trim + ' ' + eos_token }}{% endif %}{% endfor %}")


def with_end():
    "A tokenizer that puts its own end token behind every text"
    tokenizer = byte_level()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(single='$A </s>', special_tokens=[('</s>', tokenizer.eos_token_id)])
    return tokenizer


loaded = {}
makers = dict(bytes=byte_level, ending=with_end, chatml=lambda: byte_level(chat_template=chatml), llama2=lambda: byte_level(chat_template=llama2), tiny=lambda: tiny_base()[1],
    gpt2=lambda: AutoTokenizer.from_pretrained(shared_path('data/gpt2_tokenizer')), stories=lambda: AutoTokenizer.from_pretrained(shared_path('models/stories260K')))


@pytest.fixture(params=makers)
def any_tokenizer(request):
    "Tokenizers with and without template, merges, byte fallback and added tokens"
    if request.param not in loaded:
        loaded[request.param] = makers[request.param]()
        loaded[request.param].model_max_length = 10_000
    return loaded[request.param]


def check_row(row, tokenizer, answers):
    "Trained tokens are those of the answers and the special token that closes each"
    ids, labels, starts, ends = (np.array(row[c]) for c in ('input_ids', 'labels', 'starts', 'ends'))
    taught, shown = labels != -100, row['text']
    assert not taught[0] and np.array_equal(labels[taught], ids[taught])
    covered, place, closed = np.zeros(len(shown), bool), len(shown), np.zeros(len(ids), bool)
    for said in reversed(answers):
        place = shown.rindex(said, 0, place)
        inside = (starts < place + len(said)) & (ends > place)
        assert taught[inside].all()
        for a, b in zip(starts[inside], ends[inside]): covered[a:b] = True
        assert covered[place:place + len(said)].all()
        last = np.flatnonzero(inside)[-1]
        after = next(t for t in range(last + 1, len(ids)) if ids[t] in tokenizer.all_special_ids or shown[starts[t]:ends[t]] in ('<|im_end|>', '</s>', '<|endoftext|>'))
        assert taught[last:after + 1].all() and not shown[ends[last]:starts[after]].strip()
        closed[last:after + 1] = closed[inside] = True
    assert np.array_equal(taught, closed)


@given(prompt=text, completion=answer)
def test_prompt_and_completion(any_tokenizer, prompt, completion):
    row = encode(Dataset.from_list([dict(prompt=prompt, completion=completion)]), any_tokenizer, 10_000)[0]
    completion = completion.removesuffix(any_tokenizer.eos_token) # no end token is written twice
    assert row['text'] == prompt + completion + any_tokenizer.eos_token
    place = len(prompt) + len(completion)
    ids, labels, starts, ends = (np.array(row[c]) for c in ('input_ids', 'labels', 'starts', 'ends'))
    taught = labels != -100
    inside = (starts < place) & (ends > len(prompt))
    assert taught[inside].all()
    covered = np.zeros(place, bool)
    for a, b in zip(starts[inside], ends[inside]): covered[a:b] = True
    assert covered[len(prompt):].all()
    closing = taught & ~inside
    assert closing.sum() == 1 and ids[closing] == any_tokenizer.eos_token_id and starts[closing] == place and not taught[0]


@given(turns=st.lists(st.tuples(text, answer), min_size=1, max_size=3), system=st.none() | text)
def test_messages(any_tokenizer, turns, system):
    talk = [dict(role='system', content=system)] if system is not None and 'INST' not in str(any_tokenizer.chat_template) else []
    for k, (asked, said) in enumerate(turns): talk += [dict(role='user', content=f'«{asked}'), dict(role='assistant', content=f'§{k}{said}')]
    row = encode(Dataset.from_list([dict(messages=talk)]), any_tokenizer, 10_000)[0]
    trim = str.strip if 'trim' in str(any_tokenizer.chat_template) else str # what the template shows is trained
    said = [trim(m['content']) for m in talk if m['role'] == 'assistant']
    if not any('§' in m['content'] for m in talk if m['role'] != 'assistant'): check_row(row, any_tokenizer, said)


@given(instruction=text, extra=st.none() | text, output=answer)
def test_instruction_input_output(tokenizer, instruction, extra, output):
    record = dict(instruction=instruction, output=output) | ({} if extra is None else dict(input=extra))
    asked = '\n\n'.join(s for s in (instruction, extra) if s)
    talk = [dict(role='user', content=asked), dict(role='assistant', content=output)]
    one, two = (encode(Dataset.from_list([r]), tokenizer)[0] for r in (record, dict(messages=talk)))
    assert one == two and one['text'] == f'<|user|>\n{asked}\n<|assistant|>\n{output}</s>'


@pytest.mark.parametrize('template', [None, chatml, llama2], ids=['default', 'chatml', 'llama2'])
def test_a_talk_by_hand(template):
    tokenizer = byte_level()
    tokenizer.chat_template = template
    talk = [dict(role='user', content='Sky?'), dict(role='assistant', content='blue'), dict(role='user', content='Now?'), dict(role='assistant', content=None), dict(role='assistant', content='grey')]
    row = encode(Dataset.from_list([dict(messages=talk)]), tokenizer)[0]
    taught = ''.join(row['text'][a:b] for a, b, l in zip(row['starts'], row['ends'], row['labels']) if l != -100)
    assert taught == {None: 'blue</s>grey</s>', chatml: 'blue<|im_end|>grey<|im_end|>', llama2: ' blue </s> grey </s>'}[template]
    assert row['text'] == tokenizer.apply_chat_template([dict(m, content=m['content'] or '') for m in talk], tokenize=False) if template else True


def test_a_token_over_the_boundary_is_trained(shared):
    tokenizer = AutoTokenizer.from_pretrained(shared('data/gpt2_tokenizer'))
    row = encode(Dataset.from_list([dict(prompt='The sky is ', completion='blue')]), tokenizer)[0]
    assert [tokenizer.decode([l]) for l in row['labels'] if l != -100] == [' blue', '<|endoftext|>']


@settings(max_examples=25)
@given(pairs=st.lists(st.tuples(text, text), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_flat_and_back(tokenizer, pairs, seed):
    ds = encode(Dataset.from_list([dict(prompt=p, completion=c) for p, c in pairs] + [dict(prompt='a', completion='b')]), tokenizer)
    before = ds.to_list()
    for view in (ds, ds.shuffle(seed=seed), concatenate_datasets([ds, ds.select([0])]), ds.select(range(len(ds) // 2, len(ds)))):
        for c in ('input_ids', 'labels', 'starts', 'ends'): assert flat(view, c).tolist() == sum(view[c][:], [])
        scores = np.random.default_rng(seed).normal(size=lengths(view).sum()).astype(np.float32)
        added = with_flat(view, 'score', scores)
        assert np.array_equal(flat(added, 'score'), scores) and flat(added, 'score').dtype == np.float32
        assert added.remove_columns('score').to_list() == view.to_list() and 'score' not in view.column_names
        assert np.array_equal(flat(with_flat(added, 'score', scores > 0), 'score'), scores > 0) and np.array_equal(flat(added, 'score'), scores)
        assert row_numbers(view).tolist() == [i for i, n in enumerate(lengths(view)) for _ in range(n)]
        assert positions(view).tolist() == [t for n in lengths(view) for t in range(n)]
        assert np.array_equal(trained(view), (flat(view, 'labels') != -100) & (positions(view) > 0))
    assert ds.to_list() == before


def test_flat_knows_kinds_of_columns():
    ds = Dataset.from_dict(dict(input_ids=[[1, 2], [3]], source=['a', 'b'], keep=[[True, False], [True]]))
    assert flat(ds, 'keep').tolist() == [True, False, True] and flat(ds.select([]), 'keep').tolist() == []
    with pytest.raises(BadInput, match='a list column'): flat(ds, 'source')
    with pytest.raises(BadInput, match='3 values'): with_flat(ds, 'score', np.zeros((3, 1)))


pairs = [dict(prompt='2+2=', completion='4 é'), dict(prompt='The sky is ', completion='blue, "really"\nblue')]


def write(path, records):
    "Records as a file of the kind that the name says"
    ds = Dataset.from_list(records)
    if path.suffix == '.json': path.write_text(json.dumps(records), encoding='utf8')
    else: dict(csv=ds.to_csv, jsonl=ds.to_json, parquet=ds.to_parquet)[path.suffix[1:]](path)
    return path


@pytest.mark.parametrize('kind', ['jsonl', 'json', 'csv', 'parquet'])
def test_load_files(tmp_path, kind):
    for source in (write(tmp_path/f'b.{kind}', pairs), str(tmp_path/f'b.{kind}')): assert load_records(source).to_list() == pairs
    write(tmp_path/f'a.{kind}', pairs[:1])
    (tmp_path/'README.md').write_text('about')
    assert load_records(tmp_path).to_list() == pairs[:1] + pairs


def test_tab_separated(tmp_path):
    (tmp_path/'a.tsv').write_text('prompt\tcompletion\nthe sky, is\t"blue\tand ""wide"""\n')
    assert load_records(tmp_path/'a.tsv').to_list() == [dict(prompt='the sky, is', completion='blue\tand "wide"')]


@pytest.mark.parametrize('kind', ['jsonl', 'json', 'csv'])
def test_compressed(tmp_path, kind):
    plain = write(tmp_path/f'a.{kind}', pairs)
    (tmp_path/'z'/f'a.{kind}.gz').parent.mkdir()
    (tmp_path/'z'/f'a.{kind}.gz').write_bytes(gzip.compress(plain.read_bytes()))
    for source in (tmp_path/'z'/f'a.{kind}.gz', tmp_path/'z'): assert load_records(source).to_list() == pairs


def test_patterns_and_subfolders(tmp_path):
    for name in ('x/b.jsonl', 'y/a.jsonl', '.hidden/c.jsonl'):
        (tmp_path/name).parent.mkdir()
        write(tmp_path/name, pairs)
    assert len(load_records(tmp_path)) == 4 and len(load_records(tmp_path/'*'/'b.jsonl')) == 2
    write(tmp_path/'top.jsonl', pairs[:1])
    assert len(load_records(tmp_path)) == 1, 'the files of the folder itself come first'
    with pytest.raises(BadInput, match='no such file'): load_records(tmp_path/'*.csv')


def test_saved_parts(tmp_path):
    DatasetDict(test=Dataset.from_list(pairs), train=Dataset.from_list(pairs[:1])).save_to_disk(tmp_path/'saved')
    assert len(load_records(tmp_path/'saved')) == 1 and load_records(tmp_path/'saved', split='test').to_list() == pairs
    with pytest.raises(BadInput, match='one of test, train'): load_records(tmp_path/'saved', split='valid')


def test_load_saved_dataset(tmp_path):
    Dataset.from_list(pairs).save_to_disk(tmp_path/'saved')
    assert load_records(tmp_path/'saved').to_list() == pairs


@pytest.mark.parametrize('kind', ['jsonl', 'json', 'csv', 'parquet'])
@pytest.mark.parametrize('said', ['007', '1e5', '4.50', 'NA', 'None', 'null', 'nan', 'True', '2020-01-01', '2020-01-02T10:00:00', ' 4 '])
def test_answers_stay_the_text_they_were(tmp_path, tokenizer, kind, said):
    "Or are refused, never rewritten"
    records = load_records(write(tmp_path/f'a.{kind}', [dict(prompt='q', completion=said)] * 2))
    try: assert encode(records, tokenizer)['text'][:] == [f'q{said}</s>'] * 2
    except BadInput: assert kind.startswith('json') and said.startswith('2020')


bad_files = dict(missing=({}, 'none.jsonl', 'No such file'), empty=({'a.jsonl': ''}, 'a.jsonl', 'is empty'), nothing=({'notes.txt': 'x'}, '', 'no such file'), empty_folder=({}, '', 'no such file'),
    mixed=({'a.csv': 'prompt,completion\na,b\n', 'b.jsonl': '{"prompt": "a", "completion": "b"}\n'}, '', 'a.csv, b.jsonl'), one_empty=({'a.csv': 'prompt,completion\na,b\n', 'b.csv': ''}, '', 'b.csv is empty'),
    broken=({'a.json': '{"prompt": '}, 'a.json', 'could not be read'), broken_line=({'a.jsonl': '{"prompt": "a", "completion": "b"}\n{"prom\n'}, 'a.jsonl', 'could not be read'),
    comma=({'a.csv': 'prompt,completion\nx,"a, b"\nwhat, then?,b\n'}, 'a.csv', 'Row 3 of a.csv has 3 fields and not 2: put quotes'), short_row=({'a.csv': 'prompt,completion\na\n'}, 'a.csv', 'Row 2 of a.csv has 1 fields'), tab=({'a.tsv': 'prompt\tcompletion\na\tb\tc\n'}, 'a.tsv', 'has 3 fields'),
    third_line=({'a.jsonl': '{"prompt": "a", "completion": "b"}\n\n{"prom\n'}, 'a.jsonl', 'a.jsonl, line 3: '), latin=({'a.jsonl': b'{"prompt": "a", "completion": "\xe9"}'}, 'a.jsonl', 'line 1, is not UTF-8'), latin_csv=({'a.csv': b'prompt,completion\na,\xe9t\xe9\n'}, 'a.csv', 'is not UTF-8: convert it'),
    not_parquet=({'a.parquet': 'PAR'}, 'a.parquet', 'could not be read'), headers_only=({'a.csv': 'prompt,completion\n'}, 'a.csv', 'holds none|no data'), other_kind=({'a.txt': 'x'}, 'a.txt', '.jsonl'), empty_list=({'a.json': '[]'}, 'a.json', 'a source with records|could not be read'))


@pytest.mark.parametrize('files, name, said', bad_files.values(), ids=bad_files)
def test_bad_files(tmp_path, files, name, said):
    for file, content in files.items(): (tmp_path/file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInput, match=said) as e: load_records(tmp_path/name)
    assert '`source`' in str(e.value) and str(tmp_path/name)[:100] in str(e.value) and '\n' not in str(e.value)


def test_bad_hub_name():
    with pytest.raises(BadInput, match='could not be read'): load_records('nobody/nothing')


talk = lambda *roles: dict(messages=[dict(role=r, content='x') for r in roles])
bad_records = dict(columns=([dict(a='a', b='b')], "Name their meaning, as in columns={'a'"), half=([dict(prompt='a', output='b')], '--columns prompt=instruction'), role=([talk('user', 'bot')], 'Rename the role'),
    no_answer=([talk('user')], 'Nothing to train on'), no_turns=([dict(messages=None), dict(messages=None)], 'Nothing to train on'), empty=([dict(prompt='a', completion='')], '1 without a response'), blank=([dict(prompt='a', completion=' \n')], '1 without a response'),
    null=([dict(prompt='a', completion=None)], '1 without a response'), long=([dict(prompt='a' * 99, completion='b')], 'starts after max_length=64'),
    nested=([dict(prompt=['x'], completion=['y'])], 'a message with `role` and `content`'), parts=([dict(messages=[dict(role=r, content=[dict(type='image', text='y')]) for r in ('user', 'assistant')])], 'a part of type text'))


@pytest.mark.parametrize('records, said', bad_records.values(), ids=bad_records)
def test_bad_records(tokenizer, records, said):
    with pytest.raises(BadInput, match=said): encode(Dataset.from_list(records), tokenizer, max_length=64)


@pytest.mark.parametrize('bad, said', [(dict(max_length=1), 'max_length'), (dict(tokenizer=object()), 'fast tokenizer')])
def test_bad_arguments(tokenizer, bad, said):
    with pytest.raises(BadInput, match=said): encode(Dataset.from_list(pairs), **dict(tokenizer=tokenizer) | bad)


def test_a_template_that_refuses_or_hides():
    record = Dataset.from_list([talk('user', 'assistant')])
    for template, said in [("{{ raise_exception('Only one turn') }}", 'Only one turn'), ('nothing', '1 lose an answer: the chat template does not show it'), ("{{ messages[1]['content'] }}{{ messages[1]['content'] }}", 'shows every answer once')]:
        with pytest.raises(BadInput, match=said): encode(record, byte_level(chat_template=template))


def test_dropped_rows_are_counted(tokenizer, caplog):
    records = [dict(prompt='a', completion='b'), dict(prompt='a', completion=''), dict(prompt='a' * 50, completion='b'), dict(prompt='a', completion='b' * 50), dict(prompt='a', completion=None)]
    with caplog.at_level(logging.WARNING, 'tokenclean_nb'): ds = encode(Dataset.from_list(records), tokenizer, max_length=20)
    assert len(ds) == 2 and lengths(ds).max() == 20
    assert 'dropped 3 of 5 rows: 2 without a response (first: row 1), 1 whose response starts after max_length=20 tokens (first: row 2)' in caplog.text
    assert '1 of 5 rows were cut at 20 tokens' in caplog.text


@given(prompt=text, completion=answer, limit=st.integers(2, 40))
def test_max_length_cuts_and_changes_nothing_else(tokenizer, prompt, completion, limit):
    records = Dataset.from_list([dict(prompt=prompt, completion=completion)])
    whole = encode(records, tokenizer)[0]
    cut = {c: whole[c][:limit] for c in ('input_ids', 'labels', 'starts', 'ends')} | dict(text=whole['text'], row=0)
    if set(cut['labels']) == {-100}:
        with pytest.raises(BadInput, match='Nothing to train on'): encode(records, tokenizer, max_length=limit)
    else: assert encode(records, tokenizer, max_length=limit)[0] == cut


def test_a_tokenizers_own_limit_holds():
    ds = encode(Dataset.from_list([dict(prompt='a', completion='b' * 99)]), byte_level(model_max_length=16))
    assert lengths(ds).tolist() == [16]


def test_columns_are_carried_along(tokenizer):
    records = Dataset.from_list([dict(r, source=s, tags=[s]) for r, s in zip(pairs, ('web', 'book'))])
    ds = encode(records, tokenizer)
    assert ds['source'][:] == ['web', 'book'] and ds['tags'][:] == [['web'], ['book']] and ds['row'][:] == [0, 1] and records.column_names == ['prompt', 'completion', 'source', 'tags']
    bare = encode(records, tokenizer, keep_text=False)
    assert set(bare.column_names) == {'source', 'tags', 'input_ids', 'labels', 'row'} and bare['labels'][:] == ds['labels'][:]


@pytest.mark.parametrize('name', ['text', 'labels', 'starts', 'input_ids'])
def test_a_column_of_the_tables_own_name(tokenizer, name):
    "Alpaca has a column `text`"
    ds = encode(Dataset.from_list([dict(instruction='a', input='', output='b', **{name: 'c'})]), tokenizer)
    assert ds[0]['text'] == '<|user|>\na\n<|assistant|>\nb</s>' and ds[0]['labels'][-1] == tokenizer.eos_token_id


@pytest.mark.parametrize('file, shape', [('rasbt_instruct/instruction-data.json', 'output'), ('oasst/en_100_threads.jsonl', 'messages'), ('alpaca_17k/alpaca_17k.jsonl', 'output'), ('dolly_3k/dolly_3k.jsonl', None)])
def test_real_data(shared, file, shape):
    records = load_records(shared(f'data/{file}'))
    if shape is None: records = records.rename_columns({c: n for c, n in zip(('context', 'response'), ('input', 'output')) if c in records.column_names})
    records = records.select(range(min(len(records), 40)))
    tokenizer = AutoTokenizer.from_pretrained(shared('data/gpt2_tokenizer'))
    for row, record in zip(encode(records, tokenizer, max_length=1024), records):
        said = [m['content'] for m in record['messages'] if m['role'] == 'assistant'] if shape == 'messages' else [record['output']]
        if len(row['input_ids']) < 1024: check_row(row, tokenizer, [s for s in said if s])


def test_subset_and_split_in_the_name(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr('tokenclean_nb.data.records.load_dataset', lambda *args, **kwargs: asked.append((*args, kwargs['split'])) or Dataset.from_list(pairs))
    for source in ('me/set', 'me/set:small', 'me/set:small:test', 'me/set::test'): load_records(source)
    assert asked == [('me/set', None, 'train'), ('me/set', 'small', 'train'), ('me/set', 'small', 'test'), ('me/set', None, 'test')]
    monkeypatch.undo()
    DatasetDict(test=Dataset.from_list(pairs), train=Dataset.from_list(pairs[:1])).save_to_disk(tmp_path/'saved')
    assert load_records(f'{tmp_path}/saved::test').to_list() == pairs
    write(tmp_path/'a:b.jsonl', pairs)
    assert load_records(tmp_path/'a:b.jsonl').to_list() == pairs
    write(tmp_path/'a.jsonl', pairs)
    with pytest.raises(BadInput, match='no subset and no split'): load_records(f'{tmp_path}/a.jsonl:small')


@pytest.mark.parametrize('call', ['clean', 'score'])
def test_a_stream_gives_what_its_rows_give(call, tmp_path):
    "Read once, a few rows at a time in memory"
    import tokenclean_nb as tc
    from tokenclean_nb.cleaning.jobs import score_files
    read = []
    def rows():
        for row in pairs * 3: read.append(1); yield row
    def run(data, out):
        if call == 'score': score_files('tiny-base', data, str(tmp_path/out))
        else: tc.clean('tiny-base', data, method='base', out=str(tmp_path/out))
        return Dataset.from_parquet(str(tmp_path/out/'data.parquet')).to_list()
    stream = IterableDataset.from_generator(rows)
    assert repr(run(stream, 'stream')) == repr(run(pairs * 3, 'rows'))
    assert len(read) == len(pairs * 3)


def test_streams_that_are_refused(tmp_path):
    "In a line, with nothing claimed"
    from tokenclean_nb.cleaning.inputs import as_records
    from tokenclean_nb.cleaning.jobs import score_files
    def mixed(): yield dict(question='a', answer='b'); yield dict(question='a', answer=['b', 'c'])
    def nothing(): yield from ()
    splits = DatasetDict(train=Dataset.from_list(pairs), test=Dataset.from_list(pairs))
    for data, said in ((IterableDataset.from_generator(mixed), r'\[\'b\', \'c\'\]: it must be text'), (IterableDataset.from_generator(nothing), 'a stream with rows'), (splits, 'Choose one of train, test')):
        with pytest.raises(BadInput, match=f'`data.* is .*{said}') as e: score_files('tiny-base', data, str(tmp_path/'out'))
        assert '\n' not in str(e.value) and not (tmp_path/'out').exists()
    assert as_records(IterableDataset.from_generator(mixed).take(1), 'data').to_list() == [dict(question='a', answer='b')]
    with pytest.raises(BadInput, match='write as many rows'): encode(IterableDataset.from_generator(mixed), None)
