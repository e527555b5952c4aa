"Fixtures of all tests; nothing here needs a network"
import gc
import os
import tempfile
from pathlib import Path

os.environ.update(TQDM_DISABLE='1', HF_DATASETS_DISABLE_PROGRESS_BARS='1', HF_HUB_DISABLE_PROGRESS_BARS='1', HF_HUB_OFFLINE='1', TOKENIZERS_PARALLELISM='false')
os.environ.setdefault('OMP_NUM_THREADS', '1')
cache = tempfile.TemporaryDirectory()
os.environ['HF_DATASETS_CACHE'] = cache.name

import pytest
from hypothesis import HealthCheck, settings
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from tokenclean_nb.training.models import tiny_base

gc.freeze() # as in .ci/notebooks.py: what is imported is no garbage
settings.register_profile('house', max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
settings.register_profile('repeatable', settings.get_profile('house'), derandomize=True, max_examples=24) # `make test` gives the same answer twice; `make nightly` draws more, and anew
settings.load_profile(os.environ.get('HYPOTHESIS_PROFILE', 'repeatable'))


def pytest_collection_modifyitems(items):
    "The longest test begins first, so that no process waits for it at the end"
    items.sort(key=lambda item: 'test_quick_studies' not in item.nodeid)


def shared_path(name=''):
    "A path of the shared folder beside the repository, or a skip that says what is missing"
    path = Path(__file__).resolve().parents[1].parent/'shared'/name
    if not path.exists(): pytest.skip(f'{path} is absent: real data and models are not part of the repository')
    return path


def byte_level(special=('</s>', '<s>', '<|im_start|>', '<|im_end|>'), **options):
    "A byte-level BPE tokenizer with a few merges and special tokens"
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    texts = ['The sky is blue, the sky is grey. 東京は日本の首都です。 กรุงเทพ القاهرة 😀'] * 3
    bpe.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=330, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=list(special), show_progress=False))
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token='</s>', **options)


@pytest.fixture(scope='session')
def tiny():
    "The tiny base and its tokenizer"
    return tiny_base()


@pytest.fixture
def tokenizer():
    "A byte-level tokenizer without a chat template"
    return byte_level()


@pytest.fixture(scope='session')
def shared():
    "`shared(name)` is a path in the shared folder, or skips the test"
    return shared_path
