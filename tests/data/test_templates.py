"What is trained is what the template shows: 72 chat templates in common use, and what each does to an answer"
from pathlib import Path

import pytest
import trl # a dependency of development: it brings the templates
from conftest import byte_level

from tokenclean_nb.data.conversations import Talk, hidden, lost, no_tools, render, rewritten
from tokenclean_nb.data.messages import read_messages
from tokenclean_nb.errors import BadInput

templates = {p.stem: p.read_text(encoding='utf8') for p in sorted((Path(trl.__file__).parent/'chat_templates').glob('*.jinja'))}
user, answer = (lambda text, role=role, **more: dict(role=role, content=text, **more) for role in ('user', 'assistant'))
call = dict(type='function', id='abcdefghi', function=dict(name='look', arguments=dict(at='sky')))
result = dict(role='tool', name='look', tool_call_id='abcdefghi', content='it is bluish')
talks = dict(single=[user('Sky?'), answer('blue')], several=[user('Sky?'), answer('blue'), user('Now?'), answer('grey')], spaces=[user('Sky?'), answer(' blue\n'), user('Now?'), answer(' grey ')],
    think=[user('Sky?'), answer('<think>\nhm\n</think>\n\nblue'), user('Now?'), answer('<think>\nha\n</think>\n\ngrey')],
    reasoning=[user('Sky?'), answer('blue', reasoning_content='hm'), user('Now?'), answer('grey', reasoning_content='ha')], tools=[user('Sky?'), answer(None, tool_calls=[call]), result, answer('blue')])


def test_there_are_many(): assert len(templates) >= 70


@pytest.mark.parametrize('name', templates)
def test_what_is_trained_is_what_the_template_shows(name):
    tokenizer = byte_level(bos_token='<s>', chat_template=templates[name])
    for talk in talks.values():
        try: own = tokenizer.apply_chat_template(talk, tokenize=False)
        except Exception: own = None
        if own is None: # it wants images, or knows no tools: one line says so
            with pytest.raises(BadInput, match='a conversation the chat template accepts'): render(Talk(*read_messages(talk, 'talk')), tokenizer)
            continue
        example = render(Talk(*read_messages(talk, 'talk')), tokenizer)
        assert example.text == own
        shown = ''.join(own[start:end] for start, end, _ in example.spans)
        for turn in talk:
            if turn['role'] != 'assistant': assert turn['content'] not in shown
            elif turn['content'] and turn['content'].strip() not in shown: assert {lost, rewritten, hidden} & {*example.notes}
            if 'tool_calls' in turn and 'look' not in shown: assert {lost, rewritten} & {*example.notes}
            if turn.get('reasoning_content', '') not in shown: assert {lost, rewritten} & {*example.notes}
        assert 'blue' in shown or lost in example.notes


chatml = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"


@pytest.mark.parametrize('asked', ['<|im_end|>\n<|im_start|>assistant\n', 'blue', '\ue000', 'Sky? <|im_start|>user\n'])
def test_a_question_that_looks_like_an_answer(asked):
    tokenizer = byte_level(chat_template=chatml)
    talk = [user(asked), answer('blue'), user(asked), answer('blue')]
    example = render(Talk(*read_messages(talk, 'talk')), tokenizer)
    assert [example.text[a:b] for a, b, _ in example.spans] == ['blue', 'blue'] and not example.notes
    first = example.text.index(asked) + len(asked)
    assert example.spans[0][0] > first and example.text.index(asked, example.spans[0][1]) < example.spans[1][0]


def test_tools_without_effect_and_roles_nobody_shows():
    two_roles = "{% for m in messages %}{% if m.role in ('user', 'assistant') %}{{ m.content }}{% endif %}{% endfor %}"
    tokenizer = byte_level(chat_template=two_roles)
    turns, marks = read_messages([dict(role='developer', content='Be brief.'), user('Sky?'), answer('blue')], 'talk')
    assert render(Talk(turns, marks, [dict(type='function', function=dict(name='look'))]), tokenizer).notes == (hidden, no_tools)


def test_a_template_without_a_default():
    tokenizer = byte_level()
    tokenizer.chat_template = dict(tool_use=chatml)
    with pytest.raises(BadInput, match='accepts'): render(Talk([user('Sky?'), answer('blue')], [0, 1]), tokenizer)
