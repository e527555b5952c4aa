"Models side by side; the paper's kinds of benchmarks through the real lm-evaluation-harness, on local files"
import json
import re

import numpy as np
import pandas as pd
import pytest
import torch

import tokenclean_nb as tc
from tokenclean_nb.cli import main
from tokenclean_nb.cleaning import jobs

TASK = """task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {file}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}\\nAnswer:"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: {target}
{results}
metric_list:
{metrics}
"""
ACCURACY = "  - metric: acc\n    aggregation: mean\n    higher_is_better: true"
MC2 = '''"Normalised probability of the true answers"
from math import exp

def mc2(doc, results):
    top = max(l for l, _ in results)
    mass = [exp(l - top) for l, _ in results]
    return dict(acc=sum(m for m, true in zip(mass, doc['labels']) if true) / sum(mass))
'''


def arc(shared):
    for row in json.loads(shared('data/arc/ARC-Challenge_test.json').read_text()):
        question, choices = re.split(r'\n\nAnswer1: ', row['instruction'].split('\n\nAnswer format')[0].split('question: ', 1)[1])
        choices = re.split(r' Answer\d: ', choices)
        yield dict(question=question, choices=choices, label=int(row['answer'][-1]) - 1)


def mmlu(shared):
    for line in shared('data/mmlu/test_2000.jsonl').read_text().splitlines():
        row = json.loads(line)
        yield dict(question=row['question'], choices=row['choices'], label='ABCD'.index(row['answer']))


def logiqa(shared):
    for block in shared('data/logiqa/Test.txt').read_text().strip().split('\n\n'):
        answer, context, question, *choices = block.strip().split('\n')
        yield dict(question=f'{context}\n{question}', choices=[c[2:] for c in choices], label='abcd'.index(answer.strip()))


def truthfulqa(shared):
    for row in json.loads(shared('data/truthfulqa/mc_task.json').read_text()):
        yield dict(question=row['question'], choices=list(row['mc2_targets']), labels=list(row['mc2_targets'].values()), label=0)


@pytest.fixture(scope='module')
def tasks(shared, tmp_path_factory):
    "Four task files of the harness over local questions"
    pytest.importorskip('lm_eval', reason='the extra `eval` is not installed')
    folder = tmp_path_factory.mktemp('tasks')
    (folder/'utils.py').write_text(MC2)
    for name, rows in dict(arc_challenge=arc, mmlu=mmlu, logiqa=logiqa, truthfulqa_mc2=truthfulqa).items():
        file, own = folder/f'{name}.jsonl', name == 'truthfulqa_mc2'
        file.write_text('\n'.join(json.dumps(r) for r, _ in zip(rows(shared), range(60))))
        results = 'process_results: !function utils.mc2' if own else ''
        task = TASK.format(name=name, file=file, target='label', metrics=ACCURACY, results=results)
        (folder/f'{name}.yaml').write_text(task)
    return folder


def test_benchmarks_beside_the_base_in_one_table(tasks, shared, tmp_path, capsys):
    model, base = str(shared('models/stories260K')), str(shared('models/tiny-gpt2-en'))
    names = 'arc_challenge,truthfulqa_mc2,mmlu,logiqa'
    options = ['--tasks', names, '--include-path', str(tasks), '--limit', '12', '--out', str(tmp_path/'out')]
    main(['evaluate', base, model, *options])
    table = pd.read_csv(tmp_path/'out'/'evaluation.csv', index_col=0)
    assert sorted(row.split()[0] for row in table.index) == sorted(names.split(','))
    assert set(table.columns) == {base, model, 'difference', 'low', 'high'} and table[[base, model]].stack().between(0, 1).all()
    assert (table[model] - table[base] - table.difference).abs().max() < 1e-9
    assert not ((table[model] * 12) % 1 > 1e-6).drop('truthfulqa_mc2 acc').any() # shares of 12 questions
    assert 'arc_challenge acc' in capsys.readouterr().out
    acc = table.drop('truthfulqa_mc2 acc')
    assert (acc.low <= acc.difference).all() and (acc.difference <= acc.high).all() and (acc.high - acc.low).max() < 1.2


def test_unknown_benchmark_is_one_line(tasks, capsys):
    unknown = ['--tasks', 'arc_challenge,horoscopes', '--include-path', str(tasks)]
    with pytest.raises(SystemExit) as stop: main(['evaluate', 'tiny-base', *unknown])
    assert 'horoscopes' in str(stop.value.code) and 'lm-eval ls tasks' in str(stop.value.code)


def test_the_function_asks_the_same_benchmarks(tasks, tiny):
    options = dict(tasks='arc_challenge,mmlu', include_path=str(tasks), limit=8, progress=False)
    table = tc.evaluate(dict(one=tiny, two='tiny-base'), **options)
    assert list(table.index) == ['arc_challenge acc', 'mmlu acc'] and (table.difference == 0).all()
    again = tc.harness(*tiny, ['arc_challenge', 'mmlu'], str(tasks), 8)
    assert list(again.value) == list(table.one) and set(again.questions) == {8}


@pytest.fixture(scope='module')
def held_out():
    "The test table of a small world"
    return tc.make_task(20, seed=0, towns=4, test=60).test


def test_measures_are_those_of_the_single_functions(tiny, held_out):
    model, _ = tiny
    found = tc.evaluate(tiny, held_out, progress=False)['model 1']
    losses, hits = tc.token_losses(model, held_out, progress=False), tc.token_hits(model, held_out)
    assert np.isclose(found['loss (nats)'], np.nanmean(losses)) and np.isclose(found['token accuracy'], np.nanmean(hits))
    assert np.isclose(found['perplexity'], np.exp(found['loss (nats)']))
    assert np.isclose(found['accuracy on truth'], tc.accuracy(model, held_out))


def test_models_by_path_name_or_loaded_and_differences_to_the_first(tiny, held_out, tmp_path):
    tc.save_model(tmp_path/'model', *tiny)
    one = tc.evaluate(tmp_path/'model', held_out, progress=False)
    assert list(one.columns) == [str(tmp_path/'model')]
    two = tc.evaluate([tiny, 'tiny-base'], held_out, progress=False)
    assert list(two.columns) == ['model 1', 'tiny-base', 'difference', 'low', 'high'] and (two.difference.abs() < 1e-9).all()
    three = tc.evaluate([tiny, tiny, str(tmp_path/'model')], held_out, progress=False)
    assert list(three.columns)[3::3] == ['difference of model 2', f'difference of {tmp_path/"model"}']
    assert list(three.columns)[4:6] == ['low of model 2', 'high of model 2']


def test_records_and_files_have_no_truth_but_the_other_measures(tiny, tmp_path):
    records = [dict(instruction=f'Say {i}.', output=f'{i} it is') for i in range(6)]
    (tmp_path/'held_out.jsonl').write_text('\n'.join(map(json.dumps, records)))
    found = tc.evaluate(tiny, tmp_path/'held_out.jsonl', progress=False)
    assert list(found.index) == ['loss (nats)', 'token probability', 'token accuracy', 'perplexity']
    same = tc.evaluate(tiny, tc.load_records(tmp_path/'held_out.jsonl'), progress=False)
    pd.testing.assert_frame_equal(found, same)


def test_other_tokens_are_said(tiny, shared, tmp_path, caplog):
    records = [dict(instruction=f'Say {i}.', output=f'{i} it is indeed') for i in range(6)]
    (tmp_path/'held_out.jsonl').write_text('\n'.join(map(json.dumps, records)))
    tc.evaluate(dict(tiny=tiny, other=str(shared('models/stories260K'))), tmp_path/'held_out.jsonl', progress=False)
    assert 'cut the text into different tokens (tiny ' in caplog.text
    three = tc.evaluate(dict(tiny=tiny, same=tiny, other=str(shared('models/stories260K'))), tmp_path/'held_out.jsonl', progress=False)
    assert (three.loc['loss (nats)', ['difference of same', 'low of same', 'high of same']] == 0).all()
    assert three.loc['loss (nats)', ['difference of other', 'low of other', 'high of other']].isna().all()


@pytest.mark.parametrize('models, options, said', [
    (['tiny-base', './nowhere'], {}, '`models` is'),
    (['tiny-base', 7], {}, "`models` is 'int'"),
    (['tiny-base', 'tiny-base'], {}, 'different names'),
    ([], {}, 'at least one model'),
    ('tiny-base', dict(data=None), 'given, unless `tasks` is'),
    ('tiny-base', dict(data='./nowhere.jsonl'), 'No such file'),
    ('tiny-base', dict(data=[dict(instruction='a', output='b')]), "`data` is 'list'"),
    ('tiny-base', dict(max_length=0), '`max_length` is 0'),
    ('tiny-base', dict(limit=0), '`limit` is 0'),
])
def test_bad_input_is_refused_before_a_model_is_loaded(monkeypatch, held_out, models, options, said):
    def never(*args, **kwargs): raise AssertionError('a model was loaded')
    monkeypatch.setattr(jobs, 'load_model', never)
    with pytest.raises(tc.BadInput, match=re.escape(said)): tc.evaluate(models, **dict(dict(data=held_out), **options))


def test_differences_have_paired_intervals_over_rows(tiny, held_out):
    "A model with noise in its weights is worse, beyond chance; each end is that of the same rows drawn again"
    model, tokenizer = tiny
    worse, _ = tc.tiny_base()
    for p in worse.parameters(): p.data += .02 * torch.randn(p.shape, generator=torch.Generator().manual_seed(0))
    found = tc.evaluate(dict(one=tiny, other=(worse, tokenizer)), held_out, progress=False)
    loss = found.loc['loss (nats)']
    assert 0 < loss.low < loss.difference < loss.high and found.loc['token probability'].difference < 0
    assert found.loc['perplexity', ['low', 'high']].isna().all()
    same = tc.evaluate(dict(one=tiny, other=tiny), held_out, progress=False).loc['loss (nats)']
    assert (same.low, same.high) == (0, 0)


def test_columns_are_mapped(tiny, tmp_path):
    file = tmp_path/'held_out.jsonl'
    file.write_text('\n'.join(json.dumps(dict(ask=f'Say {i}.', reply=f'{i} it is.')) for i in range(12)))
    mapped = tc.evaluate(tiny, file, columns='ask=instruction,reply=output', progress=False)
    assert mapped.loc['loss (nats)'].notna().all()
    with pytest.raises(tc.BadInput, match='columns'): tc.evaluate(tiny, file, progress=False)
