"Runs that are pushed, to a local stand-in of the Hub's API"
import base64
import json
import re
import shlex
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from datasets import load_dataset
from huggingface_hub import constants

import tokenclean_nb as tc
from tokenclean_nb.cli import main
from tokenclean_nb.data.table import trained


class Hub(BaseHTTPRequestHandler):
    "The part of the Hub's API that a push uses: repositories made, looked at and committed to"
    def log_message(self, *words): pass

    def answer(self, content, code=200, headers=()):
        body = json.dumps(content).encode()
        self.send_response(code)
        for name, value in [('Content-Type', 'application/json'), ('Content-Length', str(len(body))), *headers]: self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def repo(self):
        "Kind and name of the repository in the address, and what follows"
        found = re.match(r'/api/(model|dataset)s/([^/]+/[^/?]+)/?(.*)', self.path)
        return found and ((found[1], found[2]), found[3])

    def do_GET(self):
        key, rest = self.repo() or (None, '')
        if key not in self.server.repos: return self.answer(dict(error='Repository not found'), 404, [('X-Error-Code', 'RepoNotFound')])
        files = self.server.repos[key]['files']
        if rest.startswith('tree'): return self.answer([dict(type='file', path=p, size=len(b), oid='0' * 40) for p, b in files.items()])
        self.answer(dict(id=key[1], sha='0' * 40, private=True, siblings=[dict(rfilename=p) for p in files], tags=[]))

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        if self.headers.get('Authorization') != 'Bearer hf_stand_in': return self.answer(dict(error='Unauthorized'), 401)
        if self.path == '/api/repos/create':
            asked = json.loads(body)
            key = asked.get('type') or 'model', f"{asked.get('organization') or 'ada'}/{asked['name']}"
            there = key in self.server.repos
            self.server.repos.setdefault(key, dict(files={'.gitattributes': b''}, private=asked.get('private') or asked.get('visibility') == 'private', messages=[]))
            return self.answer(dict(url=f'{self.server.address}/{"datasets/" * (key[0] == "dataset")}{key[1]}'), 409 if there else 200)
        if self.path == '/api/validate-yaml': return self.answer(dict(errors=[], warnings=[]))
        key, rest = self.repo()
        if rest.startswith('preupload'):
            return self.answer(dict(files=[dict(path=f['path'], uploadMode='regular', shouldIgnore=False) for f in json.loads(body)['files']]))
        repo = self.server.repos[key]
        for line in map(json.loads, body.splitlines()):
            if line['key'] == 'header': repo['messages'].append(line['value']['summary'])
            if line['key'] == 'file': repo['files'][line['value']['path']] = base64.b64decode(line['value']['content'])
        self.answer(dict(commitUrl=f'{self.server.address}/{key[1]}/commit/1', commitOid='1' * 40, success=True))


@pytest.fixture
def hub():
    "A stand-in at `address`, with its `repos`"
    server = ThreadingHTTPServer(('127.0.0.1', 0), Hub)
    server.repos, server.address = {}, f'http://127.0.0.1:{server.server_port}'
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    "A folder with a pool and good examples"
    folder, task = tmp_path_factory.mktemp('files'), tc.make_task(60, seed=0)
    for name, file in dict(pool='pool', warmup='good').items(): task.records[name].select_columns(['instruction', 'output']).to_json(folder/f'{file}.jsonl')
    return folder


@pytest.fixture
def clean(hub, files, tmp_path, monkeypatch, capsys):
    "`clean(*words)`: the command, which asks the stand-in; whether it failed, what it said, its error"
    for name, value in dict(ENDPOINT=hub.address, HF_HUB_OFFLINE=False, HF_TOKEN_PATH=str(tmp_path/'no login')).items(): monkeypatch.setattr(constants, name, value)
    def command(*words, token='hf_stand_in'):
        monkeypatch.setenv('HF_TOKEN', token)
        try: main(['clean', '--model', 'tiny-base', '--data', str(files/'pool.jsonl'), '--warmup', str(files/'good.jsonl'), '--epochs', '1', '--out', str(tmp_path/'run'), *words])
        except SystemExit as stop: return True, capsys.readouterr().out, str(stop.code)
        return False, *capsys.readouterr()
    return command


def test_a_run_is_pushed_with_its_cards_and_again(hub, clean, files, tmp_path):
    failed, said, error = clean('--push', 'ada/facts')
    assert not failed and 'pushed to' in said and 'ada/facts' in said, error
    labels, model = hub.repos['dataset', 'ada/facts'], hub.repos['model', 'ada/facts']
    assert labels['private'] and model['private']
    assert {*labels['files']} == {'.gitattributes', 'README.md', 'cleaned.parquet', 'data.parquet', 'rounds.csv', 'cleaning.json'}
    assert labels['files']['cleaned.parquet'] == (tmp_path/'run/cleaned.parquet').read_bytes()
    assert model['files']['model.safetensors'] == (tmp_path/'run/model/model.safetensors').read_bytes() and 'tokenizer.json' in model['files']
    card = model['files']['README.md'].decode()
    assert '- ada/facts' in card and 'base model | tiny-base' in card and '--fraction 0.8' in card
    for repo in labels, model: # nothing of this machine
        assert not any(str(path).encode() in content for content in repo['files'].values() for path in (files, tmp_path))
    before = (tmp_path/'run/model/model.safetensors').stat().st_mtime_ns
    failed, said, error = clean('--push', 'ada/facts') # the run is there: it is pushed alone
    assert not failed and (tmp_path/'run/model/model.safetensors').stat().st_mtime_ns == before and len(labels['messages']) == 2, error


def test_what_somebody_else_put_there_is_left_alone(hub, clean, tmp_path):
    hub.repos['model', 'ada/facts'] = dict(files={'pytorch_model.bin': b'mine'}, private=False, messages=[])
    failed, said, error = clean('--push', 'ada/facts')
    assert failed and '`--push` is' in error and 'choose another name' in error and 'Traceback' not in error
    assert [*hub.repos] == [('model', 'ada/facts')] and not hub.repos['model', 'ada/facts']['messages'], 'nothing was begun'
    assert (tmp_path/'run/cleaned.parquet').exists(), 'the run itself is done'


@pytest.mark.parametrize('repo, token, remedy', [('facts', 'hf_stand_in', 'as owner/name'), ('ada/a b', 'hf_stand_in', 'as owner/name'), ('ada/facts', '', 'hf auth login')])
def test_a_name_or_a_login_that_cannot_work_is_refused_first(hub, clean, tmp_path, repo, token, remedy):
    failed, said, error = clean('--push', repo, token=token)
    assert failed and '`--push` is' in error and remedy in error and not hub.repos and not (tmp_path/'run').exists()


def test_a_login_that_is_refused_ends_in_one_line(hub, clean, tmp_path):
    failed, said, error = clean('--push', 'ada/facts', token='hf_wrong')
    assert failed and 'tokenclean clean: ' in error and '401' in error and 'Traceback' not in error and (tmp_path/'run/report.html').exists()


def test_the_cards_lie_beside_every_run(tmp_path):
    task = tc.make_task(60, seed=0)
    run = tc.clean(tc.tiny_base(), task.pool, task.warmup, method='full', epochs=1, progress=False, out=str(tmp_path/'run'))
    assert 'method | full' in (tmp_path/'run/README.md').read_text() and 'all response tokens' in (tmp_path/'run/model/README.md').read_text()
    labels, tokens = (load_dataset(str(tmp_path/'run'), name, split='train') for name in ('labels', 'tokens'))
    assert labels['labels'][:] == [list(r) for r in run.data['labels'][:]] and 'keep' in tokens.column_names


def command_in(card):
    "The words of the command that a card tells"
    return shlex.split(re.search(r'```bash\ntokenclean (.*)\n', card)[1])


trainings = {'instructions': ['--data', 'pool.jsonl', '--lora', '4', '--keep-adapter'], 'mapped': ['--data', 'mapped.jsonl', '--columns', 'ask=instruction,tell=output'], 'labels': ['--data', 'run/cleaned.parquet'], 'table': ['--data', 'run/data.parquet', '--learning-rate', '0.00123456789']}


@pytest.fixture(scope='module')
def cleaned(files):
    "A finished run beside the files"
    (files/'mapped.jsonl').write_text((files/'pool.jsonl').read_text().replace('"instruction"', '"ask"').replace('"output"', '"tell"'))
    main(['clean', '--model', 'tiny-base', '--data', str(files/'mapped.jsonl'), '--columns', 'ask=instruction,tell=output', '--method', 'random', '--fraction', '.5', '--epochs', '1', '--out', str(files/'run')])
    return files


@pytest.mark.parametrize('name', trainings)
def test_a_training_has_a_card_whose_command_makes_it_again(name, cleaned, tmp_path, monkeypatch):
    monkeypatch.chdir(cleaned)
    words = [str(cleaned/w) if w.startswith(('run/', 'pool', 'mapped')) else w for w in trainings[name]]
    main(['train', '--model', 'tiny-base', '--epochs', '1', *words, '--out', str(tmp_path/'one')])
    card = (tmp_path/'one/model/README.md').read_text()
    assert 'base model | tiny-base' in card and 'torch ' in card and str(cleaned) not in card and str(tmp_path) not in card
    taught = trained(tc.load_records(str(cleaned/'run/cleaned.parquet')))
    if name in ('labels', 'table'): assert f'trained tokens | {taught.sum():,} of {len(taught):,}' in card and 'labels | tokenclean clean, method random, fraction 0.5' in card and 'cleaned tokens' in card
    else: assert 'all that the data brought' in card and 'cleaned' not in card and 'A score is' not in card
    if words[1].startswith(str(cleaned/'run')): monkeypatch.chdir(cleaned/'run')
    again = command_in(card)
    again[again.index('--out') + 1] = str(tmp_path/'two')
    main(again)
    one, two = (next((tmp_path/n/'model').glob('*.safetensors')).read_bytes() for n in ('one', 'two'))
    assert one == two


def test_the_command_of_a_cleaning_makes_it_again(cleaned, tmp_path, monkeypatch):
    monkeypatch.chdir(cleaned)
    again = command_in((cleaned/'run/README.md').read_text())
    assert '--columns' in again
    again[again.index('--out') + 1] = str(tmp_path/'run')
    main(again)
    for file in ('cleaned.parquet', 'model/model.safetensors'): assert (tmp_path/'run'/file).read_bytes() == (cleaned/'run'/file).read_bytes()
