"Every check passes its reference and tells each mistake from every other; the package solves its exercises."
import numpy as np
import pytest
import torch

import tokenclean_nb as tc
from tokenclean_nb.course.grading import Check, same, tries

every = {name: getattr(tc, name) for name in tc.__all__ if name.startswith('check_')}


def test_every_check_is_on_the_face():
    assert len(every) == 30 and all(isinstance(check, Check) for check in every.values())


@pytest.mark.parametrize('name', every)
def test_reference_passes_and_stub_does_not(name):
    check = every[name]
    assert check.test(check.solution), check.test(check.solution)
    for stub in (..., lambda *args: ..., lambda *args: None): assert not check.test(stub)
    assert name == f'check_{check.name}' and check.hint


each_mistake = [(name, mistake) for name, check in every.items() for mistake in check.mistakes]


@pytest.mark.parametrize('name, mistake', each_mistake)
def test_each_mistake_gets_its_own_name(name, mistake):
    found = every[name].test(every[name].mistakes[mistake])
    assert not found and found.mistake == mistake, found
    assert mistake in repr(found) and found.failed in repr(found)


def test_two_mistakes_are_named_one_after_the_other():
    def overflowing(logits, target): return np.exp(logits)[target] / np.exp(logits).sum()
    def probability(logits, target): return overflowing(logits - logits.max(), target)
    with np.errstate(all='ignore'): first = tc.check_token_loss.test(overflowing)
    second = tc.check_token_loss.test(probability)
    assert 'overflows' in first.mistake and 'a probability' in second.mistake


def test_numbers_are_unique_and_a_test_is_not_a_try():
    assert len({c.title for c in every.values()}) == len(every)
    assert not tries


solvers = dict(noise_rate=tc.noise_rate, influence_score=tc.excess_loss, select=tc.keep_top,
    split_rows=tc.split_rows)


@pytest.mark.parametrize('name, exported', solvers.items())
def test_exported_functions_solve_their_exercise(name, exported):
    assert every[f'check_{name}'].test(exported)


nonsense = [lambda *args: 'text', lambda *args: [], lambda *args: object(), lambda *args: np.array([['a']]),
    lambda *args: {}, 7, 'text']


@pytest.mark.parametrize('answer', nonsense)
@pytest.mark.parametrize('name', every)
def test_any_answer_gets_a_result(name, answer):
    result = every[name].test(answer)
    assert not result and '<b>' in result._repr_html_()


@pytest.mark.parametrize('name', every)
def test_a_check_says_what_it_knows(name):
    check = every[name]
    for words in (*check.properties, *check.mistakes): assert words in repr(check)
    assert 'object at' not in repr(check) and 'lambda' not in repr(check)


def test_the_page_of_a_result_is_escaped():
    assert '<script>' not in every['check_fixed'].test(lambda *args: '<script>')._repr_html_()


def test_same():
    rows = [np.array([1.]), np.array([2., np.nan])]
    assert same(rows, [row.copy() for row in rows])
    assert same(([1, 2], {'a': np.ones(2)}), ([1, 2], {'a': np.ones(2)}))
    for a, b in [(dict(a=1), dict(b=1)), ((1, 2), [1, 3]), (np.ones(2), np.ones(3)), (True, 1), ('1', 1),
            ([1, [2]], np.ones(2))]:
        assert not same(a, b)


@pytest.mark.parametrize('name', every)
def test_an_untouched_stub_hears_its_aim_and_no_hint(name):
    check = every[name]
    hints = [check.hint] if isinstance(check.hint, str) else check.hint
    for stub in (..., lambda *args: ...):
        found = check.test(stub)
        assert not found.tried and not found.mistake and found.hint == check.aim
        for hint in hints: assert hint not in repr(found)


@pytest.mark.parametrize('name', every)
def test_each_wrong_try_opens_the_next_hint(name):
    check, wrong = every[name], lambda *args: object()
    hints = [*check.hint]
    assert isinstance(check.hint, tuple) and len(set(hints)) == len(hints) >= 2
    try:
        for stub in (..., lambda *args: ...): check(stub)
        assert tries[check.title] == [0, False]
        assert [check(wrong).hint for _ in range(len(hints) + 1)] == [*hints, hints[-1]]
        assert tries[check.title] == [len(hints) + 1, False] and check(check.solution) and tries[check.title][1]
    finally: tries.pop(check.title)


def test_lists_and_tensors_are_what_the_lesson_goes_on_with():
    "They are graded as arrays and numbers, and a lesson that picks them calculates with such"
    score, trained = np.array([.5, .1, .4]), np.array([1, 1, 1], bool)
    keep = tc.check_select.solution
    forms = dict(list=lambda *args: keep(*args).tolist(), tensor=lambda *args: torch.as_tensor(keep(*args)))
    for name, form in forms.items():
        assert tc.check_select.test(form), name
        picked = tc.check_select.pick(form, keep)(score, trained, .7)
        assert isinstance(picked, np.ndarray) and picked.dtype == bool and picked.sum() == 2, name
    shares = tc.check_informative_share
    assert isinstance(shares.pick(lambda *args: torch.tensor(shares.solution(*args)), None)(np.array([1, 2]), np.array([1, 0])), float)
    floats = lambda n, parts, seed: tc.check_split_rows.solution(n, parts, seed).astype(float)
    assert tc.check_split_rows.test(floats) and tc.check_split_rows.pick(floats, None)(7, 2, 0).dtype.kind == 'i'
    assert not tc.check_select.test(lambda *args: keep(*args).astype(int)), 'marks are no mask'
