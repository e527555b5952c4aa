"What is wrong with data, files, models and arguments, over formats and commands: one line each, and no folder is left behind"
import gzip
import json
import shutil

import pytest
from datasets import Dataset
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig

from tokenclean_nb.cli import main
from tokenclean_nb.training.models import save_model, tiny_base

good = [dict(instruction=f'Say {i}.', output=f'{i} it is') for i in range(48)]
user, answer = dict(role='user', content='q'), dict(role='assistant', content='a b c')


def lines(records): return '\n'.join(map(json.dumps, records))


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    "Good data, and models with a fault each"
    folder = tmp_path_factory.mktemp('grid')
    (folder/'good.jsonl').write_text(lines(good))
    model, tokenizer = tiny_base()
    for name in damages: save_model(folder/name, model, tokenizer)
    for name, damage in damages.items(): damage(folder/name)
    for p in model.parameters(): p.data *= 1.01
    save_model(folder/'tuned', model, tokenizer)
    main(['score', '--model', 'tiny-base', '--data', str(folder/'good.jsonl'), '--reference', str(folder/'tuned'), '--out', str(folder/'scores')])
    return folder


def refused(capsys, tmp_path, command, *words, out=True):
    "The line of a command that must fail, having left nothing"
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop: main([str(w) for w in (command, *words, *(['--out', tmp_path/'out'] if out else []))])
    said, shown = str(stop.value.code), capsys.readouterr()
    assert said.startswith(f'tokenclean {command}: `') and '\n' not in said and 'Dataset(' not in said and 'np.' not in said
    assert not (tmp_path/'out').exists() and 'Traceback' not in shown.err and not shown.out.strip()
    return said


def reading(command, place, path):
    "A command that reads a file, and what the file is called there"
    model, fine = ['--model', 'tiny-base'], ['--data', place/'good.jsonl']
    return dict(score=(['score', *model, '--data', path], '--data'), train=(['train', *model, '--data', path], '--data'), clean=(['clean', *model, '--data', path, '--method', 'full'], '--data'),
        warmup=(['clean', *model, *fine, '--warmup', path], '--warmup'), inspect=(['inspect', *model, '--data', path], '--data'), export=(['export', *model, '--data', path], '--data'),
        evaluate=(['evaluate', 'tiny-base', '--data', path], '--data'), detector=(['score', *model, *fine, '--scorer', 'agreement', '--reference', place/'tuned', '--warmup', path], '--warmup'))[command]


def talk(*messages): return dict(messages=list(messages))
def ids(**columns): return dict(input_ids=[1, 2, 3]) | columns


# what is wrong: (the record, what must be said, where), behind two good records of the same format
records = dict(
    no_role=(talk(user, dict(content='x')), 'a message with `role` and `content`', '[2][1]'), no_content=(talk(user, dict(role='assistant')), 'a message with `role`', '[2][1]'), null_turn=(talk(user, None), 'a message with `role`', '[2][1]'),
    role=(talk(user, dict(role='bot', content='x')), 'one of system, developer, user, assistant, tool', '[2][1]: role'), nested=(talk(user, dict(role='assistant', content=dict(x=1))), 'text in every prompt', '[2][1]: content'),
    image=(talk(user, dict(role='assistant', content=[dict(type='image', url='x')])), 'a part of type text', '[2][1]: content'), weight=(talk(user, answer | dict(weight=-1)), 'at least 0', '[2][1]: weight'), train=(talk(user, answer | dict(train='yes')), 'true, false', '[2][1]: train'),
    detail=(talk(user, answer | dict(train_detail='x')), 'spans with `begin_offset`', '[2][1]: train_detail'), detail_range=(talk(user, answer | dict(train_detail=[dict(begin_offset=0, end_offset=9)])), 'among the 5 characters', '[2][1]: train_detail'),
    calls=(talk(user, answer | dict(tool_calls=[1])), 'a list of calls', '[2][1]: tool_calls'), calls_text=(talk(user, answer | dict(tool_calls='x')), 'a list, or one written as JSON', '[2][1]: tool_calls'), call=(talk(user, answer | dict(tool_calls=[dict(function='f')])), 'each with its `function`', '[2][1]'),
    tools=(talk(user, answer) | dict(tools='x'), 'written as JSON', '[2]: tools'), tools_list=(talk(user, answer) | dict(tools='[1]'), 'each described by a dict', '[2]: tools'), system=(talk(user, answer) | dict(system=[1]), 'text in every prompt', '[2]: system'),
    kwargs=(talk(user, answer) | dict(chat_template_kwargs='[1]'), 'variables of the template', '[2]: chat_template_kwargs'), json_text=(dict(messages='[{"role"'), 'written as JSON', '[2]'), json_number=(dict(messages='7'), 'a list of messages', '[2]'),
    output_list=(dict(instruction='a', output=['x']), 'text in every prompt', '[2]: output'), output_dict=(dict(instruction='a', output=dict(x=1)), 'text in every prompt', '[2]: output'), history=(dict(instruction='a', output='b', history='x'), 'written as JSON', '[2]: history'),
    pairs=(dict(instruction='a', output='b', history=[['a']]), 'pairs of a question', '[2]: history'), no_prompt=(dict(chosen='a b'), 'with a `prompt` or `rejected` beside it', '[0]'),
    lengths=(ids(labels=[-100, 2]), 'as many as `input_ids`, 3', '[2]: labels'), negative=(dict(input_ids=[1, -2, 3], labels=[-100, -2, 3]), 'the ids of the tokenizer', '[2]: input_ids'), too_large=(dict(input_ids=[1, 99999], labels=[-100, 99999]), 'the ids of the tokenizer', '[2]: input_ids'),
    mask=(ids(completion_mask=[0, 1]), 'as many as `input_ids`, 3', '[2]: completion_mask'), padding=(ids(labels=[-100, 2, 3], attention_mask=[1, 1, 0]), 'rows without padding', '[2]'), weights=(ids(labels=[-100, 2, 3], weights=[1., 1., -1.]), 'at least 0', '[2]: weights'),
    loss_scale=(ids(labels=[-100, 2, 3], loss_scale=[0., 1., -3.]), 'at least 0', '[2]: loss_scale'), label=(ids(labels=[-100, 2, -7]), '-100, or the id of a token', '[2]: labels'))
beside = dict(json_text=dict(messages=json.dumps([user, answer])), json_number=dict(messages=json.dumps([user, answer])), tools=talk(user, answer) | dict(tools='[]'), tools_list=talk(user, answer) | dict(tools='[]'), calls_text=talk(user, answer | dict(tool_calls='[]')),
    mask=ids(completion_mask=[0, 1, 1]), padding=ids(labels=[-100, 2, 3], attention_mask=[1, 1, 1]), weights=ids(labels=[-100, 2, 3], weights=[1., 1., 1.]), loss_scale=ids(labels=[-100, 2, 3], loss_scale=[0., 1., 1.]), no_prompt=dict(chosen='a b'),
    history=dict(instruction='a', output='b', history='[]'), pairs=dict(instruction='a', output='b', history=[['a', 'b']]))
wholes = dict(strings=(dict(messages=['a']), 'a message with `role`'), roles_only=(talk(user), 'Nothing to train on'), empty=(dict(messages=[]), 'Nothing to train on'), all_hundred=(ids(labels=[-100, -100, -100]), 'at least one trained token'), shifted=(dict(input_ids=[1, 2, 3, 4], labels=[2, 3, 4, -100]), 'shifted twice'),
    no_ids=(dict(input_ids=[], labels=[]), 'records with tokens'), text_ids=(dict(input_ids=['a'], labels=['b']), 'a list of whole numbers'), float_ids=(dict(input_ids=[1.5], labels=[1.5]), 'a list of whole numbers'), deep_ids=(dict(input_ids=[[1]], labels=[[1]]), 'a list of whole numbers'), hole=(dict(input_ids=[1, None], labels=[1, None]), 'a number for each token'),
    no_segments=(dict(segments=['a']), 'a list of segments'), one_label=(dict(input_ids=[1], labels=1), 'a list of whole numbers'), text_mask=(ids(completion_mask='011'), 'a list of numbers'), unknown=(dict(foo='x', bar='y'), '--columns'), near=(dict(Question='x', Answer='y'), '--columns Question=instruction,Answer=output'), half=(dict(instruction='x'), 'records with the columns'), blank=(dict(instruction='a', output=' '), 'without a response'))


def written(tmp_path, name, some):
    path = tmp_path/name
    path.write_text(lines(some))
    return path


def fine_one(name, record):
    "A record of the same format without the fault"
    if name in beside: return beside[name]
    return talk(user, answer) if 'messages' in record else ids(labels=[-100, 2, 3]) if 'input_ids' in record else dict(instruction='a', output='b')


@pytest.mark.parametrize('command', ['score', 'warmup', 'evaluate'])
@pytest.mark.parametrize('name', records)
def test_a_record(name, command, place, tmp_path, capsys):
    "The argument as it was typed, the record, and its line in the file"
    record, said, where = records[name]
    path = written(tmp_path, 'some.jsonl', [fine_one(name, record)] * 2 + [record])
    words, argument = reading(command, place, path)
    line = refused(capsys, tmp_path, *words)
    row = int(where[1])
    assert f'`{argument}{where}' in line and said in line and line.endswith(f' It is line {row + 1} of some.jsonl.')


@pytest.mark.parametrize('command', ['score', 'inspect', 'detector'])
@pytest.mark.parametrize('name', wholes)
def test_all_records(name, command, place, tmp_path, capsys):
    record, said = wholes[name]
    if command == 'inspect' and name in ('all_hundred', 'shifted'): pytest.skip('inspect shows what is wrong')
    words, argument = reading(command, place, written(tmp_path, 'some.jsonl', [record] * 3))
    line = refused(capsys, tmp_path, *words)
    assert f'`{argument}' in line and said in line


writers = {'.jsonl': lambda ds, path: ds.to_json(path), '.json': lambda ds, path: path.write_text(json.dumps(ds.to_list())), '.csv': lambda ds, path: ds.to_csv(path), '.tsv': lambda ds, path: ds.to_csv(path, sep='\t'), '.parquet': lambda ds, path: ds.to_parquet(path),
    '.jsonl.gz': lambda ds, path: path.write_bytes(gzip.compress(lines(ds.to_list()).encode()))}
everywhere = dict(columns=([dict(foo='x', bar='y')], '--columns'), empty=([dict(instruction='a', output='')] * 3, '3 without a response'), history=([dict(instruction='a', output='b', history='[]'), dict(instruction='a', output='b', history='x')], '2 of some'), tools=([dict(messages=json.dumps([user, answer]), tools='x')], '1 of some|row 2 of some|row 0 of some'))


@pytest.mark.parametrize('ending', writers)
@pytest.mark.parametrize('name', everywhere)
def test_in_every_format(name, ending, place, tmp_path, capsys):
    some, said = everywhere[name]
    writers[ending](Dataset.from_list(some), path := tmp_path/f'some{ending}')
    line = refused(capsys, tmp_path, *reading('score', place, path)[0])
    if ' of some' not in said: assert said in line
    else: assert any(f'It is {kind} {n} of some{ending}.' in line for kind, n in dict(line=len(some), record=len(some), row=len(some) + (ending in ('.csv', '.tsv')) - (ending == '.parquet')).items())


files = {'null.jsonl': ('null\n' + lines(good), 'null.jsonl, line 1, is no object'), 'number.jsonl': (lines(good[:2]) + '\n7', 'number.jsonl, line 3, is no object'), 'list.jsonl': ('[1, 2]', 'line 1, is no object'), 'text.jsonl': ('"abc"', 'line 1, is no object'), 'twice.jsonl': ('{"instruction": "a", "output": "b", "output": "c"}', 'output is there twice'),
    'cut.jsonl': (lines(good[:2]) + '\n{"instr', 'cut.jsonl, line 3'), 'comma.jsonl': (lines(good[:1]) + ',', 'comma.jsonl, line 1'), 'python.jsonl': ("{'a': 1}", 'python.jsonl, line 1'), 'latin.jsonl': ('{"instruction": "a", "output": "é"}'.encode('latin1'), 'latin.jsonl, line 1, is not UTF-8'), 'utf16.jsonl': (lines(good).encode('utf16'), 'utf16.jsonl, line 1, is not UTF-8'),
    'half.json': ('[{"instruction": "a"},', 'half.json, line 1'), 'number.json': ('7', 'could not be read'), 'three.csv': ('instruction,output\na,b,c\n', 'Row 2 of three.csv has 3 fields and not 2'), 'one.csv': ('instruction,output\na\n', 'Row 2 of one.csv has 1 fields'), 'latin.csv': ('instruction,output\na,é\n'.encode('latin1'), 'latin.csv is not UTF-8'),
    'open.csv': ('instruction,output\na,"b\n', 'could not be read'), 'blank.csv': ('\n', 'could not be read'), 'head.csv': ('instruction,output\n', 'none|no data'), 'twice.csv': ('instruction,output,output\na,b,c\n', 'twice.csv, line 1: output is there twice'), 'three.tsv': ('instruction\toutput\na\tb\tc\n', 'Row 2 of three.tsv has 3 fields'), 'not.parquet': ('PAR1', 'could not be read'), 'not.jsonl.gz': ('plain', 'not.jsonl.gz cannot be unpacked'), 'cut.jsonl.gz': (gzip.compress(lines(good).encode())[:60], 'cut.jsonl.gz cannot be unpacked'),
    'empty.jsonl': ('', 'empty.jsonl is empty'), 'notes.txt': ('x', 'Found notes.txt'), 'sheet.xlsx': ('PK', 'Found sheet.xlsx'), 'blank.jsonl': ('\n\n', 'It holds none')}


@pytest.mark.parametrize('command', ['score', 'warmup'])
@pytest.mark.parametrize('name', files)
def test_a_file(name, command, place, tmp_path, capsys):
    content, said = files[name]
    (tmp_path/name).write_bytes(content if isinstance(content, bytes) else content.encode())
    words, argument = reading(command, place, tmp_path/name)
    line = refused(capsys, tmp_path, *words)
    assert f'`{argument}` is' in line and any(part in line for part in said.split('|')) and name in line


sources = {'nowhere.jsonl': 'check the path', './nowhere': 'check the path', '': 'It is empty', 'nobody/nothing': 'could not be read', 'nowhere/*.jsonl': 'no such file', 's3://bucket/x.jsonl': 'check the path'}


@pytest.mark.parametrize('command', ['score', 'warmup', 'inspect', 'evaluate'])
@pytest.mark.parametrize('source', sources, ids=lambda s: s or 'nothing')
def test_a_source(source, command, place, tmp_path, capsys):
    words, argument = reading(command, place, source)
    line = refused(capsys, tmp_path, *words)
    assert f'`{argument}` is {source!r}' in line and sources[source] in line


def drop(folder, pattern):
    for path in folder.glob(pattern): path.unlink()


def configured(folder, **change):
    path = folder/'config.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | change, default=str))


def without_one(folder):
    weights = load_file(folder/'model.safetensors')
    weights.pop('transformer.h.0.mlp.c_fc.bias')
    save_file(weights, folder/'model.safetensors', metadata=dict(format='pt'))


def llama(folder): (folder/'config.json').write_text(json.dumps(LlamaConfig(vocab_size=1138, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, architectures=['LlamaForCausalLM']).to_dict(), default=str))


damages = dict(no_tokenizer=lambda f: drop(f, 'tokenizer*'), no_config=lambda f: drop(f, 'config.json'), broken_config=lambda f: (f/'config.json').write_text('{'), no_weights=lambda f: drop(f, '*.safetensors'), one_missing=without_one, deeper=lambda f: configured(f, n_layer=9), wider=lambda f: configured(f, n_embd=256), llama=llama,
    truncated=lambda f: (f/'model.safetensors').write_bytes((f/'model.safetensors').read_bytes()[:9999]), zero=lambda f: (f/'model.safetensors').write_bytes(b''), empty=lambda f: [shutil.rmtree(f), f.mkdir()])
sayings = dict(no_tokenizer='has no tokenizer', one_missing='lack 1 parameters', deeper='lack', wider='other shapes', llama='another architecture', truncated='damaged', zero='damaged', empty='is empty|Check the path', no_config='model_type|Check the path')


@pytest.mark.parametrize('command', ['score', 'train', 'clean', 'reference', 'evaluate'])
@pytest.mark.parametrize('damage', damages)
def test_a_model(damage, command, place, tmp_path, capsys):
    model, data = place/damage, ['--data', place/'good.jsonl']
    words, argument = dict(score=(['score', '--model', model, *data], '--model'), train=(['train', '--model', model, *data], '--model'), clean=(['clean', '--model', model, *data, '--method', 'full'], '--model'),
        reference=(['clean', '--model', 'tiny-base', *data, '--reference', model], '--reference'), evaluate=(['evaluate', 'tiny-base', model, *data], 'models'))[command]
    line = refused(capsys, tmp_path, *words)
    assert f"`{argument}` is '{model}'" in line and any(part in line for part in sayings.get(damage, '').split('|'))


numbers = {'epochs': ['nan', 'inf', 0, -1], 'learning-rate': ['nan', 'inf', 0, -1], 'lora': [0, -1], 'seed': [-1, 2**32], 'batch-size': [0, -3], 'max-length': [0, 1], 'save-steps': [0], 'report-to': ['nowhere'], 'device-map': ['nowhere', 'cuda:7'], 'columns': ['x', '=', 'instruction=', 'a=b', 'instruction=output'], 'logging-dir': ['x']}
arguments = [(command, option, value) for command in ('train', 'clean') for option, values in numbers.items() for value in values] + [('clean', option, value) for option, values in {'fraction': ['nan', 0, -1, 1.5], 'method': ['magic'], 'within': ['colour'], 'parts': [2], 'schedule': ['one'], 'learns': ['all'], 'replay': [.5]}.items() for value in values]
arguments += [('score', option, value) for option, values in {'max-length': [0, 1], 'token-budget': [0, -1], 'dtype': ['half', 'float64'], 'scorer': ['magic'], 'offload-folder': ['x'], 'device-map': ['nowhere'], 'columns': ['x'], 'reference': ['tiny-base', './nowhere'], 'adapter': ['./nowhere'], 'warmup': ['good.jsonl']}.items() for value in values]


@pytest.mark.parametrize('command, option, value', arguments)
def test_an_argument(command, option, value, place, tmp_path, capsys):
    more = ['--warmup', place/'good.jsonl'] if command == 'clean' else []
    line = refused(capsys, tmp_path, command, '--model', 'tiny-base', '--data', place/'good.jsonl', *more, f'--{option}', value)
    assert f'`--{option}` is' in line


untaken = [('base', 'warmup'), ('full', 'fraction'), ('full', 'within'), ('random', 'parts'), ('random', 'within'), ('clean-set', 'fraction'), ('self-scored', 'reference'), ('rho', 'replay'), ('base', 'fraction'), ('top', 'schedule'), ('sequential', 'learns')]
given = dict(warmup='nobody/good', fraction=.5, within='row', reference='nobody/model', parts=3, replay=.5, schedule='one', learns='all')


@pytest.mark.parametrize('method, option', untaken)
def test_an_option_that_a_method_does_not_take(method, option, place, tmp_path, capsys):
    value = given[option]
    line = refused(capsys, tmp_path, 'clean', '--model', 'nobody/model', '--data', 'nobody/data', '--method', method, f'--{option}', value)
    assert f'`--{option}` is {value!r}: it must be left out for the method {method}' in line


def test_folders_of_scores(place, tmp_path, capsys):
    for folders, said in [((place/'scores', place/'scores'), 'each folder once'), ((place,), 'Run tokenclean score'), ((place/'good.jsonl',), 'a Parquet file')]: assert said in refused(capsys, tmp_path, 'select', *folders)
    other = shutil.copytree(place/'scores', tmp_path/'other')
    manifest = json.loads((other/'manifest.json').read_text())
    (other/'manifest.json').write_text(json.dumps(manifest | dict(tokenizer='another')))
    assert 'scored with the same tokenizer' in refused(capsys, tmp_path, 'select', place/'scores', other)


def test_models_with_other_tokens_have_no_difference(shared, place, capsys, caplog):
    models = [str(shared(f'models/{name}')) for name in ('stories260K', 'tiny-gpt2-en')]
    main(['evaluate', *models, '--data', str(place/'good.jsonl')])
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert 'cannot be compared' in caplog.text and all(row[-1] == 'NaN' for row in table if row and row[0] in ('loss', 'token', 'perplexity'))


def test_a_refusal_after_work_leaves_the_folder_free(place, tmp_path, capsys):
    "A learning rate at which the reference stays the base: found when both have scored"
    words = ['clean', '--model', 'tiny-base', '--data', place/'good.jsonl', '--warmup', place/'good.jsonl', '--epochs', 1, '--batch-size', 48, '--learning-rate']
    assert 'learned something' in refused(capsys, tmp_path, *words, 1e-30)


def test_a_damaged_record_of_rounds(place, tmp_path, capsys):
    main(['clean', '--model', 'tiny-base', '--data', str(place/'good.jsonl'), '--method', 'full', '--epochs', '1', '--out', str(tmp_path/'run')])
    for name, content in {'rounds.csv': b'', 'cleaning.json': b'{', 'data.parquet': b'PAR1'}.items():
        held = (tmp_path/'run'/name).read_bytes()
        (tmp_path/'run'/name).write_bytes(content)
        assert f'{name}' in refused(capsys, tmp_path, 'report', tmp_path/'run', out=False)
        (tmp_path/'run'/name).write_bytes(held)


def test_a_source_of_results_that_is_not_there(place, capsys, tmp_path):
    "Found before hours of work in generated worlds"
    data = f'a={place/"good.jsonl"},b={tmp_path/"b.jsonl"}'
    said = refused(capsys, tmp_path, 'results', '--quick', '--model', 'tiny-base', '--data', data, '--cells', tmp_path/'cells')
    assert '`--data`' in said and 'b.jsonl' in said
    assert not (tmp_path/'cells').exists()


@pytest.mark.parametrize('command', ['train', 'score', 'inspect', 'export'])
def test_a_mapping_for_token_ids_is_refused(command, place, tmp_path, capsys):
    "Nothing would read it"
    line = refused(capsys, tmp_path, *reading(command, place, place/'scores/data.parquet')[0], '--columns', 'a=b')
    assert "`--columns` is 'a=b': it must be left out for data that is token ids already" in line


@pytest.mark.parametrize('command', ['train', 'score', 'inspect', 'warmup'])
def test_the_folder_of_a_run_is_no_data(command, place, tmp_path, capsys):
    line = refused(capsys, tmp_path, *reading(command, place, place/'scores')[0])
    assert 'It is the folder of a run: take scores/data.parquet.' in line


unread = dict(context=(dict(question='q', context='c', answer='a'), 'read are question and answer, not context'), two=(talk(user, answer) | dict(prompt='q', completion='a'), 'read are messages, not prompt, completion'), weight=(dict(instruction='a', output='b', weight=.5), 'read are instruction and output, not weight'),
    other=(dict(instruction='a', output='b', source='web'), ''), taken=(dict(instruction='a', input='c', output='b', system='s'), ''))


@pytest.mark.parametrize('record, said', unread.values(), ids=unread)
def test_a_column_that_is_not_read_is_said(record, said, place, tmp_path, caplog, capsys):
    "Where its name says that it belongs to the data"
    main(['inspect', '--model', 'tiny-base', '--data', str(written(tmp_path, 'some.jsonl', [record] * 3))])
    assert said in caplog.text and ('not ' in caplog.text) == bool(said)


def test_our_segments_are_read_without_a_config(place, tmp_path, capsys):
    "What goes out for axolotl comes back with the same tokens"
    main(['export', '--data', str(place/'good.jsonl'), '--model', 'tiny-base', '--to', 'axolotl', '--out', str(tmp_path/'out')])
    shown = []
    for data in (place/'good.jsonl', tmp_path/'out/axolotl.jsonl'):
        capsys.readouterr()
        main(['inspect', '--model', 'tiny-base', '--data', str(data)])
        shown.append(capsys.readouterr().out.splitlines()[0])
    assert shown[0] == shown[1] and 'of them trained' in shown[0]


def test_a_hidden_file_is_no_data(place, tmp_path, capsys):
    (tmp_path/'data').mkdir()
    for name in ('a.jsonl', '._a.jsonl', '.b.csv'): (tmp_path/'data'/name).write_text(lines(good) if name == 'a.jsonl' else 'no data')
    main(['inspect', '--model', 'tiny-base', '--data', str(tmp_path/'data')])
    assert capsys.readouterr().out.startswith('48 rows')


def test_good_examples_that_are_the_data_are_said(place, tmp_path, caplog):
    words = ['clean', '--model', 'tiny-base', '--data', str(place/'good.jsonl'), '--epochs', '1', '--warmup']
    main([*words, str(place/'good.jsonl'), '--out', str(tmp_path/'same')])
    assert 'the data itself' in caplog.text and '--method self-scored' in caplog.text
    caplog.clear()
    main([*words, str(written(tmp_path, 'other.jsonl', good[:8])), '--out', str(tmp_path/'other')])
    assert 'the data itself' not in caplog.text


def test_an_empty_folder_name(place, tmp_path, capsys, monkeypatch):
    "As a shell gives it for a variable that is not set; it is not the folder one stands in"
    (tmp_path/'here').mkdir()
    monkeypatch.chdir(tmp_path/'here')
    line = refused(capsys, tmp_path, 'score', '--model', 'tiny-base', '--data', place/'good.jsonl', '--out', '', out=False)
    assert "`--out` is ''" in line and not [*(tmp_path/'here').iterdir()]


@pytest.mark.parametrize('command', ['train', 'clean'])
def test_an_adapter_is_no_model_to_train(command, place, tmp_path, capsys):
    "What --keep-adapter wrote: it can be evaluated and scored with, but its weights are frozen"
    data = ['--data', place/'good.jsonl', '--epochs', 1]
    main([str(w) for w in ['train', '--model', 'tiny-base', *data, '--lora', 2, '--keep-adapter', '--out', tmp_path/'kept']])
    main(['evaluate', 'tiny-base', str(tmp_path/'kept/model'), '--data', str(place/'good.jsonl')])
    more = ['--method', 'full'] if command == 'clean' else []
    line = refused(capsys, tmp_path, command, '--model', tmp_path/'kept/model', *data, *more)
    assert '`--model` is' in line and 'give its base as the model' in line


def test_rows_to_inspect(place, tmp_path, capsys):
    assert '`--rows` is -1' in refused(capsys, tmp_path, 'inspect', '--model', 'tiny-base', '--data', place/'good.jsonl', '--rows', -1)
