"Wrong answers as learners write them, not as the checks keep them: each names its mistake."
import numpy as np
import pytest

import tokenclean_nb as tc

# exercise -> pairs of an answer and words of the mistake that it is told
said = {}


def wrong(exercise, *words): return lambda answer: said.setdefault(exercise, []).append((answer, words)) or answer


def quantity(n, delta): return np.sqrt(2 * np.log(4 / delta) / n)


# lesson 4

@wrong('select_pool', 'tokens are cut out')
def cut_out(scores, fraction):
    pool, starts = np.concatenate(scores), np.cumsum([0, *map(len, scores)])
    order = np.argsort(-np.where(np.isnan(pool), -np.inf, pool), kind='stable')
    best = {*order[:int(fraction * np.isfinite(pool).sum())]}
    return [np.array([row[k] for k in range(len(row)) if start + k in best]) for row, start in zip(scores, starts)]


# lesson 5

@wrong('split_rows', 'stretches of the file')
def stretches(n, parts, seed): return np.concatenate([np.full(len(p), k) for k, p in enumerate(np.array_split(np.arange(n), parts))])
@wrong('split_rows', 'order of the file')
def in_turn(n, parts, seed): return np.array([k % parts for k in range(n)])
@wrong('split_rows', 'without the seed')
def unseeded(n, parts, seed): return np.random.permutation(np.arange(n) % parts)
@wrong('evolve', 'the judge never learns')
def frozen(base, parts, train, score, keep):
    first = model = train(base, parts[0])
    for d in parts[1:]: model = train(model, keep(d, score(base, first, d)))
    return model
@wrong('evolve', 'trained twice')
def twice(base, parts, train, score, keep):
    model = train(base, parts[0])
    for d in parts: model = train(model, keep(d, score(base, model, d)))
    return model
@wrong('evolve', 'the base moves')
def moving(base, parts, train, score, keep):
    old, new = base, train(base, parts[0])
    for d in parts[1:]: old, new = new, train(new, keep(d, score(old, new, d)))
    return new
@wrong('evolve', 'starts again from the base')
def from_base(base, parts, train, score, keep):
    model = train(base, parts[0])
    for d in parts[1:]: model = train(base, keep(d, score(base, model, d)))
    return model
@wrong('evolve', 'no part is cleaned')
def unclean(base, parts, train, score, keep):
    model = base
    for d in parts: model = train(model, d)
    return model
@wrong('evolve', 'last part is left out')
def all_but_last(base, parts, train, score, keep):
    model = train(base, parts[0])
    for d in parts[1:-1]: model = train(model, keep(d, score(base, model, d)))
    return model
@wrong('kept_tokens', 'trained whole')
def a_share_of_each(sizes, fraction): return sum([int(n * fraction) for n in sizes])
@wrong('kept_tokens', 'all parts together')
def a_share_of_all(sizes, fraction): return int(sum(sizes) * fraction)
@wrong('kept_tokens', 'left out')
def later_only(sizes, fraction): return sum([int(n * fraction) for n in sizes][1:])


# lesson 6

@wrong('fraction_by_bound', 'only the noise rate')
def cleanest(fractions, noise, n_tokens, delta): return fractions[np.argmin(noise + quantity(n_tokens, delta))]
@wrong('fraction_by_bound', 'only the number of tokens')
def most(fractions, noise, n_tokens, delta): return fractions[np.argmin(quantity(fractions * n_tokens, delta))]
@wrong('fraction_by_bound', 'place in the list')
def place(fractions, noise, n_tokens, delta): return int((noise + quantity(fractions * n_tokens, delta)).argmin())
@wrong('fraction_by_bound', 'that is the bound')
def height(fractions, noise, n_tokens, delta): return min(noise + quantity(fractions * n_tokens, delta))
@wrong('fraction_by_bound', 'highest bound')
def highest(fractions, noise, n_tokens, delta): return fractions[(noise + quantity(fractions * n_tokens, delta)).argmax()]
@wrong('fraction_by_bound', 'not M / r')
def over(fractions, noise, n_tokens, delta): return fractions[(noise + quantity(n_tokens / fractions, delta)).argmin()]
@wrong('fraction_by_bound', 'base 10')
def log_10(fractions, noise, n_tokens, delta): return fractions[(noise + np.sqrt(2 * np.log10(4 / delta) / (fractions * n_tokens))).argmin()]
@wrong('fraction_by_bound', 'root is missing')
def no_root(fractions, noise, n_tokens, delta): return fractions[(noise + 2 * np.log(4 / delta) / (fractions * n_tokens)).argmin()]
@wrong('pays', 'fewer tokens cost')
def noise_only(noise, after, n, r, delta): return noise - after
@wrong('pays', 'sign is turned')
def turned(noise, after, n, r, delta): return after + quantity(r * n, delta) - noise - quantity(n, delta)
@wrong('pays', 'only the verdict')
def verdict(noise, after, n, r, delta): return bool(noise + quantity(n, delta) > after + quantity(r * n, delta))
@wrong('random_noise', 'counted among the kept')
def kept_only(r, p): return 1 - p
@wrong('random_noise', 'right labels')
def right(r, p): return r * p + (1 - r) * (1 - p)


# lesson 7

@wrong('noise_by_group', 'one number hides the groups')
def one_rate(keep, truth, group): return (keep != (truth == 1))[truth >= 0].mean()
@wrong('noise_by_group', 'prompt is in the denominator')
def with_prompt(keep, truth, group): return np.array([((keep != (truth == 1)) & (truth >= 0))[group == g].mean() for g in sorted(set(group))])
@wrong('noise_by_group', 'all groups')
def of_all(keep, truth, group): return np.array([((keep != (truth == 1)) & (truth >= 0) & (group == g)).sum() / (truth >= 0).sum() for g in np.unique(group)])
@wrong('left_out', 'equally large')
def halves(together, told, share): return together + (together - told)
@wrong('left_out', 'divide by its share')
def part_of_mean(together, told, share): return together - told * share
@wrong('left_out', 'is not weighed')
def difference(together, told, share): return together - told
@wrong('left_out', 'shares are exchanged')
def exchanged(together, told, share): return (together - told * (1 - share)) / share
@wrong('left_out', 'mirror image')
def mirror(together, told, share): return 0 - told
@wrong('left_out', 'sign is turned')
def other_way(together, told, share): return (told * share - together) / (1 - share)
@wrong('left_out', 'rounds are averaged')
def averaged(together, told, share): return (together.mean() - share * told.mean()) / (1 - share)
@wrong('benefit', 'mean of the ratios')
def ratios(cleaned, full, ideal): return np.mean((cleaned - full) / np.where(ideal == full, np.nan, ideal - full), axis=0)
@wrong('benefit', 'divide it by what could')
def gain(cleaned, full, ideal): return cleaned.mean(axis=0) - full.mean(axis=0)


# lesson 8

def answers(ids, starts, ends, turns, roles, mark=True):
    labels = np.full(len(ids), -100)
    for role, a, b in turns:
        if role in roles:
            chosen = (starts < b) & (ends > a) | (mark & (starts == b))
            labels[chosen] = ids[chosen]
    return labels


@wrong('chat_labels', 'learn to ask')
def users_too(ids, starts, ends, turns): return answers(ids, starts, ends, turns, {'user', 'assistant'})
@wrong('chat_labels', 'every turn is trained')
def every_turn(ids, starts, ends, turns): return answers(ids, starts, ends, turns, {'user', 'assistant', 'system'})
@wrong('chat_labels', 'system turn is no answer')
def system_too(ids, starts, ends, turns): return answers(ids, starts, ends, turns, {'assistant', 'system'})
@wrong('chat_labels', 'learn to stop')
def no_end(ids, starts, ends, turns): return answers(ids, starts, ends, turns, {'assistant'}, False)
@wrong('chat_labels', 'only the last answer')
def last_answer(ids, starts, ends, turns): return answers(ids, starts, ends, turns[-1:], {'assistant'})
@wrong('chat_labels', 'shifted by one')
def shifted(ids, starts, ends, turns): return np.r_[answers(ids, starts, ends, turns, {'assistant'})[1:], -100]
@wrong('choose_dtype', 'no room is left')
def full_memory(n, lora, memory): return next((d for d, b in (('float32', 4), ('bfloat16', 2)) if (b * n + 4 * lora if lora else 2 * b * n) <= memory), 'device_map')
@wrong('choose_dtype', 'one model is counted')
def one_model(n, lora, memory): return next((d for d, b in (('float32', 4), ('bfloat16', 2)) if b * n + 4 * lora <= .8 * memory), 'device_map')
@wrong('choose_dtype', 'two copies are counted')
def two_models(n, lora, memory): return next((d for d, b in (('float32', 4), ('bfloat16', 2)) if 2 * b * n + 4 * lora <= .8 * memory), 'device_map')
@wrong('training_batch', 'is not used')
def unused(ids, labels, keep, pad): return batch(ids, labels, pad)
@wrong('training_batch', 'shifted')
def shifted_batch(ids, labels, keep, pad):
    a, b = batch(ids, [np.where(k, row, -100) for row, k in zip(labels, keep)], pad)
    return a, np.c_[b[:, 1:], np.full(len(b), -100)]
@wrong('training_batch', 'padding is trained')
def padded(ids, labels, keep, pad): return batch(ids, [np.where(k, row, -100) for row, k in zip(labels, keep)], pad, pad)


def batch(ids, labels, pad, fill=-100):
    n = max(map(len, ids))
    lines = lambda rows, value: np.array([[*row, *[value] * (n - len(row))] for row in rows])
    return lines(ids, pad), lines(labels, fill)


# lesson 10

@wrong('chance_above')
def share_of_ranks(score, truth): return (score[truth == 1] > score[truth == 0].mean()).mean()
@wrong('chance_above')
def strict(score, truth): return (score[truth == 1][:, None] > score[truth == 0]).mean()
@wrong('chance_above')
def ties_count(score, truth): return (score[truth == 1][:, None] >= score[truth == 0]).mean()
@wrong('chance_above')
def below(score, truth): return 1 - chance(score[truth == 1], score[truth == 0])
@wrong('chance_above')
def prompt_too(score, truth): return chance(score[truth == 1], score[truth != 1])
@wrong('smoothed')
def whole_window(score, trained, window):
    return np.array([np.where(trained, score, 0)[max(0, t - window):t + window + 1].sum() / (2 * window + 1) if trained[t] else np.nan for t in range(len(score))])
@wrong('smoothed')
def prompt_in_mean(score, trained, window):
    return np.array([score[max(0, t - window):t + window + 1].mean() if trained[t] else np.nan for t in range(len(score))])
@wrong('smoothed')
def one_short(score, trained, window):
    return np.array([score[max(0, t - window):t + window][trained[max(0, t - window):t + window]].mean() if trained[t] else np.nan for t in range(len(score))])
@wrong('smoothed')
def unchanged(score, trained, window): return np.where(trained, score, np.nan)
@wrong('verdict')
def mean_alone(changes): return 'clean' if min(c for c, *_ in changes.values()) < 0 else 'do not clean'
@wrong('verdict')
def upside_down(changes): return 'clean' if max(changes.values())[1] > 0 else 'do not clean' if max(high for *_, high in changes.values()) < 0 else 'not shown'
@wrong('verdict')
def best_way(changes): return 'clean' if min(changes.values())[2] < 0 else 'do not clean' if min(low for _, low, _ in changes.values()) > 0 else 'not shown'


def chance(clean, noise): return (clean[:, None] > noise).mean() + (clean[:, None] == noise).mean() / 2


each = [pytest.param(name, answer, words, id=f'{name}-{answer.__name__}') for name, pairs in said.items() for answer, words in pairs]


@pytest.mark.parametrize('name, answer, words', each)
def test_a_wrong_answer_is_told_its_mistake(name, answer, words):
    with np.errstate(all='ignore'): found = getattr(tc, f'check_{name}').test(answer)
    assert not found and found.mistake, found
    for some in words: assert some in found.mistake, found


def test_a_dozen_of_each_lesson():
    lesson = lambda name: getattr(tc, f'check_{name}').number.split('.')[0]
    for number in ('5', '6', '7', '8', '10'): assert sum(len(pairs) for name, pairs in said.items() if lesson(name) == number) >= 12, number
