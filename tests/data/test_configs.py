"What configs of other trainers would train, on files of their own documentation's formats"
import json

import pytest
import yaml
from conftest import byte_level
from datasets import Dataset

from tokenclean_nb.cleaning.exchange import inspect
from tokenclean_nb.cli import main
from tokenclean_nb.errors import BadInput

chatml = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
talk = [dict(role='system', content='Be brief.'), dict(role='user', content='Sky?'), dict(role='assistant', content='blue'), dict(role='user', content='Now?'), dict(role='assistant', content='grey')]


@pytest.fixture(scope='module')
def chat(): return byte_level(('</s>', '<s>', '<|im_start|>', '<|im_end|>', '<pad>', '<unk>'), bos_token='<s>', pad_token='<pad>', unk_token='<unk>', chat_template=chatml)


@pytest.fixture
def look(tmp_path, chat):
    "`look(config, **files)`: what is trained in each row, and the inspection"
    def inspected(config, suffix='yml', **files):
        for name, rows in files.items(): (tmp_path/f'{name}.jsonl').write_text('\n'.join(map(json.dumps, rows)))
        path = tmp_path/f'train.{suffix}'
        path.write_text(yaml.safe_dump(config) if suffix == 'yml' else json.dumps(config))
        seen = inspect(path, chat)
        pieces = [''.join(run(row)) for row in seen.ds]
        return pieces, seen
    return inspected


def run(row):
    "The trained pieces of a row, a bar between two that are apart"
    out, at = [], None
    for start, end, label in zip(row['starts'], row['ends'], row['labels']):
        if label == -100: continue
        if at is not None and at != start: out.append('|')
        out.append(row['text'][start:end])
        at = end
    return out


def one(**keys): return dict(path='a.jsonl', type='chat_template', **keys)


fixed = dict(special_tokens=dict(eos_token='<|im_end|>'))
turns = {
    'the tokenizer ends otherwise': ({}, {}, 'blue|grey'),
    'roles by default': (fixed, {}, 'blue<|im_end|>|grey<|im_end|>'),
    'end tokens named': (dict(eot_tokens=['<|im_end|>']), {}, 'blue<|im_end|>|grey<|im_end|>'),
    'roles to train': (fixed, dict(roles_to_train=['user']), 'Sky?<|im_end|>|Now?<|im_end|>'),
    'roles to train by the names that data has': (fixed, dict(roles_to_train=['gpt']), 'blue<|im_end|>|grey<|im_end|>'),
    'inputs too': (fixed | dict(train_on_inputs=True), {}, 'Be brief.<|im_end|>|Sky?<|im_end|>|blue<|im_end|>|Now?<|im_end|>|grey<|im_end|>'),
    'the last end token': (fixed, dict(train_on_eos='last'), 'blue|grey<|im_end|>'),
    'all end tokens': (fixed, dict(train_on_eos='all'), '<|im_end|>|<|im_end|>|blue<|im_end|>|<|im_end|>|grey<|im_end|>'),
    'the last turn alone': (fixed, dict(roles_to_train=None, train_on_eos=None), 'grey<|im_end|>'),
    'another template': (dict(chat_template_jinja="{% for m in messages %}{{ m.role }}\n{{ m.content }}{{ eos_token }}{% endfor %}"), {}, 'blue</s>|grey</s>'),
    'without the system turn': (fixed | dict(train_on_inputs=True), dict(drop_system_message=True), 'Sky?<|im_end|>|blue<|im_end|>|Now?<|im_end|>|grey<|im_end|>'),
}


@pytest.mark.parametrize('case', turns)
def test_axolotl_turns(look, case):
    top, keys, wanted = turns[case]
    assert look(top | dict(datasets=[one(**keys)]), a=[dict(messages=talk)])[0] == [wanted]


def test_axolotl_turns_that_say_it_themselves(look):
    "The example of axolotl's page; without the keys that name them, what the turns say is not read, and that is told"
    said = [{'from': 'system', 'value': 'Be brief.', 'train': False}, {'from': 'human', 'value': 'Hello', 'train': True}, {'from': 'gpt', 'value': 'Hello there', 'train': False},
        {'from': 'human', 'value': 'How?', 'train': None}, {'from': 'gpt', 'value': 'Very well', 'train_detail': [dict(begin_offset=0, end_offset=3, train=False), dict(begin_offset=4, end_offset=8, train=True)]}]
    names = dict(field_messages='conversations', message_property_mappings={'role': 'from', 'content': 'value'})
    fields = dict(roles_to_train=[], message_field_training='train', message_field_training_detail='train_detail')
    assert look(fixed | dict(datasets=[one(**names, **fields)]), a=[dict(conversations=said)])[0] == ['Hello<|im_end|>| well<|im_end|>']
    pieces, seen = look(fixed | dict(datasets=[one(**names)]), a=[dict(conversations=said)])
    assert pieces == ['Hello there<|im_end|>|Very well<|im_end|>']
    told = seen.config.set_index('key').here
    assert 'NOT READ' in told['datasets[0].message_field_training'] and 'NOT READ' in told['datasets[0].message_field_training_detail']
    with pytest.raises(BadInput, match=r'datasets\[0\].field_messages.*one of the columns: conversations'): look(dict(datasets=[one()]), a=[dict(conversations=said)])


def test_axolotl_text(look):
    row = dict(instruction='Add.', input='1 and 2', output='3')
    pieces, seen = look(dict(datasets=[dict(path='a.jsonl', type='alpaca')]), a=[row, row | dict(input='')])
    assert pieces == ['3</s>', '3</s>']
    assert seen.ds[0]['text'].endswith('request.\n\n### Instruction:\nAdd.\n\n### Input:\n1 and 2\n\n### Response:\n3</s>') and 'Input' not in seen.ds[1]['text']
    assert look(dict(train_on_inputs=True, datasets=[dict(path='a.jsonl', type='alpaca')]))[0][0] == seen.ds[0]['text']
    own = dict(field_instruction='q', field_output='a', format='[INST] {instruction} [/INST]', system_prompt='Be brief.', system_format='<<{system}>>')
    pieces, seen = look(dict(datasets=[dict(path='b.jsonl', type=own)]), b=[dict(q='a {input} b', a='yes')])
    assert (pieces, seen.ds[0]['text']) == (['yes</s>'], '<<Be brief.>>[INST] a {input} b [/INST]yes</s>')
    assert look(dict(datasets=[dict(path='c.jsonl', type='completion', field='body')]), c=[dict(body='One text')])[0] == ['One text</s>']
    assert look(dict(datasets=[dict(path='d.jsonl', type='input_output')]), d=[dict(segments=[dict(label=False, text='a '), dict(label=True, text='bc'), dict(label=False, text=' d'), dict(label=True, text='e')])])[0] == ['bc|e']
    with pytest.raises(BadInput, match='understood here: chat_template'): look(dict(datasets=[dict(path='a.jsonl', type='gpteacher')]))
    with pytest.raises(BadInput, match='message_property_mappings'): look(dict(datasets=[dict(path='a.jsonl', type='sharegpt')]))


def test_axolotl_several_data_sets(look, chat, tmp_path):
    "One of them prepared; every row has its place"
    ids = chat.encode('one two')
    Dataset.from_list([dict(input_ids=ids, labels=[-100] + ids[1:])]).to_parquet(tmp_path/'p.parquet')
    pieces, seen = look(fixed | dict(datasets=[one(), dict(path='p.parquet')]), a=[dict(messages=talk)] * 2)
    assert len(pieces) == 3 and pieces[2] == chat.decode(ids[1:])
    assert list(seen.config.here[seen.config.key.str.contains(' = ')]) == ['rows 0 to 1 below', 'rows 2 to 2 below']


swift = {
    'every answer': ({}, 'blue<|im_end|>|grey<|im_end|>'),
    'the last answer': (dict(loss_scale='last_round'), 'grey<|im_end|>'),
    'all tokens': (dict(loss_scale='all', system='Be kind.'), None),
    'weights of an agent': (dict(loss_scale='hermes'), 'blue<|im_end|>|grey<|im_end|>'),
}


@pytest.mark.parametrize('suffix', ['yml', 'json'])
@pytest.mark.parametrize('case', swift)
def test_swift_scales(look, case, suffix):
    keys, wanted = swift[case]
    pieces, seen = look(dict(model='m', dataset=['a.jsonl#2'], **keys), suffix, a=[dict(messages=talk)] * 3)
    assert pieces == [wanted or seen.ds[0]['text'].removeprefix('<|im_start|>')] * 2
    assert ('NOT FOLLOWED' in str(seen)) == (case == 'weights of an agent')


def test_swift_columns_system_and_length(look):
    rows = [dict(ask='Sky?', say='blue'), dict(ask='Sky? ' * 50, say='grey')]
    config = dict(dataset='a.jsonl', columns=dict(ask='query', say='response'), system='Be kind.', max_length=60)
    pieces, seen = look(config, a=rows)
    assert pieces == ['blue<|im_end|>'] and 'Be kind.' in seen.ds[0]['text']
    assert len(look(config | dict(truncation_strategy='right', max_length=300))[0]) == 2
    with pytest.raises(BadInput, match=r'dataset\[0\].*at most 5 tokens'): look(config | dict(max_length=5))


planted = { # a fault in a config -> what names it
    'questions are trained': (fixed | dict(train_on_inputs=True), {}, 'the prompt is trained'),
    'a role too many': (fixed, dict(roles_to_train=['assistant', 'user']), 'the prompt is trained'),
    'the template closes with another token': ({}, {}, 'the end token is not trained'),
    'no end token is trained': (fixed, dict(train_on_eos='none'), 'the end token is not trained'),
    'a key with a slip': (fixed, dict(roles_to_trian=['assistant']), 'Did you mean roles_to_train?'),
    'a template that is not here': (fixed | dict(chat_template='llama3'), {}, "NOT FOLLOWED: the tokenizer's own is shown"),
    'a sample': (fixed, dict(shards=4), 'NOT FOLLOWED: all rows'),
}


@pytest.mark.parametrize('case', planted)
def test_faults_of_configs(look, case):
    top, keys, named = planted[case]
    sound = str(look(fixed | dict(datasets=[one()]), a=[dict(messages=talk)])[1])
    assert 'no faults found' in sound and named not in sound
    _, seen = look(top | dict(datasets=[one(**keys)], learning_rate=1e-4))
    assert named in str(seen) and named.split('<')[0][:20] in seen._repr_html_().replace('&#x27;', "'").replace('&#39;', "'")
    assert 'learning_rate' in str(seen), 'no key is lost'


def test_a_config_that_trains_nothing(look):
    with pytest.raises(BadInput, match=r'datasets\[0\].*Nothing to train on'): look(dict(datasets=[one(roles_to_train=[])]), a=[dict(messages=talk)])


wrong = {'datasets: [': 'line 1', 'learning_rate: 1': 'neither `datasets`', 'datasets: a.jsonl': 'a list of data sets', 'datasets: [a.jsonl]': 'keys and their values', 'datasets: [{type: alpaca}]': 'datasets\\[0\\].path', 'datasets: [{path: none.jsonl, type: alpaca}]': 'nor in the working folder',
    'dataset: []': 'a path or a Hub name', 'dataset: a.jsonl#x': 'with #rows', 'rlhf_type: dpo\ndataset: a.jsonl': 'Preferences', 'rl: dpo\ndatasets: [{path: a.jsonl}]': 'Preferences', 'datasets: [{path: a.jsonl}]': 'It has no type', 'datasets: [{path: a.jsonl, type: chat_template, train_on_eos: some}]': 'one of turn'}


@pytest.mark.parametrize('text', wrong)
def test_faults_of_configs_in_a_line(tmp_path, text):
    (tmp_path/'a.jsonl').write_text(json.dumps(dict(messages=talk)))
    (tmp_path/'c.yml').write_text(text)
    with pytest.raises(SystemExit, match=f'tokenclean inspect: .*{wrong[text]}') as told: main(['inspect', '--data', str(tmp_path/'c.yml'), '--model', 'tiny-base'])
    assert '\n' not in str(told.value)


def test_config_command(tmp_path, monkeypatch, capsys):
    "The model of the config; data in the working folder; data is no config only because it is JSON"
    (tmp_path/'a.jsonl').write_text(json.dumps(dict(messages=talk)))
    (tmp_path/'configs').mkdir()
    (tmp_path/'configs'/'c.yaml').write_text(yaml.safe_dump(dict(base_model='tiny-base', datasets=[one()])))
    monkeypatch.chdir(tmp_path)
    main(['inspect', '--data', 'configs/c.yaml', '--out', 'seen'])
    said = capsys.readouterr().out
    assert 'datasets[0].roles_to_train' in said and 'the default' in said and 'no faults found' in said
    assert 'What the config says' in (tmp_path/'seen'/'inspection.html').read_text()
    (tmp_path/'b.json').write_text(json.dumps([dict(question='a', answer='b')]))
    main(['inspect', '--data', 'b.json', '--model', 'tiny-base'])
    with pytest.raises(SystemExit, match='--model'): main(['inspect', '--data', 'b.json'])
    with pytest.raises(SystemExit, match='--columns'): main(['inspect', '--data', 'configs/c.yaml', '--columns', 'a=b'])
