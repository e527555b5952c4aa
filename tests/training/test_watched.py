"A training that is killed goes on from its checkpoint; metrics go where they are wanted"
import struct

import numpy as np
import pytest
import torch

import tokenclean_nb as tc
from tokenclean_nb.commands import _watching
from tokenclean_nb.errors import BadInput
from tokenclean_nb.training import trainer
from tokenclean_nb.training.finetune import finetune

good = [dict(instruction=f'Say {i}.', output=f'{i} it is.') for i in range(12)]
slow = dict(progress=False, num_train_epochs=2, per_device_train_batch_size=2, gradient_accumulation_steps=1)


class Killed(BaseException): "No exception that code would catch"


def killer(step):
    "A Trainer callback that ends the program at a step"
    class Kill(trainer._Noted):
        def on_step_begin(self, args, state, control, **kwargs):
            if state.global_step == step: raise Killed
    return Kill


def same(a, b): return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))


@pytest.mark.parametrize('lora', [None, 4])
def test_goes_on_from_its_checkpoint(lora, tiny, tmp_path, monkeypatch):
    "With the same result, and no checkpoint stays; steps before it are not done again"
    ds = tc.encode(tc.as_records(good), tiny[1])
    want = finetune(tiny[0], ds, lora=lora, **slow)
    options = slow | dict(lora=lora, save_steps=3, checkpoints=tmp_path/'steps')
    with monkeypatch.context() as broken, pytest.raises(Killed):
        broken.setattr(trainer, '_Noted', killer(8))
        finetune(tiny[0], ds, **options)
    assert [p.name for p in (tmp_path/'steps.0').iterdir()] == ['checkpoint-6']
    (tmp_path/'steps.0/checkpoint-9').mkdir() # half-written
    done = []
    class Count(trainer._Noted):
        def on_step_end(self, args, state, control, **kwargs): done.append(state.global_step)
    monkeypatch.setattr(trainer, '_Noted', Count)
    got = finetune(tiny[0], ds, **options)
    assert done == [*range(7, 13)] and same(got, want) and not [*tmp_path.iterdir()]


@pytest.mark.parametrize('method, more', [('fixed', {}), ('self-evolving', dict(parts=2)), ('self-evolving', dict(parts=2, learns='all'))])
def test_a_run_goes_on_within_a_training(method, more, tiny, tmp_path, monkeypatch):
    "In the folder of the run; afterwards it is as if nothing had happened"
    job = lambda out, **options: tc.clean(tiny, good, good[:8], method, out=str(tmp_path/out), **slow | more, **options)
    want = job('want')
    with monkeypatch.context() as broken, pytest.raises(Killed):
        broken.setattr(trainer, '_Noted', killer(5))
        job('run', save_steps=2)
    assert [*(tmp_path/'run').rglob('checkpoint-4')]
    got = job('run', save_steps=2)
    assert same(got.model, want.model) and sorted(p.name for p in (tmp_path/'run').iterdir()) == sorted(p.name for p in (tmp_path/'want').iterdir())


def scalars(folder):
    "Name -> (step, value) of TensorBoard's files under a folder"
    from tensorboardX.proto.event_pb2 import Event
    found = {}
    for path in folder.rglob('events.*'):
        data, at = path.read_bytes(), 0
        while at < len(data):
            size, = struct.unpack_from('<Q', data, at)
            event = Event.FromString(data[at + 12:at + 12 + size])
            at += 16 + size
            for value in event.summary.value: found.setdefault(f'{path.parent.relative_to(folder)}/{value.tag}', []).append((event.step, value.simple_value))
    return found


def test_tensorboard(tmp_path):
    "Of the trainings their losses, of the rounds what the table of rounds says"
    pytest.importorskip('tensorboardX')
    task = tc.make_task(24, noise=.3, progress=False)
    run = tc.clean(tc.tiny_base(), task.pool, task.warmup, 'self-evolving', parts=2, measure=lambda model: dict(test_error=.5), logging_steps=1, **slow, **_watching(tmp_path, None, 'tensorboard', None))
    seen = scalars(tmp_path/'logs')
    for name, column in {'kept': run.rounds.kept, 'threshold': run.rounds.threshold, 'noise_after': run.rounds.noise_after, 'kept_share': run.rounds.kept / run.rounds.tokens, 'test_error': run.rounds.test_error}.items():
        assert np.allclose([v for _, v in seen[f'rounds/{name}']], column.dropna()), name
    assert [step for step, _ in seen['rounds/kept']] == run.rounds['round'].tolist()
    assert len([k for k in seen if k.endswith('train/loss')]) >= 1


class Service:
    "A tracking service with one open run, which refuses steps that lie behind"
    runs, open = [], None
    def __init__(self, name): Service.open = dict(name=name, lines=[]); Service.runs.append(Service.open)
    def log(self, numbers, step):
        assert Service.open and step > max([-1, *(s for s, _ in Service.open['lines'])])
        Service.open['lines'].append((step, numbers))
    def finish(self): Service.open = None


class ServiceTracker(Service): requires_logging_directory = False


class ServiceCallback(trainer.TrainerCallback):
    "Takes over the open run, as W&B does, and closes it, as MLflow does"
    def on_train_begin(self, *args, **kwargs): self.to = Service.open and self or Service('training')
    def on_log(self, args, state, control, logs, **kwargs): self.to and Service.log(self.to, logs, max([-1, *(s for s, _ in Service.open['lines'])]) + 1)
    def on_train_end(self, *args, **kwargs): Service.open = None


@pytest.mark.parametrize('method, more', [('fixed', {}), ('self-evolving', dict(parts=2))])
def test_a_service_with_one_open_run(method, more, tiny, tmp_path, monkeypatch):
    "The option of the command line: all rounds in one run of their own, also after an interruption; the losses in others"
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS
    from transformers import integrations
    monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, 'service', ServiceTracker)
    monkeypatch.setitem(integrations.integration_utils.INTEGRATION_TO_CALLBACK, 'service', ServiceCallback)
    monkeypatch.setattr('tokenclean_nb.training.finetune.get_available_reporting_integrations', lambda: ['service'])
    job = lambda: tc.clean(tiny, good, good[:8], method, out=str(tmp_path/'run'), **slow | more, **_watching(tmp_path, None, 'service', None))
    with monkeypatch.context() as broken, pytest.raises(Killed):
        broken.setattr(trainer, '_Noted', killer(9))
        job()
    Service.runs, Service.open = [], None
    rounds = job().rounds
    found = [run for run in Service.runs if run['name'] == 'rounds']
    assert len(found) == 1 and [step for step, _ in found[0]['lines']] == rounds['round'].tolist()
    for column in {'kept', 'threshold', 'train_loss'} & {*rounds}: assert [line[column] for _, line in found[0]['lines'] if column in line] == rounds[column].dropna().tolist()
    assert all('kept_share' in line for _, line in found[0]['lines'])
    assert any('train_loss' in line for run in Service.runs if run['name'] == 'training' for _, line in run['lines'])


def test_of_no_use(tiny):
    for wrong in (dict(save_steps=0), dict(report_to='nowhere'), dict(report_to=['none', 'tensorbord'])):
        with pytest.raises(BadInput, match=f'`{[*wrong][0]}` is'): tc.clean(tiny, good, good, **wrong)
    with pytest.raises(BadInput, match='logging_dir'): _watching('out', None, None, 'logs')


def test_a_service_that_refuses_is_one_line(tiny, tmp_path, monkeypatch):
    "At the first training, where the folder is free again, and where the rounds are sent: what is trained stays"
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS
    from transformers import integrations
    class Refused(Exception): __module__ = 'service.errors'
    class Refusing(trainer.TrainerCallback):
        def on_train_begin(self, *args, **kwargs): raise Refused('no folder any more\nread the manual')
    class RefusingTracker(ServiceTracker):
        def log(self, numbers, step): raise Refused('no folder any more\nread the manual')
    for callback, tracker, left in ((Refusing, ServiceTracker, False), (trainer.TrainerCallback, RefusingTracker, True)):
        monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, 'service', tracker)
        monkeypatch.setitem(integrations.integration_utils.INTEGRATION_TO_CALLBACK, 'service', callback)
        monkeypatch.setattr('tokenclean_nb.training.finetune.get_available_reporting_integrations', lambda: ['service'])
        with pytest.raises(OSError, match=r'^service does not take the metrics: no folder any more The same command goes on [^\n]*$'):
            tc.clean(tiny, good, good[:8], out=str(tmp_path/'run'), **slow, **_watching(tmp_path, None, 'service', None))
        assert (tmp_path/'run/steps/model/model.safetensors').exists() == left == (tmp_path/'run').exists()
    assert len(tc.clean(tiny, good, good[:8], out=str(tmp_path/'run'), **slow).rounds) == 1
