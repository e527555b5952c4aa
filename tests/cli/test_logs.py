"What a job's log holds, and how soon the program answers"
import inspect
import subprocess
import sys
import time

import pytest

from tokenclean_nb.cli import main, summaries
from tokenclean_nb.commands import commands


def test_the_listing_is_that_of_the_commands():
    assert summaries() == {name: function.__doc__ for name, function in commands.items()}


def test_help_loads_nothing_that_takes_time():
    "Neither torch nor anything like it, and few modules at all; benchmarks/start.py has the seconds"
    words = ['-X', 'importtime', '-m', 'tokenclean_nb.cli', '--help']
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    assert done.returncode == 0 and all(f'tokenclean {name}' in done.stdout for name in commands)
    loaded = [line.rsplit('|', 1)[-1].strip() for line in done.stderr.splitlines() if line.startswith('import time')]
    assert 'lazy_loader' in loaded and len(loaded) < 400
    assert not {name.split('.')[0] for name in loaded} & {'torch', 'transformers', 'datasets', 'pandas', 'numpy', 'plotly'}


slow = {'torch', 'transformers', 'datasets', 'pandas', 'numpy', 'plotly', 'scipy', 'pyarrow'}
refusals = {'fraction': (['clean', '--model', 'tiny-base', '--data', 'a', '--out', 'b', '--fraction', '7'], '`--fraction` is 7.0'), 'data': (['score', '--model', 'tiny-base', '--data', 'nowhere.jsonl', '--out', 'b'], "`--data` is 'nowhere.jsonl'"), 'model': (['train', '--model', './nowhere', '--data', 'a', '--out', 'b'], "`--model` is './nowhere'"),
    'out': (['select', 'a', '--out', __file__], '`--out` is'), 'left_out': (['advise'], 'required: --model, --data, --out'), 'unknown': (['demo', '--colour', 'red'], 'unrecognized arguments: --colour'), 'kind': (['inspect', '--model', 'a', '--data', 'b', '--rows', 'few'], "argument --rows: invalid int value: 'few'")}


@pytest.mark.parametrize('words, said', refusals.values(), ids=refusals)
def test_the_first_refusal_loads_nothing_that_takes_time(words, said, tmp_path):
    done = subprocess.run([sys.executable, '-X', 'importtime', '-m', 'tokenclean_nb.cli', *words], capture_output=True, text=True, cwd=tmp_path)
    loaded = {line.rsplit('|', 1)[-1].strip().split('.')[0] for line in done.stderr.splitlines() if line.startswith('import time')}
    assert done.returncode and said in done.stderr and 'fastcore' in loaded and not loaded & slow and not list(tmp_path.iterdir())


@pytest.mark.parametrize('command', commands)
def test_the_first_look_knows_every_option(command):
    "Read from the text of the functions: the options of the functions, with their kinds and defaults"
    from fastcore.script import anno_parser
    from tokenclean_nb import cli
    from tokenclean_nb.commands import positional
    options = lambda f: [(a.dest, a.option_strings, a.default, getattr(a.type, '__name__', None), a.nargs, a.required) for a in anno_parser(f, pos=positional)._actions]
    assert options(cli._signature('tokenclean_nb.commands', command)) == options(commands[command])


@pytest.mark.parametrize('command', commands)
def test_the_options_are_listed_before_anything_that_takes_time_is_loaded(command):
    done = subprocess.run([sys.executable, '-X', 'importtime', '-m', 'tokenclean_nb.cli', command, '--help'], capture_output=True, text=True)
    loaded = {line.rsplit('|', 1)[-1].strip().split('.')[0] for line in done.stderr.splitlines() if line.startswith('import time')}
    assert not done.returncode and f'usage: tokenclean {command}' in done.stdout and not loaded & slow


def test_every_method_keeps_what_the_help_says(capsys):
    from tokenclean_nb.cleaning.methods import methods, takes
    with pytest.raises(SystemExit): main(['clean', '--help'])
    said = ' '.join(capsys.readouterr().out.split())
    own = {inspect.signature(f).parameters['fraction'].default for name, f in methods.items() if takes(name, 'fraction')}
    assert own == {.8} and 'leave out for 0.8' in said


@pytest.mark.parametrize('words, said', [(['cleen'], 'no command'), (['-h'], ''), ([], '')])
def test_words_that_are_no_command(words, said, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['tokenclean', *words])
    with pytest.raises(SystemExit) as stop: main()
    assert said in str(stop.value.code) and 'tokenclean clean' in capsys.readouterr().out


def test_bars_in_a_log(tmp_path, capsys, monkeypatch):
    "Without a terminal: whole lines, at most one for each span of time, also from other libraries' bars"
    from tokenclean_nb.data import bars
    import datasets
    import tqdm.auto
    monkeypatch.setattr(bars, 'seconds', .2)
    with bars.line_bars():
        for _ in tqdm.auto.tqdm(range(100), desc='loop', disable=False): time.sleep(.01)
        with monkeypatch.context() as shown:
            shown.setattr(sys.modules['datasets.utils.tqdm'], 'HF_DATASETS_DISABLE_PROGRESS_BARS', None)
            shown.setattr(sys.modules['datasets.utils.tqdm'], '_hf_datasets_progress_bars_disabled', False)
            datasets.Dataset.from_dict(dict(a=[*range(30)])).map(lambda row: time.sleep(.02) or row, desc='slow map')
    said = capsys.readouterr().err
    lines = said.splitlines()
    assert '\r' not in said and all(line.startswith(('loop', 'slow map')) for line in lines), said
    assert 2 <= sum(line.startswith('loop') for line in lines) <= 7 and sum(line.startswith('slow map') for line in lines) <= 5
