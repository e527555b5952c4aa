"Advice on a pool: what is refused, what is left out, what is not done twice, and what the rule says."
import json

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset, concatenate_datasets

import tokenclean_nb as tc
from tokenclean_nb.evidence import advice as room
from tokenclean_nb.evidence import trials as set_to_work
from tokenclean_nb.evidence.shares import answered_share, noise_share, paired_difference

base, tokenizer = tc.tiny_base()
records = tc.make_task(120, seed=2, warmup=100, progress=False).records
pool, good = records['pool'], records['warmup']


def advise(**options): return tc.advise((base, tokenizer), pool, good, progress=False, **options)


@pytest.mark.parametrize('options, match', [
    (dict(rows=10), 'rows.*at least 40'), (dict(rows=0), 'rows'), (dict(passes=0), 'passes'),
    (dict(seed=-1), 'seed'), (dict(epochs=float('nan')), 'epochs'), (dict(learning_rate=-1), 'learning_rate'),
    (dict(answers='nowhere.json'), 'TokenLabeller')])
def test_what_cannot_be_is_refused_before_anything_is_trained(monkeypatch, options, match):
    monkeypatch.setattr(room, 'finetune', lambda *a, **k: pytest.fail('trained'))
    with pytest.raises(tc.BadInput, match=match): advise(**options)


@pytest.mark.parametrize('name, data, warmup', [('data', pool.select(range(20)), good), ('data', pool.select(range(20)), None), ('warmup', pool, good.select(range(20)))])
def test_too_few_rows_are_named(name, data, warmup):
    with pytest.raises(tc.BadInput, match=f'{name}.*20 rows'): tc.advise((base, tokenizer), data, warmup, progress=False)


def test_held_out_rows_of_the_pool_are_left_out():
    notes = []
    text = room.cut_parts(concatenate_datasets([pool, good.select(range(90, 100))]), good, tokenizer, 256, 0, notes)
    alone = room.cut_parts(pool, good, tokenizer, 256, 0, [])
    assert any('held-out rows stand word for word' in note for note in notes) and len(text['held']) < len(alone['held'])
    assert not {*text['held']['text'][:]} & {*text['pool']['text'][:]}


def test_without_good_examples_part_of_the_data_stands_for_them_and_is_no_longer_in_the_pool():
    notes = []
    ours, theirs = room.cut_rows(pool.map(lambda _, i: dict(number=i), with_indices=True), None, 50, 0, notes)
    assert not {*ours['number'][:]} & {*theirs['number'][:]} and len(ours) == len(theirs) == 50
    assert 'as noisy as the pool' in notes[0] and '50 of 70 rows' in notes[1]


@pytest.fixture(scope='module')
def advised(tmp_path_factory):
    "An advice and its folder"
    folder = tmp_path_factory.mktemp('advice')
    return advise(folder=folder, rows=60), folder


def test_a_finished_training_is_not_done_again(advised, monkeypatch):
    first, folder = advised
    monkeypatch.setattr(set_to_work, 'run_method', lambda *a, **k: pytest.fail('trained again'))
    again = advise(folder=folder, rows=60)
    pd.testing.assert_frame_equal(first.trials, again.trials)
    with pytest.raises(pytest.fail.Exception, match='trained again'): advise(folder=folder, rows=60, epochs=2)


def test_fewer_passes_leave_out_dear_scorers():
    cheap = advise(rows=60, passes=1)
    assert 'excess_loss' not in {*cheap.scorers.scorer} and {'gain_smooth', 'detector'} <= {*cheap.scorers.scorer}
    assert len(cheap.trials) == 7


def test_the_page_holds_the_verdict_and_the_numbers(advised):
    found, _ = advised
    page = found.page()
    assert found.words[0].split('.')[0] in page and all(name in page for name in found.trials.trial)
    assert 'cdn' not in page.split('<body')[1][:2000]


@pytest.mark.parametrize('order, labels, match', [('threshold', [[1, True]], '1 answers, threshold'), ('random', [], '0 answers')])
def test_answers_must_be_about_random_tokens(tmp_path, order, labels, match):
    file = tmp_path/'answers.json'
    file.write_text(pd.Series(dict(order=order, labels=labels)).to_json())
    with pytest.raises(tc.BadInput, match=match): answered_share(file)


def foggy(rng, rows, share):
    "A table whose score sees noise as through fog"
    truth = np.repeat(rng.random(rows) > share, 8).astype(np.int8)
    ds = Dataset.from_dict(dict(input_ids=[[1] * 8] * rows, labels=[[1] * 8] * rows))
    return tc.with_flat(tc.with_flat(ds, 'truth', truth), 'score', rng.normal(truth * 1.2, 1))


@pytest.mark.parametrize('share', [.05, .2, .5])
def test_the_share_of_noise_is_covered(share):
    "Where a score sees noise as it sees planted noise"
    covered = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        ours, planted = foggy(rng, 300, share), foggy(rng, 200, .4)
        estimate, low, high = noise_share(ours, planted)
        assert low - .02 <= estimate <= high + .02
        covered.append(low <= (tc.flat(ours, 'truth') == 0).mean() <= high)
    assert np.mean(covered) >= .75


def rule(*rows):
    names = ['trial', 'loss_change', 'loss_low', 'loss_high', 'p_change', 'p_low', 'p_high']
    return room.decided(pd.DataFrame([('full', *[0.] * 6), ('random', -9., -9., -9., 0, 0, 0), *rows], columns=names))


@pytest.mark.parametrize('rows, verdict, way', [
    ([('a 0.8', -.2, -.3, -.1, 0, 0, 0), ('b 0.9', -.1, -.2, -.05, 0, 0, 0)], 'clean', 'a 0.8'),
    ([('a 0.8', -.1, -.3, .1, 0, 0, 0), ('b 0.9', .1, .05, .2, 0, 0, 0)], 'not shown', 'a 0.8'),
    ([('a 0.8', .1, 0, .2, 0, 0, 0)], 'not shown', 'a 0.8'),
    ([('a 0.8', -.043, -.126, .073, 0, 0, 0), ('b 0.9', -.04, -.06, -.02, 0, 0, 0)], 'clean', 'b 0.9'),
    ([('a 0.8', -.03, -.05, -.01, 0, 0, 0), ('b 0.9', -.04, -.07, -.001, 0, 0, 0)], 'clean', 'b 0.9'),
    ([('a 0.8', -.1, np.nan, np.nan, 0, 0, 0)], 'not shown', 'a 0.8'),
    ([('a 0.8', .2, .1, .3, 0, 0, 0), ('b 0.9', .1, .05, .2, 0, 0, 0)], 'do not clean', 'b 0.9')])
def test_the_rule(rows, verdict, way):
    "What chance does is no advice"
    found, top, words = rule(*rows)
    assert (found, top.trial) == (verdict, way) and f'{float(way.split()[1]):.0%} by {way.split()[0]}' in words


@pytest.mark.parametrize('way, verdict, n', [('gain_smooth_base 0.8', 'clean', 2), ('detector 0.9', 'clean', 3), ('self-scored 0.8', 'clean', 1), ('gain 0.8', 'do not clean', 1)])
def test_the_next_commands(way, verdict, n):
    said = room.Advice(verdict, way, [], None, None, {}, []).next('M', 'D', 'G')
    assert len(said) == n and all(line.startswith('tokenclean ') for line in said)
    if 'detector' in way: assert '--warmup G' in said[1] and '--reference' in said[1] and '--fraction 0.9' in said[2]


def test_the_next_commands_repeat_the_trial():
    "What is not the commands' own default is handed on; training on all tokens takes the good examples, too"
    options = dict(max_length=256, learning_rate=1e-3, epochs=None, seed=0)
    said = room.Advice('clean', 'detector 0.9', [], None, None, {}, [], options).next('M', 'D', 'G')
    assert all('--max-length 256' in line for line in said) and not any('--seed' in line or '--epochs' in line for line in said)
    assert ['--learning-rate 0.001' in line for line in said] == [True, False, True]
    no = room.Advice('not shown', 'gain 0.8', [], None, None, {}, [], options)
    assert no.next('M', 'D', 'G') == ['tokenclean clean --method full --model M --warmup G --data D --max-length 256 --learning-rate 0.001 --out DIR']
    assert no.next('M', 'D') == ['tokenclean train --model M --data D --max-length 256 --learning-rate 0.001 --out DIR']


def test_good_examples_that_are_there_twice_are_not_held_out():
    notes, two = [], concatenate_datasets([good, good]).shuffle(seed=3)
    text = room.cut_parts(pool, two, tokenizer, 256, 0, notes)
    assert not {*text['held']['text'][:]} & {*text['clean']['text'][:]} and 'good examples repeat another one' in notes[0]
    named = two.add_column('number', [*range(200)]) # rows that differ elsewhere
    text = room.cut_parts(pool, named, tokenizer, 256, 0, notes)
    assert not {*text['held']['text'][:]} & {*text['clean']['text'][:]} and 'among the good examples' in notes[-1]


def test_good_examples_that_are_the_pool_are_named():
    with pytest.raises(tc.BadInput, match='warmup.* 0 of them to be held out'): tc.advise((base, tokenizer), good, good, progress=False)


def test_kinds_share_the_rows_evenly_and_few_rows_say_nothing():
    said = room.cut_parts(pool, good, tokenizer, 256, 0, [])['check']['noise'][:]
    counts = pd.Series(said)[lambda s: s > 0].value_counts()
    assert counts.max() == 2 and len(counts) >= 8 and set(counts.index) <= {*range(1, 10)} # prose has no operators and names; a single word cannot be shuffled
    kinds = [('all', .7, 40), ('typos', .9, 5), ('swapped', .5, 6), ('repetition', .1, 4)]
    found = pd.DataFrame([('gain', *k) for k in kinds], columns=['scorer', 'kind', 'auc', 'rows'])
    words = room._sees(found, 'gain')
    assert 'hardly sees (AUC below .6; 5 rows or more of each): swapped.' in words and 'so not judged: repetition.' in words
    assert 'Not planted in such rows: boilerplate' in words and 'operator, name.' in words
    assert 'cannot be told' in room._sees(found[found.rows < 5], 'gain')


def test_answers_about_other_data_are_refused(tmp_path):
    ours, theirs = (tc.encode(records, tokenizer) for records in (pool, good))
    labeller = tc.TokenLabeller(ours, n=20)
    for k in range(20): labeller.label(k % 2 == 0)
    file = labeller.save(tmp_path/'answers.json')
    assert answered_share(file, [theirs, ours])[0] == .5
    with pytest.raises(tc.BadInput, match='about the tokens of this data'): tc.advise((base, tokenizer), good, answers=file, progress=False)
    saved = json.loads(file.read_text())
    file.write_text(json.dumps(saved | dict(labels=[*saved['labels'], [10 ** 6, True]])))
    with pytest.raises(tc.BadInput, match='token 1000000'): answered_share(file, [ours])


@pytest.mark.parametrize('rows, draw', [(10, 'normal'), (30, 'normal'), (10, 'heavy'), (30, 'heavy'), (20, 'skewed')])
@pytest.mark.parametrize('outside', [.05, .05 / 6])
def test_the_interval_of_a_difference_holds_with_few_rows(rows, draw, outside):
    "Rows of very different lengths; where a few rows carry all, no interval over so few can hold"
    rng, missed = np.random.default_rng(0), 0
    draws = dict(normal=rng.normal, heavy=lambda size: rng.standard_t(3, size), skewed=lambda size: rng.exponential(size=size) - 1)
    for _ in range(1500):
        tokens = np.maximum(1, rng.lognormal(3, .8, rows)).astype(int)
        of_row = np.repeat(np.arange(rows), tokens)
        change = draws[draw](size=rows)[of_row] + rng.normal(size=len(of_row))
        _, low, high = paired_difference(change, np.zeros(len(of_row)), of_row, outside)
        missed += not low <= 0 <= high
    assert missed / 1500 < outside * (5 if draw == 'skewed' else 2)


def test_one_row_has_no_interval():
    change, *ends = paired_difference(np.ones(3), np.zeros(3), np.full(3, 7))
    assert change == 1 and np.isnan(ends).all()
