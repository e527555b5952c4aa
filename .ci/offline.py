"Make a built site ask for nothing from elsewhere: python .ci/offline.py FOLDER"
import os
import re
import shutil
import sys
from pathlib import Path

import plotly

plotly_js = Path(plotly.__file__).parent/'package_data/plotly.min.js'
script = re.compile(r'<script\b[^>]*\bsrc="(?:https?:)?//([^"]*)"[^>]*>\s*</script>', re.I)
module = re.compile(r'<script type="module">\s*import "(?:https?:)?//[^"]*";?\s*</script>') # Plotly once more, for notebooks
require = re.compile(r'<script\b[^>]*>\s*define\(.jquery.,[^<]*</script>', re.I) # of no use without what is taken out


def own_scripts(page, here):
    "A page whose first figure loads Plotly from `here`, and nothing else from anywhere: not MathJax with every figure, not require.js, not jQuery"
    first = [f'<script charset="utf-8" src="{here}"></script>']
    own = lambda found: first.pop() if 'plotly' in found[1] and first else ''
    return require.sub('', module.sub('', script.sub(own, page)))


def make_offline(folder):
    "Rewrite the pages of a site, and lay Plotly beside them where a figure needs it"
    folder, drawn = Path(folder), False
    for path in folder.rglob('*.html'):
        place = folder/'plotly.min.js'
        old = path.read_text(encoding='utf-8')
        new = own_scripts(old, os.path.relpath(place, path.parent))
        drawn |= 'plotly.min.js"></script>' in new
        if new != old: path.write_text(new, encoding='utf-8')
    if drawn: shutil.copy(plotly_js, place)


if __name__ == '__main__': make_offline(sys.argv[1])
