"See, understand and choose which tokens of a fine-tuning set are worth training on"
__version__ = '0.2.0'

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__) # the names are those of __init__.pyi
