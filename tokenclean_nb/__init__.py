"See, understand and choose which tokens of a fine-tuning set are worth training on"
__version__ = '0.2.0'

import lazy_loader

_load, _, __all__ = lazy_loader.attach_stub(__name__, __file__) # the names are those of __init__.pyi


def __dir__():
    "What to look at first: the checks of the lessons are there too, and their lessons name them"
    return ['__version__', *(name for name in __all__ if not name.startswith('check_'))]


def __getattr__(name):
    "A public name, loaded when it is first used"
    try: return _load(name)
    except AttributeError as e:
        if name in __all__ or name.startswith('_'): raise
        from .errors import did_you_mean
        raise AttributeError(f'{e}. {did_you_mean(name, __all__)}'.rstrip('. '), name=name) from None
