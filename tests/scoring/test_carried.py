"Scores go from one tokenizer to another: characters lose nothing, ends meet, wrong tables are refused."
import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import tokenclean_nb as tc

_, tokenizer = tc.tiny_base()
inner = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, merges=[]))
inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bytewise = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token='</s>')


def tables(records, seed=0):
    "The same records for both tokenizers, the small one's with a score"
    large, small = tc.encode(records, bytewise), tc.encode(records, tokenizer)
    return large, tc.with_flat(small, 'score', np.random.default_rng(seed).normal(size=len(tc.flat(small, 'labels'))))


def chat(*said):
    roles = ['user', 'assistant'] * len(said)
    return Dataset.from_list([dict(messages=[dict(role=r, content=c) for r, c in zip(roles, said)])])


@given(st.lists(st.text(st.characters(codec='utf-8', exclude_categories=['Cs', 'Cc', 'Zs', 'Zl', 'Zp'], max_codepoint=0x1ffff), min_size=1, max_size=20), min_size=1, max_size=1))
def test_there_and_back(words):
    large, small = tables(chat('say', *words))
    back = tc.carried(small.remove_columns('score'), tc.carried(large, small))
    used = tc.trained(small)
    ours, theirs = tc.flat(small, 'score')[used], tc.flat(back, 'score')[used]
    starts, ends = tc.flat(small, 'starts')[used], tc.flat(small, 'ends')[used]
    alone = np.append(True, starts[1:] >= ends[:-1]) & np.append(starts[1:] >= ends[:-1], True) # no character is shared by two tokens
    np.testing.assert_allclose(theirs[alone], ours[alone], atol=1e-9)


def test_a_token_takes_the_mean_of_its_characters():
    large, small = tables(chat('a', 'wool and tin'))
    judged = tc.carried(large, small)
    one = tc.with_flat(small, 'score', np.where(tc.trained(small), 2.5, 9.))
    assert set(tc.flat(tc.carried(large, one), 'score')[tc.trained(large)]) == {2.5} # nothing comes from the prompt
    assert np.isclose(tc.flat(judged, 'score')[-1], tc.flat(small, 'score')[-1]) # the sign at the end
    assert np.isnan(tc.flat(judged, 'score')[~tc.trained(large)]).all()


@pytest.mark.parametrize('said, match', [(('a', 'wool and tan'), 'row 0, whose responses differ after 10'), (('a', 'wool and tin, and more'), 'differ after')])
def test_other_texts_are_refused(said, match):
    large, _ = tables(chat('a', 'wool and tin'))
    with pytest.raises(tc.BadInput, match=match): tc.carried(large, tables(chat(*said))[1])


def test_more_rows_are_refused():
    large, small = tables(chat('a', 'wool'))
    with pytest.raises(tc.BadInput, match='0 rows'): tc.carried(large, small.select([]))


def templated(between):
    "The bytewise tokenizer with a chat template that writes turns its own way"
    other = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token='</s>')
    other.chat_template = "{% for m in messages %}" + between + "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}"
    return other


def test_every_response_of_a_conversation_is_carried_between_templates():
    "Each is measured from its own beginning; the sign at its end takes the other's last score of that response"
    records = chat('a', 'wool and tin', 'and then?', 'silk, wool')
    ours, theirs = (tc.encode(records, templated(between)) for between in ('<{{ m.role }}>', '[[{{ m.role }}]]: '))
    scores = np.random.default_rng(0).normal(size=len(tc.flat(theirs, 'labels')))
    judged = tc.carried(ours, tc.with_flat(theirs, 'score', scores))
    np.testing.assert_allclose(tc.flat(judged, 'score')[tc.trained(ours)], scores[tc.trained(theirs)])


def test_what_was_cut_off_takes_the_last_score():
    records, one = chat('a', 'wool and tin', 'and then?', 'silk, wool'), templated('<{{ m.role }}>')
    long = tc.encode(records, one)
    short = tc.encode(records, one, max_length=int(np.flatnonzero(tc.trained(long))[13]))
    assert tc.trained(short).sum() == 13 # the first response alone
    found = tc.flat(tc.carried(long, tc.with_flat(short, 'score', np.arange(len(tc.trained(short)), dtype=float))), 'score')[tc.trained(long)]
    assert len(set(found[:13])) == 13 and set(found[13:]) == {found[12]}
