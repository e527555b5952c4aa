"Planted noise: only what changed is noise, and as many rows of each kind as asked for"
import numpy as np
import pytest
from datasets import Dataset

import tokenclean_nb as tc
from tokenclean_nb.worlds.damage import damage, noise_kinds

text = 'The wool came late. It was grey and warm. Then the tin was sold for silver, and the silver for bread.'
others = ['A boat lay in the harbour. Nobody knew its name.', 'Salt is dear in winter.']


@pytest.mark.parametrize('kind', noise_kinds[1:])
@pytest.mark.parametrize('said', ['wool', '她住在伦敦', 'wool wool wool', text])
def test_text_that_did_not_change_is_no_noise(kind, said):
    for seed in range(30):
        new, spans = damage(said, kind, [said, *others], np.random.default_rng(seed))
        if new == said: assert spans == []
        assert all(low < high <= len(new) for low, high in spans)
    if kind == 'shuffled' and ' ' not in said: assert new == said


def test_a_word_that_came_to_its_old_place_is_no_noise():
    words = text.split()
    for seed in range(30):
        new, spans = damage(text, 'shuffled', others, np.random.default_rng(seed))
        at, changed = 0, set()
        for old, word in zip(words, new.split()):
            at = new.index(word, at)
            if word != old: changed.add((at, at + len(word)))
            at += len(word)
        assert changed == {tuple(span) for span in spans}


def test_rows_that_did_not_change_have_no_kind():
    records = Dataset.from_list([dict(instruction='Say it.', output=said) for said in ('wool', '她住在伦敦', text)])
    planted = tc.plant_noise(records, shuffled=1.)
    assert [kind > 0 for kind in planted['noise']] == [False, False, True]


@pytest.mark.parametrize('even', [False, True])
def test_kinds_are_drawn_or_shared_out(even):
    records = Dataset.from_list([dict(instruction='Say it.', output=text)] * 90)
    planted = tc.plant_noise(records, 0, even=even, **dict.fromkeys(('typos', 'corrupted', 'repetition'), .2))
    counts = np.bincount(planted['noise'], minlength=len(noise_kinds))
    assert (sorted(counts[counts > 0].tolist()) == [18, 18, 18, 36]) is even
