"Every check passes its own reference, and tells each mistake it knows from every other; what the package exports solves its exercises."
import numpy as np
import pytest

from tokenclean_nb import bounds
from tokenclean_nb.course import checks
from tokenclean_nb.cleaning import methods as cleaning
from tokenclean_nb.evidence import measured
from tokenclean_nb.scoring import scorers as scores
from tokenclean_nb.scoring import selection
from tokenclean_nb.course.grading import Check, same, tries

every = {name: c for name, c in vars(checks).items() if isinstance(c, Check)}


@pytest.mark.parametrize('name', every)
def test_reference_passes_and_stub_does_not(name):
    check = every[name]
    assert check.test(check.solution), check.test(check.solution)
    for stub in (..., lambda *args: ..., lambda *args: None): assert not check.test(stub)
    assert name == f'check_{check.name}' and check.hint


@pytest.mark.parametrize('name, mistake', [(n, m) for n, c in every.items() for m in c.mistakes])
def test_each_mistake_gets_its_own_name(name, mistake):
    found = every[name].test(every[name].mistakes[mistake])
    assert not found and found.mistake == mistake, found
    assert mistake in repr(found) and found.failed in repr(found)


def test_two_mistakes_are_named_one_after_the_other():
    def softmax(logits): return np.exp(logits) / np.exp(logits).sum()
    with np.errstate(all='ignore'): first = every['check_token_loss'].test(lambda logits, target: softmax(logits)[target])
    second = every['check_token_loss'].test(lambda logits, target: softmax(logits - logits.max())[target])
    assert 'overflows' in first.mistake and 'a probability' in second.mistake


def test_numbers_are_unique_and_a_test_is_not_a_try():
    assert len({c.title for c in every.values()}) == len(every)
    assert not tries


@pytest.mark.parametrize('name, exported', [('noise_rate', bounds.noise_rate), ('influence_score', scores.excess_loss), ('select', selection.keep_top),
    ('split_rows', cleaning.split_rows), ('regime', measured.regime)])
def test_exported_functions_solve_their_exercise(name, exported):
    assert every[f'check_{name}'].test(exported)


@pytest.mark.parametrize('answer', [lambda *args: 'text', lambda *args: [], lambda *args: object(), lambda *args: np.array([['a']]), lambda *args: {}, 7, 'text'])
@pytest.mark.parametrize('name', every)
def test_any_answer_gets_a_result(name, answer):
    result = every[name].test(answer)
    assert not result and '<b>' in result._repr_html_()


def test_the_page_of_a_result_is_escaped():
    assert '<script>' not in every['check_fixed'].test(lambda *args: '<script>')._repr_html_()


def test_same():
    assert same([np.array([1.]), np.array([2., np.nan])], [np.array([1.]), np.array([2., np.nan])])
    assert same(([1, 2], {'a': np.ones(2)}), ([1, 2], {'a': np.ones(2)})) and not same(dict(a=1), dict(b=1)) and not same((1, 2), [1, 3])
    assert not same(np.ones(2), np.ones(3)) and not same(True, 1) and not same('1', 1) and not same([1, [2]], np.ones(2))
