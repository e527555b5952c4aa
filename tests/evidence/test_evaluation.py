"The paper's kinds of benchmarks through the real lm-evaluation-harness, on local files and a tiny model"
import json
import re

import pandas as pd
import pytest

from tokenclean_nb.cli import main

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
        (folder/f'{name}.jsonl').write_text('\n'.join(json.dumps(r) for r, _ in zip(rows(shared), range(60))))
        (folder/f'{name}.yaml').write_text(TASK.format(name=name, file=folder/f'{name}.jsonl', target='label', metrics=ACCURACY, results='process_results: !function utils.mc2' if name == 'truthfulqa_mc2' else ''))
    return folder


def test_benchmarks_beside_the_base_in_one_table(tasks, shared, tmp_path, capsys):
    model, base = str(shared('models/stories260K')), str(shared('models/tiny-gpt2-en'))
    names = 'arc_challenge,truthfulqa_mc2,mmlu,logiqa'
    main(['evaluate', '--model', model, '--base', base, '--tasks', names, '--include-path', str(tasks), '--limit', '12', '--out', str(tmp_path/'table.csv')])
    table = pd.read_csv(tmp_path/'table.csv', index_col=0)
    assert [row.split()[0] for row in table.index] == sorted(names.split(','), key=list(dict.fromkeys(r.split()[0] for r in table.index)).index)
    assert set(table.columns) == {base, model, 'difference'} and table[[base, model]].stack().between(0, 1).all()
    assert (table[model] - table[base] - table.difference).abs().max() < 1e-9
    assert not ((table[model] * 12) % 1 > 1e-6).drop('truthfulqa_mc2 acc').any() # shares of 12 questions
    assert 'arc_challenge acc' in capsys.readouterr().out


def test_unknown_benchmark_is_one_line(tasks, capsys):
    with pytest.raises(SystemExit) as stop: main(['evaluate', '--model', 'tiny-base', '--tasks', 'arc_challenge,horoscopes', '--include-path', str(tasks)])
    assert 'horoscopes' in str(stop.value.code) and 'lm-eval ls tasks' in str(stop.value.code)
