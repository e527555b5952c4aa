"README.md is nbs/index.ipynb, read from the root of the repository: python .ci/readme.py"
import re
from pathlib import Path

from nbconvert import MarkdownExporter
from traitlets.config import Config

root = Path(__file__).resolve().parent.parent
hidden = r'#\| (hide|echo: false)' # what the site shows alone: pictures that answer
image = re.compile(r'<!-- README (.*?) -->', re.S) # what stands for them where no script runs
link = re.compile(r'(?<=\]\()(?!\w+:|#)')


def made():
    "The text of README.md"
    config = Config(RegexRemovePreprocessor=dict(patterns=[hidden]))
    text, _ = MarkdownExporter(config=config).from_filename(str(root/'nbs/index.ipynb'))
    parts = image.sub(r'\1', text).split('```') # links are links outside of code
    return '```'.join(part if k % 2 else link.sub('nbs/', part) for k, part in enumerate(parts)).strip() + '\n'


if __name__ == '__main__': (root/'README.md').write_text(made(), encoding='utf-8')
