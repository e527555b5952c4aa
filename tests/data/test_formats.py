"Every format, from its own documentation: what is trained of it, and what of a record reaches the chat template"
import json
import logging

import numpy as np
import pytest
from conftest import byte_level
from datasets import Dataset

from tokenclean_nb.data.encoding import encode
from tokenclean_nb.data.table import flat
from tokenclean_nb.errors import BadInput
from tokenclean_nb.training.finetune import usable

chatml = ("{% if tools %}<|im_start|>tools\n{{ tools | tojson }}<|im_end|>\n{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content or '' }}"
    "{% for c in m.tool_calls %}<call>{{ c.function.name }}({{ c.function.arguments | tojson }})</call>{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


@pytest.fixture
def chat(): return byte_level(chat_template=chatml)


def texts(row, tokenizer):
    "The pieces of text that are trained, each with the end token that closes it"
    taught = np.array(row['labels']) != -100
    chars = np.zeros(len(row['text']) + 1, bool)
    for start, end, t in zip(row['starts'], row['ends'], taught): chars[start:end] |= t
    edges = np.flatnonzero(np.diff(np.r_[False, chars]))
    return [row['text'][a:b] for a, b in zip(edges[::2], edges[1::2])]


def end(*answers): return [f'{a}<|im_end|>' for a in answers]


weather = dict(type='function', function=dict(name='get_weather', description='The weather', parameters=dict(type='object', properties=dict(city=dict(type='string')))))
# format: (a record as its documentation writes it, what is trained of it, what else must stand in the text)
documented = dict(
    openai=(dict(messages=[dict(role='system', content='Marv is sarcastic.'), dict(role='user', content="What's the capital of France?"), dict(role='assistant', content='Paris', weight=0), dict(role='user', content='Can you be more sarcastic?'),
        dict(role='assistant', content="Paris, as if everyone doesn't know that already.", weight=1)]), end("Paris, as if everyone doesn't know that already."), ['Marv is sarcastic.', 'Paris<|im_end|>']),
    openai_tools=(dict(messages=[dict(role='user', content='What is the weather in San Francisco?'), dict(role='assistant', tool_calls=[dict(id='call_id', type='function', function=dict(name='get_weather', arguments='{"city": "San Francisco"}'))]),
        dict(role='tool', tool_call_id='call_id', content='21.0'), dict(role='assistant', content='21 degrees.')], tools=[weather]), end('<call>get_weather({"city": "San Francisco"})</call>', '21 degrees.'), ['"description": "The weather"', '21.0']),
    developer=(dict(messages=[dict(role='developer', content='Be brief.'), dict(role='user', content='Sky?'), dict(role='assistant', content='blue')]), end('blue'), ['<|im_start|>developer\nBe brief.']),
    reasoning=(dict(messages=[dict(role='user', content='Sky?'), dict(role='assistant', reasoning_content='It is day.', content='blue')]), end('<think>It is day.</think>blue'), []),
    content_parts=(dict(messages=[dict(role='user', content=[dict(type='text', text='Sky'), dict(type='text', text='?')]), dict(role='assistant', content=[dict(type='text', text='blue')])]), end('blue'), ['Sky?']),
    json_string=(dict(messages='[{"role": "user", "content": "Sky?"}, {"role": "assistant", "content": "blue"}]'), end('blue'), ['Sky?']),
    trl_conversational=(dict(prompt=[dict(role='user', content='What color is the sky?')], completion=[dict(role='assistant', content='It is blue.')]), end('It is blue.'), ['What color']),
    trl_preference=(dict(prompt=[dict(role='user', content='What color is the sky?')], chosen=[dict(role='assistant', content='It is blue.')], rejected=[dict(role='assistant', content='It is green.')]), end('It is blue.'), ['What color']),
    trl_implicit_prompt=(dict(chosen=[dict(role='user', content='What color is the sky?'), dict(role='assistant', content='It is blue.')], rejected=[dict(role='user', content='What color is the sky?'), dict(role='assistant', content='It is green.')]), end('It is blue.'), ['What color']),
    trl_preference_text=(dict(prompt='The sky is', chosen=' blue.', rejected=' green.'), [' blue.</s>'], ['The sky is']),
    sharegpt=(dict(conversations=[{'from': 'human', 'value': 'human instruction'}, {'from': 'function_call', 'value': '{"name": "get_weather", "arguments": {"city": "Oslo"}}'}, {'from': 'observation', 'value': 'tool result'}, {'from': 'gpt', 'value': 'model response'}],
        system='system prompt', tools=json.dumps([weather['function']])), end('<call>get_weather({"city": "Oslo"})</call>', 'model response'), ['system prompt', '"type": "function"', '<|im_start|>tool\ntool result']),
    sharegpt_preference=(dict(conversations=[{'from': 'human', 'value': 'human instruction'}], chosen={'from': 'gpt', 'value': 'chosen answer'}, rejected={'from': 'gpt', 'value': 'rejected answer'}), end('chosen answer'), ['human instruction']),
    axolotl=(dict(conversations=[{'from': 'system', 'value': 'You are an AI assistant.', 'train': False}, {'from': 'human', 'value': 'Hello', 'train': False}, {'from': 'assistant', 'value': 'Hello', 'train': True}, {'from': 'human', 'value': 'How are you?', 'train': True},
        {'from': 'assistant', 'value': "I'm doing very well, thank you!", 'train_detail': [dict(begin_offset=0, end_offset=8, train=False), dict(begin_offset=9, end_offset=18, train=True), dict(begin_offset=19, end_offset=30, train=False)]},
        {'from': 'human', 'value': "I'm doing very well, thank you!", 'train': True}, {'from': 'assistant', 'value': 'Hi there!', 'train': True}]),
        ['Hello<|im_end|>', 'How are you?<|im_end|>', ' very well', '<|im_end|>', "I'm doing very well, thank you!<|im_end|>", 'Hi there!<|im_end|>'], ['You are an AI']),
    axolotl_parts=(dict(messages=[dict(role='user', content=[dict(type='text', text='Sky?')]), dict(role='assistant', content=[dict(type='text', text='Well:\n', train=False), dict(type='text', text='blue', train=True)])]), end('blue'), ['Well:\nblue']),
    swift=(dict(messages=[dict(role='user', content='q'), dict(role='assistant', content='r1', loss=False), dict(role='user', content='q2'), dict(role='assistant', content='r2', loss=True)]), end('r2'), ['r1']),
    swift_query=(dict(system='<system>', query='<query2>', response='<response2>', history=[['<query1>', '<response1>']]), end('<response1>', '<response2>'), ['<system>', '<query1>', '<query2>']),
    llama_factory=(dict(instruction='human instruction', input='human input', output='model response', system='system prompt', history=[['first instruction', 'first response'], ['second instruction', 'second response']]),
        end('first response', 'second response', 'model response'), ['system prompt', 'human instruction\n\nhuman input']),
    llama_factory_preference=(dict(instruction='human instruction', input='human input', chosen='chosen answer', rejected='rejected answer'), end('chosen answer'), ['human input']),
    alpaca=(dict(instruction='Give three tips for staying healthy.', input='', output='Eat, sleep, move.', text='Below is an instruction ...'), end('Eat, sleep, move.'), []),
    gsm8k=(dict(question='How many?', answer='Half of 48. #### 72'), end('Half of 48. #### 72'), []),
    document=(dict(text='The sky is blue.'), [' sky is blue.</s>'], []),
    prompt_completion=(dict(prompt='The sky is', completion=' blue.'), [' blue.</s>'], []))


@pytest.mark.parametrize('record, trained, shown', documented.values(), ids=documented)
def test_documented(chat, record, trained, shown):
    row = encode(Dataset.from_list([record]), chat)[0]
    assert texts(row, chat) == trained and all(s in row['text'] for s in shown)
    assert {*row} == {'input_ids', 'labels', 'starts', 'ends', 'text', 'row'}, 'nothing is left over, and there are no weights'


@pytest.mark.parametrize('name', documented)
def test_many_records_have_other_keys(chat, name):
    "Arrow gives every message the keys of all of them, empty: nothing changes"
    if 'json' in name: pytest.skip('a string has no keys')
    record, trained, _ = documented[name]
    crowd = [record, documented['openai_tools'][0], documented['reasoning'][0]] if 'messages' in record else [record]
    if name == 'content_parts' or name == 'axolotl_parts': crowd = [record, record]
    assert texts(encode(Dataset.from_list(crowd), chat)[0], chat) == trained


said = dict(chosen=('trl_preference', 'the chosen answer is trained'), text=('document', 'all of it is trained'))


@pytest.mark.parametrize('name, words', said.values(), ids=said)
def test_said_aloud(chat, name, words, caplog):
    with caplog.at_level(logging.WARNING, 'tokenclean_nb'): encode(Dataset.from_list([documented[name][0]]), chat)
    assert words in caplog.text


def test_weights(chat):
    "Shares of a weight become a column; 0 is not trained at all; training gets them"
    turns = [dict(role='user', content='Sky?'), dict(role='assistant', content='blue', loss_scale=.5), dict(role='user', content='Now?'), dict(role='assistant', content='grey', loss_scale=2.), dict(role='assistant', content='no', loss_scale=0.)]
    ds = encode(Dataset.from_list([dict(messages=turns), dict(messages=turns[:1] + [dict(role='assistant', content='red')])]), chat)
    weights, labels = flat(ds, 'weights'), flat(ds, 'labels')
    assert weights.dtype == np.float32 and {*weights[labels != -100]} == {.5, 1, 2} and {*weights[labels == -100]} == {0}
    for w, answer in {.5: 'blue', 2: 'grey', 1: 'red'}.items(): assert chat.decode(labels[weights == w]) == answer + '<|im_end|>'
    assert 'weights' in usable(ds).column_names and len(usable(ds.select([1]))) == 1


faults = dict(no_role=([dict(content='x')], 'a message with `role` and `content`'), no_content=([dict(role='user')], 'a message with `role` and `content`'), text=(['hello'], 'a message with `role`'), null=([None], 'a message with `role`'),
    broken='[{"role": ', number=7, role=([dict(role='bot', content='x')], 'Rename the role'), image=([dict(role='user', content=[dict(type='image', url='x')])], 'Images, sounds and files'), weight=([dict(role='assistant', content='x', weight=-1)], 'at least 0'),
    train=([dict(role='assistant', content='x', train='yes')], 'true, false'), nan=([dict(role='assistant', content='x', loss_scale=float('nan'))], 'at least 0'), detail=([dict(role='assistant', content='x', train_detail=[dict(begin_offset=0, end_offset=9)])], 'among the 1 characters'),
    call=([dict(role='tool_call', content='look')], 'JSON'), nested=([dict(role='user', content=dict(text='x'))], 'text in every prompt'))


@pytest.mark.parametrize('fault', faults.values(), ids=faults)
@pytest.mark.parametrize('column', ['messages', 'conversations'])
def test_broken_messages_are_one_line(chat, column, fault):
    messages, words = fault if isinstance(fault, tuple) else (fault, 'a list')
    with pytest.raises(BadInput, match=words) as e: encode(Dataset.from_list([{column: messages}]), chat)
    assert 'records[0]' in str(e.value) and '\n' not in str(e.value)


def test_columns(chat):
    records = Dataset.from_list([dict(instruction='Sky?', context='Noon.', response='blue')])
    row = encode(records, chat, columns=dict(context='input', response='output'))[0]
    assert texts(row, chat) == end('blue') and 'Sky?\n\nNoon.' in row['text']
    with pytest.raises(BadInput, match='context=input,response=output'): encode(records, chat)
    with pytest.raises(BadInput, match='a mapping of columns: instruction, context, response'): encode(records, chat, columns=dict(answer='output'))
    with pytest.raises(BadInput, match='a column instruction already'): encode(records, chat, columns=dict(context='instruction'))


def test_a_column_that_is_not_there_is_said(chat, caplog):
    encode(Dataset.from_list([dict(instruction='Sky?', output='blue')]), chat, columns=dict(ask='instruction'))
    assert 'there is no ask; instruction is there already' in caplog.text


def test_two_formats_in_one_file_are_refused(chat):
    records = Dataset.from_list([dict(messages=[dict(role='user', content='Sky?'), dict(role='assistant', content='blue')], instruction=None, output=None), dict(messages=None, instruction='Sky?', output='blue')])
    with pytest.raises(BadInput, match=r'records\[1\].*A file holds one format'): encode(records, chat)


def test_a_streaming_dataset_is_refused(chat):
    stream = Dataset.from_list([documented['alpaca'][0]]).to_iterable_dataset()
    with pytest.raises(BadInput, match='streaming'): encode(stream, chat)


def test_rows_keep_their_number(chat):
    ds = encode(Dataset.from_list([dict(instruction='a', output=o) for o in ('b', '', 'c')]), chat)
    assert ds['row'][:] == [0, 2]
