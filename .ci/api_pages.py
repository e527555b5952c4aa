"The API pages as Quarto gets them, with short names of types: python .ci/api_pages.py FOLDER"
import gc
import os
import re
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
modules = re.compile(r'(?<=[:>\[|, (])(?:[A-Za-z_]\w*\.)+(?=[A-Za-z])') # those before the name of a type
unknown = re.compile(r':NoneType(?==None)') # nbdev guesses the type of an argument from its default


def short_line(line):
    "A line of a signature with `Figure` for `plotly.graph_objs._figure.Figure`; its comment stays as it is"
    code, mark, comment = line.partition(' # ')
    return modules.sub('', unknown.sub('', code)) + mark + comment


def short_signature(text):
    "The text of a `show_doc` with short types in its code"
    head, fence, rest = text.partition('```python\n')
    code, end, tail = rest.partition('\n```')
    return head + fence + '\n'.join(map(short_line, code.split('\n'))) + end + tail


def short_types(cell):
    "Shorten the types in the output of a `show_doc` cell: nbdev calls this by `doc_procs` in pyproject.toml"
    if cell.cell_type != 'code' or 'show_doc(' not in cell.source: return
    for output in cell.get('outputs', []):
        data = output.get('data', {})
        if 'text/markdown' in data: data['text/markdown'] = short_signature(''.join(data['text/markdown']))
        data.pop('text/plain', None) # the same again, for a terminal


def notebooks():
    "The API notebooks"
    found = (root/'nbs/api').rglob('*.ipynb')
    return sorted(path for path in found if '.ipynb_checkpoints' not in path.parts)


def make(folder):
    "Write every API notebook as nbdev hands it to Quarto; print which fail, and why"
    from fastcore.nbio import read_nb, write_nb
    from nbdev.processors import FilterDefaults
    for path in notebooks():
        nb, page = read_nb(path), Path(folder)/path.relative_to(root/'nbs/api')
        try: FilterDefaults()(nb)
        except Exception as e:
            print(f'{path.relative_to(root)}, no page: {str(e).splitlines()[-1]}')
            continue
        page.parent.mkdir(parents=True, exist_ok=True)
        write_nb(nb, page)


if __name__ == '__main__':
    os.environ['IN_TEST'] = '1' # as nbdev does: widgets show their static picture
    make(sys.argv[1])
    gc.freeze() # at the end the shell of each page collects garbage: a second each where there is much to look at
