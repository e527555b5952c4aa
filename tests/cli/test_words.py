"What the command line says: names as they are typed, help from the registry, and nothing that did not happen"
import json

import pytest

import tokenclean_nb as tc
from tokenclean_nb.cli import main
from tokenclean_nb.commands import commands


@pytest.fixture
def words(tmp_path):
    "A command line of `clean`, with options changed or left out"
    path = tmp_path/'pool.jsonl'
    path.write_text('\n'.join(json.dumps(dict(instruction=f'Say {i}.', output=f'{i} it is.')) for i in range(8)))
    def words(**change):
        options = dict(model='tiny-base', data=path, warmup=path, out=tmp_path/'run') | change
        return [str(w) for k, v in options.items() if v is not None for w in (f'--{k.replace("_", "-")}', v)]
    return words


@pytest.mark.parametrize('name, value', [('data', 'nowhere.jsonl'), ('warmup', 'nowhere.jsonl'), ('model', './nowhere'), ('reference', './nowhere'), ('max_length', 1), ('learning_rate', -1), ('learning_rate', 'nan'),
    ('epochs', 0), ('epochs', 'nan'), ('lora', 0), ('seed', -1), ('batch_size', 0), ('fraction', 60), ('method', 'magic'), ('within', 'colour'), ('out', __file__)])
def test_an_argument_is_named_as_it_was_typed(name, value, words):
    with pytest.raises(SystemExit) as stop: main(['clean', *words(**dict(warmup=None) if name == 'reference' else {}, **{name: value})])
    assert str(stop.value.code).startswith(f'tokenclean clean: `--{name.replace("_", "-")}` is') and '\n' not in stop.value.code


def test_other_commands_name_theirs(words, tmp_path):
    said = {}
    for name, argv in dict(evaluate=['evaluate', './nowhere', '--data', 'a.jsonl'], data=['evaluate', 'tiny-base', '--data', 'nowhere.jsonl'], train=['train', *words(warmup=None, data='nowhere.jsonl')],
            score=['score', *words(warmup=None, reference='./nowhere')], select=['select', 'nowhere', '--out', str(tmp_path/'run')], report=['report', str(tmp_path)]).items():
        with pytest.raises(SystemExit) as stop: main(argv)
        said[name] = stop.value.code.split('`')[1]
    assert said == dict(evaluate='models', data='--data', train='--data', score='--reference', select='folders', report='folder')


def help_of(command, capsys):
    "In a terminal so wide that no word is broken"
    with pytest.MonkeyPatch.context() as terminal, pytest.raises(SystemExit):
        terminal.setenv('COLUMNS', '500')
        main([command, '--help'])
    return ' '.join(capsys.readouterr().out.split())


@pytest.mark.parametrize('command', commands)
def test_no_help_speaks_of_none(command, capsys): assert 'None' not in help_of(command, capsys)


def test_help_lists_the_methods_there_are(capsys, monkeypatch):
    monkeypatch.setitem(tc.methods, 'mine', tc.full_tokens)
    assert f'--method (str) One of {", ".join(tc.methods)} (default: fixed)' in help_of('clean', capsys) and 'oracle, mine (default' in help_of('clean', capsys)


def test_a_finished_run_says_so(words, tmp_path, capsys, caplog):
    for command, argv in dict(clean=words(), train=words(warmup=None, out=tmp_path/'tuned')).items():
        said = []
        for _ in range(2):
            main([command, *argv])
            said.append(caplog.text + capsys.readouterr().out)
            caplog.clear()
        assert 'wrote' in said[0] and 'wrote' not in said[1] and 'nothing is done again' in said[1]
