"What a job's log holds, and how soon the program answers"
import resource
import subprocess
import sys
import time

import pytest

from tokenclean_nb.cli import main, summaries
from tokenclean_nb.commands import commands


def test_the_listing_is_that_of_the_commands():
    assert summaries() == {name: function.__doc__ for name, function in commands.items()}


def test_help_loads_nothing_that_takes_time():
    "Neither torch nor anything like it; and so it takes less than half a second of a processor"
    words = ['-X', 'importtime', '-m', 'tokenclean_nb.cli', '--help']
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    assert done.returncode == 0 and all(f'tokenclean {name}' in done.stdout for name in commands)
    loaded = {line.rsplit('|', 1)[-1].strip().split('.')[0] for line in done.stderr.splitlines()}
    assert 'lazy_loader' in loaded and not loaded & {'torch', 'transformers', 'datasets', 'pandas', 'numpy', 'plotly'}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, '-m', 'tokenclean_nb.cli', '--help'], capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < .5


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
